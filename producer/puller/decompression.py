"""From the bytes of an object to its content: gunzips what is gzip, passes on what is not.

Laws:
- What decides is the content: an object that starts with gzip's two magic bytes is gzip, whatever
  its name or headers say, and every member of it is read. Zero bytes behind a member are padding.
- Damage ends the content, and is told after everything that could be decoded before it was given
  out.
- What is given out does not depend on how the object's bytes were cut into pieces (but for the
  point at which a bomb is cut off).
- Each step gives out a bounded block, so the memory used does not depend on the ratio.

`zlib` by itself stops silently after the first member, raises nothing where the input ends early,
and throws away what it had decoded in the call that meets an error: each of these is made good
here.
"""

import contextlib
import hashlib
import zlib
from collections.abc import Generator, Iterator

from producer.contract.objects import Reason
from producer.puller.limits import Limits

_GZIP_MAGIC = b"\x1f\x8b"
_WINDOW_OF_GZIP = 16 + zlib.MAX_WBITS
# `zlib` copies what is left of its input at the end of each member and of each full block: small
# pieces keep an object of ten thousand members from costing the square of that.
_PIECE_BYTES = 32 * 1024
# Input kept for decoding once more when an error comes. Copying a decoder costs 35 microseconds,
# so an object that is smaller than this is read without.
_REPLAYED_BYTES_MAX = 256 * 1024


class Decompression:
    """One object's way to its content: `blocks` for all its bytes in order, then `end`."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._head = b""
        self._is_gzip: bool | None = None
        self._member: _Member | None = None
        self._digest = hashlib.sha256()
        self.read_bytes = 0
        self.decompressed_bytes = 0
        self.problem: Reason | None = None

    @property
    def sha256(self) -> str:
        """The digest of the content up to here."""
        return self._digest.hexdigest()

    def blocks(self, data: bytes) -> Iterator[bytes]:
        """Give out the content of the next bytes; nothing more once there is a `problem`."""
        if self._is_gzip is None:
            self._head += data
            if len(self._head) < len(_GZIP_MAGIC):
                return
            self._is_gzip = self._head.startswith(_GZIP_MAGIC)
            data, self._head = self._head, b""
        steps = self._gunzipped if self._is_gzip else self._plain
        for start in range(0, len(data), _PIECE_BYTES):
            if self.problem is not None:
                return
            yield from steps(data[start : start + _PIECE_BYTES])

    def end(self) -> Iterator[bytes]:
        """Give out what was held back, the bytes being at their end; may set `problem`."""
        if self._is_gzip is None and self._head:
            yield from self._plain(self._head)
        if self.problem is None and self._member is not None:
            self.problem = Reason.TRUNCATED

    def _plain(self, data: bytes) -> Iterator[bytes]:
        self.read_bytes += len(data)
        yield self._accounted(data)

    def _gunzipped(self, data: bytes) -> Iterator[bytes]:
        room = self._limits.compressed_bytes_max - self.read_bytes
        is_beyond = len(data) > room
        data = data[:room]
        while data and self.problem is None:
            if self._member is None:
                data = self._start_member(data)
            else:
                data = yield from self._continue_member(self._member, data)
        if is_beyond and self.problem is None:
            self.problem = Reason.COMPRESSED_SIZE_EXCEEDED

    def _start_member(self, data: bytes) -> bytes:
        unpadded = data.lstrip(b"\0")
        self.read_bytes += len(data) - len(unpadded)
        if unpadded.startswith(_GZIP_MAGIC[:1]):
            self._member = _Member()
        elif unpadded:
            self.problem = Reason.CORRUPT
        return unpadded

    def _continue_member(self, member: "_Member", data: bytes) -> Generator[bytes, None, bytes]:
        """Give out what a member makes of the data; return what lies behind the member's end."""
        read_bytes = self.read_bytes - member.read_bytes
        for block in member.blocks(data, block_bytes=self._limits.block_bytes):
            self.read_bytes = read_bytes + member.read_bytes
            yield self._accounted(block)
            if self.problem is not None:
                return b""
        self.read_bytes = read_bytes + member.read_bytes
        if member.is_corrupt:
            self.problem = Reason.CORRUPT
        elif member.is_complete:
            self._member = None
        return member.rest

    def _accounted(self, block: bytes) -> bytes:
        """Count a block, cutting off what exceeds the object's limits."""
        limits = self._limits
        room = limits.decompressed_bytes_max - self.decompressed_bytes
        if len(block) > room:
            self.problem = Reason.DECOMPRESSED_SIZE_EXCEEDED
            block = block[:room]
        self._digest.update(block)
        self.decompressed_bytes += len(block)
        if (
            self.decompressed_bytes >= limits.ratio_judged_from_bytes
            and self.decompressed_bytes > self.read_bytes * limits.ratio_max
        ):
            self.problem = Reason.COMPRESSION_RATIO_EXCEEDED
        return block


