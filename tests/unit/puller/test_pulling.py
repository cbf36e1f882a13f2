"""Reading ahead in a thread: what comes out of it, in which order, and that it ends."""

import dataclasses
import threading

import pytest
from msgspec.structs import replace

from producer.contract.dead_letter import FailureKind
from producer.contract.objects import Outcome, Place, Reason
from producer.contract.source import IngestionSource
from producer.puller.limits import Limits
from producer.puller.pulling import PartitionPuller
from tests.support.builders import NOW, a_source
from tests.support.waiting import eventually
from tests.unit.puller.pullers import (
    BUCKET,
    ClockThatRuns,
    WatchedStore,
    a_plan,
    a_task,
    has_ended,
    outcomes_in,
    pulled,
    raw_in,
    take_until,
)

TEN_LINES = b"".join(b"line %d\n" % number for number in range(1, 11))
# Blank lines, lines beyond the limit, either ending, and none.
MIXED = (
    b"one\r\n\n  \ntwo\n" + b"x" * 40 + b"\nthree\n\nfour\n\n" + b"y" * 17 + b"\r\n\n\nfive\nsix"
)
MIXED_RAW = [b"one", b"two", b"three", b"four", b"five", b"six"]


def threads_of(partition: int) -> set[str]:
    """Name the threads that pull and fetch a partition's objects."""
    names = {f"pull-{partition}", f"fetch-{partition}"}
    return names & {thread.name for thread in threading.enumerate()}


@pytest.fixture
def store() -> WatchedStore:
    """Give a store with a bucket."""
    store = WatchedStore()
    store.objects.make_bucket(BUCKET)
    return store


def test_object_comes_in_pieces_and_ends_with_its_outcome(store: WatchedStore) -> None:
    """Each with the place reached; the last one alone has an outcome; the body is closed."""
    version = store.put("k1", TEN_LINES)

    pieces = pulled(a_plan(store), a_task(version, offset=7))

    assert len(pieces) > 3
    assert [b"src_acme/k1#%d line %d" % (n, n) for n in range(1, 11)] == raw_in(pieces)
    assert pieces[-1:] == outcomes_in(pieces)
    assert {7} == {piece.offset for piece in pieces}
    reached = 0
    for piece in pieces:
        reached += len(piece.raw)
        assert piece.progress is not None
        assert (Place(line=reached), NOW) == (piece.progress.place, piece.progress.started_at)
        assert piece.progress.is_of(version)
    assert len(TEN_LINES) == sum(piece.read_bytes for piece in pieces)
    assert [True] == [body.is_closed for body in store.bodies]


def test_objects_come_in_the_order_of_their_records(store: WatchedStore) -> None:
    """One after the other, with what is passed over in its turn."""
    plan = a_plan(store)
    puller = PartitionPuller(plan, 0)
    puller.submit(a_task(store.put("k1", TEN_LINES), offset=1))
    puller.skip(2)
    puller.submit(a_task(store.put("k2", b"x\n"), offset=3))

    pieces = take_until(puller, lambda pieces: len(outcomes_in(pieces)) == 2)
    puller.cancel()

    assert [1, 2, 3] == sorted({piece.offset for piece in pieces})
    assert sorted(piece.offset for piece in pieces) == [piece.offset for piece in pieces]
    (skipped,) = [piece for piece in pieces if piece.offset == 2]
    assert (None, None, []) == (skipped.outcome, skipped.progress, skipped.raw)


def test_every_line_is_accounted_for(store: WatchedStore) -> None:
    """In raw, as a dead letter with its number and beginning, or as blank."""
    version = store.put("k1", MIXED)

    pieces = pulled(a_plan(store), a_task(version))

    outcome = pieces[-1].outcome
    assert outcome is not None
    assert MIXED_RAW == [record.partition(b" ")[2] for record in raw_in(pieces)]
    letters = [letter for piece in pieces for letter in piece.dead_letters]
    assert [(5, b"xxxx", 40), (10, b"yyyy", 17)] == [
        (letter.line_number, letter.payload, letter.payload_bytes) for letter in letters
    ]
    assert {FailureKind.TOO_LARGE} == {letter.failures[0].kind for letter in letters}
    assert (14, 6, 6, 2) == (
        outcome.lines,
        outcome.raw_lines,
        outcome.blank_lines,
        outcome.dead_letter_lines,
    )
    assert 6 == sum(piece.blank_lines for piece in pieces)


