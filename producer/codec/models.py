"""Codecs of the models that travel one at a time: sources, objects, outcomes and so on."""

from collections.abc import Mapping
from typing import Final, Generic, TypeVar

import msgspec

from producer.codec import avro, wire
from producer.codec.registration import registered_id
from producer.codec.registry import Registry
from producer.codec.schemas import parsed
from producer.codec.writers import WriterSchemas
from producer.contract.dead_letter import DeadLetter
from producer.contract.objects import ObjectOutcome, ObjectVersion
from producer.contract.source import IngestionSource, SourceCommand
from producer.contract.status import SourceStatus
from producer.errors import SchemaMismatchError

T = TypeVar("T", bound=msgspec.Struct)

# Avro has bytes of its own; without this msgspec would make text of them.
_KEPT: Final = (bytes,)


class ModelCodec(Generic[T]):
    """Values of one topic to models of one type and back. The schema has the model's name."""

    def __init__(self, model: type[T], *, schema_id: int, registry: Registry) -> None:
        self._model = model
        self._schema = parsed(model.__name__)
        self._header = wire.header(schema_id)
        self._writers = WriterSchemas(registry, schema=model.__name__, our_id=schema_id)

    def encode(self, model: T) -> bytes:
        """Write a model with our schema."""
        fields = msgspec.to_builtins(model, builtin_types=_KEPT)
        return avro.encode(self._header, self._schema, fields)

    def decode(self, value: bytes) -> T:
        """Read a model, whichever version of the schema wrote it."""
        writer, reader = self._writers.of(wire.schema_id(value))
        return to_model(avro.decode(value, writer, reader), self._model)


class Codecs(msgspec.Struct, frozen=True, kw_only=True):
    """One codec for each topic of single models."""

    sources: ModelCodec[IngestionSource]
    commands: ModelCodec[SourceCommand]
    objects: ModelCodec[ObjectVersion]
    outcomes: ModelCodec[ObjectOutcome]
    dead_letters: ModelCodec[DeadLetter]
    source_status: ModelCodec[SourceStatus]


def build_codecs(registry: Registry, topic_names: Mapping[str, str]) -> Codecs:
    """Look up the id of each schema, and refuse where one is not registered.

    `topic_names` gives the full name of each topic of `schemas/topics.yaml`.
    """

    def codec(topic: str, model: type[T]) -> ModelCodec[T]:
        schema_id = registered_id(registry, topic_name=topic_names[topic], schema=model.__name__)
        return ModelCodec(model, schema_id=schema_id, registry=registry)

    return Codecs(
        sources=codec("sources", IngestionSource),
        commands=codec("commands", SourceCommand),
        objects=codec("objects", ObjectVersion),
        outcomes=codec("outcomes", ObjectOutcome),
        dead_letters=codec("dead-letters", DeadLetter),
        source_status=codec("source-status", SourceStatus),
    )


def to_model(fields: object, model: type[T]) -> T:
    """Build a model from decoded fields."""
    try:
        return msgspec.convert(fields, model, builtin_types=_KEPT)
    except msgspec.ValidationError as error:
        # Only the path: the rest of the message may quote the value.
        path = str(error).rpartition(" - at ")[2] if " - at " in str(error) else "its start"
        raise SchemaMismatchError(
            f"a {model.__name__} has a value at {path} that this program does not know; "
            "a newer version wrote it, so upgrade this process"
        ) from None
