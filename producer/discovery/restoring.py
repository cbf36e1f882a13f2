"""Reading the ledgers of newly owned partitions back from the topics, in a thread beside the loop.

Begun only after the partitions' stable committed offsets were fetched, and read to the high
watermarks as they are then (`producer.kafka.tables` says why). Afterwards the same reader goes on
following the outcomes.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from producer.clock import Clock
from producer.contract.objects import ObjectOutcome, ObjectVersion
from producer.contract.source import SourceCommand
from producer.contract.status import SourceStatus
from producer.discovery.ledger import Ledger
from producer.discovery.orders import Orders
from producer.discovery.retrying import RetryPolicy
from producer.kafka.configuration import Properties
from producer.kafka.member import Owned
from producer.kafka.partitioning import partition_of
from producer.kafka.stages import Committed, Message
from producer.kafka.tables import TableReader, Watermarks, all_partitions, from_beginning


@dataclass(frozen=True, kw_only=True)
class LedgerPlan:
    """What a restoration needs to know, for any partitions."""

    objects: str
    outcomes: str
    source_status: str
    commands: str
    partitions: int
    properties: Properties
    watermarks: Watermarks
    decode_version: Callable[[bytes], ObjectVersion]
    decode_outcome: Callable[[bytes], ObjectOutcome]
    decode_status: Callable[[bytes], SourceStatus]
    decode_command: Callable[[bytes], SourceCommand]
    committed_of_commands: Callable[[Sequence[int]], Mapping[int, Committed]]
    group: str
    clock: Clock
    retry: RetryPolicy
    on_restored: Callable[[int, float], None]


class LedgerTable:
    """The ledgers of the sources of some partitions.

    Its own until `is_restored`, the loop's from then on.
    """

    def __init__(self, plan: LedgerPlan, partitions: Iterable[int]) -> None:
        self.partitions = set(partitions)
        self.ledgers: dict[str, Ledger] = {}
        self.statuses: dict[str, SourceStatus] = {}
        # When an object with lines last finished, by source.
        self.last_events: dict[str, int] = {}
        # What people asked for, by partition.
        self.orders: dict[int, Orders] = {}
        self._plan = plan
        self._is_ours: dict[str, bool] = {}
        self._reader: TableReader | None = None
        self._cancelled = threading.Event()
        self._raised: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="restore-ledger", daemon=True)
        self._thread.start()

    def is_restored(self) -> bool:
        """Whether the ledgers may be decided from; raises what went wrong in the thread."""
        if self._thread.is_alive():
            return False
        if self._raised is not None:
            raise self._raised
        return True

    def ledger(self, source_id: str) -> Ledger:
        """The source's ledger; an empty one where nothing of it was ever published."""
        if source_id not in self.ledgers:
            ledger = self.ledgers[source_id] = Ledger(self._plan.retry)
            ledger.finish_restoring()
        return self.ledgers[source_id]

    def new_outcomes(self) -> list[ObjectOutcome]:
        """Take in outcomes that have arrived; give those that finished an object of ours."""
        if self._reader is None:
            return []
        finished = []
        for message in self._reader.poll():
            if message.topic() == self._plan.commands:
                self._take_order(message)
                continue
            source_id = self._source_id_if_ours(message)
            value = message.value()
            if source_id is None or value is None or message.topic() != self._plan.outcomes:
                continue
            outcome = self._plan.decode_outcome(value)
            self._note_event(outcome)
            if self.ledger(source_id).apply_outcome(outcome):
                finished.append(outcome)
        return finished

    def close(self) -> None:
        """Stop reading."""
        self._cancelled.set()
        self._thread.join()
        if self._reader is not None:
            self._reader.close()

    def _run(self) -> None:
        try:
            self._restore()
        except BaseException as raised:  # noqa: BLE001 - handed to the loop, which raises it
            self._raised = raised

    def _restore(self) -> None:
        plan = self._plan
        began = plan.clock.steady()
        # Outcomes first, so that of an object that was pulled no more than its fingerprint is held
        # at any time.
        reader = self._reader = self._reader_of(
            plan.outcomes, plan.source_status, others=self._starts_of_commands()
        )
        messages = self._read_through(reader)
        # From here on they change only by what this process itself commits.
        reader.pause(plan.source_status)
        last_commands = {
            source_id: status.last_command_id for source_id, status in self.statuses.items()
        }
        for orders in self.orders.values():
            orders.leave_out_ended(last_commands)
        objects = self._reader_of(plan.objects)
        try:
            messages += self._read_through(objects)
        finally:
            objects.close()
        for ledger in self.ledgers.values():
            ledger.finish_restoring()
        if not self._cancelled.is_set():
            plan.on_restored(messages, plan.clock.steady() - began)

    def _starts_of_commands(self) -> dict[Owned, int]:
        """Go on behind the commands that the group is known to have carried out."""
        plan = self._plan
        starts = {}
        for partition, committed in plan.committed_of_commands(sorted(self.partitions)).items():
            self.orders[partition] = Orders(committed, group=plan.group)
            starts[Owned(plan.commands, partition)] = committed.offset
        return starts

    def _reader_of(self, *topics: str, others: dict[Owned, int] | None = None) -> TableReader:
        plan = self._plan
        owned = [
            owned
            for topic in topics
            for owned in all_partitions(topic, partitions=plan.partitions)
        ]
        return TableReader(
            properties=plan.properties,
            watermarks=plan.watermarks.unless(self._cancelled.is_set),
            starts=from_beginning(owned) | (others or {}),
        )

    def _read_through(self, reader: TableReader) -> int:
        messages = 0
        for message in reader.read_to_high_watermark(self._cancelled.is_set):
            self._apply(message)
            messages += 1
        return messages

    def _apply(self, message: Message) -> None:
        if message.topic() == self._plan.commands:
            self._take_order(message)
            return
        source_id = self._source_id_if_ours(message)
        value = message.value()
        if source_id is None or value is None:
            return
        if message.topic() == self._plan.source_status:
            self.statuses[source_id] = self._plan.decode_status(value)
            return
        ledger = self._ledger_to_restore(source_id)
        if message.topic() == self._plan.objects:
            ledger.apply_version(self._plan.decode_version(value))
        else:
            outcome = self._plan.decode_outcome(value)
            self._note_event(outcome)
            ledger.apply_outcome(outcome)

    def _ledger_to_restore(self, source_id: str) -> Ledger:
        if source_id not in self.ledgers:
            self.ledgers[source_id] = Ledger(self._plan.retry)
        return self.ledgers[source_id]

    def _take_order(self, message: Message) -> None:
        # Whatever it is: the offset has to get beyond it.
        value = message.value()
        command = None if value is None else self._plan.decode_command(value)
        self.orders[message.partition()].receive(message.offset(), command)

    def _note_event(self, outcome: ObjectOutcome) -> None:
        if outcome.raw_lines:
            before = self.last_events.get(outcome.source_id, 0)
            self.last_events[outcome.source_id] = max(before, outcome.finished_at)

    def _source_id_if_ours(self, message: Message) -> str | None:
        # A source id holds no slash, so it is what the key has before its first one.
        source_id = (message.key() or b"").split(b"/", 1)[0].decode()
        ours = self._is_ours.get(source_id)
        if ours is None:
            index = partition_of(source_id.encode(), partitions=self._plan.partitions)
            ours = self._is_ours[source_id] = index in self.partitions
        return source_id if ours else None
