"""An object store in memory that keeps the promises of the real one, and bodies cut to measure."""

from collections.abc import Iterator


def in_pieces(data: bytes, size_bytes: int) -> Iterator[bytes]:
    """Give the data in pieces of one size, as a body would."""
    for start in range(0, len(data), size_bytes):
        yield data[start : start + size_bytes]
