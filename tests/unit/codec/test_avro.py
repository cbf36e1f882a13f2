"""Avro bodies, and what is said when one does not fit."""

import json

import pytest

from producer.codec import avro
from producer.errors import FatalError, SchemaMismatchError

HEADER = b"\0\0\0\0\1"
INNER = {"type": "record", "name": "Inner", "fields": [{"name": "text", "type": "string"}]}
SCHEMA = avro.parse(
    json.dumps(
        {
            "type": "record",
            "name": "Outer",
            "namespace": "test",
            "fields": [
                {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
                {"name": "inner", "type": INNER},
                {"name": "last", "type": ["null", "string"], "default": None},
            ],
        }
    )
)
VALUE = {"at": 5, "inner": {"text": "a"}, "last": "b"}
ENCODED = HEADER + b"\x0a" + b"\x02a" + b"\x02\x02b"


def test_encode_has_golden_bytes_and_decode_is_its_inverse() -> None:
    """A time is the plain number that was given, and comes back as one."""
    assert ENCODED == avro.encode(HEADER, SCHEMA, VALUE)
    assert VALUE == avro.decode(ENCODED, SCHEMA)


def test_encode_refuses_a_value_that_does_not_fit_without_quoting_it() -> None:
    """The error names the schema; neither it nor its cause holds the value."""
    with pytest.raises(FatalError, match=r"does not fit the schema 'test\.Outer'") as raised:
        avro.encode(HEADER, SCHEMA, VALUE | {"last": ["secret"]})
    assert "secret" not in str(raised.value)
    assert (None, True) == (raised.value.__cause__, raised.value.__suppress_context__)


@pytest.mark.parametrize("value", [ENCODED[:-1], ENCODED + b"x", HEADER, HEADER + b"\xff" * 9])
def test_decode_refuses_what_is_not_exactly_a_value(value: bytes) -> None:
    """Too little, too much or something else is a mismatch that names the id."""
    with pytest.raises(SchemaMismatchError, match="does not decode with the schema of id 1 "):
        avro.decode(value, SCHEMA)


def test_decode_beginning_stops_behind_the_first_fields() -> None:
    """A shorter schema reads the first fields, and tells where they end."""
    decoded, end = avro.decode_beginning(ENCODED, avro.first_fields(SCHEMA, 2))
    assert {"at": 5, "inner": {"text": "a"}} == decoded
    assert b"\x02\x02b" == ENCODED[end:]


@pytest.mark.parametrize(
    "text",
    [
        "{nonsense",
        '"string"',
        '["null", "string"]',
        '{"type": "record", "fields": []}',
        '{"type": "record", "name": "R", "fields": [{"name": "a", "type": "text"}]}',
    ],
)
def test_parse_refuses_what_is_no_record(text: str) -> None:
    """What a registry holds may be anything; only a record's schema is of use here."""
    with pytest.raises(SchemaMismatchError, match="a schema of the registry is no"):
        avro.parse(text)
