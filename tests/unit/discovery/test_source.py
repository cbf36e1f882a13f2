"""One source while it is owned: when it is listed, what waits, and what is told about it."""

from collections import deque
from typing import TYPE_CHECKING, cast

import pytest
from msgspec.structs import replace

from producer.contract.objects import ObjectVersion, Outcome, Reason
from producer.contract.source import IngestionSource
from producer.contract.status import SourceStatus, Status
from producer.discovery.ledger import Ledger
from producer.discovery.listing import ListingFinished
from producer.discovery.retrying import RetryPolicy
from producer.discovery.source import SourceDiscovery
from producer.s3.object_store import ObjectStoreRefusedError, Page
from tests.support.builders import NOW, SECOND, a_source, a_version, an_outcome
from tests.support.stages import numbered_ids
from tests.unit.discovery.listing_stores import a_page

if TYPE_CHECKING:
    from producer.discovery.listing import Listing

DENIED = ObjectStoreRefusedError(reason=Reason.ACCESS_DENIED, detail="no s3:ListBucket")
DONE = ListingFinished()
Arrival = Page | ObjectStoreRefusedError | ListingFinished
RETRY = RetryPolicy(first_seconds=60, longest_seconds=3600)


class ScriptedListing:
    """Hands over what it was given."""

    def __init__(self, *arriving: Arrival) -> None:
        self.arriving = deque(arriving)
        self.is_cancelled = False

    def has_arrived(self) -> bool:
        return bool(self.arriving)

    def take(self) -> Arrival:
        return self.arriving.popleft()

    def cancel(self) -> None:
        self.is_cancelled = True


def a_ledger(*versions: ObjectVersion) -> Ledger:
    ledger = Ledger()
    ledger.finish_restoring()
    for version in versions:
        ledger.apply_version(version)
    return ledger


def looked_after(
    source: IngestionSource | None = None,
    *,
    ledger: Ledger | None = None,
    previous: SourceStatus | None = None,
    last_event_at: int | None = None,
) -> SourceDiscovery:
    return SourceDiscovery(
        source or a_source(),
        ledger=ledger or a_ledger(),
        previous=previous,
        last_event_at=last_event_at,
        retry=RETRY,
        new_id=numbered_ids("pull"),
    )


def list_with(discovery: SourceDiscovery, *arriving: Arrival, now: int = NOW) -> ScriptedListing:
    listing = ScriptedListing(*arriving)
    discovery.begin_listing(cast("Listing", listing), now=now)
    discovery.advance_listing(now=now)
    return listing


def publish_pending(discovery: SourceDiscovery) -> list[ObjectVersion]:
    versions = list(discovery.pending)
    discovery.learn_published(versions)
    return versions


def test_source_is_listed_at_once_and_then_as_often_as_it_says() -> None:
    """Counted from the beginning of the last listing, however that ended."""
    discovery = looked_after(a_source(poll_every_seconds=60))
    assert discovery.is_listing_due(NOW)

    list_with(discovery, DENIED)

    assert not discovery.is_listing_due(NOW + 60 * SECOND - 1)
    assert discovery.is_listing_due(NOW + 60 * SECOND)


def test_source_is_listed_although_the_clock_was_set_back() -> None:
    """A clock that was an hour fast must not stop discovery for an hour."""
    discovery = looked_after()
    list_with(discovery, DONE)

    assert discovery.is_listing_due(NOW - 3600 * SECOND)


def test_source_is_not_listed_twice_at_once() -> None:
    """Nor while what the last listing brought waits to be published."""
    discovery = looked_after()
    list_with(discovery)
    later = NOW + 3600 * SECOND
    assert not discovery.is_listing_due(later)

    waiting = looked_after()
    list_with(waiting, a_page("k1"), DONE)
    publish_pending(waiting)
    waiting.advance_listing(now=NOW)
    assert waiting.is_listing_due(later)
    waiting.pending.append(a_version())
    assert not waiting.is_listing_due(later)


def test_disabled_source_is_neither_listed_nor_retried() -> None:
    """What is queued is pulled, and nothing more is queued."""
    ledger = a_ledger(a_version())
    ledger.apply_outcome(
        an_outcome(outcome=Outcome.QUARANTINED, reason=Reason.THROTTLED, finished_at=0)
    )
    discovery = looked_after(a_source(disabled=True), ledger=ledger)

    discovery.collect_retries(now=NOW)

    assert not discovery.is_listing_due(NOW)
    assert [] == list(discovery.pending)
    assert Status.DISABLED == discovery.status(now=NOW).status


