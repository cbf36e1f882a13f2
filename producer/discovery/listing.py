"""Listing a bucket in a thread, page by page, no further ahead than the loop follows."""

import queue
import threading
from collections.abc import Iterator

from producer.contract.source import IngestionSource
from producer.discovery.places import Places
from producer.s3.object_store import ObjectStore, ObjectStoreRefusedError, Page

_PAGES_AHEAD = 2
_LOOK_SECONDS = 0.1


class ListingFinished:
    """The last page was taken."""


class Listing:
    """One listing of one source.

    What it brings belongs to the assignment that it was started under.
    """

    def __init__(
        self,
        store: ObjectStore,
        source: IngestionSource,
        places: Places,
        *,
        start_after: str | None = None,
    ) -> None:
        """`places` bounds how many listings ask at once; one that waits for the loop has none."""
        self._store = store
        self._source = source
        self._start_after = start_after
        self._arrived: queue.Queue[
            Page | ObjectStoreRefusedError | BaseException | ListingFinished
        ] = queue.Queue(maxsize=_PAGES_AHEAD)
        self._cancelled = threading.Event()
        self._places = places
        # A daemon, so that a request under way does not hold up the end of the process.
        name = f"list-{source.id}"
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def has_arrived(self) -> bool:
        """Whether `take` would return something."""
        return not self._arrived.empty()

    def take(self) -> Page | ObjectStoreRefusedError | ListingFinished:
        """Take the next page, or how the listing ended; raises what is neither."""
        arrived = self._arrived.get_nowait()
        if isinstance(arrived, Page | ObjectStoreRefusedError | ListingFinished):
            return arrived
        raise arrived

    def cancel(self) -> None:
        """Stop soon; does not wait for a request that is under way."""
        self._cancelled.set()

    def _run(self) -> None:
        try:
            for page in self._pages():
                if not self._offer(page):
                    return
        except BaseException as raised:  # noqa: BLE001 - handed to the loop, which judges it
            self._offer(raised)
            return
        self._offer(ListingFinished())

    def _pages(self) -> Iterator[Page]:
        pages = self._store.list_pages(self._source, start_after=self._start_after)
        while True:
            with self._places.held_by(self._source.id):
                page = None if self._cancelled.is_set() else next(pages, None)
            if page is None:
                return
            yield page

    def _offer(self, arrived: Page | BaseException | ListingFinished) -> bool:
        while not self._cancelled.is_set():
            try:
                self._arrived.put(arrived, timeout=_LOOK_SECONDS)
            except queue.Full:
                continue
            return True
        return False
