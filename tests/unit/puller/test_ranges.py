"""Lines too long to be published, where an object has more of them than are told one by one."""

import pytest
from msgspec.structs import replace

from producer.contract.dead_letter import DeadLetter
from producer.contract.objects import START, Place
from producer.puller.pulling import Piece
from tests.unit.puller.pullers import BUCKET, WatchedStore, a_plan, a_task, pulled

SINGLE = 3
# Seven lines beyond the limit, good ones between.
LINES = b"".join(b"%s\ngood\n" % (b"x" * (20 + number)) for number in range(7))


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> WatchedStore:
    """Give a store with a bucket; three failures of an object are told one by one."""
    monkeypatch.setattr("producer.puller.pulling.SINGLE_FAILURES_MAX", SINGLE)
    store = WatchedStore()
    store.objects.make_bucket(BUCKET)
    return store


def letters_of(pieces: list[Piece]) -> list[DeadLetter]:
    return [letter for piece in pieces for letter in piece.dead_letters]


def test_failures_beyond_a_number_are_told_by_range(store: WatchedStore) -> None:
    """All are counted; those told together have no payload, and say how many lines they are."""
    letters = letters_of(pieces := pulled(a_plan(store), a_task(store.put("k1", LINES))))

    single, ranges = letters[:SINGLE], letters[SINGLE:]
    assert [(number, number, 1) for number in (1, 3, 5)] == [
        (each.line_number, each.last_line_number, each.lines) for each in single
    ]
    assert all(each.payload for each in single)
    assert {None} == {each.payload for each in ranges}
    assert (7, 13) == (ranges[0].line_number, ranges[-1].last_line_number)
    assert 23 + 24 + 25 + 26 == sum(each.payload_bytes for each in ranges)
    assert all("told by range" in each.failures[0].message for each in ranges)
    outcome = pieces[-1].outcome
    assert outcome is not None
    assert 7 == outcome.dead_letter_lines == sum(each.lines for each in letters)


@pytest.mark.parametrize(
    ("place", "single"),
    [
        (START, 3),
        (Place(line=3, dead_letter_lines=2), 1),
        (Place(line=8, dead_letter_lines=4), 0),
    ],
    ids=["anew", "before the number was reached", "behind it"],
)
def test_number_is_counted_over_all_attempts(
    store: WatchedStore, place: Place, single: int
) -> None:
    """The place says how many were told before."""
    version = replace(store.put("k1", LINES), resume_from=place)

    letters = letters_of(pulled(a_plan(store), a_task(version)))

    assert single == sum(each.payload is not None for each in letters)
    assert 7 - place.dead_letter_lines == sum(each.lines for each in letters)
