"""The deduplicator as the loop runs it: what passes, and what it remembers of whom."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from producer.deduplicator.decision import (
    Owner,
    Verdict,
    claim_of,
    id_digest,
    judge,
    owner_after,
)
from producer.deduplicator.store import SWEEP_PARTS
from producer.errors import BrokerUnavailableError, FatalError, SchemaMismatchError
from tests.support.stages import FROM_THE_START, FakeMessage, let_end, transact
from tests.support.waiting import eventually
from tests.unit.deduplicator.deduplicators import (
    EVENTS,
    NORMALISED,
    WINDOW_SECONDS,
    Deduplicator,
    value_of,
)

A_MINUTE = 61
MINUTE = 60_000_000


@pytest.fixture
def deduplicator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Deduplicator]:
    """Give a deduplicator that owns nothing yet."""
    deduplicator = Deduplicator(monkeypatch, tmp_path / "state")
    yield deduplicator
    for reader in deduplicator.events.readers:
        reader.is_pending = False
    for partition in list(deduplicator.stage._partitions):
        deduplicator.stage.release(partition)


def test_first_event_of_an_id_passes_and_copies_do_not(deduplicator: Deduplicator) -> None:
    """Under its own key, in its own partition, with its schema's id translated, and counted."""
    deduplicator.acquire(3)
    first, copy = deduplicator.message(), deduplicator.message(key="copy")
    deduplicator.stage.receive(3, [first, copy])

    transaction = transact(deduplicator.stage)

    (event,) = transaction.published
    assert (EVENTS, b"evt-1", 3) == (event.topic, event.key, event.partition)
    assert value_of() + b" " == event.value
    assert {(NORMALISED, 3): (copy.offset() + 1, "")} == transaction.offsets
    assert {Verdict.FIRST: 1, Verdict.SUPPRESSED: 1} == deduplicator.counts
    assert not deduplicator.stage.has_work()


