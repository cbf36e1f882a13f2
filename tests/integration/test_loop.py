"""The loop on a real broker: what it copies is exact, whatever happens to it."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from producer.errors import FencedError
from producer.kafka.stages import Committed
from producer.kafka.transactions import Transaction, TransactionResult
from tests.support.copying import PARTITIONS, Copier, Copying, initialised_producer
from tests.support.waiting import eventually

_SECONDS = 30.0
# A member that is out of the group a moment after it stops to poll.
_IMPATIENT = {
    "session.timeout.ms": 1500,
    "max.poll.interval.ms": 1500,
    "heartbeat.interval.ms": 300,
}


@pytest.fixture(autouse=True)
def _short_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producer.kafka.loop._BACKOFF_FIRST_SECONDS", 0.001)


def _once(action: Callable[[Transaction], None]) -> Callable[[Transaction], None]:
    """Let something happen in the first transaction alone."""
    left = [action]
    return lambda transaction: left.pop()(transaction) if left else None


def test_copy_is_exact_and_the_offset_ends_at_the_end(copying: Copying) -> None:
    """All messages once and in order, and the group at the end that a reader can reach."""
    copier = copying.copier()
    copying.fill(300)
    copying.finish(copier)
    copying.fill(30)
    copying.finish(copier)
    copying.check_exact()
    assert 330 == copier.stage.learnt
    # Markers lie behind the messages, and the group has moved over them.
    ends = {index: Committed(end, "") for index, end in _stable_ends(copying).items()}
    assert ends == copying.committed()
    assert all(end.offset > 110 for end in ends.values())


def _stable_ends(copying: Copying) -> dict[int, int]:
    return copying.reading.stable_ends(copying.original)


def test_aborted_messages_at_the_end_are_moved_over(copying: Copying, kafka: str) -> None:
    """They are not copied, and they do not keep the group from its end."""
    copier = copying.copier()
    copying.fill(30)
    other = _other_publisher(kafka, f"{copying.group}-other")
    _publish(other, copying.original)
    other.abort_transaction(_SECONDS)
    copying.finish(copier)
    copying.check_exact()
    assert _stable_ends(copying) == copying.reading.high_watermarks(copying.original)


@pytest.mark.parametrize("end", ["commit", "abort"])
def test_offset_does_not_move_over_what_is_pending(copying: Copying, kafka: str, end: str) -> None:
    """An idle loop waits before somebody else's open transaction, and reads what is committed."""
    copier = copying.copier()
    copying.fill(3)
    other = _other_publisher(kafka, f"{copying.group}-other")
    _publish(other, copying.original, b"pending")
    begins = {index: Committed(end, "") for index, end in _stable_ends(copying).items()}
    copying.step_until(lambda: copying.committed() == begins, copier)
    for _ in range(5):
        copier.loop.step()
    assert begins == copying.committed()

    if end == "commit":
        other.commit_transaction(_SECONDS)
    else:
        other.abort_transaction(_SECONDS)
    copying.finish(copier)
    copied = [read.value for read in copying.reading.read(copying.copy)]
    assert PARTITIONS * (end == "commit") == copied.count(b"pending")
    assert 3 + PARTITIONS * (end == "commit") == len(copied)


def _other_publisher(kafka: str, transactional_id: str) -> Producer:
    other = initialised_producer(kafka, transactional_id)
    other.begin_transaction()
    return other


def _publish(other: Producer, topic: str, value: bytes = b"other") -> None:
    for partition in range(PARTITIONS):
        other.produce(topic, value, partition=partition)
    assert 0 == other.flush(_SECONDS)


def test_stale_generation_is_aborted_and_done_again(copying: Copying) -> None:
    """Offsets sent under a generation that the group has left behind are not committed."""
    copier, other = copying.copier("slot-1"), copying.copier("slot-2")
    copying.step_until(lambda: len(copier.owned) + len(other.owned) == PARTITIONS, copier, other)
    stale = copier.member.metadata()
    copying.leave(other)
    copying.step_until(lambda: len(copier.owned) == PARTITIONS, copier)
    answers = [stale]
    current = copier.member.metadata
    copier.member.metadata = lambda: answers.pop() if answers else current()  # type: ignore[method-assign]
    copying.fill(30)
    copying.finish(copier)
    copying.check_exact()
    assert TransactionResult.ABORTED in copier.observer.results
    assert "failed ILLEGAL_GENERATION" in copier.observer.replaced


