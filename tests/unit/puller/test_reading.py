"""Chunks of lines, their places and totals, and how an object ends."""

import gzip
import hashlib
from collections.abc import Callable, Iterator

import pytest

from producer.contract.objects import LineCounts, Outcome, Place, Reason
from producer.puller.framing import OversizedLine
from producer.puller.limits import Limits
from producer.puller.reading import Chunk, End, end_of_refusal, read_chunks
from producer.s3.object_store import ObjectStoreRefusedError
from tests.support.object_stores import in_pieces

LINES = [b'{"line": %d}' % number for number in range(1, 101)]
CONTENT = b"\n".join(LINES) + b"\n"


def never() -> bool:
    return False


def always() -> bool:
    return True


def chunks_of(
    body: Iterator[bytes],
    *,
    limits: Limits | None = None,
    through: int = 0,
    is_due: Callable[[], bool] = never,
) -> list[Chunk]:
    place = Place(line=through)
    chunks = list(read_chunks(body, limits=limits or Limits(), skip_through=place, is_due=is_due))
    assert [chunk.end is not None for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    return chunks


def lines_of(chunks: list[Chunk]) -> list[tuple[int, bytes]]:
    return [line for chunk in chunks for line in chunk.lines]


def broken_off(data: bytes, reason: Reason) -> Iterator[bytes]:
    yield data
    raise ObjectStoreRefusedError(reason=reason, detail="the connection was reset")


@pytest.mark.parametrize("data", [CONTENT, CONTENT[:-1], gzip.compress(CONTENT)])
def test_object_is_read_whole(data: bytes) -> None:
    """All lines, the totals, and the digest of the decompressed content."""
    (chunk,) = chunks_of(in_pieces(data, 100))
    content = CONTENT if data[:1] == b"\x1f" else data
    assert chunk == Chunk(
        lines=list(enumerate(LINES, 1)),
        oversized=[],
        place=Place(line=100),
        counts=LineCounts(raw=100),
        read_bytes=len(data),
        decompressed_bytes=len(content),
        end=End(outcome=Outcome.PULLED, sha256=hashlib.sha256(content).hexdigest()),
    )


@pytest.mark.parametrize("data", [b"", gzip.compress(b"", mtime=0), b"\xef\xbb\xbf"])
def test_object_without_lines_is_pulled_as_empty(data: bytes) -> None:
    """An empty object is no failure, and has a reason of its own."""
    (chunk,) = chunks_of(iter([data]))
    assert chunk.counts == LineCounts()
    assert chunk.end is not None
    assert (chunk.end.outcome, chunk.end.reason) == (Outcome.PULLED, Reason.EMPTY)


def test_object_of_blank_lines_is_not_empty() -> None:
    """Its lines are counted, so that they are accounted for."""
    (chunk,) = chunks_of(iter([b"\n \n"]))
    assert chunk.counts == LineCounts(blank=2)
    assert chunk.place == Place(line=2, blank_lines=2)
    assert chunk.end is not None
    assert chunk.end.reason is None


@pytest.mark.parametrize("size", [1, 50, 10_000])
def test_chunks_are_bounded_by_lines(size: int) -> None:
    """A chunk is closed by the first block that reaches the limit."""
    limits = Limits(chunk_lines=10, block_bytes=64)
    chunks = chunks_of(in_pieces(gzip.compress(CONTENT), size), limits=limits)
    assert lines_of(chunks) == list(enumerate(LINES, 1))
    assert max(len(chunk.lines) for chunk in chunks) <= 10 + 64 // len(LINES[0])
    assert len(chunks) >= 6


def test_chunks_are_bounded_by_bytes() -> None:
    """Long lines fill a chunk before many of them have come; none is lost or doubled."""
    limits = Limits(chunk_bytes=1000, block_bytes=100)
    lines = [b"%d" % number * 300 for number in range(1, 10)]
    chunks = chunks_of(in_pieces(gzip.compress(b"\n".join(lines)), 1000), limits=limits)
    assert lines_of(chunks) == list(enumerate(lines, 1))
    assert max(sum(len(line) for _, line in chunk.lines) for chunk in chunks) <= 1400


def test_chunk_is_closed_when_due_and_holding_something() -> None:
    """A slow body gives out its lines as time goes by; a chunk without lines helps nobody."""
    chunks = chunks_of(iter([b"a", b"b\nc", b"d\n", b"\n", b"e\n"]), is_due=always)
    given = [[line for _, line in chunk.lines] for chunk in chunks]
    assert given == [[b"ab"], [b"cd"], [b"e"], []]
    assert [chunk.place.line for chunk in chunks] == [1, 2, 4, 4]


def test_place_and_totals_are_those_at_the_end_of_each_chunk() -> None:
    """What a chunk tells is what may be committed with it."""
    chunks = chunks_of(iter([b"a\n\n", b"b\n", b"c"]), is_due=always)
    assert [chunk.counts for chunk in chunks] == [
        LineCounts(raw=1, blank=1),
        LineCounts(raw=2, blank=1),
        LineCounts(raw=3, blank=1),
    ]
    assert [chunk.decompressed_bytes for chunk in chunks] == [3, 5, 6]
    assert [chunk.place.line for chunk in chunks] == [2, 3, 4]


def test_read_resumes_behind_every_place_with_the_totals_of_the_whole() -> None:
    """Exactly the remaining lines, and the same end as if it had been read in one go."""
    limits = Limits(line_bytes_max=20, sample_bytes=5)
    lines = [*LINES[:10], b"", b"x" * 30, b" ", b"y" * 30, *LINES[10:20]]
    data = gzip.compress(b"\n".join(lines[:12])) + gzip.compress(b"\n" + b"\n".join(lines[12:]))
    (whole,) = chunks_of(in_pieces(data, 10), limits=limits)
    for through in range(len(lines) + 1):
        (chunk,) = chunks_of(in_pieces(data, 10), limits=limits, through=through)
        assert chunk.lines == [line for line in whole.lines if line[0] > through]
        assert chunk.oversized == [line for line in whole.oversized if line.line_number > through]
        assert (chunk.place, chunk.counts, chunk.end) == (whole.place, whole.counts, whole.end)
        assert chunk.read_bytes == whole.read_bytes == len(data)


def test_nothing_is_given_out_while_skipping() -> None:
    """Chunks begin behind the place, and what was skipped does not fill the first of them."""
    limits = Limits(chunk_bytes=200, chunk_lines=10, block_bytes=20)
    chunks = chunks_of(
        in_pieces(gzip.compress(CONTENT), 50), limits=limits, through=90, is_due=never
    )
    assert lines_of(chunks) == list(enumerate(LINES, 1))[90:]
    assert len(chunks[0].lines) >= 9


def test_truncated_object_keeps_its_complete_lines() -> None:
    """The line that was open at the break is not published, and the place lies before it."""
    data = gzip.compress(CONTENT)
    for length in range(2, len(data)):
        chunks = chunks_of(in_pieces(data[:length], 10))
        given = lines_of(chunks)
        assert given == list(enumerate(LINES, 1))[: len(given)]
        assert chunks[-1].place == Place(line=len(given))
        assert chunks[-1].end == End(outcome=Outcome.QUARANTINED, reason=Reason.TRUNCATED)


def test_garbage_behind_the_content_is_told_after_the_good_lines() -> None:
    """A line without its LF may go on in what could not be read, so it is not published."""
    chunks = chunks_of(iter([gzip.compress(b"a\nb\nc") + b"garbage"]))
    assert lines_of(chunks) == [(1, b"a"), (2, b"b")]
    assert chunks[-1].place == Place(line=2)
    assert chunks[-1].end == End(outcome=Outcome.QUARANTINED, reason=Reason.CORRUPT)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(decompressed_bytes_max=500), Reason.DECOMPRESSED_SIZE_EXCEEDED),
        (Limits(compressed_bytes_max=100), Reason.COMPRESSED_SIZE_EXCEEDED),
        (Limits(ratio_max=2, ratio_judged_from_bytes=1), Reason.COMPRESSION_RATIO_EXCEEDED),
    ],
)
def test_object_beyond_a_limit_is_quarantined_with_its_good_lines(
    limits: Limits, reason: Reason
) -> None:
    """Each limit has a name of its own, and what came before it is kept."""
    chunks = chunks_of(in_pieces(gzip.compress(CONTENT), 10), limits=limits)
    given = lines_of(chunks)
    assert given == list(enumerate(LINES, 1))[: len(given)]
    assert chunks[-1].counts == LineCounts(raw=len(given))
    assert chunks[-1].end == End(outcome=Outcome.QUARANTINED, reason=reason)


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        (Reason.OBJECT_GONE, Outcome.VANISHED),
        (Reason.ETAG_CHANGED, Outcome.SUPERSEDED),
        (Reason.UNAVAILABLE, Outcome.QUARANTINED),
        (Reason.ACCESS_DENIED, Outcome.QUARANTINED),
        (Reason.UNKNOWN_REFUSAL, Outcome.QUARANTINED),
    ],
)
def test_refusal_in_the_middle_ends_the_object_with_its_reason(
    reason: Reason, outcome: Outcome
) -> None:
    """Lines read before the refusal are given out; the one it cut through is not."""
    chunks = chunks_of(broken_off(b"a\nb\nc", reason))
    assert lines_of(chunks) == [(1, b"a"), (2, b"b")]
    assert chunks[-1].place == Place(line=2)
    assert chunks[-1].end == End(outcome=outcome, reason=reason)
    refusal = ObjectStoreRefusedError(reason=reason, detail="")
    assert end_of_refusal(refusal) == chunks[-1].end


def test_place_does_not_go_back_when_the_object_breaks_earlier_than_before() -> None:
    """The lines up to the place are in raw already, whatever this attempt could read."""
    through = Place(line=5, blank_lines=1, dead_letter_lines=2)
    body = broken_off(b"a\nb\n", Reason.UNAVAILABLE)
    (chunk,) = read_chunks(body, limits=Limits(), skip_through=through, is_due=never)
    assert chunk.lines == []
    assert chunk.place == through


def test_oversized_line_is_given_beside_the_lines_and_counted() -> None:
    """It is a dead letter and not a raw record, and the line behind it is read."""
    limits = Limits(line_bytes_max=10, sample_bytes=4)
    (chunk,) = chunks_of(iter([b"a\n" + b"0123456789A" + b"\nb\n"]), limits=limits)
    assert chunk.lines == [(1, b"a"), (3, b"b")]
    assert chunk.oversized == [OversizedLine(line_number=2, size_bytes=11, sample=b"0123")]
    assert chunk.counts == LineCounts(raw=2, dead_letter=1)
    assert chunk.place == Place(line=3, dead_letter_lines=1)
