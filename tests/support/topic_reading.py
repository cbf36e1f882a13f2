"""Topics as a stranger downstream reads them: nothing of the project is known here.

Only the Kafka client, the registry and an Avro library are used, as by any consumer that was given
the names of the topics and the address of the registry.
"""

import io
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

import fastavro
from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec
from confluent_kafka.schema_registry import SchemaRegistryClient

Isolation = Literal["read_committed", "read_uncommitted"]

# Beyond the time after which a broker ends a transaction that a killed process left open.
_READ_SECONDS_MAX: Final = 60
_REQUEST_SECONDS: Final = 20
_BATCH_MESSAGES: Final = 5000
# The Confluent wire format: a zero byte, then the id of the schema.
_WIRE_HEADER: Final = struct.Struct(">bI")


class Schemas:
    """The schemas of a registry, parsed, by their ids."""

    def __init__(self, registry_url: str) -> None:
        self._client = SchemaRegistryClient({"url": registry_url})
        self._parsed: dict[int, Any] = {}

    def decode(self, value: bytes) -> dict[str, Any]:
        """Decode a value in the wire format."""
        magic, schema_id = _WIRE_HEADER.unpack_from(value)
        assert magic == 0, f"not the wire format: it begins with {magic}"
        if schema_id not in self._parsed:
            text = self._client.get_schema(schema_id).schema_str
            assert text is not None
            self._parsed[schema_id] = fastavro.schema.load_schema_ordered([]) if False else (
                fastavro.parse_schema(fastavro.schema.json.loads(text))
            )
        body = io.BytesIO(value[_WIRE_HEADER.size :])
        record = fastavro.schemaless_reader(body, self._parsed[schema_id], None)
        assert isinstance(record, dict)
        assert not body.read(), "bytes are left behind the record"
        return record
