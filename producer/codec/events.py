"""Governance events: written whole, and read whole or only as far as the deduplicator looks.

The law: `event_id` and `origin` are the first two fields in every version of the schema, so a
reader may stop behind them; a version in which they are not is refused. The rest of an event's
bytes passes the deduplicator unread.
"""

from collections.abc import Iterable, Mapping
from typing import Final, cast

import msgspec

from producer.codec import avro, wire
from producer.codec.registration import registered_header, registered_id, subject_of
from producer.codec.registry import Registry
from producer.codec.schemas import parsed
from producer.codec.writers import Resolution, WriterSchemas
from producer.contract.event import GovernanceEvent, Origin
from producer.errors import SchemaMismatchError

_SCHEMA: Final = "GovernanceEvent"
_HEAD: Final = ("event_id", "origin")


class EventHead(msgspec.Struct, frozen=True):
    """What decides whether an event is a duplicate."""

    event_id: str
    origin: Origin


class EventEncoder:
    """Writes events to the topic whose header it was given."""

    def __init__(self, header: bytes) -> None:
        self._header = header
        self._schema = parsed(_SCHEMA)

    def encode(self, event: GovernanceEvent) -> bytes:
        """Write an event. One that does not fit the schema (a number beyond 64 bits) is fatal."""
        return avro.encode(self._header, self._schema, event)


class EventDecoder:
    """Reads whole events."""

    def __init__(self, registry: Registry) -> None:
        self._writers = WriterSchemas(registry, schema=_SCHEMA)

    def decode(self, value: bytes) -> GovernanceEvent:
        """Read an event, whichever version of the schema wrote it."""
        writer, reader = self._writers.of(wire.schema_id(value))
        return cast("GovernanceEvent", avro.decode(value, writer, reader))


class EventHeadDecoder:
    """Reads the first two fields of events and nothing behind them."""

    def __init__(self, registry: Registry, *, our_ids: Iterable[int] = ()) -> None:
        """Of `our_ids`, under which this program itself writes, the registry is not asked."""
        self._writers = WriterSchemas(registry, schema=_SCHEMA)
        ours = Resolution(avro.first_fields(parsed(_SCHEMA), len(_HEAD)), None)
        self._heads = dict.fromkeys(our_ids, ours)

    def decode(self, value: bytes) -> EventHead:
        """Read an event's id and origin."""
        schema_id = wire.schema_id(value)
        head = self._heads.get(schema_id)
        if head is None:
            head = self._heads[schema_id] = self._head_of(schema_id)
        fields, _ = avro.decode_beginning(value, head.writer, head.reader)
        return EventHead(fields["event_id"], fields["origin"])

    def _head_of(self, schema_id: int) -> Resolution:
        writer, reader = self._writers.of(schema_id)
        first = tuple(field["name"] for field in writer["fields"][: len(_HEAD)])
        if first != _HEAD:
            raise SchemaMismatchError(
                f"the schema of id {schema_id} begins with {first!r}, not with {_HEAD!r}; "
                "was the topic written by another program?"
            )
        return Resolution(
            avro.first_fields(writer, len(_HEAD)),
            None if reader is None else avro.first_fields(reader, len(_HEAD)),
        )


class EventHeaders:
    """The headers under which the deduplicator passes events on, body unchanged.

    The same schema may have one id under the subject that it is read from and another under the
    subject that it is written to.
    """

    def __init__(self, registry: Registry, *, topic_name: str, known: Mapping[int, bytes]) -> None:
        self._registry = registry
        self._subject = subject_of(topic_name)
        self._known = dict(known)

    def translate_header(self, schema_id: int) -> bytes:
        """Build the header for the identical schema under the subject written to."""
        header = self._known.get(schema_id)
        if header is None:
            header = self._known[schema_id] = self._header_of(schema_id)
        return header

    def _header_of(self, schema_id: int) -> bytes:
        found = self._registry.find_id(self._subject, self._registry.schema_by_id(schema_id))
        if found is None:
            raise SchemaMismatchError(
                f"the schema of id {schema_id} is not registered under {self._subject!r}; "
                "run `openai-compliance topics apply` of the version that wrote it"
            )
        return wire.header(found)


def event_headers(registry: Registry, topic_names: Mapping[str, str]) -> EventHeaders:
    """Build the translation of headers from `normalised` to `events`."""
    # Looked up now, so that a missing schema stops the start and not the first event, and so that
    # no event of this program's own version needs the registry later.
    ours = registered_header(registry, topic_name=topic_names["events"], schema=_SCHEMA)
    read = registered_id(registry, topic_name=topic_names["normalised"], schema=_SCHEMA)
    return EventHeaders(registry, topic_name=topic_names["events"], known={read: ours})
