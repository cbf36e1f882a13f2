"""The puller as the loop runs it: chunks, the place in the offset, and whose place it is."""

import pytest
from msgspec.structs import replace

from producer.contract.objects import Outcome
from producer.errors import PlaceUnreadableError, SchemaMismatchError
from producer.kafka.stages import Committed
from producer.puller.limits import Limits
from producer.puller.progress import from_metadata
from producer.puller.pulling import Piece
from tests.support.builders import a_version
from tests.support.stages import (
    FROM_THE_START,
    FakeMessage,
    transact,
)
from tests.support.waiting import eventually
from tests.unit.puller.driving import (
    CONTENT,
    OBJECTS,
    OUTCOMES,
    RAW,
    Puller,
    a_record,
    half_read,
)
from tests.unit.puller.pullers import LIMITS, ClockThatRuns, WatchedStore, a_plan


def test_chunks_carry_the_place_and_the_last_the_outcome(
    puller: Puller, store: WatchedStore
) -> None:
    """Lines, dead letters, outcome and offset are in one transaction, in the key's partition."""
    version = store.put("k1", CONTENT)
    puller.acquire(partition=5)
    puller.stage.receive(5, [a_record(version, 9)])
    offsets = []
    while not puller.stage.is_drained(5):
        transaction = puller.transact_next()
        offsets.append(transaction.offsets[OBJECTS, 5])
        for message in transaction.published:
            assert (b"src_acme/k1", 5) == (message.key, message.partition)

    assert (10, "") == offsets[-1]
    assert {9} == {offset for offset, _ in offsets[:-1]}
    places = [from_metadata(metadata) for _, metadata in offsets[:-1]]
    assert all(place is not None and place.is_of(version) for place in places)
    assert 5 == len(puller.log.raw)
    assert [4] == [letter.line_number for letter in puller.log.dead_letters]
    (outcome,) = puller.log.outcomes
    assert (7, 5, 1, 1) == (
        outcome.lines,
        outcome.raw_lines,
        outcome.blank_lines,
        outcome.dead_letter_lines,
    )


def test_what_is_committed_is_counted(puller: Puller, store: WatchedStore) -> None:
    """Lines of each kind, bytes and outcomes; a transaction that fails counts nothing."""
    puller.acquire()
    puller.stage.receive(0, [a_record(store.put("k1", CONTENT))])
    puller.transact_next(commits=False)
    puller.stage.release(0)
    assert [] == puller.pulled

    puller.acquire()
    puller.stage.receive(0, [a_record(store.put("k1", CONTENT))])
    puller.pull_all()

    assert {"raw": 5, "blank": 1, "dead_letter": 1} == {
        kind: sum(pulled.lines[kind] for pulled in puller.pulled)
        for kind in ("raw", "blank", "dead_letter")
    }
    assert len(CONTENT) == sum(pulled.read_bytes for pulled in puller.pulled)
    assert puller.log.outcomes == [
        outcome for pulled in puller.pulled for outcome in pulled.outcomes
    ]


@pytest.mark.parametrize("fate", ["lost", "landed"])
@pytest.mark.parametrize("committed_before", [0, 1, 2])
def test_successor_goes_on_inside_the_object(
    puller: Puller, store: WatchedStore, fate: str, committed_before: int
) -> None:
    """Each line is in raw once, in order, and the outcome is that of an undisturbed pull."""
    record = a_record(store.put("k1", CONTENT))
    puller.acquire()
    puller.stage.receive(0, [record])
    for _ in range(committed_before):
        puller.transact_next()
    last = puller.transact_next(commits=False)
    if fate == "landed":
        puller.land(last)
    puller.stage.release(0)

    puller.acquire()
    if puller.log.committed.get(0, FROM_THE_START).offset == record.offset():
        puller.stage.receive(0, [record])
    puller.pull_all()

    assert [b"src_acme/k1#%d" % number for number in (1, 3, 5, 6, 7)] == [
        value.partition(b" ")[0] for value in puller.log.raw
    ]
    assert [4] == [letter.line_number for letter in puller.log.dead_letters]
    undisturbed = Puller(store)
    undisturbed.acquire()
    undisturbed.stage.receive(0, [record])
    undisturbed.pull_all()
    undisturbed.stage.release(0)
    assert undisturbed.log.outcomes == puller.log.outcomes


