"""From the bytes of an object to chunks of its lines, and to how it ended.

Laws:
- The lines of all chunks are the lines behind the place that is skipped to, each once and in
  order.
- Counts and digest are of the whole version from its first line, however much of it is skipped.
- The last chunk, and no other, has an end. What was read before the object broke is in the chunks;
  a line that was open when it broke is not.
"""

from collections.abc import Callable, Iterator

import msgspec

from producer.contract.objects import START, LineCounts, Outcome, Place, Reason
from producer.puller.decompression import Decompression
from producer.puller.framing import FramedLines, Framing, OversizedLine
from producer.puller.limits import Limits
from producer.s3.object_store import ObjectStoreRefusedError

_OUTCOME_OF_REFUSAL = {
    Reason.OBJECT_GONE: Outcome.VANISHED,
    Reason.ETAG_CHANGED: Outcome.SUPERSEDED,
}


class End(msgspec.Struct, frozen=True, kw_only=True):
    """How the attempt at an object ended; the digest is there if the object was read whole."""

    outcome: Outcome
    reason: Reason | None = None
    sha256: str | None = None


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """Lines to publish together. Place, counts and bytes are those reached at the chunk's end."""

    lines: list[tuple[int, bytes]]
    oversized: list[OversizedLine]
    place: Place
    counts: LineCounts
    read_bytes: int
    decompressed_bytes: int
    end: End | None = None


def read_chunks(
    body: Iterator[bytes],
    *,
    limits: Limits,
    is_due: Callable[[], bool],
    skip_through: Place = START,
) -> Iterator[Chunk]:
    """Read a body to its end, or to where it breaks.

    A chunk is closed when it is full, or when it holds something and `is_due` says so; `is_due`
    is asked after each block. Lines up to `skip_through` are read and counted, and not given out.
    The place never lies before it, also where the object breaks earlier than it did the last
    time. A body that raises `ObjectStoreRefusedError`, at once or later, ends the object with its
    reason.
    """
    reading = _Reading(limits, skip_through)
    try:
        for data in body:
            for _ in reading.blocks_read(data):
                if reading.is_full or (reading.has_something and is_due()):
                    yield reading.chunk()
            if reading.is_broken:
                break
    except ObjectStoreRefusedError as refusal:
        end = end_of_refusal(refusal)
    else:
        end = reading.finish()
    yield reading.chunk(end)


def end_of_refusal(refusal: ObjectStoreRefusedError) -> End:
    """Say what becomes of an attempt that the object store refused, at its opening or later."""
    outcome = _OUTCOME_OF_REFUSAL.get(refusal.reason, Outcome.QUARANTINED)
    return End(outcome=outcome, reason=refusal.reason)


class _Reading:
    """The state of one read: the two steps, and what they gave since the last chunk."""

    def __init__(self, limits: Limits, skip_through: Place) -> None:
        self._limits = limits
        self._skip_through = skip_through
        self._decompression = Decompression(limits)
        self._framing = Framing(limits)
        self._lines: list[tuple[int, bytes]] = []
        self._oversized: list[OversizedLine] = []
        self._bytes_before_chunk = 0

    @property
    def has_something(self) -> bool:
        return bool(self._lines or self._oversized)

    @property
    def is_full(self) -> bool:
        # The content is counted and not the lines' own bytes: that costs nothing per line.
        chunk_bytes = self._decompression.decompressed_bytes - self._bytes_before_chunk
        return len(self._lines) >= self._limits.chunk_lines or (
            chunk_bytes >= self._limits.chunk_bytes and self.has_something
        )

    @property
    def is_broken(self) -> bool:
        return self._decompression.problem is not None

    def blocks_read(self, data: bytes) -> Iterator[None]:
        """Take in the object's next bytes, stopping after each block."""
        for block in self._decompression.blocks(data):
            self._gather(self._framing.lines_of(block))
            yield

    def finish(self) -> End:
        """Take in what was held back for the end, and say how the object ended."""
        for block in self._decompression.end():
            self._gather(self._framing.lines_of(block))
        if self._decompression.problem is not None:
            return End(outcome=Outcome.QUARANTINED, reason=self._decompression.problem)
        self._gather(self._framing.last_line())
        return End(
            outcome=Outcome.PULLED,
            reason=Reason.EMPTY if self._framing.line_number == 0 else None,
            sha256=self._decompression.sha256,
        )

    def chunk(self, end: End | None = None) -> Chunk:
        """Hand out what was gathered, and begin anew."""
        chunk = Chunk(
            lines=self._lines,
            oversized=self._oversized,
            place=self._place(),
            counts=self._framing.counts,
            read_bytes=self._decompression.read_bytes,
            decompressed_bytes=self._decompression.decompressed_bytes,
            end=end,
        )
        self._lines, self._oversized = [], []
        self._bytes_before_chunk = self._decompression.decompressed_bytes
        return chunk

    def _place(self) -> Place:
        counts = self._framing.counts
        if counts.lines < self._skip_through.line:
            return self._skip_through
        return Place(
            line=counts.lines, blank_lines=counts.blank, dead_letter_lines=counts.dead_letter
        )

    def _gather(self, framed: FramedLines) -> None:
        lines, oversized = framed.lines, framed.oversized
        through = self._skip_through.line
        if lines and lines[0][0] <= through:
            lines = [line for line in lines if line[0] > through]
        if oversized and oversized[0].line_number <= through:
            oversized = [line for line in oversized if line.line_number > through]
        self._lines += lines
        self._oversized += oversized
        if not self.has_something and self._framing.line_number <= through:
            self._bytes_before_chunk = self._decompression.decompressed_bytes
