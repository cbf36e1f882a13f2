"""No object is missed: whatever its key, its time and the moment at which it appears.

The listings are those of the real client, of a server that lists as S3 does.
"""

from functools import partial
from pathlib import Path

import pytest
import yaml

from producer.s3.s3_object_store import S3ObjectStore
from tests.scenarios.drops import (
    BUCKET,
    DAY,
    HOUR,
    SOURCE,
    begun_behind,
    content_of,
    lines_of,
    numbered,
    put,
    put_at,
)
from tests.scenarios.ingestion import LONG_SECONDS, Ingestion
from tests.support.fault_s3.buckets import NumberedKeys
from tests.support.fault_s3.faults import Fault, ListObjectsV2
from tests.support.fault_s3.server import FaultS3
from tests.support.waiting import eventually
from tests.unit.discovery.listing_stores import has_ended
from tests.unit.discovery.tables import ScriptedTopics

SCHEMAS = Path(__file__).parents[2] / "schemas"


@pytest.mark.parametrize("late", [1, 1001])
def test_keys_below_the_mark_are_ingested_at_the_next_poll(
    hasty: Ingestion, fault_s3: FaultS3, late: int
) -> None:
    """One, or more than a page of them: what was written lately bounds the short cut."""
    before = put_at(fault_s3, hasty, -HOUR, "b1", "m1", "z1")
    hasty.ingest()
    new = put_at(fault_s3, hasty, 0, *numbered("n", range(late)))

    assert late == len(hasty.ingest())
    assert "b" == begun_behind(fault_s3)

    assert lines_of(*before, *new) == hasty.lines()
    assert late == hasty.late[SOURCE.id] == hasty.status(SOURCE.id).objects_late
    assert "z1" == hasty.status(SOURCE.id).high_water_key


def test_keys_below_all_that_a_poll_looks_back_to_are_found_by_reconciling(
    hasty: Ingestion, fault_s3: FaultS3
) -> None:
    """And told: the count of late objects is the alarm."""
    old = put_at(fault_s3, hasty, -30 * DAY, "b1", "m1", "z1")
    hasty.ingest()
    new = put_at(fault_s3, hasty, 0, *numbered("a", range(20)))

    assert [] == hasty.ingest()
    assert "z" == begun_behind(fault_s3)
    assert 0 == hasty.status(SOURCE.id).objects_late
    # The time for reconciling: three hours since the last whole listing.
    hasty.ingest(after_seconds=3 * HOUR)

    assert lines_of(*old, *new) == hasty.lines()
    assert 20 == hasty.late[SOURCE.id] == hasty.status(SOURCE.id).objects_late


def test_failed_object_holds_the_mark_and_is_tried_again_after_a_restart(
    hasty: Ingestion, fault_s3: FaultS3
) -> None:
    """A later key that was finished first takes nothing from it."""
    put_at(fault_s3, hasty, -2 * DAY, "k0", "k1", "k2")
    fault_s3.change(BUCKET, "k1", is_denied=True)
    assert 3 == len(hasty.ingest())
    assert "k0" == hasty.status(SOURCE.id).high_water_key

    hasty.restart()
    hasty.ingest(after_seconds=1)
    assert "k0" == hasty.status(SOURCE.id).high_water_key
    fault_s3.change(BUCKET, "k1", is_denied=False)
    hasty.ingest(after_seconds=LONG_SECONDS)

    assert lines_of("k0", "k1", "k2") == hasty.lines()
    assert "k2" == hasty.status(SOURCE.id).high_water_key