def test_place_whose_record_is_gone_is_not_believed(puller: Puller, store: WatchedStore) -> None:
    """Compaction removed it: what was half read is superseded, the next is read from its start."""
    old = a_version(key="k1", etag="etag-old", pull_id="pull-old", attempt=2)
    puller.acquire(half_read(old, 4))
    assert not puller.stage.is_drained(0)
    puller.stage.receive(0, [a_record(store.put("k1", CONTENT), 8)])

    puller.pull_all()

    gone, pulled = puller.log.outcomes
    assert (Outcome.SUPERSEDED, "etag-old", "pull-old", 2) == (
        gone.outcome,
        gone.etag,
        gone.pull_id,
        gone.attempt,
    )
    assert (3, 2, 1, 0) == (
        gone.lines,
        gone.raw_lines,
        gone.blank_lines,
        gone.dead_letter_lines,
    )
    assert (Outcome.PULLED, 7) == (pulled.outcome, pulled.lines)
    assert 5 == len(puller.log.raw)
    assert Committed(9, "") == puller.log.committed[0]


@pytest.mark.parametrize(
    "changes",
    [{"attempt": 2}, {"pull_id": "pull-2"}, {"source_id": "src_other"}],
    ids=str,
)
def test_place_of_another_attempt_is_not_believed(
    puller: Puller, store: WatchedStore, changes: dict[str, object]
) -> None:
    """Also where the record at the offset has the same key and etag."""
    version = store.put("k1", CONTENT)
    puller.acquire(half_read(replace(version, **changes), 4))
    puller.stage.receive(0, [a_record(version, 4)])

    puller.pull_all()

    assert [Outcome.SUPERSEDED, Outcome.PULLED] == [
        outcome.outcome for outcome in puller.log.outcomes
    ]
    assert 5 == len(puller.log.raw)


def test_same_attempt_at_another_offset_is_not_believed(
    puller: Puller, store: WatchedStore
) -> None:
    """An offset reset by hand may bring that about: then all is pulled again."""
    version = store.put("k1", CONTENT)
    puller.acquire(half_read(version, 4))
    puller.stage.receive(0, [a_record(version, 5)])

    puller.pull_all()

    assert 5 == len(puller.log.raw)


def test_place_is_not_left_behind_a_tombstone(puller: Puller) -> None:
    """Or the partition would never be drained, and the outcome never be told."""
    puller.acquire(half_read(a_version(), 4))
    puller.stage.receive(0, [a_record(None, 8)])

    puller.pull_all()

    assert [Outcome.SUPERSEDED] == [outcome.outcome for outcome in puller.log.outcomes]
    assert Committed(9, "") == puller.log.committed[0]


def test_superseded_outcome_is_told_again_after_an_abort(
    puller: Puller, store: WatchedStore
) -> None:
    """It was not told until it is committed; and then once."""
    at = half_read(a_version(etag="etag-old"), 4)
    record = a_record(store.put("k1", CONTENT), 8)
    puller.acquire(at)
    puller.stage.receive(0, [record])
    lost = transact(puller.stage, commits=False)
    assert 1 <= len(lost.values(OUTCOMES))
    puller.stage.release(0)

    puller.acquire(at)
    puller.stage.receive(0, [record])
    puller.pull_all()

    assert [Outcome.SUPERSEDED, Outcome.PULLED] == [
        outcome.outcome for outcome in puller.log.outcomes
    ]
    assert 5 == len(puller.log.raw)


def test_superseded_outcome_need_not_wait_for_the_next_object(
    puller: Puller, store: WatchedStore
) -> None:
    """It moves the offset to that one, whose lines may take a while; released, it is forgotten."""
    store.may_open.clear()
    puller.acquire(half_read(a_version(etag="etag-old"), 4))
    puller.stage.receive(0, [a_record(store.put("k1", CONTENT), 8)])
    alone = transact(puller.stage, commits=False)

    assert {(OBJECTS, 0): (8, "")} == alone.offsets
    assert [OUTCOMES] == [message.topic for message in alone.published]
    puller.stage.release(0)
    assert not puller.stage.has_work()
    store.may_open.set()


def test_place_that_cannot_be_read_stops_the_process(puller: Puller) -> None:
    """With its own error, and without a thread: nothing is held of the partition."""
    with pytest.raises(PlaceUnreadableError):
        puller.stage.acquire(0, Committed(4, "who knows"))

    puller.stage.release(0)
    assert not puller.stage.has_work()


def test_tombstone_stands_for_nothing_to_pull(puller: Puller, store: WatchedStore) -> None:
    """It is passed over in its turn."""
    puller.acquire()
    puller.stage.receive(0, [a_record(None, 0), a_record(store.put("k1", b"x\n"), 1)])

    puller.pull_all()

    assert 1 == len(puller.log.raw)
    assert Committed(2, "") == puller.log.committed[0]


