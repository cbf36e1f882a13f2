"""Listings in threads: what they hand over, what bounds them, and that they end."""

from collections.abc import Sequence

import pytest

from producer.contract.objects import Reason
from producer.discovery.listing import Listing, ListingFinished
from producer.discovery.places import PATIENCE_SECONDS, Places
from producer.s3.object_store import ObjectStoreRefusedError, Page
from tests.support.builders import a_source
from tests.support.stages import FakeClock
from tests.support.waiting import eventually
from tests.unit.discovery.listing_stores import PagesByName, a_page, has_ended

REFUSED = ObjectStoreRefusedError(reason=Reason.ACCESS_DENIED, detail="no")


def a_listing(store: PagesByName, source_id: str = "a", places: Places | None = None) -> Listing:
    places = places or Places(4, FakeClock())
    return Listing(store.as_store(), a_source(id=source_id), places)


def is_awaited(places: Places) -> bool:
    """Whether a listing waits for one."""
    return bool(vars(places._changed)["_waiters"])


def taken(listing: Listing) -> Page | ObjectStoreRefusedError | ListingFinished:
    eventually(listing.has_arrived, every_seconds=0.005)
    return listing.take()


def test_pages_come_in_order_and_then_the_end() -> None:
    """Empty pages too."""
    pages = [a_page("k1"), a_page(), a_page("k2", "k3")]
    listing = a_listing(PagesByName(a=pages))

    assert pages == [taken(listing) for _ in pages]
    assert isinstance(taken(listing), ListingFinished)
    assert not listing.has_arrived()


@pytest.mark.parametrize("pages", [[REFUSED], [a_page("k1"), REFUSED]], ids=["at once", "later"])
def test_refusal_is_how_a_listing_ends(pages: Sequence[Page | BaseException]) -> None:
    """It is handed over behind the pages before it, and nothing follows."""
    listing = a_listing(PagesByName(a=pages))

    assert list(pages) == [taken(listing) for _ in pages]
    eventually(lambda: has_ended("a"), every_seconds=0.005)
    assert not listing.has_arrived()


def test_what_nobody_foresaw_is_raised_in_the_loop() -> None:
    """A thread never dies in silence."""
    listing = a_listing(PagesByName(a=[KeyError("Contents")]))

    with pytest.raises(KeyError):
        taken(listing)


def test_listing_reads_no_further_ahead_than_two_pages() -> None:
    """The third is in its hands; the fourth is not asked for before one is taken."""
    store = PagesByName(a=[a_page(f"k{number}") for number in range(9)])
    listing = a_listing(store)
    eventually(lambda: len(store.asked) == 3, every_seconds=0.005)

    taken(listing)

    eventually(lambda: len(store.asked) == 4, every_seconds=0.005)
    listing.cancel()


@pytest.mark.parametrize("name", ["waits for room", "waits for an answer"])
def test_cancelled_listing_ends(name: str) -> None:
    """Whether its queue is full or a request is under way, and it hands over nothing more."""
    store = PagesByName(a=[a_page(f"k{number}") for number in range(9)])
    answer = store.hold("a") if name == "waits for an answer" else None
    listing = a_listing(store)
    eventually(lambda: len(store.asked) == (1 if answer else 3), every_seconds=0.005)

    listing.cancel()
    if answer:
        answer.set()

    eventually(lambda: has_ended("a"), every_seconds=0.005)
    assert (1 if answer else 3) == len(store.asked)


def test_cancelled_before_its_turn_asks_nothing() -> None:
    """A listing that waited for its place does not use it."""
    places = Places(1, FakeClock())
    store = PagesByName(a=[a_page("k1")])
    with places.held_by("b"):
        listing = a_listing(store, places=places)
        listing.cancel()

    eventually(lambda: has_ended("a"), every_seconds=0.005)
    assert [] == store.asked


def test_listings_ask_no_more_at_once_than_there_are_places() -> None:
    """Others wait for their turn, and get it."""
    pages = {name: [a_page("k1")] for name in "abcdef"}
    store = PagesByName(**pages)
    answers = [store.hold(name) for name in pages]
    places = Places(2, FakeClock())
    listings = [a_listing(store, name, places) for name in pages]
    eventually(lambda: store.asking == 2, every_seconds=0.005)

    for answer in answers:
        answer.set()

    for listing in listings:
        assert a_page("k1") == taken(listing)
        assert isinstance(taken(listing), ListingFinished)
    assert 2 == store.asking_most


def test_listing_that_the_loop_does_not_follow_takes_no_place_from_others() -> None:
    """A backlog that is published slowly must not keep other sources from being listed."""
    backlog = [a_page(f"k{number}") for number in range(9)]
    store = PagesByName(a=backlog, b=backlog, c=[a_page("k1")])
    places = Places(2, FakeClock())
    stuck = [a_listing(store, name, places) for name in ("a", "b")]
    eventually(lambda: len(store.asked) == 6, every_seconds=0.005)

    other = a_listing(store, "c", places)

    assert a_page("k1") == taken(other)
    for listing in stuck:
        listing.cancel()


def test_stores_that_do_not_answer_hold_up_others_once() -> None:
    """For as long as a place is held; after that they ask beside the places, until answered."""
    clock = FakeClock()
    places = Places(2, clock)
    store = PagesByName(a=[REFUSED], b=[REFUSED], c=[a_page("k1")])
    silence = {name: store.hold(name) for name in "ab"}
    stalled = [a_listing(store, name, places) for name in silence]
    eventually(lambda: store.asking == 2, every_seconds=0.005)
    others = a_listing(store, "c", places)
    clock.pass_time(PATIENCE_SECONDS - 1)
    eventually(lambda: is_awaited(places), every_seconds=0.005)
    assert ["a", "b"] == sorted(store.asked)
    clock.pass_time(1)
    assert a_page("k1") == taken(others)
    for name, listing in zip(silence, stalled, strict=True):
        silence[name].set()
        assert REFUSED == taken(listing)
        silence[name].clear()

    stalled = [a_listing(store, name, places) for name in silence]
    eventually(lambda: store.asking == 2, every_seconds=0.005)
    assert a_page("k1") == taken(a_listing(store, "c", places))
    for name, listing in zip(silence, stalled, strict=True):
        silence[name].set()
        assert REFUSED == taken(listing)


def test_source_that_answers_in_time_takes_its_place_again() -> None:
    """Or the bound on what is asked at once would be lost for good."""
    clock = FakeClock()
    places = Places(1, clock)
    with places.held_by("a"):
        clock.pass_time(PATIENCE_SECONDS)
    with places.held_by("b"), places.held_by("a"):
        clock.pass_time(PATIENCE_SECONDS - 1)
    store = PagesByName(b=[a_page("k1")])
    with places.held_by("a"):
        listing = a_listing(store, "b", places)
        eventually(lambda: is_awaited(places), every_seconds=0.005)
        assert [] == store.asked
    assert a_page("k1") == taken(listing)