@pytest.mark.parametrize(
    "fault",
    [
        ListObjectsV2().slowed_down(),
        ListObjectsV2().failed_late(),
        ListObjectsV2().cut_at(5000, resets=True),
    ],
    ids=["503", "500 in a 200", "reset"],
)
def test_listing_that_failed_half_way_passes_nothing_and_is_gone_on_with(
    hasty: Ingestion, fault_s3: FaultS3, fault: Fault
) -> None:
    """Not by a process that comes next either, which lists the whole prefix."""
    keys = put(fault_s3, *numbered("k", range(2100)))
    fault_s3.script(fault.after(1).times(2))

    assert 1000 == len(hasty.ingest())
    status = hasty.status(SOURCE.id)
    assert (None, 0, 1) == (status.listed_through, status.listings, status.failures_in_a_row)
    assert "k00999" == status.high_water_key
    hasty.restart()
    assert [] == hasty.ingest()
    late = put(fault_s3, "a")
    hasty.ingest(after_seconds=LONG_SECONDS)

    assert lines_of(*keys, *late) == hasty.lines()
    assert keys[-1] == hasty.status(SOURCE.id).listed_through
    # A listing that did not end has passed nothing, so nothing of it can be late.
    assert 0 == hasty.status(SOURCE.id).objects_late