def test_version_that_cannot_be_read_stops_the_process(puller: Puller) -> None:
    """It is ours alone to write, so this is no bad data."""
    puller.acquire()
    record = FakeMessage(topic_name=OBJECTS, offset_number=7, value_bytes=b"\x01")

    with pytest.raises(SchemaMismatchError, match=f"offset 7 of partition 0 of '{OBJECTS}'"):
        puller.stage.receive(0, [record])


def test_failure_in_a_thread_stops_the_process(store: WatchedStore) -> None:
    """Also while other partitions have work all the time."""
    puller = Puller(store)
    puller.acquire(partition=0)
    puller.acquire(partition=1)
    puller.stage.receive(0, [a_record(store.put("k1", CONTENT * 1000))])
    eventually(puller.stage.has_work, every_seconds=0.001)
    store.raises = RuntimeError("nobody foresaw this")
    puller.stage.receive(1, [a_record(store.put("k2", b"x\n"))])

    def transact_on() -> None:
        for _ in range(1000):
            puller.transact_next()

    with pytest.raises(RuntimeError, match="nobody foresaw this"):
        transact_on()
    for partition in (0, 1):
        puller.stage.release(partition)


def test_unknown_source_gives_an_outcome(puller: Puller, store: WatchedStore) -> None:
    """It may come back, so discovery tries again."""
    puller.known.clear()
    puller.stage._plan = a_plan(store, source_of=puller.known.get, clock=ClockThatRuns())
    puller.acquire()
    puller.stage.receive(0, [a_record(store.put("k1", CONTENT))])

    puller.pull_all()

    assert [(Outcome.QUARANTINED, "source_removed", 0)] == [
        (outcome.outcome, outcome.reason, outcome.lines) for outcome in puller.log.outcomes
    ]


def test_transaction_takes_about_a_chunk_of_each_partition(store: WatchedStore) -> None:
    """So that it stays short, and no partition waits for another."""
    puller = Puller(store, limits=Limits(chunk_lines=3))
    for partition in (0, 1):
        puller.acquire(partition=partition)
        puller.stage.receive(
            partition, [a_record(store.put(f"k{partition}", b"x\n" * 100)), a_record(None, 1)]
        )
    seen: list[dict[int, int]] = []
    while not all(puller.stage.is_drained(partition) for partition in (0, 1)):
        transaction = puller.transact_next()
        of = [message.partition for message in transaction.published if message.topic == RAW]
        seen.append({partition: of.count(partition) for partition in (0, 1)})
    for partition in (0, 1):
        puller.stage.release(partition)

    # A chunk is closed at the first block beyond its bound, here four lines.
    assert max(count for counts in seen for count in counts.values()) <= 2 * 4
    assert 200 == len(puller.log.raw)


def test_transaction_does_not_take_all_that_is_ready(
    puller: Puller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that is faster than the loop must not keep it in one transaction."""
    puller.acquire()
    pieces = iter([Piece(offset=0, raw=[b"one", b"two"])] * 100)
    ahead = puller.stage._partitions[0].puller
    monkeypatch.setattr(ahead, "take", lambda: next(pieces, None))

    transaction = transact(puller.stage, commits=False)

    assert LIMITS.chunk_lines == len(transaction.values(RAW))


def test_partition_with_many_waiting_versions_is_not_fetched(
    puller: Puller, store: WatchedStore
) -> None:
    """They are held in memory; it is fetched again when some are done."""
    version = store.put("k1", b"x\n")
    puller.acquire()
    assert puller.stage.wants_more(0)

    puller.stage.receive(0, [a_record(version, offset) for offset in range(1000)])
    assert not puller.stage.wants_more(0)
    puller.transact_next()

    assert puller.stage.wants_more(0)


def test_release_leaves_other_partitions_alone(puller: Puller, store: WatchedStore) -> None:
    """What of the released one was not committed is not published any more."""
    puller.acquire(partition=0)
    puller.acquire(partition=1)
    puller.stage.receive(0, [a_record(store.put("k0", CONTENT))])
    puller.stage.receive(1, [a_record(store.put("k1", CONTENT))])
    eventually(puller.stage.has_work, every_seconds=0.001)

    puller.stage.release(0)
    puller.pull_all(1)

    assert [1] == list(puller.log.committed)
    assert all(value.startswith(b"src_acme/k1#") for value in puller.log.raw)
