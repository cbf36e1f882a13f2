"""The frame of each value."""

import pytest

from producer.codec import wire
from producer.errors import SchemaMismatchError


@pytest.mark.parametrize(
    ("schema_id", "expected"),
    [
        (0, "0000000000"),
        (1, "0000000001"),
        (258, "0000000102"),
        (2**32 - 1, "00ffffffff"),
    ],
)
def test_header_has_golden_bytes(schema_id: int, expected: str) -> None:
    """Magic byte 0, then the id, most significant byte first."""
    assert bytes.fromhex(expected) == wire.header(schema_id)
    assert schema_id == wire.schema_id(wire.header(schema_id) + b"body")


@pytest.mark.parametrize("value", [b"", b"\0\0\0\1"])
def test_schema_id_refuses_a_short_value(value: bytes) -> None:
    """A value that is shorter than a header is a mismatch that tells its length."""
    with pytest.raises(SchemaMismatchError, match=f"a value of {len(value)} bytes is too short"):
        wire.schema_id(value)


def test_schema_id_refuses_another_magic_byte() -> None:
    """A value of another format is a mismatch that does not quote the value."""
    with pytest.raises(SchemaMismatchError, match="starts with byte 123") as raised:
        wire.schema_id(b'{"secret": 1}')
    assert "secret" not in str(raised.value)
