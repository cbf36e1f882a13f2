"""A loop without brokers: a member, a publisher and a stage that do as they are told.

All three write what they are asked into one journal, so that a test can tell the order.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from producer.errors import BrokerUnavailableError
from producer.kafka.loop import TransactionalLoop
from producer.kafka.member import Owned, Polled
from producer.kafka.stages import Committed, Message
from producer.kafka.transactions import Transaction, TransactionResult
from tests.support.stages import FakeClock, FakeMessage, RecordingTransaction

if TYPE_CHECKING:
    from confluent_kafka import Message as KafkaMessage

    from producer.kafka.membership import Membership
    from producer.kafka.transactions import TransactionalPublisher

TOPIC = "in"
OUT = "out"

Journal = list[tuple[Any, ...]]


def messages_of(partition: int, offsets: Iterable[int], *, topic: str = TOPIC) -> list[Message]:
    """Build messages that lie at these offsets, each with its offset as the value."""
    return [
        FakeMessage(
            topic_name=topic,
            partition_index=partition,
            offset_number=offset,
            value_bytes=str(offset).encode(),
        )
        for offset in offsets
    ]


class ScriptedMembership:
    """A membership that brings what it is given, one poll after the other."""

    def __init__(self, journal: Journal, committed: Mapping[Owned, Committed]) -> None:
        self._journal = journal
        self._polls: deque[Polled] = deque()
        self.committed = dict(committed)
        # How often it has no answer: a predecessor's transaction is pending.
        self.unanswered = 0
        # Partitions that it has no answer for.
        self.pending: set[Owned] = set()
        # Partitions that librdkafka is not ready to seek.
        self.unseekable: set[Owned] = set()
        self.vain: list[Owned] = []
        self.asked_seconds: list[float] = []
        self.polled_seconds: list[float] = []
        self.paused: set[Owned] = set()

    def bring(
        self,
        messages: Mapping[Owned, Sequence[Message]] | None = None,
        *,
        ends: Mapping[Owned, int] | None = None,
        gained: Sequence[Owned] = (),
        lost: Sequence[Owned] = (),
    ) -> None:
        """Let a later poll bring this."""
        given = cast("dict[Owned, list[KafkaMessage]]", dict(messages or {}))
        self._polls.append(Polled(given, dict(ends or {}), list(gained), list(lost)))

    def poll(self, *, messages_max: int, timeout_seconds: float) -> Polled:
        del messages_max
        self.polled_seconds.append(timeout_seconds)
        polled = self._polls.popleft() if self._polls else Polled({}, {}, [], [])
        self.paused.update(polled.gained)
        self.paused.difference_update(polled.lost)
        return polled

    def fetch_committed(
        self, partitions: Iterable[Owned], *, timeout_seconds: float
    ) -> dict[Owned, Committed]:
        asked = list(partitions)
        self.asked_seconds.append(timeout_seconds)
        self._journal.append(("ask", *sorted(asked)))
        if self.unanswered:
            self.unanswered -= 1
            return {}
        return {owned: self.committed[owned] for owned in asked if owned not in self.pending}

    def start(self, owned: Owned, offset: int) -> bool:
        if owned in self.unseekable:
            self.vain.append(owned)
            return False
        self._journal.append(("seek", owned, offset))
        self.paused.discard(owned)
        return True

    def pause(self, partitions: Iterable[Owned]) -> None:
        self.paused.update(partitions)

    def resume(self, partitions: Iterable[Owned]) -> None:
        self.paused.difference_update(partitions)

    def metadata(self, topic: str) -> str:
        return f"metadata of {topic}"

    def close(self) -> None:
        self._journal.append(("member closed",))


class ScriptedPublisher:
    """A publisher whose transactions end as they are told, and commit into the member's group."""

    def __init__(self, journal: Journal, member: ScriptedMembership) -> None:
        self._journal = journal
        self._member = member
        self.results: deque[TransactionResult] = deque()
        self.transactions: list[RecordingTransaction] = []
        # While set, the broker is away.
        self.is_unavailable = False
        self.served = 0
        self.is_usable = False
        self.failure = "could not publish to 'out': Kafka said _MSG_TIMED_OUT"

    def serve(self) -> None:
        self.served += 1

    def prepare(self) -> None:
        if self.is_unavailable:
            self.is_usable = False
            raise BrokerUnavailableError("the broker is away")
        if not self.is_usable:
            self._journal.append(("prepare",))
        self.is_usable = True

    def transact(
        self, contribute: Callable[[Transaction], None], group_metadata: Callable[[str], Any]
    ) -> tuple[TransactionResult, Transaction]:
        assert self.is_usable
        transaction = RecordingTransaction()
        contribute(transaction)
        assert group_metadata(TOPIC) == f"metadata of {TOPIC}"
        result = self.results.popleft() if self.results else TransactionResult.COMMITTED
        self._journal.append((result.value,))
        if result is TransactionResult.COMMITTED:
            self.transactions.append(transaction)
            for (topic, index), (offset, metadata) in transaction.offsets.items():
                self._member.committed[Owned(topic, index)] = Committed(offset, metadata)
        else:
            self.is_usable = False
        return result, transaction

    @property
    def published(self) -> list[bytes]:
        """The values of all committed transactions, in order."""
        return [each.value for transaction in self.transactions for each in transaction.published]

    def close(self) -> None:
        self._journal.append(("publisher closed",))


