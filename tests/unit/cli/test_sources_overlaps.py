"""Sources that would read the same objects."""

import msgspec
import pytest

from producer.cli.sources_file import overlaps
from producer.contract.source import IngestionSource


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
