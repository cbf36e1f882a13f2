"""The transactional loop: one membership, one transactional publisher, any number of stages.

Laws of this file:

1. No transaction is open while a consumer is polled. So a rebalance never meets one, a
   message is only used under the assignment that it was fetched in, and what a stage contributes
   is for partitions it owns.
2. A partition's way up: its stable committed offset is asked for with no transaction of ours
   open, then its stage restores its tables, then it is sought to that offset and delivered. Never
   in another order.
3. Whatever does not end in a clean commit ends in the same way: every partition goes the way up
   again, from the offset that the broker holds. Nothing that a failed transaction taught survives.
4. A stage's messages travel with an offset of its own topic, and it learns only from transactions
   that carried one: those alone show that the group still has the topic's member.
5. An idle partition's offset moves to its end, over the markers that transactions leave, so
   that "the committed offset is at the end" means "nothing is left".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Protocol

from producer.clock import Clock
from producer.errors import BrokerUnavailableError, FatalError
from producer.kafka.member import Owned
from producer.kafka.membership import Membership
from producer.kafka.stages import Stage
from producer.kafka.transactions import Transaction, TransactionalPublisher, TransactionResult

_POLL_SECONDS = 0.05
# Asking for offsets waits while a predecessor's transaction is pending, and the loop has other
# partitions too. So it waits briefly at first; longer each time, since a cluster may be far away.
_ASK_FIRST_SECONDS = 0.25
_ASK_LONGEST_SECONDS = 4.0
# A stretch of failed transactions ends, by then, in a message to an operator rather than in one
# more try.
_FAILURES_IN_A_ROW_MAX = 10
_BACKOFF_FIRST_SECONDS = 0.1
_BACKOFF_LONGEST_SECONDS = 10.0
_BROKER_PATIENCE_SECONDS = 300.0
# A predecessor's transaction ends by its time-out; what takes longer a person should know of.
_WAITING_SECONDS = 60.0


class LoopObserver(Protocol):
    """Who is told what the loop does."""

    def partitions_assigned(self, partitions: Sequence[Owned]) -> None:
        """They were given to this process."""

    def partitions_revoked(self, partitions: Sequence[Owned]) -> None:
        """They were taken from this process."""

    def partition_started(self, owned: Owned, offset: int, *, is_inside: bool) -> None:
        """Its tables are restored.

        It is delivered from `offset`, inside the record there perhaps.
        """

    def partitions_delayed(self, partitions: Sequence[Owned], seconds: float) -> None:
        """They are not started yet, one of them for so long; said again while that lasts."""

    def transaction_ended(self, result: TransactionResult, messages: int, seconds: float) -> None:
        """A transaction ended."""


class _Phase(Enum):
    ASKING = auto()
    RESTORING = auto()
    RUNNING = auto()


@dataclass(slots=True)
class _Partition:
    """Where a partition stands on its way up, and in the topic."""

    stage: Stage
    waits_since: float
    phase: _Phase = _Phase.ASKING
    committed: int = -1
    received: int = -1
    end: int = -1
    is_paused: bool = False
    # Whether the committed offset carries a place inside its record.
    is_inside: bool = False

    def may_move_to_end(self, partition: int) -> bool:
        """Whether nothing lies between the committed offset and the end but markers."""
        return (
            self.phase is _Phase.RUNNING
            and self.end > self.committed == self.received
            and self.stage.is_drained(partition)
        )


class TransactionalLoop:
    """Runs stages. One owner thread, which calls `step` again and again."""

    def __init__(  # noqa: PLR0913 - what it is put together from
        self,
        *,
        membership: Membership,
        publisher: TransactionalPublisher,
        stages: Sequence[Stage],
        clock: Clock,
        observer: LoopObserver,
        batch_messages_max: int,
    ) -> None:
        self._membership = membership
        self._publisher = publisher
        self._stages = {stage.topic: stage for stage in stages}
        self._clock = clock
        self._observer = observer
        self._batch_messages_max = batch_messages_max
        self._partitions: dict[Owned, _Partition] = {}
        self._failures_in_a_row = 0
        self._not_before = 0.0
        self._ask_seconds = _ASK_FIRST_SECONDS
        self._unavailable_since: float | None = None
        self._tell_not_before = 0.0

    def run(self, should_stop: Callable[[], bool]) -> None:
        """Step until told to stop."""
        while not should_stop():
            self.step()

    def step(self) -> None:
        """Poll, move partitions on their way up, run at most one transaction.

        Waits 50 ms at most when idle.
        """
        self._poll()
        self._publisher.serve()
        self._ask()
        self._start_restored()
        self._tell_of_waiting()
        self._throttle()
        for stage in self._stages.values():
            stage.tick()
        if self._has_work() and self._clock.steady() >= self._not_before:
            self._transact()

    @property
    def is_idle(self) -> bool:
        """Whether every owned partition runs and nothing waits for a transaction."""
        return not self._has_work() and all(
            partition.phase is _Phase.RUNNING for partition in self._partitions.values()
        )

    def close(self) -> None:
        """Let go of everything; what was not committed is done again by whoever comes next."""
        for owned in list(self._partitions):
            self._release(owned)
        for stage in self._stages.values():
            stage.close()
        self._membership.close()
        self._publisher.close()

    def _poll(self) -> None:
        timeout = 0.0 if self._has_work() and not self._is_held_up() else _POLL_SECONDS
        polled = self._membership.poll(
            messages_max=self._batch_messages_max, timeout_seconds=timeout
        )
        for owned in polled.lost:
            self._release(owned)
        for owned in polled.gained:
            self._partitions[owned] = _Partition(self._stages[owned.topic], self._clock.steady())
        if polled.lost:
            self._observer.partitions_revoked(polled.lost)
        if polled.gained:
            self._observer.partitions_assigned(polled.gained)
        for owned, messages in polled.messages.items():
            self._hand_over(owned, messages)
        for owned, end in polled.ends.items():
            partition = self._partitions.get(owned)
            if partition is not None and partition.phase is _Phase.RUNNING:
                partition.end = end

    def _hand_over(self, owned: Owned, messages: Sequence[Any]) -> None:
        partition = self._partitions.get(owned)
        if partition is None or partition.phase is not _Phase.RUNNING:
            # Fetched before the partition was sought to its offset: it will be delivered again.
            return
        # The same holds for what lies before the offset that it was sought to.
        fresh = [message for message in messages if message.offset() >= partition.received]
        if fresh:
            partition.received = fresh[-1].offset() + 1
            partition.stage.receive(owned.partition, fresh)

    def _ask(self) -> None:
        asking = self._in_phase(_Phase.ASKING)
        if not asking:
            return
        if not self._publisher.is_usable and not self._prepare():
            # A transaction of our own may still be undecided until the publisher's epoch is
            # bumped.
            return
        answers = self._membership.fetch_committed(asking, timeout_seconds=self._ask_seconds)
        self._ask_seconds = (
            _ASK_FIRST_SECONDS
            if len(answers) == len(asking)
            else min(2 * self._ask_seconds, _ASK_LONGEST_SECONDS)
        )
        for owned, committed in answers.items():
            partition = self._partitions[owned]
            partition.committed = partition.received = committed.offset
            partition.is_inside = bool(committed.metadata)
            partition.stage.acquire(owned.partition, committed)
            # Only now: what could not be acquired is not there to be released.
            partition.phase = _Phase.RESTORING

    def _start_restored(self) -> None:
        for owned in self._in_phase(_Phase.RESTORING):
            partition = self._partitions[owned]
            if not partition.stage.is_ready(owned.partition):
                continue
            if not self._membership.start(owned, partition.committed):
                # To have asked in vain took its time: the others have their turn in other steps.
                self._partitions[owned] = self._partitions.pop(owned)
                return
            partition.phase = _Phase.RUNNING
            partition.is_paused = False
            self._observer.partition_started(
                owned, partition.committed, is_inside=partition.is_inside
            )

    def _tell_of_waiting(self) -> None:
        now = self._clock.steady()
        waiting = {
            owned: now - partition.waits_since
            for owned, partition in self._partitions.items()
            if partition.phase is not _Phase.RUNNING
        }
        overdue = [owned for owned, seconds in waiting.items() if seconds >= _WAITING_SECONDS]
        if overdue and now >= self._tell_not_before:
            self._tell_not_before = now + _WAITING_SECONDS
            self._observer.partitions_delayed(overdue, max(waiting.values()))

    def _is_held_up(self) -> bool:
        """Whether work has to wait: for a broker, which each step asks for, or for the backoff."""
        is_unavailable = self._unavailable_since is not None and self._has_work()
        return is_unavailable or self._clock.steady() < self._not_before

    def _throttle(self) -> None:
        # What is fetched while nothing is committed would pile up, and end in a transaction that
        # is too large for its time-out.
        is_held_up = self._is_held_up()
        for owned in self._in_phase(_Phase.RUNNING):
            partition = self._partitions[owned]
            wants_more = not is_held_up and partition.stage.wants_more(owned.partition)
            if partition.is_paused and wants_more:
                self._membership.resume([owned])
            elif not partition.is_paused and not wants_more:
                self._membership.pause([owned])
            partition.is_paused = not wants_more

    def _has_work(self) -> bool:
        return any(stage.has_work() for stage in self._stages.values()) or any(
            partition.may_move_to_end(owned.partition)
            for owned, partition in self._partitions.items()
        )

    def _transact(self) -> None:
        if not self._prepare():
            return
        began = self._clock.steady()
        result, transaction = self._publisher.transact(self._contribute, self._membership.metadata)
        self._observer.transaction_ended(
            result, transaction.messages, self._clock.steady() - began
        )
        if result is TransactionResult.COMMITTED:
            self._learn(transaction)
        else:
            self._start_over()

    def _contribute(self, transaction: Transaction) -> None:
        for stage in self._stages.values():
            self._let_contribute(stage, transaction)
        for owned, partition in self._partitions.items():
            if owned not in transaction.offsets and partition.may_move_to_end(owned.partition):
                transaction.advance(*owned, offset=partition.end)
        for (topic, index), (offset, metadata) in list(transaction.offsets.items()):
            held = self._partitions.get(Owned(topic, index))
            assert held is not None, "an offset was contributed for a partition not owned"
            # A stage that only renews its lease does not know that the loop moved on to the end.
            transaction.advance(
                topic, index, offset=max(offset, held.committed), metadata=metadata
            )

    def _let_contribute(self, stage: Stage, transaction: Transaction) -> None:
        messages = transaction.messages
        stage.contribute(transaction)
        assert transaction.messages == messages or stage.topic in transaction.topics, (
            "messages without an offset of the topic that they stand for would escape the fence"
        )

    def _learn(self, transaction: Transaction) -> None:
        self._failures_in_a_row = 0
        for (topic, index), (offset, _) in transaction.offsets.items():
            partition = self._partitions[Owned(topic, index)]
            partition.committed = offset
            partition.received = max(partition.received, offset)
        for topic in transaction.topics:
            self._stages[topic].committed()

    def _start_over(self) -> None:
        self._failures_in_a_row += 1
        if self._failures_in_a_row >= _FAILURES_IN_A_ROW_MAX:
            raise FatalError(
                f"{self._failures_in_a_row} transactions in a row were not committed, the last of "
                f"them because this process {self._publisher.failure}; look at that topic and at "
                "the brokers' health, then start this process again"
            )
        wait = min(_BACKOFF_FIRST_SECONDS * 2**self._failures_in_a_row, _BACKOFF_LONGEST_SECONDS)
        self._not_before = self._clock.steady() + wait
        self._membership.pause(self._partitions)
        for owned, partition in list(self._partitions.items()):
            if partition.phase is not _Phase.ASKING:
                partition.stage.release(owned.partition)
            self._partitions[owned] = _Partition(partition.stage, self._clock.steady())

    def _prepare(self) -> bool:
        """Whether the publisher may begin a transaction.

        A broker that is away is waited for, within bounds.
        """
        try:
            self._publisher.prepare()
        except BrokerUnavailableError as error:
            since = self._unavailable_since or self._clock.steady()
            self._unavailable_since = since
            if self._clock.steady() - since > _BROKER_PATIENCE_SECONDS:
                raise FatalError(str(error)) from error
            return False
        self._unavailable_since = None
        return True

    def _release(self, owned: Owned) -> None:
        partition = self._partitions.pop(owned, None)
        if partition is not None and partition.phase is not _Phase.ASKING:
            partition.stage.release(owned.partition)

    def _in_phase(self, phase: _Phase) -> list[Owned]:
        return [owned for owned, partition in self._partitions.items() if partition.phase is phase]
