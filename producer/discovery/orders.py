"""What people asked for in `commands`, and how far it is done. Pure.

Laws of this file:

1. The commands of a partition are carried out by who owns the partition of `sources` of the same
   number; those of one source in order, one at a time. The group's offset on `commands` travels
   with the lease.
2. The first that has not ended is the head, and the offset is the head's. It moves on in the
   transaction that tells of the head's end, so a successor leaves none out. Until then its
   metadata says how far the head got, so that a successor repeats nothing.
3. Beside a head, retries and reconcilings of other sources are carried out. What has ended behind
   the head is remembered by its source's status; of what has not, a successor may make one
   attempt more, which puts no line into raw twice. Replays would: so only the head is one.
4. A retry passes each key once, in the order of keys, and makes one attempt at each that failed.
   One that fails again has been passed.
5. A replay publishes a version only once its last attempt has ended, and only the version that
   the ledger holds: what is new at a key is discovery's, not a replay.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Protocol
from urllib.parse import quote, unquote

from msgspec.structs import replace

from producer.contract.objects import START, ObjectVersion, Reason
from producer.contract.source import SourceCommand
from producer.discovery.ledger import Ledger, in_order
from producer.discovery.listing import Listing, ListingFinished
from producer.discovery.source import SourceDiscovery
from producer.errors import PlaceUnreadableError
from producer.kafka.stages import Committed
from producer.s3.object_store import ListedObject, ObjectStoreRefusedError, Page

_AFTER: Final = "after="
_OBJECTS: Final = "&objects="
_MICROSECONDS: Final = 1_000_000
# A command does not wait for ever for a bucket that cannot be listed: others are behind it, and
# who asked waits for an answer. But longer, in all, than a store that is throttled is not asked at
# all (`producer.s3.pace`).
_REFUSALS_IN_A_ROW_MAX: Final = 3
_REFUSALS_THAT_PASS_IN_A_ROW_MAX: Final = 6
_PASSING: Final = frozenset({Reason.THROTTLED, Reason.UNAVAILABLE})
_PAUSE_SECONDS: Final = 5


class Order:
    """A command, where it lies, and how far it is known to be carried out."""

    def __init__(self, offset: int, command: SourceCommand | None) -> None:
        """A message without a value is no command, but it has its place in the order."""
        self.offset = offset
        self.command = command
        # The last key that is committed, and how many objects are.
        self.after_key: str | None = None
        self.objects = 0
        # It has ended; that is still to be told.
        self.is_over = False
        self.failure: str | None = None
        self.is_told = False
        # Since when its source is not known.
        self.missing_since: int | None = None

    @property
    def source_id(self) -> str | None:
        """Whose objects it is about."""
        return None if self.command is None else self.command.source_id


class Orders:
    """The commands of one partition that are not carried out."""

    def __init__(self, committed: Committed, *, group: str) -> None:
        """`committed` is the group's offset; its metadata is of the command that lies there."""
        self._committed = committed
        self._progress = _progress(committed.metadata, group)
        self._waiting: deque[Order] = deque()
        self._of_source: dict[str | None, deque[Order]] = {}
        self._position = committed.offset

    def receive(self, offset: int, command: SourceCommand | None) -> None:
        """Take the next message of the topic."""
        order = Order(offset, command)
        if offset == self._committed.offset:
            order.after_key, order.objects = self._progress
        self._waiting.append(order)
        self._of_source.setdefault(order.source_id, deque()).append(order)

    def leave_out_ended(self, last_commands: Mapping[str, str | None]) -> None:
        """Leave out what a predecessor ended behind its head, as sources' statuses tell.

        To be called once, when all is received that a predecessor may have seen.
        """
        ended = [
            order
            for source_id, command_id in last_commands.items()
            for order in _up_to(self._of_source.get(source_id, ()), command_id)
        ]
        # An offset that lies before what has ended was set by a person, to have it repeated.
        if self.head not in ended:
            self.told(ended)

    @property
    def head(self) -> Order | None:
        """The first that has not ended."""
        return next((order for order in self._waiting if not order.is_over), None)

    @property
    def offset(self) -> int:
        """The offset to be committed once all is told that has ended."""
        head = self.head
        if head is not None:
            return head.offset
        return self._waiting[-1].offset + 1 if self._waiting else self._position

    def next_of_each_source(self) -> list[Order]:
        """Give the first of each source."""
        return [orders[0] for orders in self._of_source.values()]

    def __len__(self) -> int:
        """How many wait, with those under way."""
        return len(self._waiting)

    def told(self, ended: list[Order]) -> None:
        """Take note that the ends of these are committed."""
        for order in ended:
            order.is_over = order.is_told = True
            of_source = self._of_source[order.source_id]
            of_source.remove(order)
            if not of_source:
                del self._of_source[order.source_id]
        while self._waiting and self._waiting[0].is_told:
            self._position = self._waiting.popleft().offset + 1


