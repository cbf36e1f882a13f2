"""Raw records, the hot path: written by hand, read by hand, with fastavro as the oracle in a test.

The law: all fields before the last two are the same for all lines of a chunk, so their bytes are
the same, and an Avro value cannot begin like another without having the same fields there. What is
left for each line is two numbers and the line itself.
"""

import functools
from typing import Final

import msgspec
from msgspec.structs import replace

from producer.codec import avro, wire
from producer.codec.models import to_model
from producer.codec.registry import Registry
from producer.codec.schemas import parsed
from producer.codec.writers import WriterSchemas
from producer.contract.raw import RawLine
from producer.contract.source import Include
from producer.errors import SchemaMismatchError

_SCHEMA: Final = "RawLine"
# `line_number` and `line`.
_FIELDS_A_LINE: Final = 2
# As many as partitions that are likely to take turns in a batch; more make a miss dearer.
_PREFIXES_MAX: Final = 8

# Avro writes numbers in groups of seven bits, least first, the top bit saying that more follow.
_GROUP_BITS: Final = 7
_GROUP: Final = 0x7F
_MORE: Final = 0x80
# The last of the ten groups that 64 bits can take.
_SHIFT_MAX: Final = 63
_NUMBER_MAX: Final = (1 << 64) - 1
_CONTINUED = tuple(bytes((group | _MORE,)) for group in range(_MORE))
# All numbers of one or two groups: lines up to 8,191 bytes have their length looked up.
_SHORT_END: Final = 1 << 2 * _GROUP_BITS
_SHORT = tuple(
    bytes((number,)) if number < _MORE else bytes((number & _GROUP | _MORE, number >> _GROUP_BITS))
    for number in range(_SHORT_END)
)


class RawLineEncoder:
    """Writes lines of one chunk; what they have in common is encoded once, here."""

    def __init__(  # noqa: PLR0913 - the fields of a raw record
        self,
        header: bytes,
        *,
        source_id: str,
        organization_id: str,
        team_id: str | None,
        bucket: str,
        key: str,
        etag: str,
        pull_id: str,
        replay_id: str | None,
        include: Include,
        pulled_at: int,
    ) -> None:
        constant = {
            "source_id": source_id,
            "organization_id": organization_id,
            "team_id": team_id,
            "bucket": bucket,
            "key": key,
            "etag": etag,
            "pull_id": pull_id,
            "replay_id": replay_id,
            "include": msgspec.to_builtins(include),
            "pulled_at": pulled_at,
        }
        self._prefix = avro.encode(header, _constant_schema(), constant)

    def encode(self, line_number: int, line: bytes) -> bytes:
        """Write one raw record. Line numbers start at 1."""
        # Twice the number is the zigzag form of one that is not negative.
        return b"".join((self._prefix, _varint(line_number << 1), _varint(len(line) << 1), line))

    def encode_all(self, lines: list[tuple[int, bytes]]) -> list[bytes]:
        """Write raw records of (line number, line)."""
        prefix, varint, join = self._prefix, _varint, b"".join
        return [
            join((prefix, varint(number << 1), varint(len(line) << 1), line))
            for number, line in lines
        ]


class RawLineDecoder:
    """Reads raw records; remembers the last few beginnings, since neighbours share theirs."""

    def __init__(self, header: bytes, *, registry: Registry) -> None:
        self._header = header
        self._writers = WriterSchemas(registry, schema=_SCHEMA, our_id=wire.schema_id(header))
        # A beginning, and the record that it makes but for its line.
        self._last: tuple[bytes, RawLine] | None = None
        self._recent: list[tuple[bytes, RawLine]] = []

    def decode(self, value: bytes) -> RawLine:
        """Read a raw record, whichever version of the schema wrote it."""
        if self._last is not None:
            prefix, template = self._last
            if value.startswith(prefix):
                return _read_line(value, len(prefix), template)
        if not value.startswith(self._header):
            writer, reader = self._writers.of(wire.schema_id(value))
            return to_model(avro.decode(value, writer, reader), RawLine)
        self._last = prefix, template = self._recall(value) or self._learn(value)
        return _read_line(value, len(prefix), template)

    def _recall(self, value: bytes) -> tuple[bytes, RawLine] | None:
        return next((entry for entry in self._recent if value.startswith(entry[0])), None)

    def _learn(self, value: bytes) -> tuple[bytes, RawLine]:
        constant, end = avro.decode_beginning(value, _constant_schema())
        template = to_model(constant | {"line_number": 0, "line": b""}, RawLine)
        entry = (value[:end], template)
        self._recent.insert(0, entry)
        del self._recent[_PREFIXES_MAX:]
        return entry


def _read_line(value: bytes, at: int, template: RawLine) -> RawLine:
    """Read the two numbers and the line that follow the constant fields."""
    try:
        number, at = _read_varint(value, at)
        length, at = _read_varint(value, at)
    except IndexError:
        raise _torn(value) from None
    # Odd is negative, which neither of them can be.
    if (number | length) & 1 or at + (length >> 1) != len(value):
        raise _torn(value)
    return replace(template, line_number=number >> 1, line=value[at:])


def _read_varint(value: bytes, at: int) -> tuple[int, int]:
    byte = value[at]
    at += 1
    number = byte & _GROUP
    shift = _GROUP_BITS
    while byte >= _MORE:
        if shift > _SHIFT_MAX:
            raise IndexError
        byte = value[at]
        at += 1
        number |= (byte & _GROUP) << shift
        shift += _GROUP_BITS
    if number > _NUMBER_MAX:
        raise IndexError
    return number, at


def _varint(number: int) -> bytes:
    if number < _SHORT_END:
        return _SHORT[number]
    low = _CONTINUED[number & _GROUP] + _CONTINUED[number >> _GROUP_BITS & _GROUP]
    return low + _varint(number >> 2 * _GROUP_BITS)


@functools.cache
def _constant_schema() -> avro.ParsedSchema:
    whole = parsed(_SCHEMA)
    return avro.first_fields(whole, len(whole["fields"]) - _FIELDS_A_LINE)


def _torn(value: bytes) -> SchemaMismatchError:
    return SchemaMismatchError(
        f"a raw record of {len(value)} bytes is not as long as it says; "
        "was the topic written by another program?"
    )