def test_page_is_taken_when_the_one_before_is_published() -> None:
    """Never more than a page waits, and no key is in it twice."""
    discovery = looked_after()
    list_with(discovery, a_page("k1", "k2"), a_page("k3"), DONE)

    assert ["k1", "k2"] == [version.key for version in publish_pending(discovery)]
    discovery.advance_listing(now=NOW)
    assert ["k3"] == [version.key for version in publish_pending(discovery)]
    assert not discovery.is_listed_once
    discovery.advance_listing(now=NOW)
    assert discovery.is_listed_once


def test_pages_with_nothing_new_are_passed_over() -> None:
    """Up to the first that brings something, or the end."""
    ledger = a_ledger(a_version(key="k1"))
    discovery = looked_after(ledger=ledger)

    list_with(discovery, a_page(), a_page("k1"), a_page("k2"), DONE)

    assert ["k2"] == [version.key for version in discovery.pending]


def test_each_new_version_has_a_pull_of_its_own() -> None:
    """It is what tells an overwritten object from a replay."""
    discovery = looked_after(a_source(bucket="b-1"))
    list_with(discovery, a_page("k1", "k2"))

    assert [("k1", "pull-1", "b-1"), ("k2", "pull-2", "b-1")] == [
        (version.key, version.pull_id, version.bucket) for version in discovery.pending
    ]


def test_stopped_listing_leaves_nothing() -> None:
    """What it has brought belongs to an assignment that is no more."""
    discovery = looked_after()
    listing = list_with(discovery, a_page("k1"), a_page("k2"))

    discovery.stop_listing()

    assert listing.is_cancelled
    assert [] == list(discovery.pending)
    discovery.advance_listing(now=NOW)
    assert [] == list(discovery.pending)


def test_retries_wait_for_what_is_pending() -> None:
    """So no key is pending twice: as a retry, and as a new version."""
    failed = a_version(key="k1")
    ledger = a_ledger(failed)
    ledger.apply_outcome(
        an_outcome(failed, outcome=Outcome.QUARANTINED, reason=Reason.THROTTLED, finished_at=0)
    )
    discovery = looked_after(ledger=ledger)
    list_with(discovery, a_page("k1", etag="etag-b"))

    discovery.collect_retries(now=NOW)
    assert ["etag-b"] == [version.etag for version in discovery.pending]
    publish_pending(discovery)
    discovery.collect_retries(now=NOW)
    assert [] == list(discovery.pending)


def test_retries_are_looked_for_once_a_second() -> None:
    """A bucket that failed whole is not gone through in each step of the loop."""
    discovery = looked_after()
    discovery.collect_retries(now=NOW)
    failed = a_version()
    discovery.ledger.apply_version(failed)
    discovery.ledger.apply_outcome(
        an_outcome(failed, outcome=Outcome.QUARANTINED, reason=Reason.THROTTLED, finished_at=0)
    )

    discovery.collect_retries(now=NOW + SECOND - 1)
    assert [] == list(discovery.pending)
    discovery.collect_retries(now=NOW + SECOND)
    assert [2] == [version.attempt for version in discovery.pending]


def test_new_source_awaits_its_first_event() -> None:
    """It is told at once, and is healthy until shown otherwise."""
    discovery = looked_after()

    status = discovery.status(now=NOW)

    assert discovery.is_status_due
    assert (Status.AWAITING_FIRST_EVENT, True, None) == (
        status.status,
        status.healthy,
        status.problem,
    )


def test_source_is_active_after_an_object_with_lines() -> None:
    """An object without any says nothing."""
    discovery = looked_after()
    discovery.learn_outcome(an_outcome(raw_lines=0, finished_at=NOW + 1))
    assert Status.AWAITING_FIRST_EVENT == discovery.status(now=NOW).status

    discovery.learn_outcome(an_outcome(finished_at=NOW + 5))
    discovery.learn_outcome(an_outcome(finished_at=NOW + 3))

    assert Status.ACTIVE == discovery.status(now=NOW).status
    assert NOW + 5 == discovery.status(now=NOW).last_event_at


