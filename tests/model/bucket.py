"""A bucket that remembers its past, and refuses what it is told to refuse."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from producer.contract.objects import Reason
from producer.contract.source import IngestionSource
from producer.s3.object_store import ObjectStoreRefusedError, Page
from tests.model.contents import CONTENTS
from tests.support.object_stores import InMemoryObjectStore

if TYPE_CHECKING:
    from producer.discovery.listing import Listing, ListingFinished

BUCKET = "acme-compliance"
_PAGE_SIZE = 2
_CHUNK_BYTES = 8


@dataclass(kw_only=True)
class Stay:
    """A version that was in the bucket from one change of it to another."""

    key: str
    etag: str
    since: int
    until: int | None = None

    def lasted(self, since: int) -> bool:
        """Whether it was there at that change, and has been ever since."""
        return self.since <= since and self.until is None


class Bucket(InMemoryObjectStore):
    """One bucket. Its changes are numbered; what is listed is told to who watches."""

    def __init__(self) -> None:
        super().__init__(page_size=_PAGE_SIZE, chunk_bytes=_CHUNK_BYTES)
        self.make_bucket(BUCKET)
        self.changes = 0
        self.stays: list[Stay] = []
        # Whatever an object was refused for, or broke off with, at any time.
        self.reasons: set[tuple[str, Reason]] = set()
        self.refusals = 0
        # Pages until a listing is refused, once.
        self.pages_left: int | None = None
        self.on_begun: Callable[[Listing], None] = lambda _: None
        self.on_brought: Callable[
            [Listing, Page | ObjectStoreRefusedError | ListingFinished], None
        ] = lambda *_: None

    def upload(self, key: str, name: str, *, last_modified: int) -> None:
        """Store one of the contents."""
        listed = self.put(BUCKET, key, CONTENTS[name].data, last_modified=last_modified)
        present = self.present(key)
        if present is None or present.etag != listed.etag:
            self._end(key)
            self.stays.append(Stay(key=key, etag=listed.etag, since=self.changes))

    def remove(self, key: str) -> None:
        """Delete an object."""
        self.delete(BUCKET, key)
        self._end(key)

    def present(self, key: str) -> Stay | None:
        """What is there now."""
        return next((stay for stay in self.all_present() if stay.key == key), None)

    def all_present(self) -> list[Stay]:
        """All that is there now."""
        return [stay for stay in self.stays if stay.until is None]

    def past(self, key: str) -> list[Stay]:
        """All that was there."""
        return [stay for stay in self.stays if stay.key == key]

    def refuse(self, key: str, reason: Reason) -> None:
        """Refuse to open an object from now on."""
        self.refuse_reading(BUCKET, key, reason)
        self.reasons.add((key, reason))

    def break_off(self, key: str, at_byte: int) -> None:
        """Let an object's bodies break off from now on."""
        self.break_body(BUCKET, key, at_byte)
        self.reasons.add((key, Reason.UNAVAILABLE))

    def heal(self, key: str) -> None:
        """Refuse an object no longer."""
        self.refuse_reading(BUCKET, key, None)
        self.break_body(BUCKET, key, None)

    def heal_listing(self) -> None:
        """Refuse listings no longer."""
        self.pages_left = None
        self.refuse_listing(BUCKET, None)

    def list_pages(
        self, source: IngestionSource, *, start_after: str | None = None
    ) -> Iterator[Page]:
        """List, and count what is refused."""
        pages = super().list_pages(source, start_after=start_after)
        while True:
            self._refuse_between_pages()
            try:
                page = next(pages, None)
            except ObjectStoreRefusedError:
                self.refusals += 1
                raise
            if page is None:
                return
            yield page

    def _refuse_between_pages(self) -> None:
        if self.pages_left is None:
            return
        self.pages_left -= 1
        if self.pages_left < 0:
            self.pages_left = None
            self.refusals += 1
            raise ObjectStoreRefusedError(reason=Reason.THROTTLED, detail="slow down")

    def _end(self, key: str) -> None:
        self.changes += 1
        present = self.present(key)
        if present is not None:
            present.until = self.changes
