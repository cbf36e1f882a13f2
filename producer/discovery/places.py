"""How many listings ask at once, of all the sources of a process.

Laws:
- Whoever asks for a page holds a place meanwhile, and no longer than `PATIENCE_SECONDS`: a store
  that does not answer is waited for, but others need not wait with it.
- A source that outlived its place has none the next time, and needs none, until it is answered in
  time. So stores that do not answer hold up other sources' listings once, not with each attempt;
  beyond the places there is at most what such sources ask.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from producer.clock import Clock

PATIENCE_SECONDS: Final = 5.0
# How often whoever waits for a place looks whether one is held for too long.
_LOOK_SECONDS: Final = 0.1


class Places:
    """Places that requests of listings hold; may be used by several threads."""

    def __init__(self, count: int, clock: Clock) -> None:
        self._count = count
        self._clock = clock
        self._changed = threading.Condition()
        # When those that hold a place began, by what tells them apart.
        self._began_at: dict[object, float] = {}
        self._slow: set[str] = set()

    @contextmanager
    def held_by(self, source_id: str) -> Iterator[None]:
        """Wait for a place, and hold it."""
        holder = object()
        began_at = self._take(holder, source_id)
        try:
            yield
        finally:
            self._give_back(holder, source_id, began_at)

    def _take(self, holder: object, source_id: str) -> float:
        with self._changed:
            if source_id in self._slow:
                return self._clock.steady()
            while self._held_count() >= self._count:
                self._changed.wait(_LOOK_SECONDS)
            began_at = self._began_at[holder] = self._clock.steady()
            return began_at

    def _give_back(self, holder: object, source_id: str, began_at: float) -> None:
        with self._changed:
            self._began_at.pop(holder, None)
            if self._has_outlived(began_at):
                self._slow.add(source_id)
            else:
                self._slow.discard(source_id)
            self._changed.notify()

    def _held_count(self) -> int:
        return sum(not self._has_outlived(began_at) for began_at in self._began_at.values())

    def _has_outlived(self, began_at: float) -> bool:
        return self._clock.steady() - began_at >= PATIENCE_SECONDS
