"""Each law of a source's position, by example."""

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from producer.discovery.position import Passage, Position, PositionPolicy
from tests.support.builders import DAY, NOW, SECOND, a_listed

HOUR = 3600 * SECOND
POLICY = PositionPolicy(lookback_seconds=86_400, reconcile_seconds=10_800, small_objects=0)


def listed(
    position: Position,
    *keys: str,
    now: int = NOW,
    written: int = NOW,
    waiting: Iterable[str] = (),
) -> Passage:
    """Let a listing bring keys, and end."""
    passage = position.next_passage(now=now)
    take(position, *keys, now=now, written=written, waiting=waiting)
    position.end()
    return passage


def take(
    position: Position,
    *keys: str,
    now: int = NOW,
    written: int = NOW,
    waiting: Iterable[str] = (),
) -> None:
    position.take(
        [a_listed(key=key, last_modified=written) for key in keys],
        read_through=keys[-1] if keys else "",
        is_open=set(waiting).__contains__,
        now=now,
    )


def start(position: Position, *, now: int = NOW) -> str | None:
    """Where the next listing begins."""
    return position.next_passage(now=now).start_after


def test_first_listing_is_a_whole_one() -> None:
    """Also where an earlier owner told how far it got: what it noted is not known."""
    for position in (Position(POLICY), Position(POLICY, listed_through="z")):
        passage = position.next_passage(now=NOW)
        assert (True, None) == (passage.is_whole, passage.start_after)


def test_next_listing_begins_below_the_lowest_key_of_late() -> None:
    """Two writers of one prefix: the one whose names sort first is followed too."""
    position = Position(POLICY)
    listed(position, "a-old", "host-a/1", "host-z/1", written=NOW - 2 * DAY)
    listed(position, "host-a/2", now=NOW + HOUR, written=NOW + HOUR)

    passage = position.next_passage(now=NOW + 2 * HOUR)

    assert ("host-a/", False) == (passage.start_after, passage.is_whole)


def test_what_was_written_long_ago_is_not_looked_back_to() -> None:
    """The time of looking back has passed, to the hour: then the last key of all is the lowest."""
    position = Position(replace(POLICY, reconcile_seconds=10**6))
    listed(position, "a1", written=NOW)
    listed(position, "m1", "z1", written=NOW + 2 * HOUR, now=NOW + 2 * HOUR)

    assert "a" == start(position, now=NOW + DAY)
    position.end()
    assert "m" == start(position, now=NOW + DAY + 2 * HOUR)
    position.end()
    assert "z" == start(position, now=NOW + DAY + 4 * HOUR)


@pytest.mark.parametrize(("last", "expected"), [("prefix/k17", "prefix/k1"), ("p", None)])
def test_listing_begins_below_the_last_key(last: str, expected: str | None) -> None:
    """That key itself is listed again: it may have been overwritten."""
    position = Position(POLICY)
    listed(position, last, written=NOW - 10 * DAY)

    assert expected == start(position)


def test_listing_that_begins_at_the_very_beginning_is_a_whole_one() -> None:
    """However that came."""
    position = Position(POLICY)
    listed(position, "k")

    assert position.next_passage(now=NOW + HOUR).is_whole


def test_small_prefix_is_listed_whole_each_time() -> None:
    """A short cut would save nothing there, and find late keys later."""
    position = Position(replace(POLICY, small_objects=2))
    listed(position, "k1", "k2")
    assert listed(position, "k1", "k2", "k3").is_whole

    assert not listed(position, "k3").is_whole


def test_prefix_is_listed_whole_again_when_it_is_time() -> None:
    """Counted from the beginning of the last whole listing."""
    position = Position(POLICY)
    listed(position, "k1")
    assert not listed(position, now=NOW + 3 * HOUR - 1).is_whole

    assert listed(position, "k1", now=NOW + 3 * HOUR).is_whole
    assert not listed(position, now=NOW + 3 * HOUR + 1).is_whole


def test_prefix_is_listed_whole_although_the_clock_was_set_back() -> None:
    """A clock that was a year fast must not stop reconciling for a year."""
    position = Position(POLICY)
    listed(position, "k1", now=NOW + 365 * DAY)

    assert position.next_passage(now=NOW).is_whole


def test_whole_listing_is_made_when_it_is_asked_for() -> None:
    """And once."""
    position = Position(POLICY)
    listed(position, "k1")
    position.want_whole()

    assert listed(position, "k1").is_whole
    assert not listed(position).is_whole


