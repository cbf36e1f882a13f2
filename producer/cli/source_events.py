"""What is told of one source's events: how many there were lately, and the last of them. Pure.

An event that was published again, by a replay, is one event still.
"""

from dataclasses import dataclass
from typing import Final

from producer.discovery.fingerprints import Fingerprints

_DAY: Final = 86_400 * 1_000_000
_SEEN: Final = 1


@dataclass(frozen=True, kw_only=True)
class EventCounts:
    """How many events happened in the days before now, and when the newest of all did."""

    last_day: int
    last_week: int
    last_month: int
    newest_at: int | None


class EventCounting:
    """Counts events by the time at which they happened. Takes 45 bytes an event at most."""

    def __init__(self, *, now: int) -> None:
        self._now = now
        self._seen = Fingerprints()
        self._of_days = dict.fromkeys((1, 7, 30), 0)
        self._newest_at: int | None = None

    def add(self, event_id: str, *, occurred_at: int) -> None:
        """Take in an event, perhaps not for the first time."""
        if self._newest_at is None or occurred_at > self._newest_at:
            self._newest_at = occurred_at
        age = self._now - occurred_at
        if age > max(self._of_days) * _DAY or self._seen.get(event_id) is not None:
            return
        self._seen.set(event_id, _SEEN)
        for days in self._of_days:
            self._of_days[days] += age <= days * _DAY

    def counts(self) -> EventCounts:
        """Tell what was counted."""
        return EventCounts(
            last_day=self._of_days[1],
            last_week=self._of_days[7],
            last_month=self._of_days[30],
            newest_at=self._newest_at,
        )


class LastEvents:
    """Keeps the last few events of an order; holds twice as many at most."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: dict[bytes, tuple[int, bytes]] = {}

    def add(self, event_id: bytes, *, at: int, value: bytes) -> None:
        """Take in an event; one that is there already takes its later place."""
        self._kept.pop(event_id, None)
        self._kept[event_id] = (at, value)
        if len(self._kept) >= 2 * self._limit:
            self._kept = dict(self._last())

    def values(self) -> list[bytes]:
        """Give them in their order, the last one last."""
        return [value for _, (_, value) in self._last()]

    def _last(self) -> list[tuple[bytes, tuple[int, bytes]]]:
        # Of those that have the same place the one that came later is the last.
        return sorted(self._kept.items(), key=lambda entry: entry[1][0])[-self._limit :]
