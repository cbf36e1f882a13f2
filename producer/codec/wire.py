"""The frame of each value: magic byte 0, the schema's id as 4 bytes big-endian, the Avro body."""

import struct
from typing import Final

from producer.errors import SchemaMismatchError

HEADER_BYTES: Final = 5
_MAGIC: Final = 0
_HEADER = struct.Struct(">BI")


def header(schema_id: int) -> bytes:
    """Build the first five bytes of a value written with this schema."""
    return _HEADER.pack(_MAGIC, schema_id)


def schema_id(value: bytes) -> int:
    """Read the id of the schema that a value was written with."""
    if len(value) < HEADER_BYTES:
        raise SchemaMismatchError(
            f"a value of {len(value)} bytes is too short for a schema id; "
            "was the topic written by another program?"
        )
    if value[0] != _MAGIC:
        raise SchemaMismatchError(
            f"a value starts with byte {value[0]}, not with the registry's magic byte {_MAGIC}; "
            "was the topic written by another program?"
        )
    return int.from_bytes(value[1:HEADER_BYTES], "big")
