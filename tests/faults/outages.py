"""When brokers were away: what could not begin then has an excuse."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Outages:
    """The times at which some broker was broken, told from one thread and asked from another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way = 0
        self._last_ended_at = float("-inf")

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Count the time that is spent within as an outage."""
        with self._lock:
            self._under_way += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1
                self._last_ended_at = time.monotonic()

    def was_any_since(self, moment: float) -> bool:
        """Whether a broker was away at some time since a moment of the monotonic clock."""
        with self._lock:
            return self._under_way > 0 or self._last_ended_at >= moment