@pytest.mark.parametrize("count", [1000, 1001, 2000])
def test_keys_at_the_borders_of_pages_are_all_found(
    ingestion: Ingestion, fault_s3: FaultS3, count: int
) -> None:
    """A full page may be the last; a listing ends, and the next one finds nothing new."""
    keys = put(fault_s3, *numbered("k", range(count)))

    assert count == len(ingestion.ingest())
    pages = len(fault_s3.asked("ListObjectsV2"))
    assert [] == ingestion.ingest()

    assert lines_of(*keys) == ingestion.lines()
    assert -(-count // 1000) == pages
    assert 2 * pages == len(fault_s3.asked("ListObjectsV2"))


def test_objects_uploaded_during_a_listing_are_ingested_by_the_next_poll(
    hasty: Ingestion, fault_s3: FaultS3
) -> None:
    """Behind the page that is under way or before it, in the first listing and in a later one."""
    keys = put(fault_s3, *numbered("k", range(1100)))
    for turn in ("a", "b"):
        new = [f"k00000.{turn}", f"k01050.{turn}"]
        fault_s3.script(ListObjectsV2().doing_afterwards(partial(put, fault_s3, *new)))
        hasty.ingest()
        hasty.ingest()
        keys += new

        assert lines_of(*keys) == hasty.lines()


def test_objects_of_one_second_are_ingested_however_polls_split_them(
    hasty: Ingestion, fault_s3: FaultS3
) -> None:
    """Times are no position: what has the time of what was seen is as new as anything."""
    second = hasty.time()
    numbers = [7, 2, 9, 4, 1, 8, 3, 6, 5, 10]
    keys: list[str] = []
    for turn in range(5):
        new = numbered("k", numbers[turn::5])
        for key in new:
            fault_s3.put(BUCKET, key, content_of(key), last_modified=second)
        keys += new
        hasty.ingest()

        assert lines_of(*keys) == hasty.lines()


@pytest.mark.parametrize("age_seconds", [6 * HOUR, 3 * DAY], ids=["hours", "days"])
def test_upload_that_took_long_is_ingested_though_its_time_is_old(
    hasty: Ingestion, fault_s3: FaultS3, age_seconds: int
) -> None:
    """Of several parts: it has the time at which it began, and appears when it ends."""
    keys = put_at(fault_s3, hasty, -HOUR, "b1", "z1")
    hasty.ingest()
    keys += put_at(fault_s3, hasty, -age_seconds, "c-in-the-middle", "zz-at-the-end")

    hasty.ingest()
    assert "b" == begun_behind(fault_s3)

    assert lines_of(*keys) == hasty.lines()


def test_writers_with_names_of_their_own_starve_nobody(
    hasty: Ingestion, fault_s3: FaultS3
) -> None:
    """Each poll brings what each of them wrote, over the end of a day.

    Names without any order are found by reconciling at the latest.
    """
    keys = put_at(fault_s3, hasty, 0, "host-a/2026-05-28/22", "host-b/2026-05-28/22")
    hasty.ingest()
    for number, name in enumerate(("2026-05-28/23", "2026-05-29/00", "2026-05-29/01")):
        # Sorted by name, the newest object of one writer lies below the oldest of another.
        new = put_at(fault_s3, hasty, 0, f"host-a/{name}", f"host-b/{name}")
        keys += new + put_at(fault_s3, hasty, 0, f"{9 - number}f3a-uuid")

        outcomes = hasty.ingest(after_seconds=HOUR // 2)

        assert set(new) <= {outcome.key for outcome in outcomes}
    hasty.ingest(after_seconds=3 * HOUR)
    assert lines_of(*keys) == hasty.lines()


@pytest.mark.parametrize("minutes", [-10, 10])
def test_clock_that_is_minutes_off_misses_nothing(
    hasty: Ingestion, fault_s3: FaultS3, minutes: int
) -> None:
    """The clock of the bucket, that is; one that is set back is the process's own."""
    keys = put_at(fault_s3, hasty, 60 * minutes, "b1", "z1")
    hasty.ingest()
    keys += put_at(fault_s3, hasty, 60 * minutes, "b2", "c1", "zz")
    hasty.clock.set_back(20 * 60)
    hasty.ingest()

    assert lines_of(*keys) == hasty.lines()


def test_objects_of_the_future_hide_nothing(hasty: Ingestion, fault_s3: FaultS3) -> None:
    """A wrong date is a matter of that object alone."""
    keys = put_at(fault_s3, hasty, 400 * DAY, "m1")
    hasty.ingest()
    for name in ("m2", "z1"):
        keys += put_at(fault_s3, hasty, 0, name)
        hasty.ingest()

        assert lines_of(*keys) == hasty.lines()
    keys += put_at(fault_s3, hasty, 400 * DAY, "a1", "z2")
    hasty.ingest(after_seconds=3 * HOUR)
    assert lines_of(*keys) == hasty.lines()


def test_million_objects_flow_before_they_are_listed_and_stop_at_once(
    topics: ScriptedTopics, store: S3ObjectStore, fault_s3: FaultS3
) -> None:
    """Pages are asked for as objects finish: so what is held is bounded, and stopping is quick."""
    ingestion = Ingestion(topics, store, in_flight_max=50)
    ingestion.apply(SOURCE)
    stored = fault_s3.put("elsewhere", "one", b"line\n")
    fault_s3.generate(BUCKET, NumberedKeys("k", 1_000_000, "", stored=stored))

    def have_flowed() -> bool:
        ingestion.step()
        return len(ingestion.kept.raw) >= 1500

    eventually(have_flowed, every_seconds=0.002)
    assert 0 == ingestion.listed[SOURCE.id]
    # The one whose objects are pulled, and four ahead at most: two that wait, one in the thread's
    # hands, one that is taken.
    assert len(fault_s3.asked("ListObjectsV2")) <= 2 + 4
    assert ingestion.discovery.waiting() <= 1000
    ingestion.stop()
    eventually(lambda: has_ended(SOURCE.id), every_seconds=0.005)
    assert len(fault_s3.asked("ListObjectsV2")) <= 2 + 4


def test_bucket_that_is_emptied_and_refilled_with_lower_keys_is_ingested(
    hasty: Ingestion, fault_s3: FaultS3
) -> None:
    """By reconciling at the latest, and told as late: the place of before means little then."""
    old = put_at(fault_s3, hasty, -2 * DAY, "x1", "x2")
    hasty.ingest()
    for key in old:
        fault_s3.delete(BUCKET, key)
    hasty.ingest()
    new = put_at(fault_s3, hasty, 0, "a1", "a2")
    hasty.ingest(after_seconds=3 * HOUR)

    assert lines_of(*old, *new) == hasty.lines()
    assert 2 == hasty.status(SOURCE.id).objects_late


def test_state_grows_with_objects_and_not_with_polls(
    ingestion: Ingestion, fault_s3: FaultS3
) -> None:
    """A version and an outcome an object, in topics that compact, and a status a poll at most."""
    put(fault_s3, *numbered("k", range(50)))
    for _ in range(20):
        ingestion.ingest()

    assert 50 == sum(map(len, ingestion.kept.objects)) == len(ingestion.kept.outcomes)
    told = ingestion.kept.statuses_told
    for _ in range(20):
        ingestion.ingest()
    assert ingestion.kept.statuses_told <= told + 20
    topics = yaml.safe_load((SCHEMAS / "topics.yaml").read_text())["topics"]
    state = ("sources", "objects", "outcomes", "source-status")
    assert dict.fromkeys(state, "compact") == {name: topics[name]["cleanup"] for name in state}
