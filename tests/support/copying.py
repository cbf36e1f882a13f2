"""The smallest stage on the real loop and a real broker: it copies one topic into another.

Whatever happens to a loop, what lies in the copy for a `read_committed` reader must be what lies
in the original, once and in order.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from producer.clock import SystemClock
from producer.kafka import configuration
from producer.kafka.admin import Administrator, TopicPlan
from producer.kafka.loop import TransactionalLoop
from producer.kafka.member import GroupMember, Owned
from producer.kafka.membership import Membership
from producer.kafka.offsets import GroupOffsets
from producer.kafka.progress import GroupProgress
from producer.kafka.stages import Committed, Message
from producer.kafka.tables import Watermarks, all_partitions
from producer.kafka.transactions import Transaction, TransactionalPublisher, TransactionResult
from producer.settings.kafka import KafkaSettings
from tests.support.topic_reading import TopicReading
from tests.support.waiting import eventually

PARTITIONS: Final = 3
_SECONDS: Final = 30.0
# The shortest that settings allow, so that brokers give up soon.
_SESSION_SECONDS: Final = 6.0
_TRANSACTION_SECONDS: Final = 5.0


def initialised_producer(bootstrap_servers: str, transactional_id: str) -> Producer:
    """Build a transactional producer that is nobody's of the project."""
    producer = Producer(
        {"bootstrap.servers": bootstrap_servers, "transactional.id": transactional_id}
    )
    # One that knows no broker yet waits for half a second before it looks for its coordinator.
    for _ in range(2):
        producer.list_topics(timeout=_SECONDS)
    producer.init_transactions(_SECONDS)
    return producer


class CopyStage:
    """Copies what it receives, partition by partition."""

    def __init__(self, original: str, copy: str) -> None:
        self.topic = original
        self.copy = copy
        self.inboxes: dict[int, list[Message]] = {}
        self.acquired: list[tuple[int, Committed]] = []
        self.learnt = 0
        # Called with the open transaction, behind all that the stage puts into it.
        self.while_open: Callable[[Transaction], None] = lambda _: None
        # What the offset carries; with it the offset stays at the last message received.
        self.place = ""

    def acquire(self, partition: int, committed: Committed) -> None:
        self.acquired.append((partition, committed))
        self.inboxes[partition] = []

    def is_ready(self, partition: int) -> bool:
        return partition in self.inboxes

    def receive(self, partition: int, messages: Sequence[Message]) -> None:
        self.inboxes[partition].extend(messages)

    def wants_more(self, partition: int) -> bool:
        return partition in self.inboxes

    def is_drained(self, partition: int) -> bool:
        return not self.inboxes[partition] and not self.place

    def tick(self) -> None:
        pass

    def has_work(self) -> bool:
        return any(self.inboxes.values())

    def contribute(self, transaction: Transaction) -> None:
        for partition, inbox in self.inboxes.items():
            for message in inbox:
                transaction.publish(
                    topic=self.copy,
                    key=message.key() or b"",
                    value=message.value(),
                    partition=partition,
                )
            if inbox:
                last = inbox[-1].offset()
                offset = last if self.place else last + 1
                transaction.advance(self.topic, partition, offset=offset, metadata=self.place)
        self.while_open(transaction)

    def committed(self) -> None:
        self.learnt += sum(map(len, self.inboxes.values()))
        self.inboxes = {partition: [] for partition in self.inboxes}

    def release(self, partition: int) -> None:
        del self.inboxes[partition]

    def close(self) -> None:
        assert not self.inboxes


class Observer:
    """Keeps how transactions ended and why publishers were replaced."""

    def __init__(self) -> None:
        self.results: list[TransactionResult] = []
        self.replaced: list[str] = []

    def partitions_assigned(self, partitions: Sequence[Owned]) -> None:
        pass

    def partitions_revoked(self, partitions: Sequence[Owned]) -> None:
        pass

    def partition_started(self, owned: Owned, offset: int, *, is_inside: bool) -> None:
        pass

    def partitions_delayed(self, partitions: Sequence[Owned], seconds: float) -> None:
        pass

    def transaction_ended(self, result: TransactionResult, messages: int, seconds: float) -> None:
        del messages, seconds
        self.results.append(result)


class Copier:
    """What a process of the group is: a member, a publisher and a stage in one loop."""

    def __init__(self, member: GroupMember, publisher: TransactionalPublisher) -> None:
        self.member = member
        self.publisher = publisher
        self.stage = CopyStage("", "")
        self.observer = Observer()
        self.loop: TransactionalLoop

    @property
    def owned(self) -> set[int]:
        """The partitions that are delivered to it."""
        return set(self.stage.inboxes) if self.loop.is_idle else set()


