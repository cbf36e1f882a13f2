"""The door to S3 as the stages see it: pages of listed objects, bodies, refusals with a reason.

Promises:
- Keys come and go exactly as the bucket has them, whatever characters they hold.
- A page's `read_through` is a position: listing with it as `start_after` goes on behind the page.
- A body is the whole of the version asked for, or it raises: one that ends early never looks like
  one that is complete, and bytes of two versions are never joined.
- Whatever is refused raises `ObjectStoreRefusedError`, and nothing else.
- Both verbs may be called from several threads. A page iterator and a body belong to one thread
  each.
"""

from collections.abc import Iterator
from typing import Protocol, Self

import msgspec

from producer.contract.objects import ObjectVersion, Reason
from producer.contract.source import IngestionSource
from producer.errors import ProducerError


class ListedObject(msgspec.Struct, frozen=True, kw_only=True):
    """An object as a listing tells of it. Listings do not tell the version id."""

    key: str
    etag: str
    size_bytes: int
    last_modified: int
    storage_class: str | None = None
    version_id: str | None = None


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a listing, in the order of the keys' UTF-8 bytes; it may hold no objects."""

    objects: tuple[ListedObject, ...]
    read_through: str
    is_last: bool


class ObjectStoreRefusedError(ProducerError):
    """S3 or STS did not give what was asked for. The detail holds no secret and no content."""

    def __init__(self, *, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class ObjectBody(Protocol):
    """The bytes of one object version, in order. Close it, also before its end."""

    def __iter__(self) -> Self: ...

    def __next__(self) -> bytes: ...

    def close(self) -> None: ...


class ObjectStore(Protocol):
    """What the stages may ask of S3."""

    def list_pages(
        self, source: IngestionSource, *, start_after: str | None = None
    ) -> Iterator[Page]:
        """List what lies under the source's prefix, behind a key; a page when it is asked for."""
        ...

    def open(self, source: IngestionSource, version: ObjectVersion) -> ObjectBody:
        """Open exactly that version; an object with another etag is refused."""
        ...
