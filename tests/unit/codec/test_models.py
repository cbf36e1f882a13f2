"""Codecs of single models."""

import json

import msgspec
import pytest

from producer.codec.models import ModelCodec, build_codecs
from producer.contract.dead_letter import DeadLetter
from producer.contract.objects import ObjectOutcome, ObjectVersion
from producer.contract.source import IngestionSource, SourceCommand
from producer.contract.status import SourceStatus
from producer.errors import SchemaMismatchError
from tests.unit.codec.registries import InMemorySchemaRegistry
from tests.unit.codec.values import (
    TOPIC_NAMES,
    a_registry,
    body_by_the_oracle,
    example,
    header_of,
    schema_text_of,
)

MODELS: dict[str, type[msgspec.Struct]] = {
    "sources": IngestionSource,
    "commands": SourceCommand,
    "objects": ObjectVersion,
    "outcomes": ObjectOutcome,
    "dead-letters": DeadLetter,
    "source-status": SourceStatus,
}


@pytest.mark.parametrize("topic", MODELS)
def test_codec_writes_what_the_oracle_writes_and_reads_it_back(topic: str) -> None:
    """Each topic's codec writes our schema's id and body, and reads the same model."""
    registry, model = a_registry(), MODELS[topic]
    codec: ModelCodec[msgspec.Struct] = getattr(
        build_codecs(registry, TOPIC_NAMES), topic.replace("-", "_")
    )
    fields = example(model.__name__)
    expected = header_of(registry, topic, model.__name__) + body_by_the_oracle(
        model.__name__, fields
    )
    built = msgspec.convert(fields, model, builtin_types=(bytes,))
    assert expected == codec.encode(built)
    assert built == codec.decode(expected)


def test_build_codecs_refuses_an_unregistered_schema_and_registers_nothing() -> None:
    """A process does not start without its schemas, and never adds them itself."""
    registry = InMemorySchemaRegistry()
    with pytest.raises(SchemaMismatchError, match="'test-sources-value'; run"):
        build_codecs(registry, TOPIC_NAMES)
    assert not [request for request in registry.requests if request.startswith("register")]


def test_decode_resolves_an_older_writer_and_fetches_its_schema_once() -> None:
    """A value of an older version gets the defaults of ours, at the cost of one request."""
    registry = a_registry()
    older = json.loads(schema_text_of("IngestionSource"))
    older["fields"] = [field for field in older["fields"] if field["name"] != "include"]
    older_id = registry.register("older-value", json.dumps(older))
    codec = build_codecs(registry, TOPIC_NAMES).sources
    source = msgspec.convert(example("IngestionSource"), IngestionSource)
    whole = body_by_the_oracle("IngestionSource", msgspec.to_builtins(source))
    # `include` is the last field: three bytes, one for each of its booleans.
    value = b"\0" + older_id.to_bytes(4, "big") + whole[:-3]
    registry.requests.clear()

    expected = msgspec.structs.replace(source, include=IngestionSource.__struct_defaults__[-1])
    assert [expected, expected] == [codec.decode(value), codec.decode(value)]
    assert [f"schema_by_id {older_id}"] == registry.requests


def test_decode_refuses_an_id_that_the_registry_does_not_know() -> None:
    """A value of another registry is a mismatch, not a guess."""
    codec = build_codecs(a_registry(), TOPIC_NAMES).sources
    with pytest.raises(SchemaMismatchError, match="no schema of id 7"):
        codec.decode(b"\0\0\0\0\7body")


def test_decode_names_the_place_of_a_value_it_does_not_know() -> None:
    """A word of a newer version names its field and the remedy, not the word."""
    registry = a_registry()
    codec = build_codecs(registry, TOPIC_NAMES).outcomes
    body = body_by_the_oracle("ObjectOutcome", example("ObjectOutcome") | {"reason": "novel"})
    value = header_of(registry, "outcomes", "ObjectOutcome") + body
    with pytest.raises(SchemaMismatchError, match=r"at `\$\.reason` .*upgrade") as raised:
        codec.decode(value)
    assert "novel" not in str(raised.value)
