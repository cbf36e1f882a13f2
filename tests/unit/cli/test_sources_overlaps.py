"""Sources that would read the same objects, and those that are to read others than before."""

import msgspec
import pytest

from producer.cli.sources_file import moves, overlaps
from producer.contract.source import IngestionSource
from tests.support.builders import a_source


def an_ingestion_source(source_id: str, **changes: object) -> IngestionSource:
    """Give a source of one organisation and bucket."""
    values = {"id": source_id, "organization_id": "org", "name": "x", "bucket": "bucket"}
    return msgspec.convert(values | changes, IngestionSource)


@pytest.mark.parametrize(
    ("changes", "is_overlap"),
    [
        ({}, True),
        ({"prefix": "compliance/2026/"}, True),
        ({"prefix": ""}, True),
        ({"prefix": "compliance2/"}, False),
        ({"bucket": "other"}, False),
        ({"organization_id": "other"}, False),
        ({"disabled": True}, False),
    ],
)
def test_overlaps_warns_of_sources_that_read_the_same_objects(
    changes: dict[str, object], *, is_overlap: bool
) -> None:
    """Two enabled sources of one organisation overlap where one's prefix begins the other's."""
    first, second = an_ingestion_source("src_1"), an_ingestion_source("src_2", **changes)
    expected = (
        "sources 'src_1' and 'src_2' of organization 'org' overlap in bucket 'bucket': "
        "their objects would be counted twice; disable one of them"
    )
    assert ([expected] if is_overlap else []) == overlaps([second, first])


def test_source_that_moves_is_told_what_that_means() -> None:
    """Its position starts anew, and what its ledger knows is not pulled again by itself."""
    known = {"src_acme": a_source()}
    (warning,) = moves(known, [a_source(prefix="other/")])
    assert warning.startswith(
        "source 'src_acme' moves to bucket 'acme-compliance', prefix 'other/': its position"
    )
    assert "`openai-compliance objects replay --source src_acme --from KEY --to KEY`" in warning
    assert 1 == len(list(moves(known, [a_source(bucket="other")])))


def test_source_that_stays_or_is_new_does_not_move() -> None:
    """Other changes keep the position, and what was not there has none."""
    known = {"src_acme": a_source()}
    assert [] == list(moves(known, [a_source(name="x", role_arn="y"), a_source(id="src_new")]))
