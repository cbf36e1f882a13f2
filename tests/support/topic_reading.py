"""Topics as a stranger downstream reads them: nothing of the project is known here.

Only the Kafka client, the registry and an Avro library are used, as by any consumer that was given
the names of the topics and the address of the registry.
"""

import io
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal

import fastavro
from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec
from confluent_kafka.schema_registry import SchemaRegistryClient

from tests.support.waiting import eventually

Isolation = Literal["read_committed", "read_uncommitted"]

# Beyond the time after which a broker ends a transaction that a killed process left open.
_POLLS_MAX: Final = 600
_POLL_SECONDS: Final = 0.1
_BATCH_MESSAGES: Final = 5000
_REQUEST_SECONDS: Final = 20.0
# A leader that died is asked in vain, and replaced meanwhile.
_LEADER_SECONDS: Final = 3.0
_LEADERS_SECONDS: Final = 60.0
_NEW_LEADER: Final = frozenset(
    {
        KafkaError._TIMED_OUT,
        KafkaError._TRANSPORT,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
    }
)
_NEW_COORDINATOR: Final = frozenset(
    {
        KafkaError._TIMED_OUT,
        KafkaError._TRANSPORT,
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    }
)
# The Confluent wire format: a zero byte, then the id of the schema.
_WIRE_HEADER: Final = struct.Struct(">bI")


class Schemas:
    """The schemas of a registry, parsed, by their ids."""

    def __init__(self, registry_url: str) -> None:
        self._client = SchemaRegistryClient({"url": registry_url})
        self._parsed: dict[int, Any] = {}

    def decode(self, value: bytes) -> dict[str, Any]:
        """Decode a value in the wire format, to its last byte."""
        magic, schema_id = _WIRE_HEADER.unpack_from(value)
        assert magic == 0, f"not the wire format: it begins with {magic}"
        if schema_id not in self._parsed:
            text = self._client.get_schema(schema_id).schema_str
            assert text is not None
            self._parsed[schema_id] = fastavro.parse_schema(json.loads(text))
        body = io.BytesIO(value[_WIRE_HEADER.size :])
        record = fastavro.schemaless_reader(body, self._parsed[schema_id], None)
        assert isinstance(record, dict)
        assert not body.read(), "bytes are left behind the record"
        return record

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


@dataclass(frozen=True)
class Read:
    """One message that was read; its record is decoded when it is asked for."""

    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: Mapping[str, bytes] = field(compare=False)
    _schemas: Schemas = field(repr=False, compare=False)

    @cached_property
    def record(self) -> dict[str, Any]:
        """The value's record."""
        return self._schemas.decode(self.value)


