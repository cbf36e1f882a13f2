"""What stands behind the object that is being pulled, in order, and whose it is."""

import queue
import threading
from collections import Counter
from typing import Final, Generic, TypeVar

T = TypeVar("T")

# Versions of a partition that are held in memory; beyond this the partition is not fetched.
WAITING_MAX: Final = 1000


class WaitingTasks(Generic[T]):
    """Tasks of one partition, handed from the loop to the thread that pulls them."""

    def __init__(self) -> None:
        self._tasks: queue.SimpleQueue[tuple[T, str]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._of_source: Counter[str] = Counter()
        self._count = 0

    def put(self, task: T, source_id: str = "") -> None:
        """Line a task up; without a source it is nobody's."""
        with self._lock:
            if source_id:
                self._of_source[source_id] += 1
            self._count += 1
        self._tasks.put((task, source_id))

    def get(self, *, timeout_seconds: float) -> T | None:
        """Take the first task, or none where none comes for so long."""
        try:
            task, source_id = self._tasks.get(timeout=timeout_seconds)
        except queue.Empty:
            return None
        with self._lock:
            self._count -= 1
            if source_id:
                self._of_source[source_id] -= 1
                if not self._of_source[source_id]:
                    del self._of_source[source_id]
        return task

    def has_others(self, source_id: str) -> bool:
        """Whether a task of another source waits, or may wait where nobody looks.

        While as many wait as are held, what follows them is not fetched, and may be anybody's.
        """
        with self._lock:
            if len(self._of_source) > (source_id in self._of_source):
                return True
            # The one that is being pulled is held too.
            return self._count + 1 >= WAITING_MAX
