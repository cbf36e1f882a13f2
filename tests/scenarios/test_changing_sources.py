"""Sources that move, overlap, are disabled, removed and made again: each keeps what is its own."""

from collections import Counter

import pytest
from msgspec.structs import replace

from producer.contract.objects import Reason
from producer.contract.status import Status
from producer.s3.s3_object_store import S3ObjectStore
from tests.scenarios.drops import BUCKET, SOURCE, begun_behind, content_of, lines_of, put, put_at
from tests.scenarios.ingestion import LONG_SECONDS, Ingestion
from tests.support.builders import a_source, a_source_id_in
from tests.support.fault_s3.server import FaultS3
from tests.unit.discovery.tables import PARTITIONS, ScriptedTopics

OLD = -2 * 86_400
OTHER = replace(SOURCE, id="src_other")
ROLE = "arn:aws:iam::123456789012:role/compliance"


@pytest.mark.parametrize(
    ("before", "after"),
    [("p/", "p/q/"), ("p/q/", "p/"), ("p/q/", "o/")],
    ids=["narrower", "wider", "renamed"],
)
def test_prefix_that_is_changed_is_listed_from_its_beginning(
    hasty: Ingestion, fault_s3: FaultS3, before: str, after: str
) -> None:
    """A place among other keys means nothing; what the ledger knows is not pulled twice."""
    keys = put_at(fault_s3, hasty, OLD, "o/k1", "p/k1", "p/q/k1", "p/q/k2", "p/z1")
    hasty.apply(a_source(bucket=BUCKET, prefix=before))
    hasty.ingest()
    hasty.ingest()
    assert begun_behind(fault_s3) is not None

    hasty.apply(a_source(bucket=BUCKET, prefix=after))
    hasty.ingest()

    assert begun_behind(fault_s3) is None
    status = hasty.status(SOURCE.id)
    assert after == status.prefix
    assert status.high_water_key == max(key for key in keys if key.startswith(after))
    # Another place knows of nothing that was passed.
    assert 0 == status.objects_late
    assert lines_of(*(key for key in keys if key.startswith((before, after)))) == hasty.lines()


def test_bucket_that_is_swapped_is_listed_from_its_beginning(
    hasty: Ingestion, fault_s3: FaultS3
) -> None:
    """Copies of what was pulled are known; what is new or differs is pulled, wherever it sorts."""
    put_at(fault_s3, hasty, OLD, "k1", "m1", "z1")
    hasty.ingest()
    fault_s3.put("drops-new", "m1", content_of("m1"))
    fault_s3.put("drops-new", "z1", b"another line")
    fault_s3.put("drops-new", "a1", content_of("a1"))

    hasty.apply(replace(SOURCE, bucket="drops-new"))
    outcomes = hasty.ingest()

    assert {("drops-new", "a1"), ("drops-new", "z1")} == {
        (outcome.bucket, outcome.key) for outcome in outcomes
    }
    status = hasty.status(SOURCE.id)
    assert ("drops-new", "z1", 0) == (status.bucket, status.high_water_key, status.objects_late)
    expected = lines_of("a1", "k1", "m1", "z1") + Counter([("z1", b"another line")])
    assert expected == hasty.lines()


@pytest.mark.parametrize("partition", range(PARTITIONS))
def test_sources_that_share_keys_know_nothing_of_each_other(
    ingestion: Ingestion, fault_s3: FaultS3, partition: int
) -> None:
    """One's prefix contains the other's, in one process or in two; one is removed."""
    first, second = (
        a_source_id_in(index, partitions=PARTITIONS, number=number)
        for index, number in ((0, 0), (partition, 1))
    )
    outer = a_source(id=first, bucket=BUCKET, prefix="p/")
    inner = a_source(id=second, bucket=BUCKET, prefix="p/q/")
    put(fault_s3, "p/a", "p/q/b", "p/z")
    ingestion.remove(SOURCE.id)
    ingestion.apply(outer, inner)
    ingestion.ingest()
    assert lines_of("p/a", "p/q/b", "p/z") == ingestion.lines(outer.id)
    assert lines_of("p/q/b") == ingestion.lines(inner.id)
    assert ["p/z", "p/q/b"] == [
        ingestion.status(each.id).high_water_key for each in (outer, inner)
    ]

    ingestion.remove(inner.id)
    put(fault_s3, "p/q/c")
    ingestion.ingest()
    assert lines_of("p/a", "p/q/b", "p/q/c", "p/z") == ingestion.lines(outer.id)
    assert lines_of("p/q/b") == ingestion.lines(inner.id)