def _up_to(orders: "deque[Order] | tuple[()]", command_id: str | None) -> Iterator[Order]:
    """Give a source's commands up to one of them; none where it is not there."""
    ids = [order.command.command_id for order in orders if order.command is not None]
    if command_id in ids:
        yield from list(orders)[: ids.index(command_id) + 1]


def to_metadata(after_key: str | None, objects: int) -> str:
    """Write how far a command got as the metadata of an offset: ASCII, below 4,096 bytes."""
    if after_key is None:
        return ""
    return f"{_AFTER}{quote(after_key, safe='/')}{_OBJECTS}{objects}"


def _progress(metadata: str, group: str) -> tuple[str | None, int]:
    if not metadata:
        return None, 0
    key, counted, objects = metadata.removeprefix(_AFTER).partition(_OBJECTS)
    if not metadata.startswith(_AFTER) or (counted and not objects.isdecimal()):
        raise PlaceUnreadableError(
            f"the offset of group {group!r} on commands carries metadata of another program; "
            "reset it with Kafka's own tool, to behind the commands that are carried out"
        )
    return unquote(key, errors="strict"), int(objects or 0)


def _is_behind(key: str, after_key: str | None) -> bool:
    return after_key is None or in_order(key) > in_order(after_key)


class Execution(Protocol):
    """A command being carried out for one source."""

    @property
    def failure(self) -> str | None:
        """Why it ended before its end."""
        ...

    def next_versions(self, *, now: int, most: int) -> list[ObjectVersion]:
        """Give what is to be published next; nothing while that has to be waited for."""
        ...

    def is_done(self) -> bool:
        """Whether nothing comes after what was given."""
        ...

    def stop(self) -> None:
        """Let go of what it holds."""
        ...


class Reconciling:
    """Lets the next listing be a whole one."""

    failure: str | None = None

    def __init__(self, source: SourceDiscovery | None) -> None:
        """Without a source, nothing is done."""
        if source is not None:
            source.want_whole_listing()

    def next_versions(self, *, now: int, most: int) -> list[ObjectVersion]:  # noqa: ARG002 - an execution
        """Nothing: listings bring what they find."""
        return []

    def is_done(self) -> bool:
        """At once."""
        return True

    def stop(self) -> None:
        """Nothing is held."""


class Counting:
    """Counts what a command would publish, and publishes nothing."""

    def __init__(self, order: Order, execution: Execution) -> None:
        self._order = order
        self._execution = execution
        # Nothing says how far an earlier count got.
        order.objects = 0

    @property
    def failure(self) -> str | None:
        """Why it ended before all was counted."""
        return self._execution.failure

    def next_versions(self, *, now: int, most: int) -> list[ObjectVersion]:
        """Nothing, but the count is larger."""
        self._order.objects += len(self._execution.next_versions(now=now, most=most))
        return []

    def is_done(self) -> bool:
        """Whether all is counted."""
        return self._execution.is_done()

    def stop(self) -> None:
        """Let go of what is held."""
        self._execution.stop()


