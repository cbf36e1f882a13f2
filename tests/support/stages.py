"""What the loop is to a stage, without brokers: messages, transactions, tables, time."""

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from producer.kafka.member import Owned
from producer.kafka.stages import Committed, Message, Stage
from producer.kafka.transactions import Transaction
from tests.support.builders import NOW, SECOND
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from confluent_kafka import Producer

    from producer.kafka.tables import TableReader, Watermarks

FROM_THE_START = Committed(0, "")


class FakeClock:
    """Both clocks, which move when they are told to."""

    def __init__(self) -> None:
        self._now = NOW
        self._steady = 1000.0

    def now(self) -> int:
        """Microseconds since the epoch."""
        return self._now

    def steady(self) -> float:
        """Seconds."""
        return self._steady

    def pass_time(self, seconds: float) -> None:
        """Move both clocks on."""
        self._now += round(seconds * SECOND)
        self._steady += seconds

    def set_back(self, seconds: float) -> None:
        """Correct the wall clock alone."""
        self._now -= round(seconds * SECOND)


@dataclass(frozen=True, kw_only=True)
class FakeMessage:
    """A message as the client hands it over."""

    topic_name: str
    partition_index: int = 0
    offset_number: int = 0
    key_bytes: bytes | None = b""
    value_bytes: bytes | None = b""
    published_at: int = NOW // 1000

    def key(self) -> bytes | None:
        """The key's bytes."""
        return self.key_bytes

    def value(self) -> bytes | None:
        """The value's bytes."""
        return self.value_bytes

    def offset(self) -> int:
        """Where it lies."""
        return self.offset_number

    def partition(self) -> int:
        """Which partition it lies in."""
        return self.partition_index

    def topic(self) -> str:
        """Which topic it lies in."""
        return self.topic_name

    def timestamp(self) -> tuple[int, int]:
        """Kind and milliseconds."""
        return (1, self.published_at)


@dataclass(frozen=True)
class Published:
    """A message that a stage put into a transaction."""

    topic: str
    key: bytes
    value: bytes
    partition: int


class _RecordingClient:
    """Keeps what a client would be asked to send."""

    def __init__(self) -> None:
        self.published: list[Published] = []

    def produce(self, topic: str, value: bytes, key: bytes, partition: int) -> None:
        """Keep a message."""
        self.published.append(Published(topic, key, value, partition))


class RecordingTransaction(Transaction):
    """A transaction that keeps what is put into it."""

    def __init__(self) -> None:
        self._client = _RecordingClient()
        super().__init__(cast("Producer", self._client))

    @property
    def published(self) -> list[Published]:
        """All messages, in order."""
        return self._client.published

    def values(self, topic: str) -> list[bytes]:
        """The values published to one topic, in order."""
        return [message.value for message in self.published if message.topic == topic]


def transact(stage: Stage, *, commits: bool = True) -> RecordingTransaction:
    """Run one transaction; one that is not committed teaches the stage nothing."""
    transaction = RecordingTransaction()
    stage.contribute(transaction)
    if commits:
        stage.committed()
    return transaction


def has_work_after_a_tick(stage: Stage) -> bool:
    """Let a stage look around, as the loop does once a step."""
    stage.tick()
    return stage.has_work()


def let_end(call: Callable[[], object]) -> None:
    """Call something that must not hang; where it does, fail rather than hang too."""
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    eventually(lambda: not thread.is_alive(), every_seconds=0.005)


class ScriptedReader:
    """A table's reader that brings what it is given, in the order in which it is given."""

    def __init__(self, messages: Iterable[Message] = (), *, position: int = 0) -> None:
        self._arriving: deque[Message] = deque(messages)
        self.raises: BaseException | None = None
        # While set, the end is not reached: a transaction is pending.
        self.is_pending = False
        self.is_closed = False
        self.paused: list[str] = []
        self._position = position

    def bring(self, *messages: Message) -> None:
        """Let messages arrive."""
        self._arriving.extend(messages)

    def read_to_high_watermark(
        self, is_cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[Message]:
        """Yield all that was given so far."""
        while not is_cancelled() and (self.is_pending or self._arriving):
            yield from self.poll()

    def poll(self, *, timeout_seconds: float = 0.0) -> list[Message]:
        """Bring what was given so far."""
        del timeout_seconds
        if self.raises is not None:
            raise self.raises
        arrived = [self._arriving.popleft() for _ in range(len(self._arriving))]
        if arrived:
            self._position = arrived[-1].offset() + 1
        return arrived

    def position(self, owned: Owned) -> int:
        """Behind the last message."""
        del owned
        return self._position

    def pause(self, topic: str) -> None:
        """Take note."""
        self.paused.append(topic)

    def close(self) -> None:
        """Take note."""
        self.is_closed = True

    def as_reader(self) -> "TableReader":
        """Pass for the real one."""
        return cast("TableReader", self)


class FakeWatermarks:
    """Ends of partitions, as a test sets them."""

    def __init__(self, ends: Mapping[Owned, int] | None = None) -> None:
        self.ends = dict(ends or {})
        self.raises: BaseException | None = None
        self.asked = 0

    def high(self, partitions: Sequence[Owned]) -> dict[Owned, int]:
        """The ends."""
        self.asked += 1
        if self.raises is not None:
            raise self.raises
        return {owned: self.ends.get(owned, 0) for owned in partitions}

    def at_time(self, partitions: Sequence[Owned], milliseconds: int) -> dict[Owned, int]:
        """The beginning: all is young enough."""
        del milliseconds
        return dict.fromkeys(partitions, 0)

    def once(self) -> "FakeWatermarks":
        """It answers at once in any case."""
        return self

    def unless(self, is_cancelled: Callable[[], bool]) -> "FakeWatermarks":
        """It answers at once in any case."""
        del is_cancelled
        return self

    def as_watermarks(self) -> "Watermarks":
        """Pass for the real one."""
        return cast("Watermarks", self)


def numbered_ids(prefix: str) -> Callable[[], str]:
    """Build ids that can be foretold."""
    numbers = itertools.count(1)
    return lambda: f"{prefix}-{next(numbers)}"
