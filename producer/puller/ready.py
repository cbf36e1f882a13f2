"""What a pulling thread has read and the loop has not published yet.

Bounded by what it holds, not by how many pieces that is: a large object's chunks wait one by one,
small objects by the hundred, so that one transaction can finish many of them.
"""

import threading
from collections import deque
from typing import Final, Generic, TypeVar

T = TypeVar("T")

# An outcome without a line takes room too.
_PIECES_MAX: Final = 1000


class ReadyPieces(Generic[T]):
    """Pieces in order, handed from one thread to another."""

    def __init__(self, *, bytes_max: int) -> None:
        """They hold `bytes_max` together at most, unless a single one holds more."""
        self._bytes_max = bytes_max
        self._pieces: deque[tuple[T, int]] = deque()
        self._bytes = 0
        self._changed = threading.Condition()

    def put(self, piece: T, size_bytes: int, *, timeout_seconds: float) -> bool:
        """Add a piece once there is room; false where there was none for so long."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._has_room(size_bytes), timeout_seconds):
                return False
            self._pieces.append((piece, size_bytes))
            self._bytes += size_bytes
            return True

    def take(self) -> T | None:
        """Take the first piece, if there is one."""
        with self._changed:
            if not self._pieces:
                return None
            piece, size_bytes = self._pieces.popleft()
            self._bytes -= size_bytes
            self._changed.notify()
            return piece

    def __bool__(self) -> bool:
        """Whether there is a piece to take."""
        return bool(self._pieces)

    def _has_room(self, size_bytes: int) -> bool:
        return not self._pieces or (
            self._bytes + size_bytes <= self._bytes_max and len(self._pieces) < _PIECES_MAX
        )
