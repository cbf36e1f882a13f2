"""The one place that tells the time; whoever needs it takes a `Clock`."""

import time
from typing import Protocol


class Clock(Protocol):
    """Wall time for records, steady time for waits."""

    def now(self) -> int:
        """Microseconds since the epoch, UTC."""

    def steady(self) -> float:
        """Seconds that never step; only differences mean something."""


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> int:
        """Microseconds since the epoch, UTC."""
        return time.time_ns() // 1000

    def steady(self) -> float:
        """Seconds that never step."""
        return time.monotonic()