class _Member:
    """One gzip member. What it was fed since a known state is kept, to decode up to an error."""

    def __init__(self) -> None:
        self._decoder = zlib.decompressobj(_WINDOW_OF_GZIP)
        self._known_state: zlib._Decompress | None = None
        self._fed_since: list[bytes] = []
        self._fed_bytes_since = 0
        self._given_bytes_since = 0
        self._read_bytes_then = 0
        self.read_bytes = 0
        self.is_complete = False
        self.is_corrupt = False
        self.rest = b""

    def blocks(self, data: bytes, *, block_bytes: int) -> Iterator[bytes]:
        """Give out what can be decoded from the data; then `rest` lies behind the member's end."""
        self._remember(data)
        decoder, read_bytes = self._decoder, self.read_bytes + len(data)
        try:
            for block in _decoded(decoder, data, block_bytes=block_bytes):
                self.rest = decoder.unused_data
                # At the end of a member, `zlib` may tell of the same bytes a second time.
                left = self.rest if decoder.eof else decoder.unconsumed_tail
                self.read_bytes = read_bytes - len(left)
                self._given_bytes_since += len(block)
                yield block
        except zlib.error:
            self.is_corrupt = True
            yield from self._blocks_before_error(block_bytes)
        self.is_complete = decoder.eof

    def _remember(self, data: bytes) -> None:
        if self._fed_bytes_since + len(data) > _REPLAYED_BYTES_MAX:
            self._known_state = self._decoder.copy()
            self._read_bytes_then = self.read_bytes
            self._fed_since.clear()
            self._fed_bytes_since = 0
            self._given_bytes_since = 0
        self._fed_since.append(data)
        self._fed_bytes_since += len(data)

    def _blocks_before_error(self, block_bytes: int) -> Iterator[bytes]:
        """Decode again from the known state, and give out what the failing call threw away."""
        fed = b"".join(self._fed_since)
        good_bytes = _bytes_before_error(self._decoder_then(), fed)
        self.read_bytes = self._read_bytes_then + good_bytes
        decoder = self._decoder_then()
        given = self._given_bytes_since
        for block in _decoded(decoder, fed[:good_bytes], block_bytes=block_bytes):
            yield block[given:]
            given = max(0, given - len(block))
        # The failing byte may hold the end of something good.
        with contextlib.suppress(zlib.error):
            for block in _decoded(decoder, fed[good_bytes : good_bytes + 1], block_bytes=1):
                yield block[given:]
                given = max(0, given - len(block))

    def _decoder_then(self) -> "zlib._Decompress":
        if self._known_state is None:
            return zlib.decompressobj(_WINDOW_OF_GZIP)
        return self._known_state.copy()


def _decoded(decoder: "zlib._Decompress", data: bytes, *, block_bytes: int) -> Iterator[bytes]:
    """All that a decoder makes of the data, in blocks; raises `zlib.error`."""
    while True:
        block = decoder.decompress(data, block_bytes)
        data = decoder.unconsumed_tail
        yield block
        # A full block may hide more, for which no further input is needed.
        if decoder.eof or (not data and len(block) < block_bytes):
            return


def _bytes_before_error(decoder: "zlib._Decompress", data: bytes) -> int:
    """How many bytes a decoder takes before it fails."""
    for index in range(len(data)):
        try:
            decoder.decompress(data[index : index + 1])
        except zlib.error:
            return index
    return len(data)