def test_resumed_object_ends_as_if_nothing_had_happened(store: WatchedStore) -> None:
    """From whatever place: the lines behind it, the same outcome, and no line counted twice."""
    version = store.put("k1", MIXED)
    plan = a_plan(store)
    whole = pulled(plan, a_task(version))

    for index, piece in enumerate(whole[:-1]):
        rest = pulled(plan, a_task(version, resumed=piece))

        assert whole[-1].outcome == rest[-1].outcome
        assert raw_in(whole[index + 1 :]) == raw_in(rest)
        done = whole[: index + 1]
        for counted in ("raw", "dead_letters"):
            assert sum(len(getattr(each, counted)) for each in whole) == sum(
                len(getattr(each, counted)) for each in done + rest
            )
        assert sum(each.blank_lines for each in whole) == sum(
            each.blank_lines for each in done + rest
        )


def test_attempt_that_is_gone_on_with_began_when_it_began(store: WatchedStore) -> None:
    """A crash does not make it shorter."""
    version = store.put("k1", TEN_LINES)
    clock = ClockThatRuns()
    first, *_ = pulled(a_plan(store, clock=clock), a_task(version))
    assert first.progress is not None
    clock.pass_time(3600)

    rest = pulled(a_plan(store, clock=clock), a_task(version, resumed=first))

    assert rest[-1].outcome is not None
    assert first.progress.started_at == rest[-1].outcome.started_at
    assert rest[-1].outcome.finished_at >= first.progress.started_at + 3600_000_000


def test_retry_resumes_at_the_place_of_the_last_outcome(store: WatchedStore) -> None:
    """What reached raw under an earlier attempt does not come again."""
    version = replace(store.put("k1", TEN_LINES), attempt=2, resume_from=Place(line=7))

    pieces = pulled(a_plan(store), a_task(version))

    assert [b"src_acme/k1#%d line %d" % (n, n) for n in (8, 9, 10)] == raw_in(pieces)
    assert pieces[-1].outcome is not None
    assert (2, 10, 10) == (
        pieces[-1].outcome.attempt,
        pieces[-1].outcome.lines,
        pieces[-1].outcome.raw_lines,
    )


def test_object_that_breaks_keeps_its_good_lines(store: WatchedStore) -> None:
    """The outcome says how far it got; the line that was open is not in raw."""
    version = store.put("k1", TEN_LINES)
    store.objects.break_body(BUCKET, "k1", 24)

    pieces = pulled(a_plan(store), a_task(version))

    outcome = pieces[-1].outcome
    assert outcome is not None
    assert 3 == len(raw_in(pieces))
    assert (Outcome.QUARANTINED, Reason.UNAVAILABLE, Place(line=3)) == (
        outcome.outcome,
        outcome.reason,
        outcome.place,
    )
    assert store.bodies[0].is_closed


