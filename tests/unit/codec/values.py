"""The examples of `schemas/`, as values to test with, and topics to name them by."""

import io
import json
from typing import Any

import fastavro

from producer.codec.registration import register_all
from producer.codec.schemas import parsed, schemas_directory, topic_definitions
from tests.unit.codec.registries import InMemorySchemaRegistry

TOPIC_NAMES = {topic.name: f"test-{topic.name}" for topic in topic_definitions()}


def example(schema: str) -> dict[str, Any]:
    """Read an example, a fresh one each time."""
    text = (schemas_directory() / "examples" / f"{schema}.json").read_text("utf-8")
    # fastavro takes one value a line.
    (value,) = fastavro.json_reader(io.StringIO(json.dumps(json.loads(text))), parsed(schema))
    assert isinstance(value, dict)
    return value


def a_registry(*, an_id_for_each_subject: bool = False) -> InMemorySchemaRegistry:
    """Build a registry in which `topics apply` was run."""
    registry = InMemorySchemaRegistry(an_id_for_each_subject=an_id_for_each_subject)
    register_all(registry, TOPIC_NAMES)
    registry.requests.clear()
    return registry


def header_of(registry: InMemorySchemaRegistry, topic: str, schema: str) -> bytes:
    """Build the header by hand."""
    schema_id = registry.register(f"{TOPIC_NAMES[topic]}-value", schema_text_of(schema))
    return b"\0" + schema_id.to_bytes(4, "big")


def schema_text_of(schema: str) -> str:
    """Read a schema's file."""
    return (schemas_directory() / f"{schema}.avsc").read_text("utf-8")


def body_by_the_oracle(schema: str, value: object) -> bytes:
    """Write a value with fastavro alone."""
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, parsed(schema), value)
    return buffer.getvalue()
