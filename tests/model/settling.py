"""The threads of the stages, waited for wherever the loop looks at them.

So what a step meets does not depend on how fast a thread was, and an example that failed fails
again. The threads themselves are the real ones.
"""

import threading
from typing import TYPE_CHECKING, Any

import pytest

from producer.discovery.listing import Listing, ListingFinished
from producer.discovery.restoring import LedgerTable
from producer.puller.pulling import PartitionPuller, Piece, Task
from producer.s3.object_store import ObjectStoreRefusedError, Page
from tests.model.broker import open_table_reader
from tests.model.bucket import Bucket
from tests.support.waiting import eventually

if TYPE_CHECKING:
    import queue

_LOOK_SECONDS = 0.0002


class SettledListing(Listing):
    """A listing that is looked at when its thread has ended, or waits for room."""

    def __init__(self, store: Any, *given: Any, **options: Any) -> None:  # noqa: ANN401 - passed on
        assert isinstance(store, Bucket)
        self.bucket = store
        self.start_after: str | None = options.get("start_after")
        self.began = store.changes
        self._ended = threading.Event()
        super().__init__(store, *given, **options)
        store.on_begun(self)

    def has_arrived(self) -> bool:
        """Whether there is something, once that is known."""
        self.settle()
        return super().has_arrived()

    def take(self) -> Page | ObjectStoreRefusedError | ListingFinished:
        """Take what is next, and tell of it."""
        arrived = super().take()
        self.bucket.on_brought(self, arrived)
        return arrived

    def cancel(self) -> None:
        """Stop when it is known what was asked of the bucket."""
        self.settle()
        super().cancel()

    def settle(self) -> None:
        """Wait until nothing more is asked of the bucket by itself."""
        eventually(self._is_settled, every_seconds=_LOOK_SECONDS)

    def _is_settled(self) -> bool:
        return self._ended.is_set() or _is_put_awaited(self._arrived)

    def _run(self) -> None:
        try:
            super()._run()
        finally:
            self._ended.set()


class SettledPuller(PartitionPuller):
    """A puller that is looked at when its thread has nothing to do, or waits for room."""

    def __init__(self, *given: Any, **options: Any) -> None:  # noqa: ANN401 - passed on
        self._submitted = self._taken = -1
        super().__init__(*given, **options)

    def submit(self, task: Task) -> None:
        """Note how far there is something to do."""
        self._submitted = task.offset
        super().submit(task)

    def skip(self, offset: int) -> None:
        """Note how far there is something to do."""
        self._submitted = offset
        super().skip(offset)

    def check(self) -> None:
        """Raise what went wrong by now."""
        self.settle()
        super().check()

    def has_piece(self) -> bool:
        """Whether there is something, once that is known."""
        self.settle()
        return super().has_piece()

    def take(self) -> Piece | None:
        """Take what is next, once that is known."""
        self.settle()
        piece = super().take()
        if piece is not None and _is_last(piece):
            self._taken = piece.offset
        return piece

    def cancel(self) -> None:
        """Stop when it is known how far it read."""
        self.settle()
        super().cancel()

    def settle(self) -> None:
        """Wait until nothing more is read by itself."""
        eventually(self._is_settled, every_seconds=_LOOK_SECONDS)

    def _is_settled(self) -> bool:
        if not self._thread.is_alive():
            return True
        with self._ready._changed:
            ready = [piece for piece, _ in self._ready._pieces]
            is_put_awaited = bool(vars(self._ready._changed)["_waiters"])
        if not ready:
            return self._taken == self._submitted
        is_all = _is_last(ready[-1]) and ready[-1].offset == self._submitted
        return is_all or is_put_awaited


class SettledLedgerTable(LedgerTable):
    """A table that is restored when it is looked at."""

    def is_restored(self) -> bool:
        """Whether it went well."""
        self._thread.join()
        return super().is_restored()


def settle_threads(patch: pytest.MonkeyPatch) -> None:
    """Let stages begin threads that are waited for, and tables read the broker in memory."""
    patch.setattr("producer.discovery.stage.Listing", SettledListing)
    patch.setattr("producer.puller.stage.PartitionPuller", SettledPuller)
    patch.setattr("producer.discovery.stage.LedgerTable", SettledLedgerTable)
    patch.setattr("producer.discovery.restoring.TableReader", open_table_reader)


def _is_last(piece: Piece) -> bool:
    """Whether a piece is the last of its record."""
    return piece.outcome is not None or piece.progress is None


def _is_put_awaited(full: "queue.Queue[Any]") -> bool:
    """Whether a thread waits for room in a queue: what it has next is done."""
    with full.mutex:
        return bool(vars(full.not_full)["_waiters"])
