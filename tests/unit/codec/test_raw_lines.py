"""Raw records, written and read by hand."""

import json
from typing import Any

import msgspec
import pytest

from producer.codec.raw_lines import RawLineDecoder, RawLineEncoder
from producer.contract.raw import RawLine
from producer.contract.source import Include
from producer.errors import SchemaMismatchError
from tests.unit.codec.values import (
    a_registry,
    body_by_the_oracle,
    example,
    header_of,
    schema_text_of,
)

# Around each number of groups of seven bits that the encoding treats in its own way.
NUMBERS = [1, 63, 64, 8191, 8192, 1_048_576, 134_217_727, 134_217_728, 2**40, 2**63 - 1]


def constants(**changes: object) -> dict[str, Any]:
    fields = example("RawLine") | changes
    return {name: fields[name] for name in fields if name not in ("line_number", "line")}


def an_encoder(header: bytes, **changes: object) -> RawLineEncoder:
    fields = constants(**changes)
    return RawLineEncoder(header, **fields | {"include": Include(**fields["include"])})


@pytest.mark.parametrize("number", NUMBERS)
def test_encode_writes_what_the_oracle_writes_for_each_size_of_number(number: int) -> None:
    """Line numbers of any size are written as fastavro writes them, and read again."""
    registry = a_registry()
    header = header_of(registry, "raw", "RawLine")
    fields = constants() | {"line_number": number, "line": b"x"}
    value = an_encoder(header).encode(number, b"x")
    assert header + body_by_the_oracle("RawLine", fields) == value
    decoded = RawLineDecoder(header, registry=registry).decode(value)
    assert fields == msgspec.to_builtins(decoded, builtin_types=(bytes,))


@pytest.mark.parametrize("length", [0, 63, 64, 8191, 8192, 1_048_576])
def test_encode_writes_what_the_oracle_writes_for_each_length_of_line(length: int) -> None:
    """Lines of any length are written as fastavro writes them, and read again."""
    registry = a_registry()
    header = header_of(registry, "raw", "RawLine")
    fields = constants() | {"line_number": 1, "line": b"\xff" * length}
    value = an_encoder(header).encode(1, fields["line"])
    assert header + body_by_the_oracle("RawLine", fields) == value
    assert fields["line"] == RawLineDecoder(header, registry=registry).decode(value).line


def test_encode_all_is_encode_of_each() -> None:
    """The batch form gives the same values in the same order."""
    encoder = an_encoder(b"\0\0\0\0\1")
    lines = [(number, bytes([number % 256]) * number) for number in (1, 70, 9000)]
    assert [encoder.encode(number, line) for number, line in lines] == encoder.encode_all(lines)


def test_decode_tells_objects_apart_whose_records_take_turns() -> None:
    """More objects in turns than are remembered still give each line its own object."""
    registry = a_registry()
    header = header_of(registry, "raw", "RawLine")
    decoder = RawLineDecoder(header, registry=registry)
    # Each key is the beginning of the next one.
    keys = ["k" * (length + 1) for length in range(20)]
    for turn in (1, 2):
        for key in keys:
            decoded = decoder.decode(an_encoder(header, key=key).encode(turn, key.encode()))
            assert (key, turn, key.encode()) == (decoded.key, decoded.line_number, decoded.line)
    assert len(decoder._recent) < len(keys)


def test_decode_reads_a_record_of_an_older_writer() -> None:
    """A record of another version of the schema is read through fastavro, with our defaults."""
    registry = a_registry()
    header = header_of(registry, "raw", "RawLine")
    older = json.loads(schema_text_of("RawLine"))
    older["fields"] = [field for field in older["fields"] if field["name"] != "team_id"]
    older_id = registry.register("older-value", json.dumps(older))
    fields = example("RawLine") | {"team_id": None}
    # What the older writer lacks is one byte, which says that the third field is null.
    body = body_by_the_oracle("RawLine", fields)
    start = 2 + len(fields["source_id"]) + len(fields["organization_id"])
    value = b"\0" + older_id.to_bytes(4, "big") + body[:start] + body[start + 1 :]
    decoded = RawLineDecoder(header, registry=registry).decode(value)
    assert msgspec.convert(fields, RawLine, builtin_types=(bytes,)) == decoded


@pytest.mark.parametrize("known", [False, True])
def test_decode_refuses_a_torn_record(known: bool) -> None:  # noqa: FBT001 - a parameter
    """A record that lacks bytes or has some too many is a mismatch, known beginning or not."""
    registry = a_registry()
    header = header_of(registry, "raw", "RawLine")
    decoder = RawLineDecoder(header, registry=registry)
    value = an_encoder(header).encode(300, b"secret")
    if known:
        decoder.decode(value)
    torn = [value[:end] for end in range(len(header), len(value))] + [value + b"x"]
    for candidate in torn:
        with pytest.raises(SchemaMismatchError) as raised:
            decoder.decode(candidate)
        assert "secret" not in str(raised.value)


def test_decode_refuses_a_number_without_an_end() -> None:
    """A number of more groups than 64 bits have is refused before it is read to its end."""
    registry = a_registry()
    header = header_of(registry, "raw", "RawLine")
    decoder = RawLineDecoder(header, registry=registry)
    value = an_encoder(header).encode(1, b"")
    decoder.decode(value)
    with pytest.raises(SchemaMismatchError, match="not as long as it says"):
        decoder.decode(value[:-2] + b"\xff" * 100 + b"\x00\x00")
