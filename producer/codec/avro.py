"""Avro bodies to Python values and back: the calls of fastavro, and what its errors mean here.

Times are plain integers on both sides: schemas are parsed without their logical types, which
change neither the bytes nor what other readers make of the registered schema.
"""

import io
import json
from typing import Any

import fastavro
import fastavro.schema
from fastavro.read import SchemaResolutionError

from producer.codec import wire
from producer.errors import FatalError, SchemaMismatchError

ParsedSchema = dict[str, Any]

# What fastavro raises for bytes that are not a value of the schema.
_UNREADABLE = (EOFError, IndexError, OverflowError, TypeError, ValueError, SchemaResolutionError)
# What it raises for a value that is not of the schema; some of these messages quote the value.
_UNWRITABLE = (AttributeError, KeyError, OverflowError, TypeError, ValueError)


def parse(text: str) -> ParsedSchema:
    """Parse a record's schema, without logical types."""
    try:
        parsed = fastavro.schema.parse_schema(_without_logical_types(json.loads(text)))
    except (KeyError, ValueError, fastavro.schema.SchemaParseException) as error:
        raise SchemaMismatchError(
            "a schema of the registry is not valid Avro; was the topic written by another program?"
        ) from error
    if not isinstance(parsed, dict) or parsed["type"] != "record":
        raise SchemaMismatchError(
            "a schema of the registry is no record; was the topic written by another program?"
        )
    return parsed


def first_fields(schema: ParsedSchema, count: int) -> ParsedSchema:
    """Cut a record's schema down to its first fields, which are the first bytes of each value."""
    # A copy: what is parsed already carries marks, and must not be shared between two schemas.
    shorter = {"type": "record", "name": schema["name"], "fields": schema["fields"][:count]}
    parsed = fastavro.schema.parse_schema(json.loads(json.dumps(shorter)))
    assert isinstance(parsed, dict)
    return parsed


def encode(header: bytes, schema: ParsedSchema, value: Any) -> bytes:  # noqa: ANN401 - any Avro value
    """Write the header and the value behind it."""
    buffer = io.BytesIO()
    buffer.write(header)
    try:
        fastavro.schemaless_writer(buffer, schema, value)
    except _UNWRITABLE as error:
        # Without the cause: fastavro quotes the value, and a traceback would carry it into a log.
        raise FatalError(
            f"a value does not fit the schema {schema['name']!r} ({type(error).__name__}); "
            "this is a mistake in the program, report it"
        ) from None
    return buffer.getvalue()


def decode(value: bytes, writer: ParsedSchema, reader: ParsedSchema | None = None) -> Any:  # noqa: ANN401
    """Read the whole of a framed value, as the reader's schema has it where one is given."""
    decoded, end = decode_beginning(value, writer, reader)
    if end != len(value):
        raise _unreadable(value, f"ends {len(value) - end} bytes early")
    return decoded


def decode_beginning(
    value: bytes, writer: ParsedSchema, reader: ParsedSchema | None = None
) -> tuple[Any, int]:
    """Read what the schema describes from the start of a framed value, and say where that ends."""
    buffer = io.BytesIO(value)
    buffer.seek(wire.HEADER_BYTES)
    try:
        decoded = fastavro.schemaless_reader(buffer, writer, reader)
    except _UNREADABLE as error:
        raise _unreadable(value, type(error).__name__) from None
    return decoded, buffer.tell()


def _unreadable(value: bytes, why: str) -> SchemaMismatchError:
    return SchemaMismatchError(
        f"a value of {len(value)} bytes does not decode with the schema of id "
        f"{wire.schema_id(value)} that it names ({why}); was the topic written by another program?"
    )


def _without_logical_types(node: Any) -> Any:  # noqa: ANN401 - JSON
    match node:
        case dict():
            kept = ((key, child) for key, child in node.items() if key != "logicalType")
            return {key: _without_logical_types(child) for key, child in kept}
        case list():
            return [_without_logical_types(child) for child in node]
        case _:
            return node