class Copying:
    """An original, a copy, a group that copies, and what can be done to them."""

    def __init__(
        self, bootstrap_servers: str, prefix: str, *, group_protocol: str = "classic"
    ) -> None:
        is_classic = group_protocol == "classic"
        timeouts = {"session_timeout_seconds": _SESSION_SECONDS} if is_classic else {}
        self.settings = KafkaSettings.model_validate(
            {
                "bootstrap_servers": bootstrap_servers,
                "group_protocol": group_protocol,
                "transaction_timeout_seconds": _TRANSACTION_SECONDS,
                **timeouts,
            }
        )
        self.original, self.copy = f"{prefix}original", f"{prefix}copy"
        self.group = f"{prefix}copiers"
        self.reading = TopicReading(
            bootstrap_servers=bootstrap_servers, registry_url="http://127.0.0.1:1"
        )
        self.admin = AdminClient({"bootstrap.servers": bootstrap_servers})
        connection = configuration.connection(self.settings, client_id="test")
        plans = [
            TopicPlan(name=name, partitions=PARTITIONS, replication=1)
            for name in (self.original, self.copy)
        ]
        administrator = Administrator(connection)
        administrator.apply(plans)
        administrator.commit_first_offsets(self.group, plans[:1])
        self._offsets = GroupOffsets(connection, self.group)
        self._progress = GroupProgress(offsets=self._offsets, watermarks=Watermarks(connection))
        self._copiers: list[Copier] = []
        self._filler = initialised_producer(bootstrap_servers, f"{self.group}-filler")
        self.filled = 0

    def fill(self, messages: int) -> None:
        """Publish messages to the original, spread over its partitions, committed at once."""
        producer = self._filler
        producer.begin_transaction()
        for number in range(self.filled, self.filled + messages):
            value = str(number).encode()
            producer.produce(self.original, value, value, number % PARTITIONS)
        self.filled += messages
        producer.commit_transaction(_SECONDS)

    def copier(
        self,
        slot: str = "slot",
        *,
        member: type[GroupMember] = GroupMember,
        properties: Mapping[str, Any] | None = None,
    ) -> Copier:
        """Start a process of the group; it works when it is stepped."""
        client_id = f"{self.group}-{slot}"
        observer = Observer()
        publisher = TransactionalPublisher(
            build=lambda callbacks: configuration.publisher(
                self.settings,
                client_id=client_id,
                transactional_id=f"{self.group}-{slot}",
                callbacks=callbacks,
            ),
            warm_topic=self.copy,
            clock=SystemClock(),
            on_replaced=observer.replaced.append,
        )
        joined = member(
            configuration.group_member(
                self.settings, client_id=client_id, group=self.group, name=slot
            )
            | dict(properties or {}),
            self.original,
            partitions=PARTITIONS,
        )
        copier = Copier(joined, publisher)
        copier.stage = CopyStage(self.original, self.copy)
        copier.observer = observer
        copier.loop = TransactionalLoop(
            membership=Membership(lambda _: joined, [self.original]),
            publisher=publisher,
            stages=[copier.stage],
            clock=SystemClock(),
            observer=observer,
            batch_messages_max=100,
        )
        self._copiers.append(copier)
        return copier

    def step_until(
        self, predicate: Callable[[], object], *copiers: Copier, within_seconds: float = _SECONDS
    ) -> None:
        """Let copiers step in turn until something holds."""

        def step() -> object:
            for copier in copiers:
                copier.loop.step()
            return predicate()

        eventually(step, within_seconds=within_seconds, every_seconds=0)

    def finish(self, *copiers: Copier) -> None:
        """Let copiers step until the group has read the original to its end."""
        self.step_until(
            lambda: all(copier.loop.is_idle for copier in copiers) and not self.behind(), *copiers
        )

    def behind(self) -> list[Owned]:
        """Name the partitions that the group has not read to the end."""
        return self._progress.behind(all_partitions(self.original, partitions=PARTITIONS))

    def committed(self) -> dict[int, Committed]:
        """Tell where the group stands."""
        found = self.reading.committed(self.group, self.original)
        return {
            index: Committed(offset.offset, offset.metadata or "")
            for index, offset in found.items()
        }

    def trim(self, offsets: Mapping[int, int]) -> None:
        """Delete what lies before offsets in the original."""
        asked = [TopicPartition(self.original, *each) for each in offsets.items()]
        for future in self.admin.delete_records(asked).values():
            future.result(_SECONDS)

    def leave(self, copier: Copier) -> None:
        """Let a copier close."""
        self._copiers.remove(copier)
        copier.loop.close()

    def check_exact(self) -> None:
        """Fail unless the copy holds what the original holds, once and in order."""
        original = [(read.partition, read.value) for read in self.reading.read(self.original)]
        copy = [(read.partition, read.value) for read in self.reading.read(self.copy)]
        assert self.filled == len(original)
        assert original == copy

    def close(self) -> None:
        """Let everything go."""
        for copier in list(self._copiers):
            self.leave(copier)
        self._offsets.close()
        self.reading.close()
