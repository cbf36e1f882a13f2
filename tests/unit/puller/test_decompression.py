"""Gunzipping: all members, no silent end, and everything up to the damage."""

import gzip
import hashlib
import struct
import tracemalloc
import zlib
from collections.abc import Iterable

import msgspec
import pytest

from producer.contract.objects import Reason
from producer.puller.decompression import Decompression
from producer.puller.limits import Limits
from tests.support.object_stores import in_pieces

MIB = 1024 * 1024
TRAILER_BYTES = 8


class Decompressed(msgspec.Struct, frozen=True):
    """What became of an object."""

    content: bytes
    problem: Reason | None


def decompressed(pieces: Iterable[bytes], limits: Limits | None = None) -> Decompressed:
    decompression = Decompression(limits or Limits())
    content = b""
    for piece in pieces:
        content += b"".join(decompression.blocks(piece))
    content += b"".join(decompression.end())
    assert decompression.decompressed_bytes == len(content)
    assert decompression.sha256 == hashlib.sha256(content).hexdigest()
    return Decompressed(content, decompression.problem)


@pytest.mark.parametrize("content", [b"", b"\x1f", b"{", b"{}\n", b"plain text " * 10_000])
def test_plain_content_passes_as_it_is(content: bytes) -> None:
    """What does not start with gzip's magic bytes is not gzip, however short it is."""
    for size in (1, 2, 100_000):
        assert decompressed(in_pieces(content, size)) == Decompressed(content, None)


def test_members_are_all_read_wherever_the_object_is_cut() -> None:
    """A member's end may fall on any boundary between two pieces, and empty members count too."""
    members = [b"first\n", b"", b"second\n", b"", b"", b"third"]
    data = b"".join(gzip.compress(member) for member in members)
    for cut in range(len(data) + 1):
        pieces = [data[:cut], data[cut:]]
        assert decompressed(pieces) == Decompressed(b"first\nsecond\nthird", None)
    assert decompressed(in_pieces(data, 1)) == Decompressed(b"first\nsecond\nthird", None)


def test_ten_thousand_members_are_read_as_one_object() -> None:
    """Writers that flush line by line make a member of each line."""
    lines = [b"%d\n" % number for number in range(10_000)]
    data = b"".join(gzip.compress(line, 1) for line in lines)
    assert decompressed([data]) == Decompressed(b"".join(lines), None)


def test_names_and_comments_in_a_header_are_skipped() -> None:
    """Optional header fields are none of the content, and may be cut as well."""
    flags = 0x04 | 0x08 | 0x10
    header = b"\x1f\x8b\x08" + bytes((flags,)) + b"\0" * 6
    header += struct.pack("<H", 3) + b"abc" + b"name.jsonl\0" + b"a comment\0"
    data = header + gzip.compress(b"{}\n")[10:]
    assert decompressed(in_pieces(data, 1)) == Decompressed(b"{}\n", None)


@pytest.mark.parametrize("size", [1, 7, 10**6])
def test_zero_bytes_behind_a_member_are_padding(size: int) -> None:
    """Block devices and tapes pad with zeros, at the end and between members."""
    data = gzip.compress(b"a\n") + b"\0" * 1000 + gzip.compress(b"b\n") + b"\0" * 100_000
    assert decompressed(in_pieces(data, size)) == Decompressed(b"a\nb\n", None)


@pytest.mark.parametrize("garbage", [b"\n", b"x", b"garbage", b"\0\0\0x", b"\x1fgarbage"])
@pytest.mark.parametrize("size", [1, 10**6])
def test_garbage_behind_the_last_member_is_told_after_the_content(
    garbage: bytes, size: int
) -> None:
    """What follows a member and is neither a member nor padding makes the object corrupt."""
    data = gzip.compress(b"good\n") + garbage
    assert decompressed(in_pieces(data, size)) == Decompressed(b"good\n", Reason.CORRUPT)


def test_truncation_at_every_byte_is_told() -> None:
    """In header, blocks and trailer alike; but for the magic bytes themselves, gzip is known."""
    content = b"".join(b'{"line": %d}\n' % number for number in range(100))
    data = gzip.compress(content)
    for length in range(2, len(data)):
        result = decompressed(in_pieces(data[:length], 16))
        assert result.problem is Reason.TRUNCATED
        assert content.startswith(result.content)
    whole_but_its_trailer = data[:-TRAILER_BYTES]
    assert decompressed([whole_but_its_trailer]).content == content


def test_truncation_of_a_later_member_is_told() -> None:
    """An object that ends in the header of its second member is not whole."""
    data = gzip.compress(b"first\n") + gzip.compress(b"second\n")[:1]
    assert decompressed([data]) == Decompressed(b"first\n", Reason.TRUNCATED)


@pytest.mark.parametrize("from_the_end", [5, 1])
def test_wrong_check_sum_or_size_is_told_after_the_content(from_the_end: int) -> None:
    """The trailer comes last, so the content is out by then, whatever else was fed with it."""
    data = bytearray(gzip.compress(b"good\n" * 1000))
    data[-from_the_end] ^= 0xFF
    for size in (1, 100, 10**6):
        result = decompressed(in_pieces(bytes(data), size))
        assert result == Decompressed(b"good\n" * 1000, Reason.CORRUPT)