def test_transaction_that_outlives_its_time_out_is_done_again(copying: Copying) -> None:
    """A process that was paused in the middle of a transaction goes on."""
    copier = copying.copier()
    copying.fill(30)

    def outlive(transaction: Transaction) -> None:
        del transaction
        copier.publisher._current.producer.flush(_SECONDS)  # type: ignore[union-attr]
        eventually(lambda: _is_settled(copying), within_seconds=_SECONDS)

    copier.stage.while_open = _once(outlive)
    copying.finish(copier)
    copying.check_exact()
    assert TransactionResult.UNKNOWN == next(
        result for result in copier.observer.results if result is not TransactionResult.COMMITTED
    )


def _is_settled(copying: Copying) -> bool:
    """Whether the copy holds something, and no transaction is open in it."""
    ends = copying.reading.high_watermarks(copying.copy)
    return any(ends.values()) and ends == copying.reading.stable_ends(copying.copy)


def test_zombie_commits_nothing(copying: Copying) -> None:
    """A process that slept in a transaction, and woke when another had done its work."""
    sleeper = copying.copier("slot-1", properties=_IMPATIENT)
    copying.step_until(lambda: len(sleeper.owned) == PARTITIONS, sleeper)
    copying.fill(30)
    heir = copying.copier("slot-2")

    def sleep(transaction: Transaction) -> None:
        del transaction
        copying.finish(heir)

    sleeper.stage.while_open = _once(sleep)
    copying.step_until(lambda: sleeper.observer.results, sleeper)
    assert TransactionResult.COMMITTED not in sleeper.observer.results
    copying.step_until(lambda: sleeper.owned and heir.owned, sleeper, heir)
    copying.fill(30)
    copying.finish(sleeper, heir)
    copying.check_exact()
    assert 60 == sleeper.stage.learnt + heir.stage.learnt


def test_member_that_is_out_gives_no_metadata(copying: Copying) -> None:
    """The group let go of it while it did not poll: nothing may be committed in its name."""
    copier = copying.copier(properties=_IMPATIENT)
    copying.step_until(lambda: len(copier.owned) == PARTITIONS, copier)

    def is_refused() -> bool:
        try:
            copier.member.metadata()
        except KafkaException as raised:
            return bool(raised.args[0].code() == KafkaError.UNKNOWN_MEMBER_ID)
        return False

    eventually(is_refused)


@pytest.mark.parametrize("group_protocol", ["classic", "consumer"])
def test_copy_is_exact_across_members(kafka: str, topic_prefix: str, group_protocol: str) -> None:
    """One joins and one leaves while messages arrive, with either protocol of groups."""
    copying = Copying(kafka, topic_prefix, group_protocol=group_protocol)
    try:
        first = copying.copier("slot-1")
        copying.step_until(lambda: len(first.owned) == PARTITIONS, first)
        second = copying.copier("slot-2")

        def is_shared() -> bool:
            copying.fill(3)
            return bool(first.owned and second.owned)

        copying.step_until(is_shared, first, second)
        assert PARTITIONS == len(first.owned | second.owned)
        copying.fill(60)
        first.loop.step()
        copying.leave(first)
        copying.fill(60)
        copying.finish(second)
        copying.check_exact()
    finally:
        copying.close()


class _Storm:
    """Makes transactions fail, commits look like failures, and publishers suspect, by chance."""

    def __init__(self, copier: Copier, rng: random.Random) -> None:
        self._publisher = copier.publisher
        self._transact: Any = copier.publisher.transact
        self._rng = rng
        copier.publisher.transact = self.transact  # type: ignore[method-assign]
        # What it has done so far, and how many messages it has hidden the commit of.
        self.done: set[str] = set()
        self.hidden = 0

    def transact(
        self, contribute: Callable[[Transaction], None], group_metadata: Callable[[str], Any]
    ) -> tuple[TransactionResult, Transaction]:
        fate = self._rng.choices(["let be", *_FATES], [6, 1, 1, 1, 1])[0]

        def contribute_or_fail(transaction: Transaction) -> None:
            contribute(transaction)
            if fate in {"abort", "give up"}:
                raise KafkaException(
                    KafkaError(KafkaError._TIMED_OUT, txn_requires_abort=fate == "abort")
                )

        result, transaction = self._transact(contribute_or_fail, group_metadata)
        if transaction.messages:
            self.done.add(fate)
        current = self._publisher._current
        assert current is not None
        if fate in {"hide", "distrust"}:
            current.distrust("test")
        if fate == "hide":
            self.hidden += transaction.messages
            result = TransactionResult.UNKNOWN
        return result, transaction


