"""One source while it is owned: when it is listed, and what waits then."""

from typing import TYPE_CHECKING, cast

from producer.contract.objects import Outcome, Reason
from producer.contract.status import Status
from producer.s3.object_store import Page
from tests.support.builders import (
    DAY,
    NOW,
    SECOND,
    a_listed,
    a_source,
    a_version,
    an_outcome,
)
from tests.unit.discovery.listing_stores import a_page

if TYPE_CHECKING:
    from producer.discovery.listing import Listing

from tests.unit.discovery.looking_after import (
    DENIED,
    DONE,
    ScriptedListing,
    a_ledger,
    list_with,
    looked_after,
    publish_pending,
)


def test_source_is_listed_at_once_and_then_as_often_as_it_says() -> None:
    """Counted from the beginning of the last listing, however that ended."""
    discovery = looked_after(a_source(poll_every_seconds=60))
    assert discovery.is_listing_due(NOW)

    list_with(discovery, DENIED)

    assert not discovery.is_listing_due(NOW + 60 * SECOND - 1)
    assert discovery.is_listing_due(NOW + 60 * SECOND)


def test_source_that_fails_is_asked_less_and_less_often() -> None:
    """The pause doubles, to a quarter of an hour, and is back at once when a listing ends well."""
    discovery, now, pauses = looked_after(a_source(poll_every_seconds=60)), NOW, []
    for _ in range(7):
        list_with(discovery, DENIED, now=now)
        began = now
        while not discovery.is_listing_due(now):
            now += SECOND
        pauses.append((now - began) // SECOND)
    assert [60, 120, 240, 480, 900, 900, 900] == pauses

    list_with(discovery, DONE, now=now)
    assert discovery.is_listing_due(now + 60 * SECOND)


def test_listing_that_gets_on_before_it_breaks_is_not_asked_less_often() -> None:
    """A long one that breaks now and then would never come to its end."""
    discovery, now = looked_after(a_source(poll_every_seconds=60)), NOW
    for number in range(5):
        list_with(discovery, a_page(f"k{number}"), DENIED, now=now)
        publish_pending(discovery)
        discovery.advance_listing(now=now)
        now += 60 * SECOND
        assert discovery.is_listing_due(now)
    assert discovery.status(now=now).healthy


def test_source_that_is_polled_seldom_is_not_asked_more_often_for_failing() -> None:
    """Its own time is the shortest."""
    discovery = looked_after(a_source(poll_every_seconds=7200))
    list_with(discovery, DENIED)

    assert not discovery.is_listing_due(NOW + 7200 * SECOND - 1)


def test_listing_that_broke_off_goes_on_behind_what_was_taken() -> None:
    """A prefix that takes longer to list than S3 goes without an error is listed all the same."""
    discovery, begun = looked_after(), list[str | None]()
    list_with(discovery, a_page("k1", "k2"), DENIED)
    publish_pending(discovery)
    discovery.advance_listing(now=NOW)

    def begin(start_after: str | None) -> "Listing":
        begun.append(start_after)
        return cast("Listing", ScriptedListing(DONE))

    discovery.begin_listing(begin, now=NOW + 60 * SECOND)
    discovery.advance_listing(now=NOW + 60 * SECOND)

    assert ["k2"] == begun
    assert "k2" == discovery.status(now=NOW).listed_through
    assert NOW == discovery.status(now=NOW).last_whole_listing_at


def test_object_below_what_a_listing_passed_is_late() -> None:
    """Told with its publication, and with the listing that found it; an attempt again is not."""
    discovery = looked_after()
    list_with(discovery, a_page("k2", "k4"), DONE)
    publish_pending(discovery)
    discovery.advance_listing(now=NOW)
    discovery.position.want_whole()
    list_with(discovery, a_page("k1", "k2", "k3", "k5"), now=NOW + 60 * SECOND)

    assert 2 == discovery.status(now=NOW, publishing=list(discovery.pending)).objects_late
    assert 0 == discovery.status(now=NOW).objects_late
    publish_pending(discovery)
    assert 2 == discovery.status(now=NOW).objects_late
    assert discovery.listing is not None
    cast("ScriptedListing", discovery.listing).arriving.append(DONE)
    assert (None, True, 2) == discovery.advance_listing(now=NOW + 61 * SECOND)


def test_late_object_is_late_whoever_looks_after_the_source() -> None:
    """How far listings got is told, and read back: of that bucket and prefix, not of another."""
    discovery = looked_after()
    list_with(discovery, a_page("k5"), DONE)
    publish_pending(discovery)
    discovery.advance_listing(now=NOW)
    told = discovery.status(now=NOW)

    for source, late in (
        (a_source(prefix=""), 1),
        (a_source(prefix="", bucket="other"), 0),
        (a_source(prefix="", endpoint_url="https://s3.example.com"), 0),
        (a_source(prefix="k"), 0),
    ):
        successor = looked_after(source, ledger=discovery.ledger, previous=told)
        list_with(successor, a_page("k1"))
        publishing = list(successor.pending)
        assert late == successor.status(now=NOW, publishing=publishing).objects_late


def test_object_that_vanished_is_looked_for_where_it_was() -> None:
    """A version that took its place may be below all that is listed otherwise."""
    old = NOW - 3 * DAY
    discovery = looked_after()
    page = Page(
        objects=tuple(a_listed(key=key, last_modified=old) for key in ("a1", "m1", "z1")),
        read_through="z1",
        is_last=True,
    )
    list_with(discovery, page, DONE)
    _, gone, _ = publish_pending(discovery)
    discovery.advance_listing(now=NOW)
    ended = an_outcome(gone, outcome=Outcome.VANISHED, reason=Reason.OBJECT_GONE, finished_at=NOW)
    discovery.ledger.apply_outcome(ended)
    discovery.learn_outcome(ended)

    assert "m" == discovery.position.next_passage(now=NOW).start_after


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
