"""What is told of one source's events."""

import pytest

from producer.cli.source_events import EventCounting, EventCounts, LastEvents
from tests.support.builders import DAY, NOW, SECOND


def counts(*ages: int) -> EventCounts:
    """Count events of these ages, each with an id of its own."""
    counting = EventCounting(now=NOW)
    for number, age in enumerate(ages):
        counting.add(f"event-{number}", occurred_at=NOW - age)
    return counting.counts()


def test_events_are_counted_by_the_time_at_which_they_happened() -> None:
    """A window has its last microsecond in it, and what a clock ahead of ours calls now."""
    assert EventCounts(last_day=3, last_week=5, last_month=7, newest_at=NOW + SECOND) == counts(
        -SECOND, 0, DAY, DAY + 1, 7 * DAY, 7 * DAY + 1, 30 * DAY, 30 * DAY + 1, 40 * DAY
    )


def test_newest_event_is_told_however_old_it_is() -> None:
    """Old events that arrived late count in no window, but did happen."""
    assert EventCounts(last_day=0, last_week=0, last_month=0, newest_at=NOW - 40 * DAY) == counts(
        50 * DAY, 40 * DAY, 60 * DAY
    )
    assert EventCounts(last_day=0, last_week=0, last_month=0, newest_at=None) == counts()


def test_event_that_was_published_again_counts_once() -> None:
    """A replay repeats events, and there are no more of them for that."""
    counting = EventCounting(now=NOW)
    for _ in range(3):
        for name in ("a", "b"):
            counting.add(name, occurred_at=NOW - DAY)
    assert EventCounts(last_day=2, last_week=2, last_month=2, newest_at=NOW - DAY) == (
        counting.counts()
    )


@pytest.mark.parametrize("limit", [1, 3, 50])
def test_last_events_are_those_at_the_end_of_their_order(limit: int) -> None:
    """Whichever the order in which they come, the last of all are kept, in order."""
    last = LastEvents(limit)
    for at in [*range(0, 100, 2), *range(99, 0, -2)]:
        last.add(b"event-%d" % at, at=at, value=b"%d" % at)
    assert [b"%d" % at for at in range(100 - limit, 100)] == last.values()


def test_last_events_hold_an_event_once() -> None:
    """An event that came again stands where it came last, as it came last."""
    last = LastEvents(2)
    for name, at, value in ((b"a", 1, b"1"), (b"b", 2, b"2"), (b"a", 3, b"3"), (b"b", 2, b"4")):
        last.add(name, at=at, value=value)
    assert [b"4", b"3"] == last.values()


def test_last_events_of_one_time_keep_the_order_in_which_they_came() -> None:
    """Many events share a millisecond; the last to come is the last."""
    last = LastEvents(2)
    for name in (b"a", b"b", b"c"):
        last.add(name, at=1, value=name)
    assert [b"b", b"c"] == last.values()