def test_source_is_unhealthy_after_three_failures_in_a_row() -> None:
    """The problem is named from the first, and gone with the next good listing."""
    discovery = looked_after()
    told = []
    for end in (DENIED, DENIED, DENIED, DONE):
        list_with(discovery, end)
        told.append(discovery.status(now=NOW))

    assert [True, True, False, True] == [status.healthy for status in told]
    assert [1, 2, 3, 0] == [status.failures_in_a_row for status in told]
    assert [0, 0, 0, 1] == [status.listings for status in told]
    assert [Reason.ACCESS_DENIED] * 3 + [None] == [status.problem for status in told]
    assert DENIED.detail == told[0].problem_detail


def test_last_listing_is_the_last_good_one_from_its_beginning() -> None:
    """A refused one does not count, nor one that is under way."""
    discovery = looked_after()
    list_with(discovery, DONE, now=NOW)
    list_with(discovery, DENIED, now=NOW + 60 * SECOND)
    list_with(discovery, now=NOW + 120 * SECOND)

    assert NOW == discovery.status(now=NOW + 180 * SECOND).last_listing_at


def test_behind_is_what_waits_and_what_is_not_finished() -> None:
    """With its size, and the age of the oldest."""
    old = a_version(key="k0", size_bytes=7, discovered_at=NOW - 30 * SECOND)
    discovery = looked_after(ledger=a_ledger(old))
    list_with(discovery, a_page("k1"))

    status = discovery.status(now=NOW)

    assert (2, 107, 30) == (status.objects_behind, status.bytes_behind, status.seconds_behind)


def test_found_objects_are_told_with_their_publication() -> None:
    """The same transaction counts them, so no crash can come in between; retries are not new."""
    discovery = looked_after()
    list_with(discovery, a_page("k1", "k2"), DONE)
    versions = list(discovery.pending)

    with_them = discovery.status(now=NOW, publishing=versions)
    discovery.learn_published(versions)
    discovery.pending.append(a_version(key="k1", attempt=2))
    retry = discovery.status(now=NOW, publishing=list(discovery.pending))

    assert (2, 2, 2) == (
        with_them.objects_found,
        discovery.status(now=NOW).objects_found,
        retry.objects_found,
    )


def previous_status() -> SourceStatus:
    discovery = looked_after(last_event_at=NOW - 5)
    list_with(discovery, a_page("k1"), DONE)
    publish_pending(discovery)
    for end in (DENIED, DENIED, DENIED):
        list_with(discovery, end)
    return discovery.status(now=NOW)


def test_restart_goes_on_from_what_was_told() -> None:
    """Counters, health, problem and last event survive; without news nothing is told again."""
    previous = previous_status()
    ledger = a_ledger(a_version(key="k1", pull_id="pull-1"))
    discovery = looked_after(ledger=ledger, previous=previous, last_event_at=NOW - 5)

    assert not discovery.is_status_due
    assert replace(previous, updated_at=NOW + 9) == discovery.status(now=NOW + 9)


@pytest.mark.parametrize(
    "changed", [a_source(disabled=True), a_source(name="Acme GmbH")], ids=["disabled", "renamed"]
)
def test_changed_source_is_told_at_once(changed: IngestionSource) -> None:
    """Nobody has to wait for its next listing, which may never come."""
    ledger = a_ledger(a_version(key="k1", pull_id="pull-1"))
    discovery = looked_after(changed, ledger=ledger, previous=previous_status())

    assert discovery.is_status_due


def test_what_ended_while_nobody_was_there_is_told_at_once() -> None:
    """A source may be disabled, and then no listing makes anything to tell."""
    discovery = looked_after(previous=previous_status())

    assert discovery.is_status_due
    assert 0 == discovery.status(now=NOW).objects_behind


def test_source_stays_active_where_its_outcomes_were_compacted_away() -> None:
    """The only object was overwritten by an empty one: its last outcome has no lines."""
    discovery = looked_after(previous=previous_status(), last_event_at=None)

    assert Status.ACTIVE == discovery.status(now=NOW).status


def test_last_event_is_the_later_of_what_was_told_and_what_ended() -> None:
    """An outcome may have come after the last status."""
    discovery = looked_after(previous=previous_status(), last_event_at=NOW + 7)

    assert NOW + 7 == discovery.status(now=NOW).last_event_at