def test_object_that_breaks_before_its_place_keeps_the_place(store: WatchedStore) -> None:
    """Or the next attempt would bring lines again that are in raw."""
    place = Place(line=7, blank_lines=1)
    version = replace(store.put("k1", TEN_LINES), attempt=2, resume_from=place)
    store.objects.break_body(BUCKET, "k1", 24)

    (piece,) = pulled(a_plan(store), a_task(version))

    assert piece.outcome is not None
    assert [] == piece.raw
    assert (place, 7, 6, 1, 0) == (
        piece.outcome.place,
        piece.outcome.lines,
        piece.outcome.raw_lines,
        piece.outcome.blank_lines,
        piece.blank_lines,
    )


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        (Reason.OBJECT_GONE, Outcome.VANISHED),
        (Reason.ETAG_CHANGED, Outcome.SUPERSEDED),
        (Reason.ACCESS_DENIED, Outcome.QUARANTINED),
        (Reason.UNKNOWN_REFUSAL, Outcome.QUARANTINED),
    ],
)
def test_object_that_cannot_be_opened_keeps_its_place(
    store: WatchedStore, reason: Reason, outcome: Outcome
) -> None:
    """What an earlier attempt published stays accounted for."""
    version = replace(store.put("k1", TEN_LINES), resume_from=Place(line=7, dead_letter_lines=2))
    store.objects.refuse_reading(BUCKET, "k1", reason)

    (piece,) = pulled(a_plan(store), a_task(version))

    assert piece.outcome is not None
    assert (outcome, reason, version.resume_from) == (
        piece.outcome.outcome,
        piece.outcome.reason,
        piece.outcome.place,
    )
    assert (7, 5, 2) == (
        piece.outcome.lines,
        piece.outcome.raw_lines,
        piece.outcome.dead_letter_lines,
    )
    assert piece.outcome.sha256 is None


def test_object_that_was_overwritten_is_not_joined(store: WatchedStore) -> None:
    """Its place stays that of the version that is no more."""
    version = store.put("k1", TEN_LINES)
    first, *_ = pulled(a_plan(store), a_task(version))
    store.put("k1", TEN_LINES + b"more\n")

    (piece,) = pulled(a_plan(store), a_task(version, resumed=first))

    assert first.progress is not None
    assert piece.outcome is not None
    assert (Outcome.SUPERSEDED, first.progress.place) == (
        piece.outcome.outcome,
        piece.outcome.place,
    )


def test_source_that_is_not_known_yet_is_waited_for(store: WatchedStore) -> None:
    """Discovery may know it a moment earlier."""
    version = store.put("k1", b"x\n")
    known: dict[str, IngestionSource] = {}
    plan = a_plan(store, source_of=known.get)
    puller = PartitionPuller(plan, 0)
    puller.submit(a_task(version))
    assert not puller.has_piece()

    known[version.source_id] = a_source()

    (piece,) = take_until(puller, lambda pieces: len(pieces) == 1)
    puller.cancel()
    assert piece.outcome is not None
    assert Outcome.PULLED == piece.outcome.outcome


def test_source_that_was_removed_is_waited_for_once(store: WatchedStore) -> None:
    """Objects of other sources stand behind its own; back again, it is read as ever."""
    version = store.put("k1", b"x\n")
    looks: list[str] = []
    known: dict[str, IngestionSource] = {}

    def source_of(source_id: str) -> IngestionSource | None:
        looks.append(source_id)
        return known.get(source_id)

    puller = PartitionPuller(a_plan(store, source_of=source_of, clock=ClockThatRuns()), 0)
    waits = []
    for _ in range(3):
        before = len(looks)
        puller.submit(a_task(version))
        (piece,) = take_until(puller, lambda pieces: len(pieces) == 1)
        assert piece.outcome is not None
        assert (Outcome.QUARANTINED, Reason.SOURCE_REMOVED) == (
            piece.outcome.outcome,
            piece.outcome.reason,
        )
        waits.append(len(looks) - before)
    known[version.source_id] = a_source()
    puller.submit(a_task(version))
    pieces = take_until(puller, outcomes_in)
    puller.cancel()

    assert waits[0] > 2
    assert [1, 1] == waits[1:]
    assert 1 == len(raw_in(pieces))


def test_reading_stops_while_nothing_is_taken(store: WatchedStore) -> None:
    """A chunk's bytes wait, one piece is in the thread's hands: no more of it is in memory."""
    puller = PartitionPuller(a_plan(store), 0)
    puller.submit(a_task(store.put("k1", TEN_LINES * 1000)))
    eventually(puller.has_piece, every_seconds=0.001)

    assert eventually(lambda: store.bodies[0].chunks_read, every_seconds=0.001) < 100
    for _ in range(5):
        eventually(puller.take, every_seconds=0.001)
    eventually(puller.has_piece, every_seconds=0.001)
    assert store.bodies[0].chunks_read < 150
    puller.cancel()


