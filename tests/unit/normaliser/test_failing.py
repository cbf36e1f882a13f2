"""Dead letters of an object that is none of ours: one each at first, then by range."""

import pytest
from msgspec.structs import replace

from producer.contract.dead_letter import DeadLetter, FailureKind
from producer.contract.raw import RawLine
from producer.normaliser.failing import ObjectFailures
from producer.normaliser.normalise import normalise
from tests.support.builders import a_raw_line

SINGLE = 3
BAD = b"{"


@pytest.fixture(autouse=True)
def _single(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let three failures of an object be told one by one."""
    monkeypatch.setattr("producer.normaliser.failing.SINGLE_FAILURES_MAX", SINGLE)


def a_line(number: int, line: bytes = BAD, *, key: str = "k1") -> RawLine:
    return a_raw_line(line=line, line_number=number, key=key)


def told(failures: ObjectFailures, *lines: RawLine) -> list[DeadLetter]:
    """What a transaction with these lines tells."""
    failures.begin()
    letters = [letter for raw in lines for letter in failures.tell(raw, normalise(raw))]
    return [*letters, *failures.end()]


def committed(failures: ObjectFailures, *lines: RawLine) -> list[DeadLetter]:
    letters = told(failures, *lines)
    failures.learn()
    return letters


def test_failures_beyond_a_number_are_told_together() -> None:
    """Which lines, how many, and what is wrong with them, without their content."""
    letters = told(ObjectFailures(), *(a_line(number) for number in (1, 2, 4, 5, 7)))

    assert [1, 2, 4, 5] == [letter.line_number for letter in letters]
    last = letters[-1]
    assert (5, 7, 2, None, 2) == (
        last.line_number,
        last.last_line_number,
        last.lines,
        last.payload,
        last.payload_bytes,
    )
    assert [FailureKind.UNDECODABLE] == [failure.kind for failure in last.failures]
    assert "2 failures in 2 lines" in last.failures[0].message


def test_each_kind_of_failure_is_counted() -> None:
    """All failures of a line, not only its first."""
    lines = [a_line(number) for number in range(1, 4)]
    mixed = [a_line(4), a_line(5, b'{"type": "AUDIT_LOG", "event_id": []}')]
    expected = {
        failure.kind
        for raw in mixed
        for refused in normalise(raw).failures
        for failure in refused.failures
    }
    assert len(expected) > 1

    (letter,) = told(ObjectFailures(), *lines, *mixed)[SINGLE:]

    assert expected == {failure.kind for failure in letter.failures}


def test_number_is_of_one_object() -> None:
    """The next object is told one by one again, and so is another pull of the same."""
    failures = ObjectFailures()
    committed(failures, *(a_line(number) for number in range(1, 6)))

    others = ("key", "other"), ("pull_id", "pull-2"), ("replay_id", "replay-1")
    for field, value in others:
        lines = [replace(a_line(number), **{field: value}) for number in range(1, 5)]
        letters = committed(failures, *lines)
        assert [1, 1, 1, 1] == [letter.lines for letter in letters]
        assert [True, True, True, False] == [letter.payload is not None for letter in letters]


def test_range_ends_with_its_object() -> None:
    """Also where another begins in the same transaction."""
    letters = told(
        ObjectFailures(),
        *(a_line(number) for number in range(1, 6)),
        a_line(1, key="other"),
    )

    assert [(1, 1), (2, 2), (3, 3), (4, 5), (1, 1)] == [
        (letter.line_number, letter.last_line_number) for letter in letters
    ]
    assert ["other"] == [letter.key for letter in letters[4:]]


def test_number_is_counted_over_transactions() -> None:
    """Of those that were committed: what was not is told again, and the same."""
    failures = ObjectFailures()
    lost = told(failures, a_line(1), a_line(2))
    assert lost == committed(failures, a_line(1), a_line(2))

    letters = committed(failures, *(a_line(number) for number in (3, 4, 5)))
    assert [(3, 3), (4, 5)] == [
        (letter.line_number, letter.last_line_number) for letter in letters
    ]
    assert [(6, 7)] == [
        (letter.line_number, letter.last_line_number)
        for letter in committed(failures, a_line(6), a_line(7))
    ]


def test_every_failed_line_is_counted_once() -> None:
    """However they fall into transactions."""
    failures = ObjectFailures()
    letters = [
        letter
        for start in range(1, 101, 7)
        for letter in committed(
            failures, *(a_line(number) for number in range(start, min(start + 7, 101)))
        )
    ]

    assert 100 == sum(letter.lines for letter in letters)
    assert [1, 100] == [letters[0].line_number, letters[-1].last_line_number]