class TopicReading:
    """Reads topics whole, and what groups have committed."""

    def __init__(self, *, bootstrap_servers: str, registry_url: str) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._admin = AdminClient(
            # Quiet: it may outlive the broker by the time that the collector takes.
            {"bootstrap.servers": bootstrap_servers, "log_level": 2}
        )
        self._schemas = Schemas(registry_url)

    def read(self, topic: str, *, isolation: Isolation = "read_committed") -> list[Read]:
        """Read a topic up to its high watermarks as they are now, by partition and offset.

        With `read_committed` that waits until no transaction is open below them.
        """
        targets, starts = self.high_watermarks(topic), self.low_watermarks(topic)
        consumer = self._consumer(isolation)
        try:
            consumer.assign([TopicPartition(topic, index, at) for index, at in starts.items()])
            messages = _read_to(consumer, topic, starts, targets)
        finally:
            consumer.close()
        found = [
            Read(
                partition=_number(message.partition()),
                offset=_number(message.offset()),
                key=message.key() or b"",
                value=message.value() or b"",
                headers=_headers(message),
                _schemas=self._schemas,
            )
            for message in messages
        ]
        return sorted(found, key=lambda read: (read.partition, read.offset))

    def high_watermarks(self, topic: str) -> dict[int, int]:
        """Where the partitions of a topic end, open transactions included."""
        return self._ends(topic, IsolationLevel.READ_UNCOMMITTED)

    def low_watermarks(self, topic: str) -> dict[int, int]:
        """Where the partitions of a topic begin: behind what retention has removed."""
        earliest: OffsetSpec = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
        return self._offsets(topic, earliest, IsolationLevel.READ_UNCOMMITTED)

    def stable_ends(self, topic: str) -> dict[int, int]:
        """Where the partitions of a topic end for who reads `read_committed`."""
        return self._ends(topic, IsolationLevel.READ_COMMITTED)

    def committed(self, group: str, topic: str) -> dict[int, TopicPartition]:
        """What a group has committed, with the metadata; open transactions do not count.

        Asked until its coordinator answers: that one may have died, or be loading.
        """
        return eventually(
            lambda: self._committed_if_told(group, topic),
            within_seconds=_LEADERS_SECONDS,
            describe=f"an answer of the coordinator of {group!r}",
        )

    def _committed_if_told(self, group: str, topic: str) -> dict[int, TopicPartition]:
        # A consumer that never joins: librdkafka 2.16 crashes where an admin client asks while
        # the coordinator is still loading.
        consumer = Consumer(
            {
                "bootstrap.servers": self._bootstrap_servers,
                "group.id": group,
                "enable.auto.commit": False,
                "isolation.level": "read_uncommitted",
            }
        )
        try:
            asked = [TopicPartition(topic, index) for index in self._partitions(topic)]
            found = consumer.committed(asked, timeout=_REQUEST_SECONDS)
        except KafkaException as raised:
            if raised.args[0].code() not in _NEW_COORDINATOR:
                raise
            return {}
        finally:
            consumer.close()
        return {each.partition: each for each in found}

    def topics(self) -> set[str]:
        """The names of all topics of the cluster."""
        return set(self._admin.list_topics(timeout=_REQUEST_SECONDS).topics)

    def groups(self) -> set[str]:
        """The names of all groups that the cluster knows, those without members included."""
        future = self._admin.list_consumer_groups(request_timeout=_REQUEST_SECONDS)
        return {found.group_id for found in future.result().valid}

    def members(self, group: str) -> int:
        """How many members a group has."""
        (future,) = self._admin.describe_consumer_groups(
            [group], request_timeout=_REQUEST_SECONDS
        ).values()
        return len(future.result().members)

    def close(self) -> None:
        """Let go of the connections."""
        self._schemas.close()

    def _partitions(self, topic: str) -> Sequence[int]:
        return sorted(
            self._admin.list_topics(topic, timeout=_REQUEST_SECONDS).topics[topic].partitions
        )

    def _ends(self, topic: str, isolation: IsolationLevel) -> dict[int, int]:
        latest: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        return self._offsets(topic, latest, isolation)

    def _offsets(
        self, topic: str, wanted: OffsetSpec, isolation: IsolationLevel
    ) -> dict[int, int]:
        """Ask until all leaders have answered: one may have died, or not know of it yet."""
        return eventually(
            lambda: self._offsets_if_told(topic, wanted, isolation),
            within_seconds=_LEADERS_SECONDS,
            describe=f"an answer of all leaders of {topic!r}",
        )

    def _offsets_if_told(
        self, topic: str, wanted: OffsetSpec, isolation: IsolationLevel
    ) -> dict[int, int]:
        futures = self._admin.list_offsets(
            {TopicPartition(topic, index): wanted for index in self._partitions(topic)},
            isolation_level=isolation,
            request_timeout=_LEADER_SECONDS,
        )
        try:
            found = {asked.partition: future.result().offset for asked, future in futures.items()}
        except KafkaException as raised:
            if raised.args[0].code() not in _NEW_LEADER:
                raise
            return {}
        # The client gives neither an offset nor an error where a leader has not answered.
        return found if min(found.values()) >= 0 else {}

    def _consumer(self, isolation: Isolation) -> Consumer:
        return Consumer(
            {
                "bootstrap.servers": self._bootstrap_servers,
                # Demanded by the client, never joined: partitions are assigned by hand.
                "group.id": "reads-without-a-group",
                "isolation.level": isolation,
                "auto.offset.reset": "error",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 20,
                "check.crcs": True,
            }
        )


def _read_to(
    consumer: Consumer, topic: str, starts: dict[int, int], targets: dict[int, int]
) -> list[Message]:
    messages: list[Message] = []
    positions = dict(starts)
    empty_polls = 0
    while any(positions[index] < target for index, target in targets.items()):
        arrived = consumer.consume(_BATCH_MESSAGES, _POLL_SECONDS)
        empty_polls = 0 if arrived else empty_polls + 1
        assert empty_polls < _POLLS_MAX, (
            f"{topic!r} is stuck at {positions} on the way to {targets}"
        )
        for message in arrived:
            error, index, offset = message.error(), message.partition(), message.offset()
            if error is None:
                messages.append(message)
                positions[_number(index)] = _number(offset) + 1
            elif error.code() == KafkaError._PARTITION_EOF:
                # It lies behind the markers that transactions leave.
                positions[_number(index)] = max(positions[_number(index)], _number(offset))
            else:
                raise AssertionError(str(error))
    return messages


def _headers(message: Message) -> dict[str, bytes]:
    # The client's own hints allow for text and mappings, which it takes and never gives.
    found: Any = message.headers() or ()
    return dict(found)


def _number(value: int | None) -> int:
    assert value is not None
    return value
