"""Topics read back as tables, whole and `read_committed`.

Law: a table that decides about a partition is read *after* the partition's stable committed offset
was fetched, up to the high watermark as it is then. The end that a `read_committed` reader meets
by itself is not enough: commit markers are written broker by broker, and the table's may land
after the offset's.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from producer.errors import BrokerUnavailableError, FatalError
from producer.kafka.clients import open_admin, open_consumer
from producer.kafka.configuration import Properties
from producer.kafka.errors import describe, may_pass
from producer.kafka.member import Owned
from producer.kafka.stages import Message

if TYPE_CHECKING:
    from concurrent.futures import Future

# The client goes on asking a leader that died for as long as a request may take, and looks for
# another only where it is asked anew. A cluster that is merely slow is given longer each time.
_REQUEST_FIRST_SECONDS = 2.0
_REQUEST_LONGEST_SECONDS = 30.0
_BATCH_MESSAGES = 1000
_BEGINNING = -2
# Beyond the time that a cluster takes to notice that a leader died, which is 9 seconds by default.
_ATTEMPTS = 80
_WAIT_SECONDS = 0.25
_METADATA_SECONDS = 2.0
# How often whoever waits for an answer looks whether it is still wanted.
_LOOK_SECONDS = 0.1
# What is told of a time that no message is as young as.
_NONE_SINCE = -1
# What a broker says of a topic that it was not yet told about.
_NEW_TOPIC = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._NOENT})  # noqa: SLF001

T = TypeVar("T")


class Watermarks:
    """Asks brokers where partitions end; raises `BrokerUnavailableError` where nobody answers."""

    def __init__(
        self,
        connection: Properties,
        *,
        admin: AdminClient | None = None,
        attempts: int = _ATTEMPTS,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._connection = connection
        self._admin = admin or open_admin(connection)
        self._attempts = attempts
        self._is_cancelled = is_cancelled

    def once(self) -> "Watermarks":
        """Give one that asks once, and briefly: for whoever has other things to do."""
        return Watermarks(
            self._connection, admin=self._admin, attempts=1, is_cancelled=self._is_cancelled
        )

    def unless(self, is_cancelled: Callable[[], bool]) -> "Watermarks":
        """Give one that stops asking soon after nobody wants to know any more."""
        return Watermarks(
            self._connection,
            admin=self._admin,
            attempts=self._attempts,
            is_cancelled=is_cancelled,
        )

    def low(self, partitions: Sequence[Owned]) -> dict[Owned, int]:
        """The first offset that is still there."""
        return self._ask(partitions, OffsetSpec.earliest(), IsolationLevel.READ_UNCOMMITTED)  # type: ignore[no-untyped-call]

    def high(self, partitions: Sequence[Owned]) -> dict[Owned, int]:
        """Where the log ends, pending transactions included."""
        return self._latest(partitions, IsolationLevel.READ_UNCOMMITTED)

    def stable(self, partitions: Sequence[Owned]) -> dict[Owned, int]:
        """The end that a `read_committed` reader can reach."""
        return self._latest(partitions, IsolationLevel.READ_COMMITTED)

    def at_time(self, partitions: Sequence[Owned], milliseconds: int) -> dict[Owned, int]:
        """The first offset published at or after a time; the end where there is none."""
        specification = OffsetSpec.for_timestamp(milliseconds)
        found = self._ask(partitions, specification, IsolationLevel.READ_UNCOMMITTED)
        ends = self.high([owned for owned, offset in found.items() if offset < 0])
        return {owned: ends.get(owned, offset) for owned, offset in found.items()}

    def _latest(self, partitions: Sequence[Owned], isolation: IsolationLevel) -> dict[Owned, int]:
        return self._ask(partitions, OffsetSpec.latest(), isolation)  # type: ignore[no-untyped-call]

    def _ask(
        self, partitions: Sequence[Owned], specification: OffsetSpec, isolation: IsolationLevel
    ) -> dict[Owned, int]:
        """Ask again for a while: a leader that was just elected may not know of it yet."""
        found: dict[Owned, int] = {}
        wait = threading.Event()
        seconds = _REQUEST_FIRST_SECONDS
        refusal: KafkaError | None = None
        for attempt in range(self._attempts):
            if attempt:
                wait.wait(_WAIT_SECONDS)
                self._learn_leaders()
            left = [owned for owned in partitions if owned not in found]
            if not left:
                return found
            answers, refusal = self._ask_once(left, specification, isolation, seconds=seconds)
            found |= answers
            if refusal is None:
                return found
            if refusal.code() == KafkaError._TIMED_OUT:  # noqa: SLF001
                seconds = min(2 * seconds, _REQUEST_LONGEST_SECONDS)
        assert refusal is not None
        topics = ", ".join(sorted({repr(owned.topic) for owned in left}))
        raise BrokerUnavailableError(describe(f"ask for the ends of {topics}", refusal))

    def _learn_leaders(self) -> None:
        """Let the client forget leaders of yore: by itself it keeps asking under their epochs."""
        with contextlib.suppress(KafkaException):
            self._admin.list_topics(timeout=_METADATA_SECONDS)

    def _ask_once(
        self,
        partitions: Sequence[Owned],
        specification: OffsetSpec,
        isolation: IsolationLevel,
        *,
        seconds: float,
    ) -> tuple[dict[Owned, int], KafkaError | None]:
        """Give the answers, and a refusal that may pass."""
        futures = self._admin.list_offsets(
            {TopicPartition(*owned): specification for owned in partitions},
            isolation_level=isolation,
            request_timeout=seconds,
        )
        found: dict[Owned, int] = {}
        refusal = None
        for asked, future in futures.items():
            try:
                offset = self._answer(future).offset
            except KafkaException as raised:
                refusal = raised.args[0]
                if not may_pass(refusal) and refusal.code() not in _NEW_TOPIC:
                    attempt = f"ask for the end of {asked.topic!r}"
                    raise FatalError(describe(attempt, refusal)) from raised
                continue
            if offset >= _NONE_SINCE:
                found[Owned(asked.topic, asked.partition)] = offset
            else:
                # Whose leader has not answered is among the answers, with no offset and no error.
                refusal = KafkaError(KafkaError._TIMED_OUT, "its leader does not answer")  # noqa: SLF001
        return found, refusal

    def _answer(self, future: "Future[Any]") -> Any:  # noqa: ANN401 - the client's own
        while not self._is_cancelled():
            with contextlib.suppress(TimeoutError):
                return future.result(_LOOK_SECONDS)
        raise BrokerUnavailableError("the ends of partitions are no longer asked for")


class TableReader:
    """Reads partitions from given offsets up to their high watermarks.

    Later on from there. One thread at a time.
    """

    def __init__(
        self, *, properties: Properties, watermarks: Watermarks, starts: Mapping[Owned, int]
    ) -> None:
        self._watermarks = watermarks
        # librdkafka would ask for a beginning by itself, but begin half a second late then.
        unknown = [owned for owned, offset in starts.items() if offset == _BEGINNING]
        self._positions = dict(starts) | watermarks.low(unknown)
        self._consumer = open_consumer(properties)
        self._consumer.assign(
            [TopicPartition(*owned, offset) for owned, offset in self._positions.items()]
        )

    def read_to_high_watermark(
        self, is_cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[Message]:
        """Yield all up to the high watermarks of now, waiting for pending transactions."""
        return self._read_to(self._watermarks.high(list(self._positions)), is_cancelled)

    def read_to_stable_end(
        self, is_cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[Message]:
        """Yield all messages that are committed now. For showing, not for deciding."""
        return self._read_to(self._watermarks.stable(list(self._positions)), is_cancelled)

    def _read_to(
        self, targets: Mapping[Owned, int], is_cancelled: Callable[[], bool]
    ) -> Iterator[Message]:
        while not is_cancelled() and any(
            self._positions[owned] < target for owned, target in targets.items()
        ):
            yield from self.poll(timeout_seconds=0.1)

    def poll(self, *, timeout_seconds: float = 0.0) -> list[Message]:
        """Bring what has arrived."""
        try:
            arrived = self._consumer.consume(_BATCH_MESSAGES, timeout_seconds)
        except KafkaException as raised:
            raise FatalError(describe("read a table", raised.args[0])) from raised
        messages = []
        for message in arrived:
            owned, offset = (
                Owned(message.topic() or "", message.partition() or 0),
                message.offset(),
            )
            error = message.error()
            if error is None:
                assert offset is not None
                self._positions[owned] = offset + 1
                messages.append(cast("Message", message))
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
                assert offset is not None
                self._positions[owned] = max(self._positions[owned], offset)
            elif not may_pass(error):
                raise FatalError(describe(f"read {owned.topic!r} as a table", error))
        return messages

    def position(self, owned: Owned) -> int:
        """The next offset to be read."""
        return self._positions[owned]

    def pause(self, topic: str) -> None:
        """Stop following a topic; its positions stay."""
        self._consumer.pause(self._of(topic))

    def resume(self, topic: str) -> None:
        """Follow a topic again."""
        self._consumer.resume(self._of(topic))

    def close(self) -> None:
        """Let go of the connection."""
        self._consumer.close()

    def _of(self, topic: str) -> list[TopicPartition]:
        return [TopicPartition(*owned) for owned in self._positions if owned.topic == topic]


class ModelTable(Generic[T]):
    """The latest model for each key of a compacted topic, kept current by `refresh`.

    Reading (`get`, `values`) from other threads is safe: entries are replaced whole, never
    changed.
    """

    def __init__(
        self,
        reader: TableReader,
        decode: Callable[[bytes], T],
        is_in_place: Callable[[bytes, int], bool] = lambda _key, _partition: True,
    ) -> None:
        """`is_in_place` refuses messages in a partition where their key does not belong."""
        self._reader = reader
        self._decode = decode
        self._is_in_place = is_in_place
        self._models: dict[str, T] = {}

    def restore(self) -> None:
        """Read up to the topic's end as it is now."""
        for message in self._reader.read_to_high_watermark():
            self._apply(message)

    def refresh(self) -> bool:
        """Take in what has arrived since; true where something has."""
        messages = self._reader.poll()
        for message in messages:
            self._apply(message)
        return bool(messages)

    def get(self, key: str) -> T | None:
        """The latest model of a key, if it was not removed."""
        return self._models.get(key)

    def values(self) -> list[T]:
        """All models, in the order of their keys' first appearance."""
        return list(self._models.values())

    def close(self) -> None:
        """Let go of the connection."""
        self._reader.close()

    def _apply(self, message: Message) -> None:
        if not self._is_in_place(message.key() or b"", message.partition() or 0):
            return
        key = (message.key() or b"").decode()
        value = message.value()
        if value is None:
            self._models.pop(key, None)
        else:
            self._models[key] = self._decode(value)


def all_partitions(topic: str, *, partitions: int) -> list[Owned]:
    """Name every partition of a topic."""
    return [Owned(topic, index) for index in range(partitions)]


def from_beginning(owned: Sequence[Owned]) -> dict[Owned, int]:
    """Let a table be read from the first message that its topic still holds."""
    return dict.fromkeys(owned, _BEGINNING)
