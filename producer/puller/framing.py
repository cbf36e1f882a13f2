"""From the content of an object to its numbered lines.

Laws:
- A line ends at LF and nowhere else; one CR before the LF belongs to the ending. The last line may
  lack its LF, and then keeps its CR. All other bytes of a line are untouched, valid UTF-8 or not.
- A UTF-8 byte order mark is taken away at the start of the object, and only there.
- Every line has a number, from 1. A blank line (empty, or ASCII white space alone) is numbered and
  counted, and not given out.
- A line beyond the limit is given out as its number, its size and a sample; the lines behind it
  are read as ever, and the memory used does not depend on its size.
- The result does not depend on how the content was cut into blocks.
"""

import codecs

import msgspec

from producer.contract.objects import LineCounts
from producer.puller.limits import Limits

_MARK = codecs.BOM_UTF8


class OversizedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line that is too long to be published: where it is, how long, and how it starts."""

    line_number: int
    size_bytes: int
    sample: bytes


class FramedLines(msgspec.Struct, frozen=True, kw_only=True):
    """The lines that a block completed, in order."""

    lines: list[tuple[int, bytes]]
    oversized: list[OversizedLine]


class Framing:
    """One object's way from its content to its lines: `lines_of` all blocks, then `last_line`."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._start: bytes | None = b""
        self._open_line = _OpenLine(limits)
        self._raw = 0
        self._blank = 0
        self._oversized = 0
        self.line_number = 0

    @property
    def counts(self) -> LineCounts:
        """How the complete lines up to here are accounted for."""
        return LineCounts(raw=self._raw, blank=self._blank, dead_letter=self._oversized)

    def lines_of(self, block: bytes) -> FramedLines:
        """Complete the lines that end in the block."""
        if self._start is not None:
            block = self._without_mark(self._start + block)
        parts = block.split(b"\n")
        still_open = parts.pop()
        oversized = self._close_open_line(parts, has_ending=True) if parts else []
        self._open_line.extend(still_open)
        if b"\r" in block or (parts and parts[0].endswith(b"\r")):
            parts = [part.removesuffix(b"\r") for part in parts]
        return self._numbered(parts, oversized)

    def last_line(self) -> FramedLines:
        """Complete the line that lacks its LF, the content being whole and at its end."""
        self._open_line.extend(self._start or b"")
        if self._open_line.size_bytes == 0:
            return FramedLines(lines=[], oversized=[])
        parts = [b""]
        oversized = self._close_open_line(parts, has_ending=False)
        return self._numbered(parts, oversized)

    def _without_mark(self, start: bytes) -> bytes:
        if len(start) < len(_MARK) and _MARK.startswith(start):
            self._start = start
            return b""
        self._start = None
        return start.removeprefix(_MARK)

    def _close_open_line(self, parts: list[bytes], *, has_ending: bool) -> list[OversizedLine]:
        """Put what is kept of the open line before its end, or take it out as an oversized one."""
        line = self._open_line
        if line.size_bytes == 0:
            return []
        self._open_line = _OpenLine(self._limits)
        line.extend(parts[0])
        if not line.is_oversized:
            parts[0] = line.content()
            return []
        del parts[0]
        self.line_number += 1
        self._oversized += 1
        return [line.as_oversized(self.line_number, has_ending=has_ending)]

    def _numbered(self, lines: list[bytes], oversized: list[OversizedLine]) -> FramedLines:
        """Give numbers to complete lines; all being good, none is looked at by itself."""
        first = self.line_number + 1
        self.line_number += len(lines)
        longest = self._limits.line_bytes_max
        is_any_long = max(map(len, lines), default=0) > longest
        if not is_any_long and all(lines) and not any(map(bytes.isspace, lines)):
            self._raw += len(lines)
            return FramedLines(lines=list(enumerate(lines, first)), oversized=oversized)
        good = []
        for number, line in enumerate(lines, first):
            if len(line) > longest:
                sample = line[: self._limits.sample_bytes]
                oversized.append(
                    OversizedLine(line_number=number, size_bytes=len(line), sample=sample)
                )
                self._oversized += 1
            elif not line or line.isspace():
                self._blank += 1
            else:
                good.append((number, line))
        self._raw += len(good)
        return FramedLines(lines=good, oversized=oversized)


class _OpenLine:
    """The line whose end has not come yet. Beyond the limit only its sample is kept."""

    def __init__(self, limits: Limits) -> None:
        # The last byte may turn out to be the CR of the ending.
        self._kept_bytes_max = limits.line_bytes_max + len(b"\r")
        self._sample_bytes = limits.sample_bytes
        self._parts: list[bytes] = []
        self._last_part = b""
        self.size_bytes = 0
        self.is_oversized = False

    def extend(self, part: bytes) -> None:
        if not part:
            return
        self.size_bytes += len(part)
        self._last_part = part
        if self.is_oversized:
            return
        self._parts.append(part)
        if self.size_bytes > self._kept_bytes_max:
            self.is_oversized = True
            self._parts = [self.content()[: self._sample_bytes]]

    def content(self) -> bytes:
        return b"".join(self._parts)

    def as_oversized(self, line_number: int, *, has_ending: bool) -> OversizedLine:
        ending_bytes = len(b"\r") if has_ending and self._last_part.endswith(b"\r") else 0
        return OversizedLine(
            line_number=line_number,
            size_bytes=self.size_bytes - ending_bytes,
            sample=self.content(),
        )
