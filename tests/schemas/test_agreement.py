"""Schemas, models, topics and examples say the same, and none of them stands alone."""

import json
import types
import typing
from typing import Any

import msgspec
import pytest

from producer.codec import avro
from producer.codec.schemas import (
    parsed,
    schema_text,
    schemas_directory,
    topic_definitions,
)
from producer.contract.dead_letter import DeadLetter
from producer.contract.event import GovernanceEvent
from producer.contract.objects import ObjectOutcome, ObjectVersion
from producer.contract.raw import RawLine
from producer.contract.source import IngestionSource, SourceCommand
from producer.contract.status import SourceStatus
from tests.unit.codec.values import example

HEADER = b"\0\0\0\0\1"
MODELS = {
    model.__name__: model
    for model in (
        DeadLetter,
        GovernanceEvent,
        IngestionSource,
        ObjectOutcome,
        ObjectVersion,
        RawLine,
        SourceCommand,
        SourceStatus,
    )
}
NAMES = sorted(path.stem for path in schemas_directory().glob("*.avsc"))
WORDS: dict[object, str] = {
    "string": "text",
    "int": "number",
    "long": "number",
    "boolean": "boolean",
    "bytes": "bytes",
    int: "number",
    bool: "boolean",
    bytes: "bytes",
}


def shape_of_schema(schema: Any) -> object:  # noqa: ANN401 - any node of a schema
    """Tell a schema's shape in words that a Python type has too."""
    match schema:
        case str():
            return WORDS[schema]
        case ["null", other]:
            return ("or null", shape_of_schema(other))
        case {"type": "record"}:
            return [(field["name"], shape_of_schema(field["type"])) for field in schema["fields"]]
        case {"type": "array"}:
            return ("list", shape_of_schema(schema["items"]))
        case {"type": "map"}:
            return ("map", shape_of_schema(schema["values"]))
        case {"type": inner}:
            return shape_of_schema(inner)
        case _:
            raise AssertionError(schema)


def shape_of_type(hint: Any) -> object:  # noqa: ANN401 - any type
    """Tell a Python type's shape in the same words."""
    match typing.get_origin(hint), typing.get_args(hint):
        case types.UnionType, (other, types.NoneType):
            return ("or null", shape_of_type(other))
        case typing.Literal, _:
            return shape_of_class(str)
        case origin, (item, _) if origin is tuple:
            return ("list", shape_of_type(item))
        case origin, (_, value) if origin is dict:
            return ("map", shape_of_type(value))
        case _:
            return shape_of_class(hint)


def shape_of_class(hint: type) -> object:
    """Tell the shape of a type that is not made of others by brackets."""
    if issubclass(hint, str):
        return "text"
    if issubclass(hint, msgspec.Struct) or typing.is_typeddict(hint):
        hints = typing.get_type_hints(hint)
        return [(name, shape_of_type(field)) for name, field in hints.items()]
    return WORDS[hint]


def test_each_schema_has_a_model_a_topic_and_an_example() -> None:
    """No schema without its use, no use without its schema."""
    examples = sorted(path.stem for path in (schemas_directory() / "examples").glob("*.json"))
    assert NAMES == sorted(MODELS)
    assert NAMES == sorted({topic.schema for topic in topic_definitions()})
    assert NAMES == examples


@pytest.mark.parametrize("name", NAMES)
def test_schema_has_the_fields_of_its_model(name: str) -> None:
    """Names, order, kinds and what may be null are the same, all the way down."""
    assert shape_of_type(MODELS[name]) == shape_of_schema(json.loads(schema_text(name)))


@pytest.mark.parametrize("name", NAMES)
def test_example_encodes_and_decodes(name: str) -> None:
    """An example is a value of its schema and of its model."""
    value = example(name)
    encoded = avro.encode(HEADER, parsed(name), value)
    assert value == avro.decode(encoded, parsed(name))
    model = msgspec.convert(value, MODELS[name], builtin_types=(bytes,))
    fields = msgspec.to_builtins(model, builtin_types=(bytes,))
    assert encoded == avro.encode(HEADER, parsed(name), fields)


def nodes(node: Any) -> typing.Iterator[dict[str, Any]]:  # noqa: ANN401 - any node of a schema
    """Give all objects of a schema."""
    children = node.values() if isinstance(node, dict) else node
    if isinstance(node, dict):
        yield node
    for child in children if isinstance(node, dict | list) else ():
        yield from nodes(child)


@pytest.mark.parametrize("name", NAMES)
def test_schema_is_documented_and_keeps_the_forms_of_the_house(name: str) -> None:
    """Records and fields say what they are; null is a default; times are microseconds."""
    schema = json.loads(schema_text(name))
    assert name == schema["name"]
    for node in nodes(schema):
        assert node.get("doc") or "name" not in node, node
        if isinstance(node.get("type"), list):
            assert ("null", None) == (node["type"][0], node["default"]), node
        if str(node.get("name", "")).endswith("_at"):
            assert "timestamp-micros" in json.dumps(node["type"]), node


def test_event_begins_with_what_the_deduplicator_reads() -> None:
    """Readers may stop behind these two."""
    fields = [field["name"] for field in json.loads(schema_text("GovernanceEvent"))["fields"]]
    assert ["event_id", "origin"] == fields[:2]


def test_raw_record_ends_with_what_differs_from_line_to_line() -> None:
    """All before is encoded once for a chunk."""
    fields = [field["name"] for field in json.loads(schema_text("RawLine"))["fields"]]
    assert ["line_number", "line"] == fields[-2:]


def test_topics_of_a_key_group_have_the_same_key() -> None:
    """Topics that are partitioned alike are keyed alike."""
    keys: dict[str, set[str]] = {}
    for topic in topic_definitions():
        keys.setdefault(topic.key_group, set()).add(topic.key)
    assert {
        "source": {"source id"},
        "object": {"<source id>/<object key>"},
        "event": {"event id"},
    } == (keys)


def test_registered_text_keeps_the_logical_types() -> None:
    """Others see times as times; only our own parsing leaves that out."""
    assert "timestamp-micros" in schema_text("RawLine")
    assert "logicalType" not in json.dumps(parsed("RawLine"))
