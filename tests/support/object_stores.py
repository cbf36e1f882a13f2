"""An object store in memory that keeps the promises of the real one, and bodies cut to measure."""

import hashlib
import threading
from collections.abc import Iterator
from typing import Self

import msgspec

from producer.contract.objects import ObjectVersion, Reason
from producer.contract.source import IngestionSource
from producer.s3.object_store import ListedObject, ObjectStoreRefusedError, Page

PAGE_SIZE_OF_S3 = 1000


def in_pieces(data: bytes, size_bytes: int) -> Iterator[bytes]:
    """Give the data in pieces of one size, as a body would."""
    for start in range(0, len(data), size_bytes):
        yield data[start : start + size_bytes]


class _Stored(msgspec.Struct, frozen=True):
    listed: ListedObject
    content: bytes


class InMemoryBody:
    """The bytes of one version; breaks where it is told to."""

    def __init__(self, content: bytes, *, breaks_at: int | None, chunk_bytes: int) -> None:
        end = len(content) if breaks_at is None else breaks_at
        self._pieces = in_pieces(content[:end], chunk_bytes)
        self._is_broken = breaks_at is not None
        self._is_closed = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        if self._is_closed:
            raise ObjectStoreRefusedError(reason=Reason.UNAVAILABLE, detail="the body was closed")
        piece = next(self._pieces, None)
        if piece is not None:
            return piece
        if self._is_broken:
            raise ObjectStoreRefusedError(reason=Reason.UNAVAILABLE, detail="the body broke off")
        raise StopIteration

    def close(self) -> None:
        self._is_closed = True


class InMemoryObjectStore:
    """Buckets in memory, and ways to make them refuse."""

    def __init__(self, *, page_size: int = PAGE_SIZE_OF_S3, chunk_bytes: int = 64 * 1024) -> None:
        self._page_size = page_size
        self._chunk_bytes = chunk_bytes
        self._lock = threading.Lock()
        self._buckets: dict[str, dict[bytes, _Stored]] = {}
        self._listing_refusals: dict[str, Reason] = {}
        self._reading_refusals: dict[tuple[str, str], Reason] = {}
        self._breaks: dict[tuple[str, str], int] = {}
        self.listings = 0
        self.openings = 0

    def make_bucket(self, bucket: str) -> None:
        with self._lock:
            self._buckets.setdefault(bucket, {})

    def remove_bucket(self, bucket: str) -> None:
        with self._lock:
            self._buckets.pop(bucket, None)

    def put(
        self,
        bucket: str,
        key: str,
        content: bytes,
        *,
        last_modified: int = 0,
        storage_class: str | None = "STANDARD",
    ) -> ListedObject:
        """Store an object and tell of it as a listing will."""
        listed = ListedObject(
            key=key,
            etag=hashlib.md5(content, usedforsecurity=False).hexdigest(),
            size_bytes=len(content),
            last_modified=last_modified,
            storage_class=storage_class,
        )
        with self._lock:
            self._buckets.setdefault(bucket, {})[key.encode()] = _Stored(listed, content)
        return listed

    def delete(self, bucket: str, key: str) -> None:
        with self._lock:
            self._buckets[bucket].pop(key.encode(), None)

    def refuse_listing(self, bucket: str, reason: Reason | None) -> None:
        """Refuse to list a bucket from now on, or no longer."""
        with self._lock:
            if reason is None:
                self._listing_refusals.pop(bucket, None)
            else:
                self._listing_refusals[bucket] = reason

    def refuse_reading(self, bucket: str, key: str, reason: Reason | None) -> None:
        """Refuse to open an object from now on, or no longer."""
        with self._lock:
            if reason is None:
                self._reading_refusals.pop((bucket, key), None)
            else:
                self._reading_refusals[bucket, key] = reason

    def break_body(self, bucket: str, key: str, at_byte: int | None) -> None:
        """Let bodies of an object break off at a byte from now on, or no longer."""
        with self._lock:
            if at_byte is None:
                self._breaks.pop((bucket, key), None)
            else:
                self._breaks[bucket, key] = at_byte

    def list_pages(
        self, source: IngestionSource, *, start_after: str | None = None
    ) -> Iterator[Page]:
        read_through = start_after or ""
        is_last = False
        while not is_last:
            objects, is_last = self._page(source, read_through)
            read_through = objects[-1].key if objects else read_through
            yield Page(objects=objects, read_through=read_through, is_last=is_last)

    def _page(
        self, source: IngestionSource, start_after: str
    ) -> tuple[tuple[ListedObject, ...], bool]:
        with self._lock:
            self.listings += 1
            self._refuse(source.bucket, self._listing_refusals.get(source.bucket))
            found = [
                stored.listed
                for key, stored in sorted(self._buckets[source.bucket].items())
                if key.startswith(source.prefix.encode()) and key > start_after.encode()
            ]
        return tuple(found[: self._page_size]), len(found) <= self._page_size

    def open(self, source: IngestionSource, version: ObjectVersion) -> InMemoryBody:
        place = (version.bucket, version.key)
        with self._lock:
            self.openings += 1
            self._refuse(version.bucket, self._reading_refusals.get(place))
            stored = self._buckets[version.bucket].get(version.key.encode())
            breaks_at = self._breaks.get(place)
        what = f"{version.key!r} for source {source.id!r}"
        if stored is None:
            raise ObjectStoreRefusedError(reason=Reason.OBJECT_GONE, detail=f"{what} is gone")
        if stored.listed.etag != version.etag:
            raise ObjectStoreRefusedError(reason=Reason.ETAG_CHANGED, detail=f"{what} is new")
        return InMemoryBody(stored.content, breaks_at=breaks_at, chunk_bytes=self._chunk_bytes)

    def _refuse(self, bucket: str, reason: Reason | None) -> None:
        if bucket not in self._buckets:
            reason = Reason.BUCKET_GONE
        if reason is not None:
            raise ObjectStoreRefusedError(reason=reason, detail=f"bucket {bucket!r}: refused")