def test_event_that_cannot_be_read_stops_the_process(
    deduplicator: Deduplicator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it lies is told, and nothing is learnt of those before it."""

    def refuse(value: bytes) -> bytes:
        raise SchemaMismatchError(f"no schema for {len(value)} bytes")

    deduplicator.acquire()
    monkeypatch.setattr(deduplicator.stage, "_translate_header", refuse)
    with pytest.raises(SchemaMismatchError, match=f"offset 1 of partition 0 of '{NORMALISED}'"):
        deduplicator.judge(deduplicator.message())
    assert {} == deduplicator.counts


def test_duplicate_in_a_later_transaction_is_suppressed(deduplicator: Deduplicator) -> None:
    """The id is remembered from one commit to the next."""
    deduplicator.acquire()

    assert 1 == len(deduplicator.judge(deduplicator.message()))
    assert [] == deduplicator.judge(deduplicator.message(etag="etag-b"))


def test_offset_reset_passes_the_owner_alone(deduplicator: Deduplicator) -> None:
    """Each time the same events, and nothing else."""
    deduplicator.acquire()
    messages = [deduplicator.message(), deduplicator.message(key="copy")]
    first = deduplicator.judge(*messages)

    assert first == deduplicator.judge(*messages) == deduplicator.judge(*messages)
    assert {Verdict.FIRST: 1, Verdict.REPEATED: 2, Verdict.SUPPRESSED: 3} == deduplicator.counts


def test_overwritten_and_put_back_passes_only_as_a_replay(deduplicator: Deduplicator) -> None:
    """A, B, A brings the same place in another pull."""
    deduplicator.acquire()
    deduplicator.judge(deduplicator.message())

    assert [] == deduplicator.judge(deduplicator.message(pull_id="pull-2"))
    assert 1 == len(deduplicator.judge(deduplicator.message(pull_id="pull-3", replay_id="r")))


def test_nothing_is_remembered_before_the_commit(deduplicator: Deduplicator) -> None:
    """The event of an aborted transaction was not published: to remember it would lose it."""
    deduplicator.acquire()
    deduplicator.stage.receive(0, [deduplicator.message()])
    transact(deduplicator.stage, commits=False)
    deduplicator.stage.release(0)

    assert not deduplicator.knows("evt-1")
    assert {} == deduplicator.counts
    deduplicator.acquire()
    assert 1 == len(deduplicator.judge(deduplicator.message(key="another")))


def test_overlay_of_an_aborted_transaction_is_dropped(deduplicator: Deduplicator) -> None:
    """Also where the partition is judged again without having been released."""
    deduplicator.acquire()
    deduplicator.stage.receive(0, [deduplicator.message()])

    lost = transact(deduplicator.stage, commits=False)
    again = transact(deduplicator.stage)

    assert 1 == len(lost.published)
    assert lost.published == again.published
    assert {Verdict.FIRST: 1} == deduplicator.counts


def test_commit_of_unknown_fate_is_looked_up(deduplicator: Deduplicator) -> None:
    """It had landed: what it published is known when the partition is taken up again."""
    deduplicator.acquire()
    message = deduplicator.message()
    deduplicator.stage.receive(0, [message])
    deduplicator.land(transact(deduplicator.stage, commits=False))

    deduplicator.take_up_again()

    assert [] == deduplicator.judge(deduplicator.message(key="copy"))
    assert 1 == len(deduplicator.judge(message))


def test_deleted_store_changes_nothing(deduplicator: Deduplicator) -> None:
    """It is rebuilt from the events themselves."""
    deduplicator.acquire()
    deduplicator.judge(*(deduplicator.message(f"evt-{number}") for number in range(2500)))
    deduplicator.stage.release(0)

    shutil.rmtree(deduplicator.directory)
    deduplicator.acquire()

    copies = [deduplicator.message(f"evt-{number}", key="copy") for number in range(2501)]
    assert 1 == len(deduplicator.judge(*copies))
    assert [(0, 0), (0, 2500)] == deduplicator.restored


def test_id_passes_again_after_its_window(deduplicator: Deduplicator) -> None:
    """From whatever origin, which owns it then."""
    deduplicator.acquire()
    deduplicator.judge(deduplicator.message())
    deduplicator.clock.pass_time(WINDOW_SECONDS)
    assert [] == deduplicator.judge(deduplicator.message(key="copy"))

    deduplicator.clock.pass_time(1)

    assert 1 == len(deduplicator.judge(deduplicator.message(key="copy")))
    assert [] == deduplicator.judge(deduplicator.message())


def test_restart_reads_on_from_the_checkpoint(deduplicator: Deduplicator) -> None:
    """What the store knows need not be read."""
    deduplicator.acquire()
    deduplicator.judge(deduplicator.message("evt-1"))
    deduplicator.clock.pass_time(A_MINUTE)
    deduplicator.judge(deduplicator.message("evt-2"))
    deduplicator.judge(deduplicator.message("evt-3"))

    deduplicator.take_up_again()

    assert [0, 1] == deduplicator.events.starts
    copies = [deduplicator.message(f"evt-{number}", key="copy") for number in (1, 2, 3)]
    assert [] == deduplicator.judge(*copies)


def test_checkpoint_is_told_only_by_a_later_commit(deduplicator: Deduplicator) -> None:
    """A process that was stopped after a commit may ask when others have published already."""
    deduplicator.acquire()
    deduplicator.judge(deduplicator.message("evt-1"))
    deduplicator.clock.pass_time(A_MINUTE)
    deduplicator.stage.receive(0, [deduplicator.message("evt-2")])
    # What is committed here, and what whoever took the partition over publishes, is all there
    # when the end is asked for.
    deduplicator.events.append(b"evt-2", value_of())
    deduplicator.events.append(b"of-another-owner", value_of())
    transact(deduplicator.stage)

    deduplicator.take_up_again()

    copy = deduplicator.message("of-another-owner", key="copy")
    assert [] == deduplicator.judge(copy)


def test_checkpoint_waits_while_brokers_do_not_answer(deduplicator: Deduplicator) -> None:
    """It only saves time, so it is no reason to stop."""
    deduplicator.acquire()
    deduplicator.clock.pass_time(A_MINUTE)
    deduplicator.events.watermarks.raises = BrokerUnavailableError("no answer")

    assert 1 == len(deduplicator.judge(deduplicator.message("evt-1")))
    assert 1 == len(deduplicator.judge(deduplicator.message("evt-2")))

    deduplicator.events.watermarks.raises = None
    deduplicator.stage.release(0)
    assert 0 == deduplicator.checkpoint()


def test_ends_are_not_asked_for_at_each_commit(deduplicator: Deduplicator) -> None:
    """Once a minute is enough for a restart to be short."""
    deduplicator.acquire()
    asked = deduplicator.events.watermarks.asked
    for number in range(5):
        deduplicator.judge(deduplicator.message(f"evt-{number}"))
    assert asked == deduplicator.events.watermarks.asked

    deduplicator.clock.pass_time(A_MINUTE)
    for number in range(5, 10):
        deduplicator.judge(deduplicator.message(f"evt-{number}"))
    assert asked + 1 == deduplicator.events.watermarks.asked


def test_old_ids_are_swept_out_of_the_store(deduplicator: Deduplicator) -> None:
    """A part at a time, so that a process that runs for months does not fill the disk."""
    deduplicator.acquire()
    deduplicator.judge(deduplicator.message("evt-1"))
    deduplicator.clock.pass_time(WINDOW_SECONDS + 3 * 86_400)
    minutes_to_its_turn = part_of("evt-1") - deduplicator.clock.now() // MINUTE
    for minutes, is_known in ((minutes_to_its_turn - 1, True), (1, False)):
        deduplicator.clock.pass_time(minutes % SWEEP_PARTS * 60 + 1)
        deduplicator.judge(deduplicator.message("evt-2"))
        deduplicator.stage.release(0)
        assert is_known == deduplicator.knows("evt-1")
        assert deduplicator.knows("evt-2")
        deduplicator.acquire()


def part_of(event: str) -> int:
    return int.from_bytes(id_digest(event.encode())[:2]) * SWEEP_PARTS // 2**16


def test_partitions_do_not_share_ids(deduplicator: Deduplicator) -> None:
    """Nor does the release of one touch the other."""
    deduplicator.acquire(0)
    deduplicator.acquire(1)
    deduplicator.judge(deduplicator.message("evt-1"), partition=0)
    deduplicator.judge(deduplicator.message("evt-2"), partition=1)

    deduplicator.stage.release(0)

    assert [] == deduplicator.judge(deduplicator.message("evt-2", key="copy"), partition=1)
    assert not deduplicator.stage.has_work()


def test_partition_is_not_ready_while_a_transaction_is_pending(deduplicator: Deduplicator) -> None:
    """It may hold the first event of an id that comes next."""
    deduplicator.events.is_pending = True
    deduplicator.stage.acquire(0, FROM_THE_START)
    (reader,) = eventually(lambda: deduplicator.events.readers, every_seconds=0.002)
    assert not deduplicator.stage.is_ready(0)

    reader.is_pending = False

    eventually(lambda: deduplicator.stage.is_ready(0), every_seconds=0.002)
    assert reader.is_closed


def test_release_while_restoring_does_not_hang(deduplicator: Deduplicator) -> None:
    """The store is let go of, and what was read of the topic is no checkpoint."""
    deduplicator.events.append(b"evt-1", value_of())
    deduplicator.events.is_pending = True
    deduplicator.stage.acquire(0, FROM_THE_START)
    eventually(lambda: deduplicator.events.readers, every_seconds=0.002)

    let_end(lambda: deduplicator.stage.release(0))

    assert deduplicator.events.readers[0].is_closed
    assert [] == deduplicator.restored
    assert deduplicator.checkpoint() is None


def test_what_goes_wrong_in_the_thread_is_raised_in_the_loop(deduplicator: Deduplicator) -> None:
    """And the store can still be let go of."""
    deduplicator.events.is_pending = True
    deduplicator.events.raises = FatalError("could not read")

    with pytest.raises(FatalError, match="could not read"):
        deduplicator.acquire()
    deduplicator.stage.release(0)

    assert deduplicator.checkpoint() is None


def test_store_that_is_ahead_of_the_topic_is_thrown_away(deduplicator: Deduplicator) -> None:
    """Its ids are of a topic that is no more: each of them would be an event lost."""
    deduplicator.acquire()
    deduplicator.judge(*(deduplicator.message(f"evt-{number}") for number in range(5)))
    deduplicator.take_up_again()
    del deduplicator.events.log()[1:]
    deduplicator.events.watermarks.ends.clear()
    deduplicator.events.append(b"evt-1", value_of())

    deduplicator.take_up_again()

    assert [] == deduplicator.judge(deduplicator.message("evt-1", key="copy"))
    assert 1 == len(deduplicator.judge(deduplicator.message("evt-4", key="copy")))


def test_any_history_passes_what_a_perfect_memory_would(
    deduplicator: Deduplicator, rng: random.Random
) -> None:
    """Whatever is committed, lost, of unknown fate, restarted or deleted in between."""
    deduplicator.acquire()
    memory: dict[bytes, Owner] = {}
    for _ in range(60):
        batch = [a_random_message(deduplicator, rng) for _ in range(rng.randrange(1, 8))]
        overlay, wanted = dict(memory), list[bytes]()
        for message in batch:
            key, value = message.key() or b"", message.value() or b""
            claim, owner = claim_of(msgspec.json.decode(value)), overlay.get(id_digest(key))
            now = deduplicator.clock.now() // 1000
            verdict = judge(owner, claim, now=now, window=WINDOW_SECONDS * 1000)
            if verdict is not Verdict.SUPPRESSED:
                overlay[id_digest(key)] = owner_after(verdict, owner, claim, now=now)
                wanted.append(value + b" ")
        end = rng.choice(["committed", "committed", "lost", "landed", "restarted", "deleted"])
        deduplicator.stage.receive(0, batch)
        transaction = transact(deduplicator.stage, commits=end not in {"lost", "landed"})
        assert wanted == transaction.values(EVENTS)
        if end != "lost":
            deduplicator.land(transaction)
            memory = overlay
        deduplicator.clock.pass_time(rng.choice([0, 1, A_MINUTE, 3600]))
        if end != "committed":
            deduplicator.stage.release(0)
            if end == "deleted":
                shutil.rmtree(deduplicator.directory)
            deduplicator.acquire()


def a_random_message(deduplicator: Deduplicator, rng: random.Random) -> FakeMessage:
    is_replay = rng.random() < 0.2
    return deduplicator.message(
        f"evt-{rng.randrange(12)}",
        key=rng.choice(["a", "b"]),
        pull_id=rng.choice(["pull-1", "pull-2"]) if not is_replay else "pull-3",
        replay_id="replay-1" if is_replay else None,
    )
