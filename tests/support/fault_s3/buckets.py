"""Buckets and what lies in them: objects at hand, and objects made when they are asked for.

Keys are kept, compared and listed as their UTF-8 bytes.
"""

import bisect
import hashlib
import heapq
from collections.abc import Callable, Iterator
from itertools import dropwhile
from typing import Protocol

import msgspec

_PIECE_BYTES = 256 * 1024
_ARCHIVE_CLASSES = frozenset({"GLACIER", "DEEP_ARCHIVE"})
_DIRECTORY_BUCKET_SUFFIX = "--x-s3"


class Content(Protocol):
    """The bytes of an object, from any of them on."""

    @property
    def size_bytes(self) -> int: ...

    @property
    def etag(self) -> str: ...

    def pieces(self, first: int, end: int) -> Iterator[bytes]: ...


class Bytes:
    """Content that is at hand; its etag is what S3's would be."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.size_bytes = len(content)
        self.etag = hashlib.md5(content, usedforsecurity=False).hexdigest()

    def pieces(self, first: int, end: int) -> Iterator[bytes]:
        for start in range(first, end, _PIECE_BYTES):
            yield self._content[start : min(end, start + _PIECE_BYTES)]


class Repeated:
    """One piece again and again: gigabytes that need no memory.

    As a member of gzip, the piece makes an object of many members.
    """

    def __init__(self, piece: bytes, times: int) -> None:
        self._piece = piece
        self.size_bytes = len(piece) * times
        self.etag = f"{Bytes(piece).etag}-{times}"

    def pieces(self, first: int, end: int) -> Iterator[bytes]:
        while first < end:
            start = first % len(self._piece)
            piece = self._piece[start : start + end - first]
            yield piece
            first += len(piece)


class Joined:
    """Contents one behind the other."""

    def __init__(self, *parts: Content) -> None:
        self._parts = parts
        self.size_bytes = sum(part.size_bytes for part in parts)
        self.etag = Bytes("".join(part.etag for part in parts).encode()).etag

    def pieces(self, first: int, end: int) -> Iterator[bytes]:
        for part in self._parts:
            if first < min(end, part.size_bytes):
                yield from part.pieces(first, min(end, part.size_bytes))
            first, end = max(0, first - part.size_bytes), max(0, end - part.size_bytes)


class Generated:
    """What a function makes, given the byte to begin at; it may give more than is taken."""

    def __init__(
        self, size_bytes: int, make: Callable[[int], Iterator[bytes]], *, etag: str = "generated-1"
    ) -> None:
        self.size_bytes = size_bytes
        self.etag = etag
        self._make = make

    def pieces(self, first: int, end: int) -> Iterator[bytes]:
        wanted = end - first
        for piece in self._make(first):
            yield piece[:wanted]
            wanted -= len(piece)
            if wanted <= 0:
                return


class StoredObject(msgspec.Struct, frozen=True, kw_only=True):
    """An object as it lies in a bucket; its time is in microseconds since the epoch."""

    content: Content
    etag: str
    last_modified: int
    storage_class: str = "STANDARD"
    is_archived: bool = False
    content_encoding: str | None = None
    version_id: str | None = None
    is_denied: bool = False
    is_denied_by_kms: bool = False
    has_customer_key: bool = False

    @property
    def size_bytes(self) -> int:
        return self.content.size_bytes


def is_archive_class(storage_class: str) -> bool:
    """Whether objects of the class must be restored before they can be read."""
    return storage_class in _ARCHIVE_CLASSES


class Keys(Protocol):
    """Keys that are made when they are listed, with the object behind each of them."""

    def keys_from(self, first: bytes) -> Iterator[bytes]:
        """Give the keys from this one on, in the order of their bytes."""

    def object_of(self, key: bytes) -> StoredObject | None: ...


class NumberedKeys:
    """Millions of keys that differ in a number of fixed width, all with the same object."""

    def __init__(self, before: str, count: int, behind: str, *, stored: StoredObject) -> None:
        self._digits = len(str(count))
        self._before, self._behind = before.encode(), behind.encode()
        self._count = count
        self._stored = stored

    def keys_from(self, first: bytes) -> Iterator[bytes]:
        numbers = range(bisect.bisect_left(range(self._count), first, key=self._key), self._count)
        return map(self._key, numbers)

    def object_of(self, key: bytes) -> StoredObject | None:
        digits = key[len(self._before) : len(self._before) + self._digits]
        number = int(digits) if digits.isdigit() else self._count
        return self._stored if number < self._count and self._key(number) == key else None

    def _key(self, number: int) -> bytes:
        return b"%s%0*d%s" % (self._before, self._digits, number, self._behind)


class Bucket:
    """What lies in one bucket. The server's lock guards it."""

    def __init__(self, name: str, *, region: str, requester_pays: bool = False) -> None:
        self.name = name
        self.region = region
        self.requester_pays = requester_pays
        self.is_directory = name.endswith(_DIRECTORY_BUCKET_SUFFIX)
        self.generated: Keys | None = None
        # The answer to the last listing, to be repeated.
        self.last_page: str | None = None
        self._keys: list[bytes] = []
        self._objects: dict[bytes, StoredObject] = {}
        self._versions: dict[tuple[bytes, str], StoredObject] = {}

    def put(self, key: bytes, stored: StoredObject) -> None:
        if key not in self._objects:
            bisect.insort(self._keys, key)
        self._objects[key] = stored
        if stored.version_id is not None:
            self._versions[key, stored.version_id] = stored

    def delete(self, key: bytes) -> None:
        if self._objects.pop(key, None) is not None:
            del self._keys[bisect.bisect_left(self._keys, key)]

    def find(self, key: bytes, version_id: str | None = None) -> StoredObject | None:
        if version_id is not None:
            return self._versions.get((key, version_id))
        stored = self._objects.get(key)
        if stored is None and self.generated is not None:
            return self.generated.object_of(key)
        return stored

    def keys_from(self, first: bytes) -> Iterator[bytes]:
        """Give the keys from this one on; a directory bucket gives them in no order."""
        if self.is_directory:
            ordered = sorted(self._keys, key=lambda key: hashlib.sha256(key).digest())
            return dropwhile(lambda key: first not in {b"", key}, ordered)
        begin = bisect.bisect_left(self._keys, first)
        at_hand = (self._keys[index] for index in range(begin, len(self._keys)))
        if self.generated is None:
            return at_hand
        return _distinct(heapq.merge(at_hand, self.generated.keys_from(first)))


def _distinct(keys: Iterator[bytes]) -> Iterator[bytes]:
    last = None
    for key in keys:
        if key != last:
            yield key
        last = key
