"""The counts of the demonstration, and the laws that they are held against."""

import random

import pytest

from producer.cli.demo.tally import SHOWN_EVENTS_MAX, LineSet, Tally
from producer.cli.rooms import Record
from producer.codec.events import EventHead
from producer.contract.dead_letter import DeadLetter, Failure, FailureKind
from producer.contract.objects import Outcome, Reason
from tests.support.builders import a_raw_line, a_version, an_event, an_origin, an_outcome


def a_head(event_id: str, *, line: int, index: int = 0) -> EventHead:
    """Build what is read of a normalised event."""
    return EventHead(event_id, an_origin(line=line, index=index))


def a_dead_letter(*, stage: str = "normaliser", first: int, last: int, lines: int) -> DeadLetter:
    """Build a dead letter of one line, or of a range."""
    outcome = an_outcome()
    return DeadLetter(
        stage=stage,
        processor="test",
        failures=(Failure(kind=FailureKind.UNDECODABLE, message="is not JSON"),),
        source_id=outcome.source_id,
        organization_id="org_acme",
        bucket=outcome.bucket,
        key=outcome.key,
        etag=outcome.etag,
        pull_id=outcome.pull_id,
        line_number=first,
        last_line_number=last,
        lines=lines,
        pulled_at=0,
        payload_bytes=0,
    )


def a_run() -> list[Record]:
    """Build the records of one object of seven lines, each of which went another way.

    1 an event, 2 blank, 3 too long, 4 the event of line 1 again, 5 not JSON, 6 an event and a
    document that is none, 7 two events.
    """
    outcome = an_outcome(lines=7, raw_lines=5, blank_lines=1, dead_letter_lines=1)
    numbers = (1, 4, 5, 6, 7)
    heads = (("a", 1, 0), ("a", 4, 0), ("b", 6, 0), ("c", 7, 0), ("d", 7, 1))
    return [
        *(a_raw_line(line_number=number) for number in numbers),
        outcome,
        *(a_head(event_id, line=line, index=index) for event_id, line, index in heads),
        a_dead_letter(stage="puller", first=3, last=3, lines=1),
        a_dead_letter(first=5, last=5, lines=1),
        a_dead_letter(first=6, last=6, lines=1),
        *(an_event(event_id) for event_id in "abcd"),
    ]


def test_tally_counts_each_line_once_whatever_it_gave(rng: random.Random) -> None:
    """Each way of a line is counted, in whatever order its records are read, and the laws hold."""
    records = a_run()
    rng.shuffle(records)
    tally = Tally()
    tally.take(records)

    assert (7, 5, 1) == (tally.lines, tally.raw, tally.blank)
    assert (5, 4, 1) == (tally.normalised, tally.published, tally.suppressed)
    assert {"puller": 1, "normaliser": 2} == tally.dead_letters
    assert [(7, (5, 1, 1)), (5, (4, 1)), (5, (4, 1))] == [
        (law.total, law.parts) for law in tally.laws()
    ]
    assert all(law.holds for law in tally.laws())


@pytest.mark.parametrize("number", range(len(a_run())))
def test_laws_notice_each_record_that_is_missing(number: int) -> None:
    """No single record can be lost without a law saying so, but for those told twice."""
    records = a_run()
    lost = records.pop(number)
    tally = Tally()
    tally.take(records)

    # A line with an event as well, and one event of two of a line that stay apart in number.
    is_told_otherwise = isinstance(lost, DeadLetter) and lost.line_number == 6
    assert is_told_otherwise == all(law.holds for law in tally.laws())


@pytest.mark.parametrize("number", [0, 11, 14])
def test_laws_notice_a_record_that_is_there_twice(number: int) -> None:
    """A raw record, a dead letter of the puller or a governance event too many is noticed."""
    records = a_run()
    tally = Tally()
    tally.take([*records, records[number]])

    assert not all(law.holds for law in tally.laws())


def test_dead_letters_told_by_range_count_as_many_lines() -> None:
    """A range stands for as many lines as it says, not for all between its ends."""
    tally = Tally()
    tally.take(a_raw_line(line_number=number) for number in range(1, 11))
    tally.take([a_dead_letter(first=3, last=10, lines=4)])
    tally.take(a_head(f"event-{line}", line=line) for line in (1, 2, 4, 6, 8, 9))

    assert 4 == tally.dead_letters["normaliser"]
    assert (10, (6, 4)) == (tally.laws()[1].total, tally.laws()[1].parts)
    assert 4 == tally.dead_letter_lines_of(an_outcome())


def test_only_the_last_attempt_at_a_version_counts() -> None:
    """A later attempt's outcome tells of the lines of the earlier ones too."""
    first = an_outcome(outcome=Outcome.QUARANTINED, reason=Reason.UNAVAILABLE, lines=4)
    second = an_outcome(attempt=2, lines=10)
    other = an_outcome(a_version(etag="etag-b", pull_id="pull-2"), lines=1)
    tally = Tally()
    tally.take([second, first, other])

    assert [second, other] == tally.outcomes
    assert (11, 0) == (tally.lines, tally.quarantined)


def test_only_some_events_are_kept_to_be_shown() -> None:
    """Memory does not grow with the events that are published."""
    tally = Tally()
    events = [an_event(f"evt-{n}") for n in range(SHOWN_EVENTS_MAX + 5)]
    tally.take(events)

    assert SHOWN_EVENTS_MAX + 5 == tally.published
    assert events[:SHOWN_EVENTS_MAX] == tally.shown


def test_line_set_counts_as_a_set_does(rng: random.Random) -> None:
    """A bit for each line says the same as the line itself would."""
    ours, theirs = ({rng.randrange(1, 300) for _ in range(200)} for _ in range(2))
    our_lines, their_lines = LineSet(), LineSet()
    for line in ours:
        our_lines.add(line)
    for line in theirs:
        their_lines.add(line)

    assert len(ours) == len(our_lines)
    assert len(ours - theirs) == our_lines.count_without(their_lines)
    assert len(ours) == our_lines.count_without(LineSet())
