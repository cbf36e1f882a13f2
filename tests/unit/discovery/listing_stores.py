"""Stores whose listings do what a test wants, when it wants it."""

import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

from producer.contract.source import IngestionSource
from producer.s3.object_store import Page
from tests.support.builders import a_listed

if TYPE_CHECKING:
    from producer.s3.object_store import ObjectStore

_PATIENCE_SECONDS = 30


def a_page(*keys: str, etag: str = "etag-a") -> Page:
    """Build a page that lists keys."""
    objects = tuple(a_listed(key=key, etag=etag) for key in keys)
    return Page(objects=objects, read_through=keys[-1] if keys else "", is_last=False)


# Threads that tests elsewhere left behind, with names of their own choice.
_left_by_others: set[threading.Thread] = set()


def begin_to_watch() -> None:
    """Let the threads that there are now be no matter."""
    _left_by_others.clear()
    _left_by_others.update(threading.enumerate())


def listings() -> list[str]:
    """Name the threads that list."""
    threads = set(threading.enumerate()) - _left_by_others
    return [each.name for each in threads if each.name.startswith("list-")]


def has_ended(source_id: str) -> bool:
    """Whether no thread lists a source any more."""
    return f"list-{source_id}" not in listings()


class PagesByName:
    """Gives prepared pages for each source; what is to be raised is raised in its turn.

    Counts how many listings ask at once, and holds back pages of sources that are held.
    """

    def __init__(self, **pages: Sequence[Page | BaseException]) -> None:
        self.pages = pages
        self.held: dict[str, threading.Event] = {}
        self.asked: list[str] = []
        self.begun: list[tuple[str, str | None]] = []
        self.asking = 0
        self.asking_most = 0
        self._lock = threading.Lock()

    def hold(self, source_id: str) -> threading.Event:
        """Let no further page of a source come before the event is set."""
        return self.held.setdefault(source_id, threading.Event())

    def list_pages(
        self, source: IngestionSource, *, start_after: str | None = None
    ) -> Iterator[Page]:
        """Give a source's pages, wherever the listing begins; where that was is noted."""
        self.begun.append((source.id, start_after))
        for page in self.pages.get(source.id, ()):
            self._ask(source.id)
            if isinstance(page, BaseException):
                raise page
            yield page

    def as_store(self) -> "ObjectStore":
        """Pass for the real one."""
        return cast("ObjectStore", self)

    def _ask(self, source_id: str) -> None:
        with self._lock:
            self.asked.append(source_id)
            self.asking += 1
            self.asking_most = max(self.asking_most, self.asking)
        held = self.held.get(source_id)
        if held is not None:
            assert held.wait(_PATIENCE_SECONDS)
        with self._lock:
            self.asking -= 1