class CopyingStage:
    """Publishes what it receives, and counts what it has learnt to be committed."""

    def __init__(self, journal: Journal, *, topic: str = TOPIC) -> None:
        self.topic = topic
        self._journal = journal
        # Partitions whose tables are not restored yet.
        self.restoring: set[int] = set()
        self.is_hungry = True
        # An offset that is contributed for each owned partition, whatever is received.
        self.leases: dict[int, int] = {}
        # What is put into transactions for a partition that is not owned.
        self.stray: int | None = None
        self.undrained: set[int] = set()
        self.inboxes: dict[int, list[Message]] = {}
        self.contributed: list[int] = []
        self.learnt: list[int] = []

    def acquire(self, partition: int, committed: Committed) -> None:
        assert partition not in self.inboxes
        self._journal.append(("acquire", partition, *committed))
        self.inboxes[partition] = []

    def is_ready(self, partition: int) -> bool:
        return partition not in self.restoring

    def receive(self, partition: int, messages: Sequence[Message]) -> None:
        self.inboxes[partition].extend(messages)

    def wants_more(self, partition: int) -> bool:
        del partition
        return self.is_hungry

    def is_drained(self, partition: int) -> bool:
        return not self.inboxes[partition] and partition not in self.undrained

    def tick(self) -> None:
        pass

    def has_work(self) -> bool:
        return any(self.inboxes.values()) or bool(self.leases)

    def contribute(self, transaction: Transaction) -> None:
        self.contributed = []
        for partition, inbox in self.inboxes.items():
            for message in inbox:
                transaction.publish(topic=OUT, key=b"", value=message.value(), partition=partition)
                self.contributed.append(message.offset())
            if inbox:
                transaction.advance(self.topic, partition, offset=inbox[-1].offset() + 1)
            elif partition in self.leases:
                transaction.advance(self.topic, partition, offset=self.leases[partition])
        if self.stray is not None:
            transaction.advance(self.topic, self.stray, offset=1)

    def committed(self) -> None:
        self.leases = {}
        self.learnt += self.contributed
        self.contributed = []
        self.inboxes = {partition: [] for partition in self.inboxes}

    def release(self, partition: int) -> None:
        self._journal.append(("release", partition))
        del self.inboxes[partition]

    def close(self) -> None:
        assert not self.inboxes
        self._journal.append(("stage closed",))


class QuietObserver:
    """Keeps how transactions ended and where partitions started."""

    def __init__(self) -> None:
        self.ended: list[tuple[TransactionResult, int]] = []
        self.started: list[tuple[Owned, int, bool]] = []
        self.delayed: list[tuple[list[Owned], float]] = []

    def partitions_assigned(self, partitions: Sequence[Owned]) -> None:
        pass

    def partitions_revoked(self, partitions: Sequence[Owned]) -> None:
        pass

    def partition_started(self, owned: Owned, offset: int, *, is_inside: bool) -> None:
        self.started.append((owned, offset, is_inside))

    def partitions_delayed(self, partitions: Sequence[Owned], seconds: float) -> None:
        self.delayed.append((list(partitions), seconds))

    def transaction_ended(self, result: TransactionResult, messages: int, seconds: float) -> None:
        del seconds
        self.ended.append((result, messages))


class Bench:
    """A loop with all that it is put together from."""

    def __init__(
        self, *, committed: Mapping[Owned, Committed], topics: Sequence[str] = (TOPIC,)
    ) -> None:
        self.journal: Journal = []
        self.clock = FakeClock()
        self.membership = ScriptedMembership(self.journal, committed)
        self.publisher = ScriptedPublisher(self.journal, self.membership)
        self.stages = [CopyingStage(self.journal, topic=topic) for topic in topics]
        self.stage = self.stages[0]
        self.observer = QuietObserver()
        self.loop = TransactionalLoop(
            membership=cast("Membership", self.membership),
            publisher=cast("TransactionalPublisher", self.publisher),
            stages=self.stages,
            clock=self.clock,
            observer=self.observer,
            batch_messages_max=1000,
        )

    def step(self, times: int = 1, *, seconds: float = 60.0) -> None:
        """Step, and let no backoff keep the next step from working."""
        for _ in range(times):
            self.loop.step()
            self.clock.pass_time(seconds)
