"""Where a source's listings stand: what was passed, where the next one begins. Pure, time given.

A position belongs to one bucket and prefix, and to one assignment of the source's partition.

Laws:

1. No object is missed for its key: a listing that does not begin at the prefix's first key is a
   short cut only, and a whole one follows at the latest after the time for reconciling.
2. The first listing of a position is a whole one: nothing that was noted elsewhere is believed.
3. A short one is made only where it saves pages: a small prefix is listed whole each time. It
   begins below every key that was written to, or went missing, in the time of looking back, and
   below the last key of all. So writers with names of their own under one prefix are followed.
4. A key was passed if a finished listing got beyond it. What is new at such a key is late.
5. A listing that broke off is gone on with behind its last page, and is the same listing still;
   one that did not end has passed nothing.
6. At or below the high-water key everything is finished: it lies below all that waits, of this
   bucket and prefix. What is replayed was finished before, and is still.

`last_modified` is a hint for law 3 alone. Uploads of several parts carry the time at which they
began: where that is longer ago than the time of looking back, law 1 finds them.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from producer.discovery.ledger import in_order
from producer.s3.object_store import ListedObject

# Five pages: what S3 charges for them each minute comes to some cents a day.
SMALL_OBJECTS: Final = 5000
_MICROSECONDS: Final = 1_000_000
_HOUR: Final = 3600 * _MICROSECONDS


class PositionPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How far back short listings look, and how often a whole one is made. Seconds.

    Where the last whole listing had no more objects than `small_objects`, all are whole.
    """

    lookback_seconds: int
    reconcile_seconds: int
    small_objects: int = SMALL_OBJECTS


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """One listing from its beginning to its end, over all attempts at it."""

    is_whole: bool
    began_at: int
    # Where it goes on.
    start_after: str | None
    last_key: str | None = None
    objects: int = 0


class Position:
    """What listings of one source have passed and noted."""

    def __init__(
        self,
        policy: PositionPolicy,
        *,
        listed_through: str | None = None,
        high_water_key: str | None = None,
    ) -> None:
        """Begin with what was told of an earlier position of the same bucket and prefix."""
        self._policy = policy
        self.listed_through = listed_through
        self.last_whole_at: int | None = None
        self._objects = 0
        self._passage: Passage | None = None
        self._is_whole_wanted = True
        # The lowest key that was written to in each of the last hours.
        self._lowest: dict[int, str] = {}
        # For keys that wait, or failed and will wait when they are tried again: the key listed
        # before them.
        self._before: dict[str, str | None] = {}
        self._high_water = high_water_key

    @property
    def told_high_water_key(self) -> str | None:
        """The high-water key that was told last."""
        return self._high_water

    @property
    def passage(self) -> Passage | None:
        """The listing that has not ended, or broke off."""
        return self._passage

    def want_whole(self) -> None:
        """Let the next listing to begin be a whole one."""
        self._is_whole_wanted = True

    def next_passage(self, *, now: int) -> Passage:
        """Begin a listing, or go on with the one that broke off."""
        if self._passage is None:
            is_whole = self._is_whole_wanted or self._is_whole_due(now)
            start_after = None if is_whole else self._short_start(now)
            is_whole = start_after is None
            self._is_whole_wanted = self._is_whole_wanted and not is_whole
            self._passage = Passage(is_whole=is_whole, began_at=now, start_after=start_after)
        return self._passage

    def is_passed(self, key: str) -> bool:
        """Whether a finished listing got beyond a key."""
        return not _is_below(self.listed_through, key)

    def take(
        self,
        objects: Sequence[ListedObject],
        *,
        read_through: str,
        is_open: Callable[[str], bool],
        now: int,
    ) -> None:
        """Note a page of the listing that is under way, after it was decided about."""
        passage = self._passage
        assert passage is not None
        last_key = passage.last_key
        for listed in objects:
            key = listed.key
            self._note(listed.last_modified, key, now)
            if (last_key is not None or passage.is_whole) and is_open(key):
                self._before[key] = last_key
            last_key = key
        self._passage = Passage(
            is_whole=passage.is_whole,
            began_at=passage.began_at,
            start_after=read_through,
            last_key=last_key,
            objects=passage.objects + len(objects),
        )

    def forget(self, key: str) -> None:
        """Note that an object was pulled."""
        self._before.pop(key, None)

    def high_water_key(self, lowest_waiting: str | None) -> str | None:
        """Give the highest key that everything at or below is finished; `None` for none."""
        # What was told before is true still, but for what waits.
        passed = _higher(self.listed_through, self._high_water)
        if self._passage is not None:
            passed = _higher(passed, self._passage.last_key)
        if lowest_waiting is not None and not _is_below(passed, lowest_waiting):
            # Without a listing since the restart, what was told before it is the best that is
            # known.
            told = self._high_water if _is_below(self._high_water, lowest_waiting) else None
            passed = self._before.get(lowest_waiting, told)
        self._high_water = passed
        return passed

    def note_gone(self, key: str, *, at: int) -> None:
        """Note that an object was not there when it was read: what took its place is looked for.

        `at` is when that was.
        """
        self._note(at, key, at)

    def end(self) -> Passage:
        """Let the listing that is under way have passed what it listed."""
        passage = self._passage
        assert passage is not None
        self._passage = None
        self.listed_through = _higher(self.listed_through, passage.last_key)
        if passage.is_whole:
            self.last_whole_at = passage.began_at
            self._objects = passage.objects
        return passage

    def _note(self, time: int, key: str, now: int) -> None:
        # A bucket's clock may be ahead of ours: its future is now.
        hour = min(time, now) // _HOUR
        if hour >= self._first_hour(now):
            lowest = self._lowest.get(hour)
            if lowest is None or in_order(key) < in_order(lowest):
                self._lowest[hour] = key

    def _first_hour(self, now: int) -> int:
        return (now - self._policy.lookback_seconds * _MICROSECONDS) // _HOUR

    def _is_whole_due(self, now: int) -> bool:
        since = self.last_whole_at
        if self._objects <= self._policy.small_objects:
            return True
        end = self._policy.reconcile_seconds * _MICROSECONDS
        # A clock that was set back is no reason to wait for it.
        return since is None or not since <= now < since + end

    def _short_start(self, now: int) -> str | None:
        """Give the key behind which a short listing begins; `None` for the very beginning."""
        first = self._first_hour(now)
        self._lowest = {hour: key for hour, key in self._lowest.items() if hour >= first}
        if self.listed_through is None:
            return None
        lowest = min([self.listed_through, *self._lowest.values()], key=in_order)
        # Listings begin behind a key: a part of it is below it, and above all that is lower but
        # for keys that begin alike.
        return lowest[:-1] or None


def _is_below(one: str | None, other: str) -> bool:
    return one is None or in_order(one) < in_order(other)


def _higher(one: str | None, other: str | None) -> str | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other, key=in_order)
