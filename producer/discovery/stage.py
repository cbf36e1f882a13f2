"""Discovery as a stage of the loop."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from msgspec.structs import replace

from producer.clock import Clock
from producer.contract.names import object_message_key
from producer.contract.objects import ObjectOutcome, ObjectVersion
from producer.contract.source import IngestionSource, SourceCommand
from producer.contract.status import SourceStatus
from producer.discovery.executing import Carried, OrderExecution
from producer.discovery.listing import Listing
from producer.discovery.places import Places
from producer.discovery.position import PositionPolicy
from producer.discovery.restoring import LedgerPlan, LedgerTable
from producer.discovery.source import LastCommand, Listed, SourceDiscovery
from producer.kafka.partitioning import partition_of
from producer.kafka.stages import Committed, Message
from producer.kafka.tables import ModelTable
from producer.kafka.transactions import Transaction
from producer.s3.object_store import ObjectStore, ObjectStoreRefusedError

# A status that only counts is not worth more than one message in this time.
_STATUS_SECONDS = 1.0
# Far below any retention of committed offsets.
_RENEWAL_SECONDS = 3600.0


@dataclass(frozen=True, kw_only=True)
class DiscoveryPlan:
    """What discovery needs to know and to reach."""

    sources_topic: str
    ledger: LedgerPlan
    sources: ModelTable[IngestionSource]
    store: ObjectStore
    encode_version: Callable[[ObjectVersion], bytes]
    encode_status: Callable[[SourceStatus], bytes]
    objects_in_flight_max: int
    listers: int
    position: PositionPolicy
    new_id: Callable[[], str]
    clock: Clock


@dataclass(kw_only=True)
class _Partition:
    """What is held for one partition of `sources` between `acquire` and `release`."""

    position: int
    is_position_due: bool = False
    # When the lease is renewed at the latest, whatever happens: steady seconds.
    renew_at: float = 0.0
    table: LedgerTable | None = None
    sources: dict[str, SourceDiscovery] | None = None
    orders: OrderExecution | None = None
    # What the open transaction tells of the partition's commands.
    carried: Carried | None = None


class DiscoveryStage:
    """Lists the sources of owned partitions, publishes versions that the ledger does not hold."""

    def __init__(
        self,
        plan: DiscoveryPlan,
        *,
        on_published: Callable[[Sequence[ObjectVersion]], None],
        on_listed: Callable[[str, Listed], None],
        on_carried_out: Callable[[SourceCommand | None, int, str | None], None],
    ) -> None:
        self.topic = plan.sources_topic
        self._plan = plan
        self._on_published = on_published
        self._on_listed = on_listed
        self._on_carried_out = on_carried_out
        self._places = Places(plan.listers, plan.clock)
        self._partitions: dict[int, _Partition] = {}
        # What the open transaction holds; learnt only once it is committed.
        self._publishing: dict[str, list[ObjectVersion]] = {}
        self._telling: dict[str, SourceStatus] = {}
        self._status_at = 0.0
        self._is_status_time = False

    def acquire(self, partition: int, committed: Committed) -> None:
        """Begin to own a partition.

        Its ledger is restored together with those acquired in the same step.
        """
        self._partitions[partition] = _Partition(position=committed.offset)

    def is_ready(self, partition: int) -> bool:
        """Whether the ledger is restored."""
        held = self._partitions[partition]
        if held.table is None:
            self._restore_waiting()
        assert held.table is not None
        return held.table.is_restored()

    def receive(self, partition: int, messages: Sequence[Message]) -> None:
        """Note how far the partition is read.

        Its content is taken from the table, its offset is the lease.
        """
        held = self._partitions[partition]
        held.position = messages[-1].offset() + 1
        held.is_position_due = True

    def wants_more(self, partition: int) -> bool:
        """Always."""
        del partition
        return True

    def is_drained(self, partition: int) -> bool:
        """Whether the offset stands at what was read."""
        return not self._partitions[partition].is_position_due

    def tick(self) -> None:
        """Take in what sources, listings and outcomes brought; begin what is due."""
        has_changed = self._plan.sources.refresh()
        now = self._plan.clock.now()
        for partition, held in self._partitions.items():
            if held.table is not None and held.table.is_restored():
                if has_changed or held.sources is None:
                    self._match_sources(partition, held)
                self._look_after(held, now)
                self._renew_in_time(held)

    def has_work(self) -> bool:
        """Whether versions or statuses may be published, or the lease's offset moved."""
        return any(
            held.is_position_due or (held.orders is not None and held.orders.has_ended)
            for held in self._partitions.values()
        ) or any(
            self._publishable(source) or self._is_status_due(source) for source in self._owned()
        )

    def contribute(self, transaction: Transaction) -> None:
        """Publish versions within each source's bound, and statuses.

        Renew the lease that allows it.
        """
        self._publishing, self._telling = {}, {}
        self._is_status_time = self._plan.clock.steady() >= self._status_at
        for partition, held in self._partitions.items():
            held.carried = None
            ended = {} if held.orders is None else held.orders.ended()
            is_touched = held.is_position_due or (
                held.orders is not None and held.orders.has_ended
            )
            for source_id, source in (held.sources or {}).items():
                is_touched |= self._publish(transaction, source, ended.pop(source_id, None))
            if held.table is not None:
                self._tell_of_missing(transaction, partition, held.table, ended=ended)
            if is_touched:
                transaction.advance(self.topic, partition, offset=held.position)
                self._carry_orders(transaction, partition, held)

    def committed(self) -> None:
        """Take the published versions into the ledgers."""
        for held in self._partitions.values():
            held.is_position_due = False
            for source_id, source in (held.sources or {}).items():
                self._learn(source_id, source)
            if held.table is not None:
                held.table.statuses.update(self._telling)
            self._learn_orders(held)
        if self._telling and self._is_status_time:
            self._status_at = self._plan.clock.steady() + _STATUS_SECONDS
        self._publishing, self._telling = {}, {}

    def release(self, partition: int) -> None:
        """Throw away what listings of this assignment bring from now on."""
        held = self._partitions.pop(partition)
        if held.orders is not None:
            held.orders.interrupt()
        for source in (held.sources or {}).values():
            source.stop_listing()
        table = held.table
        if table is not None:
            table.partitions.discard(partition)
            if not table.partitions:
                table.close()

    def close(self) -> None:
        """Nothing is held for no partition."""

    def unlisted(self) -> list[str]:
        """Name the owned, enabled sources that were not listed once since they were acquired."""
        return [
            source.source.id
            for source in self._owned()
            if not source.source.disabled and not source.is_listed_once
        ]

    def owns(self, source_id: str) -> bool:
        """Whether this process looks after a source now."""
        return any(source_id in (held.sources or {}) for held in self._partitions.values())

    def waiting(self) -> int:
        """How many versions of owned sources are not published, or not finished."""
        return sum(
            len(source.pending) + source.ledger.unfinished_count for source in self._owned()
        )

    def has_untold(self) -> bool:
        """Whether a status waits to be published: counts alone are told once a second."""
        return any(source.is_status_due for source in self._owned())

    def problems(self) -> Mapping[str, ObjectStoreRefusedError]:
        """The refusals that ended the last listings of owned sources."""
        return {
            source.source.id: source.refusal
            for source in self._owned()
            if source.refusal is not None and not source.source.disabled
        }

    def retries_later(self) -> Mapping[str, list[tuple[str, int]]]:
        """The objects of owned sources that will be tried again later, and when."""
        return {source.source.id: source.retries_later() for source in self._owned()}

    def _renew_in_time(self, held: _Partition) -> None:
        """Let the offsets be committed now and then, though nothing moves them.

        No member consumes `commands`, so brokers let the group's offset there expire, after a week
        by default, however alive the group is. And one that lay behind expired commands goes on.
        """
        if self._plan.clock.steady() >= held.renew_at:
            held.renew_at = self._plan.clock.steady() + _RENEWAL_SECONDS
            held.is_position_due = True

    def _restore_waiting(self) -> None:
        waiting = [index for index, held in self._partitions.items() if held.table is None]
        table = LedgerTable(self._plan.ledger, waiting)
        for index in waiting:
            self._partitions[index].table = table

    def _look_after(self, held: _Partition, now: int) -> None:
        assert held.table is not None
        assert held.sources is not None
        for outcome in held.table.new_outcomes():
            self._learn_outcome(outcome)
        assert held.orders is not None
        held.orders.advance(held.sources, now=now)
        for source in held.sources.values():
            # Retries first, once a second: in a long listing there is always a page to be taken.
            source.collect_retries(now=now)
            listed = source.advance_listing(now=now)
            if listed is not None:
                self._on_listed(source.source.id, listed)
            if source.is_listing_due(now):
                source.begin_listing(partial(self._list, source), now=now)

    def _list(self, source: SourceDiscovery, start_after: str | None) -> Listing:
        return Listing(self._plan.store, source.source, self._places, start_after=start_after)

    def _match_sources(self, partition: int, held: _Partition) -> None:
        """Let what is looked after be what the table of sources says.

        A changed source starts anew.
        """
        assert held.table is not None
        if held.sources is None:
            held.sources = {}
            held.orders = OrderExecution(held.table.orders[partition], self._list)
        wanted = {
            source.id: source
            for source in self._plan.sources.values()
            if self._partition_of(source.id.encode()) == partition
        }
        for source_id in [*held.sources]:
            if held.sources[source_id].source != wanted.get(source_id):
                held.sources.pop(source_id).stop_listing()
        for source_id, source in wanted.items():
            if source_id not in held.sources:
                held.sources[source_id] = SourceDiscovery(
                    source,
                    ledger=held.table.ledger(source_id),
                    previous=held.table.statuses.get(source_id),
                    last_event_at=held.table.last_events.get(source_id),
                    policy=self._plan.position,
                    new_id=self._plan.new_id,
                )

    def _carry_orders(self, transaction: Transaction, partition: int, held: _Partition) -> None:
        """Let the group's offset on commands say how far they are carried out."""
        if held.orders is not None:
            held.carried = held.orders.carry(self._publishing)
            transaction.carry(
                self._plan.ledger.commands,
                partition,
                offset=held.carried.offset,
                metadata=held.carried.metadata,
                under=self.topic,
            )

    def _learn_orders(self, held: _Partition) -> None:
        carried, held.carried = held.carried, None
        if held.orders is None or carried is None:
            return
        told = held.orders.ended()
        held.orders.learn(carried)
        for order in carried.ended:
            self._on_carried_out(order.command, order.objects, order.failure)
            source = (held.sources or {}).get(order.source_id or "")
            if source is not None and source.source.id in told:
                source.last_command = told[source.source.id]

    def _learn(self, source_id: str, source: SourceDiscovery) -> None:
        """Learn what the transaction told of one source."""
        if source_id in self._telling:
            source.is_status_due = False
        versions = self._publishing.get(source_id)
        if versions:
            source.learn_published(versions)
            self._on_published(versions)

    def _learn_outcome(self, outcome: ObjectOutcome) -> None:
        for held in self._partitions.values():
            source = (held.sources or {}).get(outcome.source_id)
            if source is not None:
                source.learn_outcome(outcome)

    def _publishable(self, source: SourceDiscovery) -> int:
        """How many pending versions the source's bound on unfinished objects lets through."""
        room = self._plan.objects_in_flight_max - source.ledger.unfinished_count
        return max(0, min(room, len(source.pending)))

    def _is_status_due(self, source: SourceDiscovery) -> bool:
        return source.is_status_due and self._plan.clock.steady() >= self._status_at

    def _publish(
        self, transaction: Transaction, source: SourceDiscovery, ended: LastCommand | None
    ) -> bool:
        versions = [source.pending[index] for index in range(self._publishable(source))]
        for version in versions:
            key = object_message_key(source_id=version.source_id, key=version.key).encode()
            transaction.publish(
                topic=self._plan.ledger.objects,
                key=key,
                value=self._plan.encode_version(version),
                partition=self._partition_of(key),
            )
        if versions:
            self._publishing[source.source.id] = versions
        # What counts versions travels with them, or a crash would leave them uncounted; and the
        # end of a command with its offset, or nobody could tell how it ended.
        is_telling = (
            bool(versions) or ended is not None or (source.is_status_due and self._is_status_time)
        )
        if is_telling:
            now = self._plan.clock.now()
            self._tell(transaction, source.status(now=now, publishing=versions, ended=ended))
        return is_telling

    def _tell_of_missing(
        self,
        transaction: Transaction,
        partition: int,
        table: LedgerTable,
        *,
        ended: Mapping[str, LastCommand],
    ) -> None:
        """Tell how commands ended whose source is no more, where it has a status."""
        for source_id, command in ended.items():
            told = table.statuses.get(source_id)
            if told is not None and self._partition_of(source_id.encode()) == partition:
                status = replace(
                    told,
                    last_command_id=command.command_id,
                    last_command_objects=command.objects,
                    last_command_failure=command.failure,
                    updated_at=self._plan.clock.now(),
                )
                self._tell(transaction, status)

    def _tell(self, transaction: Transaction, status: SourceStatus) -> None:
        key = status.source_id.encode()
        transaction.publish(
            topic=self._plan.ledger.source_status,
            key=key,
            value=self._plan.encode_status(status),
            partition=self._partition_of(key),
        )
        self._telling[status.source_id] = status

    def _partition_of(self, key: bytes) -> int:
        return partition_of(key, partitions=self._plan.ledger.partitions)

    def _owned(self) -> list[SourceDiscovery]:
        return [
            source
            for held in self._partitions.values()
            for source in (held.sources or {}).values()
        ]
