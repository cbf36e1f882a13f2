"""Objects of every shape, and what must become of each of their lines.

What is expected is found out by other means than the product's: the whole content at once.
"""

import gzip
import hashlib
import zlib
from typing import Final, NamedTuple

from producer.contract.objects import Reason
from producer.puller.limits import Limits

# Small enough for a handful of lines to make several chunks, also of what is decompressed.
LIMITS: Final = Limits(
    line_bytes_max=16, sample_bytes=4, chunk_lines=2, chunk_bytes=1000, block_bytes=8
)
_MARK: Final = b"\xef\xbb\xbf"


class Content(NamedTuple):
    """An object's bytes, and its lines by their numbers, as far as they can be read."""

    data: bytes
    lines: dict[int, bytes]
    blank: list[int]
    oversized: dict[int, bytes]
    # Why it cannot be read whole.
    reason: Reason | None
    sha256: str

    @property
    def total(self) -> int:
        """How many lines can be read."""
        return len(self.lines) + len(self.blank) + len(self.oversized)


def a_content(data: bytes) -> Content:
    """Find out what must become of an object."""
    text, reason = _gunzipped(data) if data.startswith(b"\x1f\x8b") else (data, None)
    ended = text.removeprefix(_MARK).split(b"\n")
    rest = ended.pop()
    numbered = [line.removesuffix(b"\r") for line in ended]
    if rest and reason is None:
        numbered.append(rest)
    content = Content(data, {}, [], {}, reason, hashlib.sha256(text).hexdigest())
    for number, line in enumerate(numbered, start=1):
        if len(line) > LIMITS.line_bytes_max:
            content.oversized[number] = line
        elif line.strip():
            content.lines[number] = line
        else:
            content.blank.append(number)
    return content


def _gunzipped(data: bytes) -> tuple[bytes, Reason | None]:
    text = b""
    while data:
        member = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            text += member.decompress(data)
        except zlib.error:
            return text, Reason.CORRUPT
        if not member.eof:
            return text, Reason.TRUNCATED
        data = member.unused_data.lstrip(b"\0")
    return text, None


def _lines(mark: str, count: int) -> bytes:
    return b"".join(b"%s-%d\n" % (mark.encode(), number) for number in range(1, count + 1))


def _member(text: bytes) -> bytes:
    return gzip.compress(text, mtime=0)


def _cut(mark: str) -> bytes:
    """Several members, the last of which ends early."""
    whole = _member(_lines(mark, 3) + b"open-")
    last = _member(_lines(mark, 6))
    return whole + last[: len(last) - 12]


CONTENTS: Final = {
    name: a_content(data)
    for name, data in {
        "plain": _lines("plain", 5),
        "other": _lines("other", 3),
        "long": _lines("long", 30),
        "open at its end": _lines("open", 3) + b"the last",
        "ragged": _MARK + b"\n  \r\none\r\n\n\rtwo\n" + _MARK + b"three\r\n\n\t\nfour\r",
        "oversized": b"x" * 40 + b"\none\n" + b"y" * 17 + b"\n\ntwo\n" + b"z" * 16 + b"\r\n" * 2,
        "undecodable": b"\xff\xfe\x00\n\xed\xa0\x80\n\xe2\x80\xa8 \x0b\x0c\x1c\n{\n",
        "empty": b"",
        "one member": _member(_lines("gzip", 5)),
        "members": _member(_lines("a", 2) + b"cut ")
        + _member(b"")
        + _member(b"in two\n" + _lines("b", 2))
        + bytes(20)
        + _member(_lines("c", 2))
        + bytes(9),
        "truncated": _cut("cut"),
        "followed by garbage": _member(_lines("good", 4)) + b"garbage",
    }.items()
}
NAMES: Final = {
    hashlib.md5(content.data, usedforsecurity=False).hexdigest(): name
    for name, content in CONTENTS.items()
}
BY_ETAG: Final = {etag: CONTENTS[name] for etag, name in NAMES.items()}
