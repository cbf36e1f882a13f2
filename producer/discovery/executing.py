"""The commands of one partition, carried out beside what its sources do by themselves.

A command publishes through the versions that its source has pending, like a listing and like
retries: under the same bound on unfinished objects, in the same transactions. It and they take
turns, so that a replay of a whole bucket does not hold up what is new.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from producer.contract.objects import ObjectVersion
from producer.contract.source import (
    SOURCE_DISABLED,
    UNKNOWN_SOURCE,
    CommandKind,
    SourceCommand,
)
from producer.discovery.listing import Listing
from producer.discovery.orders import (
    Counting,
    Execution,
    Order,
    Orders,
    Reconciling,
    Replaying,
    Retrying,
    to_metadata,
)
from producer.discovery.source import LastCommand, SourceDiscovery

# As many as a listing's page brings.
_VERSIONS_AT_ONCE: Final = 1000
# A source may have been created a moment ago, and its command be read before it is.
_MISSING_MICROSECONDS: Final = 10_000_000


class Carried(NamedTuple):
    """What a transaction tells of a partition's commands."""

    offset: int
    metadata: str
    # Versions that are a command's, and commands that have ended.
    published: list[tuple[Order, list[ObjectVersion]]]
    ended: list[Order]


class _Run:
    """A command that is under way."""

    def __init__(self, order: Order, source: SourceDiscovery, execution: Execution) -> None:
        self.order = order
        self.source = source
        self.execution = execution
        # Whether what its source has pending is the command's.
        self.is_publishing = False
        self.had_turn = False


class OrderExecution:
    """Carries out the commands of one partition."""

    def __init__(
        self, orders: Orders, begin_listing: Callable[[SourceDiscovery, str | None], Listing]
    ) -> None:
        self._orders = orders
        self._begin_listing = begin_listing
        self._runs: dict[str, _Run] = {}
        self._over: list[Order] = []
        self._now = 0

    def advance(self, sources: Mapping[str, SourceDiscovery], *, now: int) -> None:
        """Let sources have pending what comes next, where they have nothing pending."""
        self._now = now
        head = self._orders.head
        for order in self._orders.next_of_each_source():
            if not order.is_over and (order is head or _may_pass(order, sources)):
                self._go_on(order, sources)

    @property
    def has_ended(self) -> bool:
        """Whether a command has ended, which is still to be told."""
        return bool(self._over)

    def ended(self) -> dict[str, LastCommand]:
        """Give the commands whose end is to be told, by source."""
        return {
            order.command.source_id: LastCommand(
                order.command.command_id, order.objects, order.failure
            )
            for order in self._over
            if order.command is not None
        }

    def carry(self, publishing: Mapping[str, list[ObjectVersion]]) -> Carried:
        """Say what a transaction tells in which sources publish these."""
        published = [
            (run.order, publishing[source_id])
            for source_id, run in self._runs.items()
            if run.is_publishing and publishing.get(source_id)
        ]
        return Carried(self._orders.offset, self._metadata(published), published, self._over[:])

    def learn(self, carried: Carried) -> None:
        """Take in that what a transaction told is committed."""
        for order, versions in carried.published:
            order.after_key = versions[-1].key
            order.objects += len(versions)
        for order in carried.ended:
            self._stop(order.source_id)
            self._over.remove(order)
        self._orders.told(carried.ended)

    def interrupt(self) -> None:
        """Let go of what is under way: it begins again at the last key that is committed."""
        for source_id in [*self._runs]:
            self._stop(source_id)

    def _metadata(self, published: list[tuple[Order, list[ObjectVersion]]]) -> str:
        head = self._orders.head
        if head is None:
            return ""
        for order, versions in published:
            if order is head:
                return to_metadata(versions[-1].key, order.objects + len(versions))
        return to_metadata(head.after_key, head.objects)

    def _go_on(self, order: Order, sources: Mapping[str, SourceDiscovery]) -> None:
        command = order.command
        source = sources.get(command.source_id) if command is not None else None
        if command is None or source is None:
            self._stop(order.source_id)
            if command is None or self._is_missing_for_good(order):
                self._end(order, UNKNOWN_SOURCE)
        elif source.source.disabled:
            self._end(order, SOURCE_DISABLED)
        else:
            run = self._runs.get(command.source_id)
            if run is None or run.source is not source:
                self._stop(command.source_id)
                run = _Run(order, source, self._begin(order, command, source))
                self._runs[command.source_id] = run
            if not source.pending:
                run.is_publishing = False
                self._take_turn(run)

    def _is_missing_for_good(self, order: Order) -> bool:
        since = order.missing_since
        if since is None or self._now < since:
            # A clock that was set back is no reason to wait for it.
            order.missing_since = self._now
            return False
        return self._now >= since + _MISSING_MICROSECONDS

    def _begin(self, order: Order, command: SourceCommand, source: SourceDiscovery) -> Execution:
        if command.kind is CommandKind.RECONCILE:
            return Reconciling(None if command.dry_run else source)
        execution: Execution
        if command.kind is CommandKind.RETRY:
            execution = Retrying(order, command, source.ledger)
        else:
            execution = Replaying(
                order,
                command,
                source.ledger,
                begin=lambda start_after: self._begin_listing(source, start_after),
                build=lambda listed: source.new_version(listed, now=self._now),
            )
        return Counting(order, execution) if command.dry_run else execution

    def _take_turn(self, run: _Run) -> None:
        run.had_turn = not run.had_turn
        if not run.had_turn:
            return
        versions = run.execution.next_versions(now=self._now, most=_VERSIONS_AT_ONCE)
        run.source.pending.extend(versions)
        run.is_publishing = bool(versions)
        if not versions and run.execution.is_done():
            self._end(run.order, run.execution.failure)

    def _end(self, order: Order, failure: str | None) -> None:
        order.is_over, order.failure = True, failure
        self._over.append(order)

    def _stop(self, source_id: str | None) -> None:
        run = self._runs.pop(source_id, None) if source_id is not None else None
        if run is not None:
            run.execution.stop()


def _may_pass(order: Order, sources: Mapping[str, SourceDiscovery]) -> bool:
    """Whether a command may be carried out beside the head.

    Its source is one whose status remembers it, and to repeat it does no harm.
    """
    command = order.command
    return (
        command is not None
        and command.kind is not CommandKind.REPLAY
        and command.source_id in sources
    )