_FATES = ("abort", "give up", "hide", "distrust")


def test_copy_is_exact_through_a_storm(copying: Copying, rng: random.Random) -> None:
    """Aborts, unknown commits that were and were not, and new publishers between transactions."""
    copier = copying.copier()
    storm = _Storm(copier, rng)
    while not storm.done.issuperset(_FATES) or copying.filled < 300:
        copying.fill(30)
        for _ in range(4):
            copier.loop.step()
    copying.finish(copier)
    copying.check_exact()
    assert copying.filled == copier.stage.learnt + storm.hidden


def test_offset_and_metadata_move_with_the_messages(copying: Copying) -> None:
    """A successor is told the place that was committed; what was aborted leaves no trace."""
    copying.fill(PARTITIONS)
    first = copying.copier("slot-1")
    first.stage.place = '{"line":7}'
    copying.step_until(lambda: first.stage.learnt == PARTITIONS, first)
    placed = dict.fromkeys(range(PARTITIONS), Committed(0, '{"line":7}'))
    assert placed == copying.committed()

    def fail(transaction: Transaction) -> None:
        del transaction
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT, txn_requires_abort=True))

    first.stage.place = '{"line":9}'
    first.stage.while_open = fail
    copying.fill(PARTITIONS)
    copying.step_until(lambda: TransactionResult.ABORTED in first.observer.results, first)
    assert placed == copying.committed()
    copying.leave(first)

    second = copying.copier("slot-2")
    copying.step_until(lambda: len(second.owned) == PARTITIONS, second)
    assert placed == dict(second.stage.acquired)


def test_successor_waits_for_a_pending_offset(copying: Copying, kafka: str) -> None:
    """A predecessor vanished between sending its offsets and committing them."""
    copying.fill(30)
    first = copying.copier("slot-1")
    copying.step_until(lambda: len(first.stage.inboxes) == PARTITIONS, first)
    vanished = _other_publisher(kafka, f"{copying.group}-vanished")
    offsets = [
        TopicPartition(copying.original, index, 4, metadata="late") for index in range(PARTITIONS)
    ]
    vanished.send_offsets_to_transaction(offsets, first.member.metadata(), _SECONDS)
    already_copied = first.stage.learnt
    copying.leave(first)
    assert 0 == already_copied

    second = copying.copier("slot-2")
    copying.step_until(lambda: len(second.loop._partitions) == PARTITIONS, second)
    # Each asks for the offset, for a quarter of a second and longer.
    for _ in range(2):
        second.loop.step()
    assert [] == second.stage.acquired

    vanished.commit_transaction(_SECONDS)
    copying.finish(second)
    assert dict.fromkeys(range(PARTITIONS), Committed(4, "late")) == dict(second.stage.acquired)
    assert 30 - 4 * PARTITIONS == len(copying.reading.read(copying.copy))


def test_twins_of_one_slot_are_told_apart(copying: Copying) -> None:
    """Of two processes with one name one stops and says why, and the other copies on."""
    twins = [copying.copier("slot"), copying.copier("slot")]
    survivors: list[Copier] = []
    said: list[str] = []

    def one_has_stopped() -> bool:
        copying.fill(PARTITIONS)
        for twin in twins:
            try:
                twin.loop.step()
            except FencedError as error:
                said.append(str(error))
                survivors.extend(each for each in twins if each is not twin)
                copying.leave(twin)
                return True
        return False

    eventually(one_has_stopped, every_seconds=0)
    assert "OPENAI_COMPLIANCE_INSTANCE" in said[0]
    copying.finish(*survivors)
    copying.check_exact()


def test_static_member_stops_where_another_of_its_name_joins(copying: Copying) -> None:
    """The later one goes on with all partitions at once; the earlier one says what to do."""
    name = {"group.instance.id": "name"}
    earlier = copying.copier("earlier", properties=name)
    copying.fill(300)
    copying.step_until(lambda: earlier.stage.learnt, earlier)
    later = copying.copier("later", properties=name)
    with pytest.raises(FencedError, match="OPENAI_COMPLIANCE_INSTANCE"):
        copying.step_until(lambda: False, earlier, later)
    copying.leave(earlier)
    copying.finish(later)
    copying.check_exact()
    assert PARTITIONS == len(later.stage.inboxes)
