"""However an object's bytes are cut, its lines are the same."""

import codecs
import gzip

from hypothesis import given
from hypothesis import strategies as st

from producer.contract.objects import LineCounts, Place
from producer.puller.decompression import Decompression
from producer.puller.framing import Framing, OversizedLine
from producer.puller.limits import Limits
from producer.puller.reading import Chunk, read_chunks

LIMITS = Limits(line_bytes_max=8, sample_bytes=3, chunk_lines=3, chunk_bytes=24, block_bytes=5)

fragments = st.sampled_from(
    [
        *(b"\n", b"\n", b"\r\n", b"\r", b" ", b"a", b"bcd", b"\x00", b"\xff"),
        *(codecs.BOM_UTF8, "\u2028".encode(), b"12345678", b"123456789", b"x" * 20),
    ]
)
contents = st.lists(fragments, max_size=30).map(b"".join)


@st.composite
def cut(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """Cut data into pieces at any places, empty pieces included."""
    places = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]


def lines_by_definition(
    content: bytes,
) -> tuple[list[tuple[int, bytes]], list[OversizedLine], LineCounts]:
    """Frame the whole content at once, the way the laws of `framing` put it."""
    *closed, last = content.removeprefix(codecs.BOM_UTF8).split(b"\n")
    lines = [line.removesuffix(b"\r") for line in closed] + ([last] if last else [])
    good, oversized, blank = [], [], 0
    for number, line in enumerate(lines, 1):
        if len(line) > LIMITS.line_bytes_max:
            sample = line[: LIMITS.sample_bytes]
            oversized.append(
                OversizedLine(line_number=number, size_bytes=len(line), sample=sample)
            )
        elif line.strip() == b"":
            blank += 1
        else:
            good.append((number, line))
    counts = LineCounts(raw=len(good), blank=blank, dead_letter=len(oversized))
    return good, oversized, counts


def read(pieces: list[bytes], through: int = 0) -> list[Chunk]:
    place = Place(line=through)
    return list(read_chunks(iter(pieces), limits=LIMITS, skip_through=place, is_due=lambda: False))


@given(st.data(), contents)
def test_framing_does_not_depend_on_how_the_content_is_cut(
    data: st.DataObject, content: bytes
) -> None:
    """Any cut gives the lines of the definition, and accounts for each of them."""
    framing = Framing(LIMITS)
    parts = [framing.lines_of(block) for block in data.draw(cut(content))]
    parts.append(framing.last_line())
    result = (
        [line for part in parts for line in part.lines],
        [line for part in parts for line in part.oversized],
        framing.counts,
    )
    assert lines_by_definition(content) == result
    assert framing.line_number == framing.counts.lines


@given(st.data(), st.lists(contents, min_size=1, max_size=4), st.integers(0, 3))
def test_reading_does_not_depend_on_members_or_pieces_and_resumes_anywhere(
    data: st.DataObject, members: list[bytes], padding: int
) -> None:
    """Chunks joined give the lines of the definition behind the place, with the totals of all."""
    content = b"".join(members)
    compressed = b"".join(gzip.compress(member) + b"\0" * padding for member in members)
    lines, oversized, counts = lines_by_definition(content)
    through = data.draw(st.integers(0, counts.lines))
    chunks = read(data.draw(cut(compressed)), through)
    assert [line for line in lines if line[0] > through] == [
        line for chunk in chunks for line in chunk.lines
    ]
    assert [line for line in oversized if line.line_number > through] == [
        line for chunk in chunks for line in chunk.oversized
    ]
    assert chunks[-1].counts == counts
    assert chunks[-1].place == Place(
        line=counts.lines, blank_lines=counts.blank, dead_letter_lines=counts.dead_letter
    )
    assert chunks[-1].read_bytes == len(compressed)


@given(st.data(), contents, st.integers(0, 255))
def test_damaged_object_gives_the_same_lines_however_it_is_cut(
    data: st.DataObject, content: bytes, flipped: int
) -> None:
    """So that a second attempt cannot find other lines than the first one published."""
    damaged = bytearray(gzip.compress(content * 3) + gzip.compress(content))
    damaged[data.draw(st.integers(2, len(damaged) - 1))] ^= flipped
    whole, pieces = read([bytes(damaged)]), read(data.draw(cut(bytes(damaged))))
    for chunks in (whole, pieces):
        assert chunks[-1].counts.lines == chunks[-1].place.line
    assert [line for chunk in whole for line in chunk.lines] == [
        line for chunk in pieces for line in chunk.lines
    ]
    assert whole[-1].end == pieces[-1].end
    assert whole[-1].place == pieces[-1].place


@given(st.data(), st.binary(max_size=200))
def test_any_bytes_are_decompressed_the_same_however_they_are_cut(
    data: st.DataObject, tail: bytes
) -> None:
    """Also what only looks like gzip."""
    results = []
    for pieces in ([b"\x1f\x8b" + tail], data.draw(cut(b"\x1f\x8b" + tail))):
        decompression = Decompression(LIMITS)
        given_out = b"".join(block for piece in pieces for block in decompression.blocks(piece))
        given_out += b"".join(decompression.end())
        results.append((given_out, decompression.problem, decompression.read_bytes))
    assert results[0] == results[1]
