"""How things look in a terminal."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def printable(text: str) -> str:
    """Make text harmless: it comes from customers, and a terminal obeys control characters."""
    return "".join(character if character.isprintable() else "�" for character in text)


def moment(microseconds: int) -> str:
    """Show a time as ISO 8601 in UTC, to the millisecond."""
    time = _EPOCH + timedelta(microseconds=microseconds)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def span(seconds: int) -> str:
    """Show a length of time in the largest unit of which it has two, or seconds."""
    for unit, length in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def columns(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Set rows under a header, each column as wide as its widest text."""
    lines = [tuple(header), *(tuple(printable(cell) for cell in row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