def test_damage_in_a_block_keeps_what_was_decoded_before_it() -> None:
    """Also in an object longer than what is kept for decoding once more, cut as it may be."""
    good = b"".join(hashlib.sha256(b"%d" % n).hexdigest().encode() + b"\n" for n in range(20_000))
    stored = zlib.compressobj(wbits=31)
    head = stored.compress(good) + stored.flush(zlib.Z_FULL_FLUSH)
    block_of_a_type_that_does_not_exist = b"\x07"
    data = head + block_of_a_type_that_does_not_exist + b"rest" * 1000
    results = {size: decompressed(in_pieces(data, size)) for size in (1000, 50_000, 10**7)}
    for result in results.values():
        assert result == Decompressed(good, Reason.CORRUPT)


@pytest.mark.parametrize("block_bytes", [1, 2, 1000])
@pytest.mark.parametrize("size", [1, 1000])
def test_good_content_in_the_very_byte_that_is_damaged_is_kept(
    size: int, block_bytes: int
) -> None:
    """Codes are bits: the byte with an impossible block type begins with three good letters."""
    stream = zlib.compressobj(level=9, wbits=31, strategy=zlib.Z_HUFFMAN_ONLY)
    data = bytearray(stream.compress(b"a" * 105) + stream.flush(zlib.Z_SYNC_FLUSH))
    # The bit of the last letter becomes the end of the block, and another block seems to begin.
    data[data.rindex(b"\0\0\xff\xff") - 1] |= 0b1100_0000
    limits = Limits(block_bytes=block_bytes)
    result = decompressed(in_pieces(bytes(data), size), limits)
    assert result == Decompressed(b"a" * 104, Reason.CORRUPT)


@pytest.mark.parametrize("block_bytes", [1, 7, 300])
def test_content_of_a_truncated_object_does_not_depend_on_the_size_of_blocks(
    block_bytes: int,
) -> None:
    """What is decoded but waits for room in a block is given out, though no input follows."""
    data = gzip.compress(b"x" * 10_000)
    for length in range(len(data)):
        expected = decompressed([data[:length]])
        assert decompressed([data[:length]], Limits(block_bytes=block_bytes)) == expected


def test_damage_tells_the_bytes_read_before_it() -> None:
    """The count ends at the byte that broke the object, not at the piece that held it."""
    data = gzip.compress(b"good\n")
    decompression = Decompression(Limits())
    assert b"".join(decompression.blocks(data + b"garbage")) == b"good\n"
    assert decompression.read_bytes == len(data)


def test_nothing_is_given_out_behind_a_problem() -> None:
    """A broken object stays broken, whatever is fed after the damage."""
    pieces = [gzip.compress(b"good\n"), b"garbage", gzip.compress(b"more\n")]
    assert decompressed(pieces) == Decompressed(b"good\n", Reason.CORRUPT)


def test_limit_on_decompressed_bytes_cuts_exactly() -> None:
    """As much content as is allowed is given out, and not a byte more."""
    limits = Limits(decompressed_bytes_max=1000)
    for data in (b"x" * 1001, gzip.compress(b"x" * 1001)):
        result = decompressed([data], limits)
        assert result == Decompressed(b"x" * 1000, Reason.DECOMPRESSED_SIZE_EXCEEDED)
    for data in (b"x" * 1000, gzip.compress(b"x" * 1000)):
        assert decompressed([data], limits) == Decompressed(b"x" * 1000, None)


def test_limit_on_compressed_bytes_counts_gzip_alone() -> None:
    """Plain content has its own limit, so that only compressed bytes count as such."""
    data = gzip.compress(b"first\n") + gzip.compress(b"second\n")
    exactly = Limits(compressed_bytes_max=len(data))
    too_few = Limits(compressed_bytes_max=len(data) - 1)
    assert decompressed([data], exactly) == Decompressed(b"first\nsecond\n", None)
    for size in (1, 1000):
        result = decompressed(in_pieces(data, size), too_few)
        assert result.problem is Reason.COMPRESSED_SIZE_EXCEEDED
        assert result.content.startswith(b"first\n")
    assert decompressed([b"x" * 1000], too_few) == Decompressed(b"x" * 1000, None)
    within_the_second = Limits(compressed_bytes_max=len(gzip.compress(b"first\n")) + 12)
    for size in (1, 1000):
        result = decompressed(in_pieces(data, size), within_the_second)
        assert result == Decompressed(b"first\ns", Reason.COMPRESSED_SIZE_EXCEEDED)


def test_bomb_is_cut_off_in_bounded_memory() -> None:
    """200 MB of zeros in 200 KB are recognised by their ratio before they are all decoded."""
    bomb = gzip.compress(bytes(200 * MIB))
    decompression = Decompression(Limits())
    tracemalloc.start()
    blocks_bytes = sum(len(block) for block in decompression.blocks(bomb))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert decompression.problem is Reason.COMPRESSION_RATIO_EXCEEDED
    assert blocks_bytes < 65 * MIB
    assert peak_bytes < 2 * MIB


def test_small_object_is_not_judged_by_its_ratio() -> None:
    """Lines that repeat compress well; that alone is no bomb."""
    content = b'{"same": "line"}\n' * 100_000
    assert decompressed([gzip.compress(content)]) == Decompressed(content, None)


def test_blocks_are_bounded_for_plain_and_compressed_content() -> None:
    """What is given out at once does not depend on the size of the pieces fed."""
    limits = Limits(block_bytes=1000)
    for data in (b"x" * 500_000, gzip.compress(b"x" * 500_000)):
        decompression = Decompression(limits)
        assert max(len(block) for block in decompression.blocks(data)) <= 32 * 1024
