"""Lines: where they end, what is taken off, what is counted, what is too long."""

import tracemalloc

import pytest

from producer.contract.objects import LineCounts
from producer.puller.framing import FramedLines, Framing, OversizedLine
from producer.puller.limits import Limits

MIB = 1024 * 1024
SMALL = Limits(line_bytes_max=8, sample_bytes=3)


def framed(*blocks: bytes, limits: Limits | None = None) -> tuple[FramedLines, LineCounts]:
    framing = Framing(limits or Limits())
    lines: list[tuple[int, bytes]] = []
    oversized: list[OversizedLine] = []
    for part in (*(framing.lines_of(block) for block in blocks), framing.last_line()):
        lines += part.lines
        oversized += part.oversized
    assert framing.counts.lines == framing.line_number
    return FramedLines(lines=lines, oversized=oversized), framing.counts


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        pytest.param(b"", [], id="nothing"),
        pytest.param(b"a", [(1, b"a")], id="no line feed at all"),
        pytest.param(b"a\nb", [(1, b"a"), (2, b"b")], id="the last line lacks its line feed"),
        pytest.param(b"a\nb\n", [(1, b"a"), (2, b"b")], id="every line has its line feed"),
        pytest.param(b"a\r\nb\r\n", [(1, b"a"), (2, b"b")], id="carriage returns"),
        pytest.param(b"a\r\r\n", [(1, b"a\r")], id="one carriage return belongs to the ending"),
        pytest.param(b"a\rb\n", [(1, b"a\rb")], id="a carriage return alone ends nothing"),
        pytest.param(b"a\r", [(1, b"a\r")], id="a carriage return without a line feed stays"),
        pytest.param(
            "a\u2028b\u2029c\x85\n".encode(), [(1, "a\u2028b\u2029c\x85".encode())], id="U+2028"
        ),
        pytest.param(b"a\x0bb\x0cc\x1cd\n", [(1, b"a\x0bb\x0cc\x1cd")], id="VT, FF and FS"),
        pytest.param(
            b"\xff\x00\xed\xa0\x80\n", [(1, b"\xff\x00\xed\xa0\x80")], id="invalid UTF-8"
        ),
        pytest.param(b" a \n", [(1, b" a ")], id="white space around stays"),
    ],
)
def test_line_ends_at_line_feed_alone(content: bytes, lines: list[tuple[int, bytes]]) -> None:
    """Nothing but LF and the CR before it is taken from a line."""
    assert framed(content)[0].lines == lines


@pytest.mark.parametrize("blank", [b"", b"\r", b"  ", b"\t\r", b" \r "])
def test_blank_line_is_numbered_and_counted_but_not_given_out(blank: bytes) -> None:
    """Empty or white space alone: nothing that could become an event."""
    result, counts = framed(b"a\n" + blank + b"\nb\n")
    assert result.lines == [(1, b"a"), (3, b"b")]
    assert counts == LineCounts(raw=2, blank=1)


def test_blank_last_line_without_line_feed_is_counted() -> None:
    """White space behind the last LF is a line, and blank."""
    assert framed(b"a\n  ")[1] == LineCounts(raw=1, blank=1)
    assert framed(b"\n\n\r\n")[1] == LineCounts(blank=3)


def test_mark_is_taken_from_the_start_of_the_object_only() -> None:
    """A byte order mark further on is a part of its line, as is one that is not whole."""
    mark = b"\xef\xbb\xbf"
    assert framed(mark + b"a\n" + mark + b"b\n")[0].lines == [(1, b"a"), (2, mark + b"b")]
    assert framed(mark + mark + b"a\n")[0].lines == [(1, mark + b"a")]
    assert framed(mark[:2])[0].lines == [(1, mark[:2])]
    assert framed(mark)[1] == LineCounts()
    assert framed(b"\xef", b"\xbb", b"\xbf", b"a\n")[0].lines == [(1, b"a")]


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_line_at_the_limit_passes_and_one_beyond_is_sampled(ending: bytes) -> None:
    """The limit counts the line without its ending, and the line behind it is read."""
    assert framed(b"12345678" + ending, limits=SMALL)[0].lines == [(1, b"12345678")]
    result, counts = framed(b"123456789" + ending + b"next" + ending, limits=SMALL)
    expected = OversizedLine(line_number=1, size_bytes=9, sample=b"123")
    assert result == FramedLines(lines=[(2, b"next")], oversized=[expected])
    assert counts == LineCounts(raw=1, dead_letter=1)


def test_oversized_last_line_without_line_feed_is_sampled() -> None:
    """The end of the object ends the line, and a CR there is one of its bytes."""
    result, _ = framed(b"12345678\r", limits=SMALL)
    assert result.oversized == [OversizedLine(line_number=1, size_bytes=9, sample=b"123")]
    result, _ = framed(b"12345", b"67890", limits=SMALL)
    assert result.oversized == [OversizedLine(line_number=1, size_bytes=10, sample=b"123")]


def test_oversized_white_space_is_a_dead_letter_and_not_blank() -> None:
    """Whether a line that is not kept was blank to its end cannot be known."""
    assert framed(b" " * 9 + b"\n", limits=SMALL)[1] == LineCounts(dead_letter=1)


def test_line_of_128_mib_costs_no_more_memory_than_the_limit() -> None:
    """What is beyond the limit is counted, not kept."""
    limits = Limits(line_bytes_max=MIB)
    framing = Framing(limits)
    block = b"x" * (64 * 1024)
    tracemalloc.start()
    for _ in range(2048):
        framing.lines_of(block)
    result = framing.lines_of(b"\nnext\n")
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    (oversized,) = result.oversized
    assert oversized.size_bytes == 128 * MIB
    assert oversized.sample == b"x" * limits.sample_bytes
    assert result.lines == [(2, b"next")]
    assert peak_bytes < 4 * MIB


def test_open_line_is_given_out_by_last_line_alone() -> None:
    """Whoever finds the object broken does not ask for it, and so does not publish half a line."""
    framing = Framing(Limits())
    assert framing.lines_of(b"whole\nhal").lines == [(1, b"whole")]
    assert framing.line_number == 1