def test_cancelled_puller_ends_with_a_full_queue(store: WatchedStore) -> None:
    """No thread is left, no body open, and nothing more comes."""
    puller = PartitionPuller(a_plan(store), 4711)
    puller.submit(a_task(store.put("k1", TEN_LINES * 1000)))
    puller.submit(a_task(store.put("k2", TEN_LINES)))
    eventually(puller.has_piece, every_seconds=0.001)

    puller.cancel()

    eventually(lambda: has_ended(puller), every_seconds=0.001)
    eventually(lambda: not threads_of(4711), every_seconds=0.001)
    assert [True] == [body.is_closed for body in store.bodies]
    puller.check()


def test_cancelled_puller_ends_without_work() -> None:
    """It waits for a task."""
    puller = PartitionPuller(a_plan(WatchedStore()), 0)

    puller.cancel()

    eventually(lambda: has_ended(puller), every_seconds=0.001)


def test_cancelled_puller_does_not_wait_for_a_source(store: WatchedStore) -> None:
    """Nor does it say anything of the object."""
    puller = PartitionPuller(a_plan(store, source_of=lambda _: None), 0)
    puller.submit(a_task(store.put("k1", b"x\n")))

    puller.cancel()

    eventually(lambda: has_ended(puller), every_seconds=0.001)
    assert not puller.has_piece()


def test_body_that_is_opened_after_the_cancellation_is_not_read(store: WatchedStore) -> None:
    """It may be gigabytes up to the place at which something would be offered."""
    version = replace(store.put("k1", TEN_LINES * 1000), resume_from=Place(line=9999))
    store.may_open.clear()
    puller = PartitionPuller(a_plan(store), 0)
    puller.submit(a_task(version))
    eventually(lambda: store.openings == 1, every_seconds=0.001)

    puller.cancel()
    eventually(lambda: has_ended(puller), every_seconds=0.001)
    store.may_open.set()

    eventually(lambda: store.bodies and store.bodies[0].is_closed, every_seconds=0.001)
    assert [(0, True)] == [(body.chunks_read, body.is_closed) for body in store.bodies]


def test_what_goes_wrong_in_the_thread_is_raised_in_the_loop(store: WatchedStore) -> None:
    """A partition never stands still in silence."""
    store.raises = RuntimeError("nobody foresaw this")
    puller = PartitionPuller(a_plan(store), 0)
    puller.submit(a_task(store.put("k1", b"x\n")))
    eventually(lambda: has_ended(puller), every_seconds=0.001)

    with pytest.raises(RuntimeError, match="nobody foresaw this"):
        puller.check()
    puller.cancel()


def test_body_is_closed_when_something_goes_wrong(store: WatchedStore) -> None:
    """Connections are not for the collector to close."""

    def failing(*_: object) -> list[bytes]:
        raise ZeroDivisionError

    plan = dataclasses.replace(a_plan(store), encode=failing)
    puller = PartitionPuller(plan, 0)
    puller.submit(a_task(store.put("k1", TEN_LINES)))
    eventually(lambda: has_ended(puller), every_seconds=0.001)

    assert [True] == [body.is_closed for body in store.bodies]
    with pytest.raises(ZeroDivisionError):
        puller.check()


def test_cancellation_is_no_failure(store: WatchedStore) -> None:
    """A body that is closed under the thread's hands raises there, and nobody is told."""
    version = store.put("k1", TEN_LINES * 1000)
    puller = PartitionPuller(a_plan(store, limits=Limits(chunk_lines=10**6)), 0)
    puller.submit(a_task(version))
    eventually(lambda: store.bodies and store.bodies[0].chunks_read > 10, every_seconds=0.001)

    puller.cancel()

    eventually(lambda: has_ended(puller), every_seconds=0.001)
    puller.check()
    assert not [thread for thread in threading.enumerate() if thread is puller._thread]