def test_whole_listing_asked_for_during_a_short_one_comes_next() -> None:
    """What is under way may be past the key that matters."""
    position = Position(POLICY)
    listed(position, "k1")
    assert not position.next_passage(now=NOW).is_whole
    position.want_whole()
    assert not position.next_passage(now=NOW).is_whole
    position.end()

    assert position.next_passage(now=NOW).is_whole


def test_listing_that_broke_off_goes_on_behind_its_last_page() -> None:
    """It is the same listing, of the same extent, and it has passed nothing yet."""
    position = Position(POLICY)
    position.next_passage(now=NOW)
    take(position, "k1", "k2")

    passage = position.next_passage(now=NOW + HOUR)

    assert ("k2", True, NOW) == (passage.start_after, passage.is_whole, passage.began_at)
    assert not position.is_passed("k1")
    assert position.last_whole_at is None
    position.end()
    assert position.is_passed("k2")
    assert NOW == position.last_whole_at


def test_key_is_passed_once_a_listing_ended_beyond_it() -> None:
    """What is new at such a key is late; a key beyond all others never is."""
    position = Position(POLICY)
    listed(position, "k1", "k5")

    assert [True, True, False] == [position.is_passed(key) for key in ("a", "k5", "k6")]


def test_bucket_that_was_emptied_stays_passed() -> None:
    """Refilled with lower keys, it brings late ones."""
    position = Position(POLICY)
    listed(position, "z")
    listed(position)

    assert position.is_passed("a")


def test_keys_compare_by_their_bytes() -> None:
    """A key beyond the basic plane sorts behind all of it, other than in UTF-16."""
    position = Position(POLICY)
    listed(position, "k\N{GRINNING FACE}")

    assert position.is_passed("k\uffff")


def test_object_that_was_gone_is_looked_for() -> None:
    """Whatever took its place has a new time, and a listing must begin low enough to show it."""
    position = Position(POLICY)
    listed(position, "a", "k1", "z", written=NOW - 2 * DAY)
    position.note_gone("k1", at=NOW)

    assert "k" == start(position)


def test_time_to_come_counts_as_now() -> None:
    """A bucket whose clock is ahead does not keep the place for looking back to."""
    position = Position(replace(POLICY, reconcile_seconds=10**9))
    listed(position, "a1", written=NOW + 300 * DAY)
    listed(position, "z1", written=NOW, now=NOW + HOUR)
    listed(position, "z1", written=NOW, now=NOW + 2 * DAY)

    assert "z" == start(position, now=NOW + 2 * DAY)


def test_high_water_key_is_the_last_where_nothing_waits() -> None:
    """Also amid the first listing, as far as it got."""
    position = Position(POLICY)
    assert position.high_water_key(None) is None
    position.next_passage(now=NOW)
    take(position, "k1", "k2")

    assert "k2" == position.high_water_key(None)


def test_high_water_key_lies_below_all_that_waits() -> None:
    """It is the key listed before the lowest that waits; none where that is the first of all."""
    position = Position(POLICY)
    listed(position, "k1", "k2", "k3", waiting=["k1", "k3"])

    assert position.high_water_key("k1") is None
    position.forget("k1")
    assert "k2" == position.high_water_key("k3")
    position.forget("k3")
    assert "k3" == position.high_water_key(None)


def test_high_water_key_drops_below_what_came_late() -> None:
    """Everything at or below it is finished, whatever it was before."""
    position = Position(POLICY)
    listed(position, "k1", "k3")
    position.want_whole()
    listed(position, "k1", "k2", "k3", waiting=["k2"])

    assert "k1" == position.high_water_key("k2")


def test_high_water_key_goes_on_from_what_was_told() -> None:
    """Until a listing has shown what lies before the keys that wait."""
    told = Position(POLICY, listed_through="k9", high_water_key="k4")
    assert "k4" == told.high_water_key("k5")

    beyond = Position(POLICY, listed_through="k9", high_water_key="k4")
    assert beyond.high_water_key("k2") is None


def test_key_that_waits_at_the_start_of_a_short_listing_has_nothing_told_before_it() -> None:
    """What lies before it was not listed, so nothing is claimed of it."""
    position = Position(POLICY)
    listed(position, "k1", "k2")
    listed(position, "k2", waiting=["k2"])

    assert position.high_water_key("k2") is None
