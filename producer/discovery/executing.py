"""The commands of one partition, carried out beside what its sources do by themselves.

A command publishes through the versions that its source has pending, like a listing and like
retries: under the same bound on unfinished objects, in the same transactions. It and they take
turns, so that a replay of a whole bucket does not hold up what is new.
"""

from collections.abc import Callable, Mapping, Sequence

from producer.contract.objects import ObjectVersion
from producer.contract.source import CommandKind, SourceCommand
from producer.discovery.listing import Listing
from producer.discovery.orders import (
    Execution,
    Order,
    Orders,
    Reconciling,
    Replaying,
    Retrying,
    to_metadata,
)
from producer.discovery.source import SourceDiscovery

# As many as a listing's page brings.
_VERSIONS_AT_ONCE = 1000
UNKNOWN_SOURCE = "unknown_source"
SOURCE_DISABLED = "source_disabled"


class OrderExecution:
    """Carries out the commands of one partition, one after the other."""

    def __init__(
        self, orders: Orders, begin_listing: Callable[[SourceDiscovery, str | None], Listing]
    ) -> None:
        self._orders = orders
        self._begin_listing = begin_listing
        self._execution: Execution | None = None
        self._source: SourceDiscovery | None = None
        self._failure: str | None = None
        # Whether what its source has pending is the command's.
        self._is_publishing = False
        self._had_turn = False
        self._now = 0
        # The head is carried out; its offset is still to be moved on.
        self.is_done = False
        self.published = 0

    def advance(self, sources: Mapping[str, SourceDiscovery], *, now: int) -> None:
        """Let the head's source have pending what comes next, where it has nothing pending."""
        order = self._orders.head
        if order is None or self.is_done:
            return
        self._now = now
        source = self._source_of(order, sources)
        if source is None or order.command is None:
            self.is_done = True
            return
        if self._execution is None or self._source is not source:
            self.interrupt()
            self._source = source
            self._execution = self._begin(order, order.command, source)
        if not source.pending:
            self._is_publishing = False
            self._take_turn(source)

    def __len__(self) -> int:
        """How many commands wait, with the one that is carried out."""
        return len(self._orders)

    @property
    def source_id(self) -> str | None:
        """The source that has versions pending for the head."""
        return None if self._source is None else self._source.source.id

    def are_ours(self, versions: Sequence[ObjectVersion]) -> bool:
        """Whether the head's source publishes these for it."""
        return self._is_publishing and bool(versions)

    def place(self, versions: Sequence[ObjectVersion]) -> str:
        """Give the metadata for the offset, where the head's source publishes these."""
        order = self._orders.head
        if order is None or self.is_done:
            return ""
        return to_metadata(versions[-1].key if self.are_ours(versions) else order.after_key)

    @property
    def offset(self) -> int:
        """The offset to be committed now: of the head, or behind it once it is carried out."""
        order = self._orders.head
        if order is None:
            return self._orders.position
        return order.offset + self.is_done

    def learn_published(self, versions: list[ObjectVersion]) -> None:
        """Take in that versions of the head's are committed, with how far it got."""
        order = self._orders.head
        assert order is not None
        order.after_key = versions[-1].key
        self.published += len(versions)

    def learn_done(self) -> tuple[SourceCommand | None, int, str | None]:
        """Take in that the head's end is committed; give it, what it published, its failure."""
        order = self._orders.head
        assert order is not None
        told = (order.command, self.published, self._failure)
        self._orders.done()
        self.interrupt()
        self._failure, self.published, self.is_done = None, 0, False
        return told

    def interrupt(self) -> None:
        """Let go of what is under way: it begins again at the last key that is committed."""
        if self._execution is not None:
            self._execution.stop()
        self._execution, self._source, self._is_publishing = None, None, False

    def _source_of(
        self, order: Order, sources: Mapping[str, SourceDiscovery]
    ) -> SourceDiscovery | None:
        source = sources.get(order.command.source_id) if order.command else None
        if source is None:
            self._failure = UNKNOWN_SOURCE
        elif source.source.disabled:
            self._failure = SOURCE_DISABLED
            return None
        return source

    def _begin(self, order: Order, command: SourceCommand, source: SourceDiscovery) -> Execution:
        if command.kind is CommandKind.RETRY:
            return Retrying(order, command, source.ledger)
        if command.kind is CommandKind.RECONCILE:
            return Reconciling(source)
        return Replaying(
            order,
            command,
            source.ledger,
            begin=lambda start_after: self._begin_listing(source, start_after),
            build=lambda listed: source.new_version(listed, now=self._now),
        )

    def _take_turn(self, source: SourceDiscovery) -> None:
        self._had_turn = not self._had_turn
        if not self._had_turn:
            return
        assert self._execution is not None
        versions = self._execution.next_versions(now=self._now, most=_VERSIONS_AT_ONCE)
        source.pending.extend(versions)
        self._is_publishing = bool(versions)
        if not versions and self._execution.is_done():
            self._failure = self._execution.failure
            self.is_done = True
