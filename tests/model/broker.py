"""A broker in memory: partitions, a group's offsets, and transactions that land whole or not.

As with the real one, records and markers take up offsets, those of aborted transactions too.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple, cast

from producer.kafka.member import Owned
from producer.kafka.partitioning import partition_of
from producer.kafka.stages import Committed, Message
from tests.support.stages import FROM_THE_START, FakeMessage, RecordingTransaction

if TYPE_CHECKING:
    from producer.kafka.tables import TableReader, Watermarks

PARTITIONS = 2
SOURCES, OBJECTS, OUTCOMES = "sources", "objects", "outcomes"
STATUS, COMMANDS, RAW, DEAD_LETTERS = "source-status", "commands", "raw", "dead-letters"
COMPACTED = (SOURCES, OBJECTS, OUTCOMES, STATUS)


class Landed(NamedTuple):
    """What a transaction left: its messages by topic, and the offsets before and after it."""

    messages: dict[str, list[FakeMessage]]
    offsets: dict[Owned, tuple[Committed, Committed]]


class Broker:
    """All topics, and the offsets of one group."""

    def __init__(self) -> None:
        self.logs: defaultdict[Owned, list[FakeMessage]] = defaultdict(list)
        self.ends: Counter[Owned] = Counter()
        self._committed: dict[Owned, Committed] = {}
        # Records of `objects` that compaction removed.
        self.removed: list[FakeMessage] = []
        self._readers = 0

    def append(self, topic: str, key: bytes, value: bytes | None) -> FakeMessage:
        """Publish a message outside of transactions."""
        return self._append(topic, key, value, partition_of(key, partitions=PARTITIONS))

    def land(self, transaction: RecordingTransaction) -> Landed:
        """Commit: all messages and offsets are there at once."""
        messages: defaultdict[str, list[FakeMessage]] = defaultdict(list)
        for each in transaction.published:
            partition = self._partition(each.key, each.partition)
            messages[each.topic].append(self._append(each.topic, each.key, each.value, partition))
        self._mark(transaction)
        offsets = {}
        for owned, committed in _offsets_of(transaction).items():
            offsets[owned] = (self.committed(owned), committed)
            self._committed[owned] = committed
        return Landed(messages, offsets)

    def drop(self, transaction: RecordingTransaction) -> None:
        """Abort: nothing but offsets is used up."""
        for each in transaction.published:
            self.ends[Owned(each.topic, self._partition(each.key, each.partition))] += 1
        self._mark(transaction)

    def committed(self, owned: Owned) -> Committed:
        """The group's offset."""
        return self._committed.get(owned, FROM_THE_START)

    def from_offset(self, owned: Owned, offset: int) -> list[FakeMessage]:
        """All messages of a partition at or behind an offset."""
        return [each for each in self.logs[owned] if each.offset_number >= offset]

    def all_of(self, topic: str) -> Iterator[FakeMessage]:
        """All messages of a topic, partition by partition."""
        for partition in range(PARTITIONS):
            yield from self.logs[Owned(topic, partition)]

    def compact(self) -> None:
        """Remove each record behind which another of its key lies."""
        for topic in COMPACTED:
            for partition in range(PARTITIONS):
                log = self.logs[Owned(topic, partition)]
                latest = {each.key_bytes: each.offset_number for each in log}
                kept = [each for each in log if latest[each.key_bytes] == each.offset_number]
                if topic == OBJECTS:
                    self.removed += [each for each in log if each not in kept]
                self.logs[Owned(topic, partition)] = kept

    def open_reader(self, starts: Iterable[Owned]) -> "LogReader":
        """Open a table's reader; each brings the partitions in another order."""
        self._readers += 1
        owned = sorted(starts)
        turn = self._readers % len(owned)
        return LogReader(self, owned[turn:] + owned[:turn])

    def unless(self, is_cancelled: Callable[[], bool]) -> "Broker":
        """It answers at once in any case."""
        del is_cancelled
        return self

    def as_watermarks(self) -> "Watermarks":
        """Pass for what a table's reader is built with."""
        return cast("Watermarks", self)

    def _append(self, topic: str, key: bytes, value: bytes | None, partition: int) -> FakeMessage:
        owned = Owned(topic, partition)
        message = FakeMessage(
            topic_name=topic,
            partition_index=partition,
            offset_number=self.ends[owned],
            key_bytes=key,
            value_bytes=value,
        )
        self.ends[owned] += 1
        self.logs[owned].append(message)
        return message

    def _partition(self, key: bytes, given: int) -> int:
        return given if given >= 0 else partition_of(key, partitions=PARTITIONS)

    def _mark(self, transaction: RecordingTransaction) -> None:
        for owned in {
            Owned(each.topic, self._partition(each.key, each.partition))
            for each in transaction.published
        }:
            self.ends[owned] += 1


class LogReader:
    """Reads partitions as a table's reader does, each message once it is committed."""

    def __init__(self, broker: Broker, owned: list[Owned]) -> None:
        self._broker = broker
        self._positions = dict.fromkeys(owned, 0)
        self._paused: set[str] = set()

    def start_at(self, starts: Mapping[Owned, int]) -> "LogReader":
        """Begin at offsets; one below zero is the beginning."""
        self._positions |= {owned: max(0, offset) for owned, offset in starts.items()}
        return self

    def read_to_high_watermark(
        self, is_cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[Message]:
        """Yield all that is there."""
        if not is_cancelled():
            yield from self.poll()

    def poll(self, *, timeout_seconds: float = 0.0) -> list[Message]:
        """Bring what is new."""
        del timeout_seconds
        arrived: list[Message] = []
        for owned, position in self._positions.items():
            if owned.topic not in self._paused:
                arrived += self._broker.from_offset(owned, position)
                self._positions[owned] = self._broker.ends[owned]
        return arrived

    def pause(self, topic: str) -> None:
        """Bring no more of a topic."""
        self._paused.add(topic)

    def close(self) -> None:
        """Nothing is held."""

    def as_reader(self) -> "TableReader":
        """Pass for the real one."""
        return cast("TableReader", self)


def open_table_reader(
    *, properties: object, watermarks: Broker, starts: Mapping[Owned, int]
) -> LogReader:
    """Stand for the class of table readers: the broker comes in the watermarks' place."""
    del properties
    return watermarks.open_reader(starts).start_at(starts)


def _offsets_of(transaction: RecordingTransaction) -> dict[Owned, Committed]:
    offsets = {
        Owned(topic, partition): Committed(offset, metadata)
        for (topic, partition), (offset, metadata) in transaction.offsets.items()
    }
    for under, carried in transaction.carried.items():
        assert under in transaction.topics, "nothing vouches for an offset that is carried"
        for each in carried:
            offsets[Owned(each.topic, each.partition)] = Committed(
                each.offset, each.metadata or ""
            )
    return offsets