class Retrying:
    """Makes one attempt more at objects that failed: those named, or all that are quarantined."""

    failure: str | None = None

    def __init__(self, order: Order, command: SourceCommand, ledger: Ledger) -> None:
        self._ledger = ledger
        keys = sorted(command.keys or ledger.quarantined_keys(), key=in_order)
        self._keys = deque(key for key in keys if _is_behind(key, order.after_key))

    def next_versions(self, *, now: int, most: int) -> list[ObjectVersion]:
        """Build the attempts."""
        found: list[ObjectVersion] = []
        while self._keys and len(found) < most:
            version = self._ledger.next_attempt(self._keys.popleft(), now=now)
            if version is not None:
                found.append(version)
        return found

    def is_done(self) -> bool:
        """Whether each key was looked at."""
        return not self._keys

    def stop(self) -> None:
        """Nothing is held."""


class Replaying:
    """Lists from one key to another, and pulls each version that is known once more."""

    def __init__(
        self,
        order: Order,
        command: SourceCommand,
        ledger: Ledger,
        *,
        begin: Callable[[str | None], Listing],
        build: Callable[[ListedObject], ObjectVersion],
    ) -> None:
        """`begin` lists from behind a key, `build` makes a version with a pull of its own."""
        self.failure: str | None = None
        self._replay_id = command.command_id
        self._ledger = ledger
        self._begin = begin
        self._build = build
        self._from_key = command.from_key or ""
        self._to_key = command.to_key
        self._start_after = order.after_key or self._from_key[:-1] or None
        self._listing: Listing | None = begin(self._start_after)
        self._listed: deque[ListedObject] = deque()
        self._refusals_in_a_row = 0
        # From when to when the next listing is waited for; the end is 0 where none is.
        self._paused_at = self._not_before = 0

    def next_versions(self, *, now: int, most: int) -> list[ObjectVersion]:
        """Build what the listing brought, up to a key whose last attempt has not ended."""
        found: list[ObjectVersion] = []
        while len(found) < most and (self._listed or self._take(now)):
            listed = self._listed[0]
            if self._is_beyond(listed.key):
                self.stop()
                break
            if self._ledger.is_unfinished(listed.key):
                break
            self._listed.popleft()
            if self._is_wanted(listed):
                found.append(
                    replace(
                        self._build(listed),
                        attempt=1,
                        resume_from=START,
                        replay_id=self._replay_id,
                    )
                )
        return found

    def is_done(self) -> bool:
        """Whether the last key was passed, or the bucket cannot be listed."""
        return self._listing is None and not self._listed and not self._is_pausing()

    def stop(self) -> None:
        """End the listing."""
        if self._listing is not None:
            self._listing.cancel()
        self._listing = None
        self._listed.clear()
        self._not_before = 0

    def _take(self, now: int) -> bool:
        """Take a page with objects, if one has arrived."""
        # A clock that was set back is no reason to wait for it.
        if self._is_pausing() and not self._paused_at <= now < self._not_before:
            self._not_before = 0
            self._listing = self._begin(self._start_after)
        listing = self._listing
        while listing is not None and not self._listed and listing.has_arrived():
            arrived = listing.take()
            if not isinstance(arrived, Page):
                self._end(arrived, now)
                break
            self._refusals_in_a_row = 0
            self._start_after = arrived.read_through
            self._listed.extend(arrived.objects)
        return bool(self._listed)

    def _end(self, end: ObjectStoreRefusedError | ListingFinished, now: int) -> None:
        self._listing = None
        if isinstance(end, ListingFinished):
            return
        self._refusals_in_a_row += 1
        is_passing = end.reason in _PASSING
        most = _REFUSALS_THAT_PASS_IN_A_ROW_MAX if is_passing else _REFUSALS_IN_A_ROW_MAX
        if self._refusals_in_a_row < most:
            pause = _PAUSE_SECONDS << (self._refusals_in_a_row - 1)
            self._paused_at, self._not_before = now, now + pause * _MICROSECONDS
        else:
            self.failure = end.reason.value

    def _is_pausing(self) -> bool:
        return self._not_before > 0

    def _is_beyond(self, key: str) -> bool:
        return self._to_key is not None and in_order(key) > in_order(self._to_key)

    def _is_wanted(self, listed: ListedObject) -> bool:
        is_before = in_order(listed.key) < in_order(self._from_key)
        return not is_before and self._ledger.holds(listed)