def test_disabled_source_goes_on_where_it_was(hasty: Ingestion, fault_s3: FaultS3) -> None:
    """Nothing is listed meanwhile; enabled again it pulls what came, and nothing twice."""
    keys = put_at(fault_s3, hasty, 0, "b1", "z1")
    hasty.ingest()
    mark = hasty.status(SOURCE.id).high_water_key
    hasty.apply(replace(SOURCE, disabled=True))
    keys += put_at(fault_s3, hasty, 0, "c1", "z2")
    asked = len(fault_s3.asked("ListObjectsV2"))
    assert [] == hasty.ingest(after_seconds=LONG_SECONDS)

    assert asked == len(fault_s3.asked("ListObjectsV2"))
    status = hasty.status(SOURCE.id)
    assert (Status.DISABLED, mark) == (status.status, status.high_water_key)
    hasty.apply(SOURCE)
    hasty.ingest()
    assert lines_of(*keys) == hasty.lines()


def test_source_made_again_under_its_id_goes_on_and_another_id_begins_anew(
    hasty: Ingestion, fault_s3: FaultS3
) -> None:
    """The ledger is the id's: also over a restart that comes between."""
    put(fault_s3, "b1", "z1")
    hasty.ingest()
    hasty.remove(SOURCE.id)
    hasty.pull_rest()
    hasty.restart()
    put(fault_s3, "c1")
    hasty.apply(SOURCE, OTHER)
    hasty.ingest()

    assert lines_of("b1", "c1", "z1") == hasty.lines(SOURCE.id) == hasty.lines(OTHER.id)
    assert 1 == hasty.status(SOURCE.id).objects_late
    assert 0 == hasty.status(OTHER.id).objects_late


def test_external_id_that_is_rotated_is_a_problem_of_its_source_alone(
    topics: ScriptedTopics, store: S3ObjectStore, fault_s3: FaultS3
) -> None:
    """After three failures it is unhealthy; with the right id it goes on, and lost nothing."""
    fault_s3.roles.add(ROLE, external_id="lw-1")
    source = replace(SOURCE, role_arn=ROLE, external_id="lw-1")
    ingestion = Ingestion(topics, store)
    ingestion.apply(source, replace(OTHER, bucket="others"))
    fault_s3.put("others", "a", content_of("a"))
    put(fault_s3, "a")
    ingestion.ingest()

    fault_s3.roles.add(ROLE, external_id="lw-2")
    ingestion.apply(replace(source, external_id="lw-0"))
    put(fault_s3, "b")
    for number in range(3):
        fault_s3.put("others", f"b{number}", content_of(f"b{number}"))
        ingestion.ingest(after_seconds=LONG_SECONDS)
    status, other = ingestion.status(source.id), ingestion.status(OTHER.id)
    assert (False, Reason.ROLE_NOT_ASSUMABLE, 3, "a") == (
        status.healthy,
        status.problem,
        status.failures_in_a_row,
        status.high_water_key,
    )
    assert (True, None, "b2") == (other.healthy, other.problem, other.high_water_key)

    ingestion.apply(replace(source, external_id="lw-2"))
    ingestion.ingest(after_seconds=LONG_SECONDS)
    status = ingestion.status(source.id)
    assert (True, None, "b") == (status.healthy, status.problem, status.high_water_key)
    assert lines_of("a", "b") == ingestion.lines(source.id)
    assert "lw-2" == fault_s3.asked("AssumeRole")[-1].external_id
