"""A process: the real loop over the real stages; its group and its broker are in memory."""

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, cast

import msgspec

from producer.contract.objects import ObjectOutcome, ObjectVersion
from producer.contract.source import IngestionSource, SourceCommand
from producer.contract.status import SourceStatus
from producer.discovery.position import PositionPolicy
from producer.discovery.restoring import LedgerPlan
from producer.discovery.retrying import RetryPolicy
from producer.discovery.source import SourceDiscovery
from producer.discovery.stage import DiscoveryPlan, DiscoveryStage
from producer.kafka.loop import TransactionalLoop
from producer.kafka.member import Owned, Polled
from producer.kafka.stages import Committed, Stage
from producer.kafka.tables import ModelTable
from producer.kafka.transactions import Transaction, TransactionResult
from producer.puller.pulling import PullingPlan
from producer.puller.stage import PullerCodecs, PullerStage, PullerTopics
from tests.model.broker import (
    COMMANDS,
    DEAD_LETTERS,
    OBJECTS,
    OUTCOMES,
    PARTITIONS,
    RAW,
    SOURCES,
    STATUS,
    Broker,
    Landed,
    open_table_reader,
)
from tests.model.bucket import Bucket
from tests.model.contents import LIMITS
from tests.model.settling import SettledListing, SettledPuller
from tests.support.stages import FakeClock, RecordingTransaction
from tests.unit.kafka.loops import QuietObserver

if TYPE_CHECKING:
    from confluent_kafka import Message as KafkaMessage

    from producer.kafka.membership import Membership
    from producer.kafka.transactions import TransactionalPublisher

IN_FLIGHT_MAX = 2
RECONCILE_SECONDS = 10_800
_BATCH_MESSAGES = 3
_STEP_SECONDS = 0.25


class Fate(StrEnum):
    """What becomes of a transaction, and of the process that commits it."""

    COMMITTED = "committed"
    ABORTED = "aborted"
    LANDED_UNKNOWN = "landed, and its process does not know"
    LOST_UNKNOWN = "lost, and its process does not know"
    LANDED_CRASH = "landed, and its process died"
    LOST_CRASH = "lost, and its process died"


LANDS = frozenset({Fate.COMMITTED, Fate.LANDED_UNKNOWN, Fate.LANDED_CRASH})
_RESULTS = {
    Fate.COMMITTED: TransactionResult.COMMITTED,
    Fate.ABORTED: TransactionResult.ABORTED,
    Fate.LANDED_UNKNOWN: TransactionResult.UNKNOWN,
    Fate.LOST_UNKNOWN: TransactionResult.UNKNOWN,
}


class ProcessCrashedError(Exception):
    """The process is no more."""


class RawSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A raw record, as the model spells it."""

    source_id: str
    key: str
    etag: str
    pull_id: str
    replay_id: str | None
    line_number: int
    line: bytes


@dataclass(kw_only=True)
class Surroundings:
    """What processes share."""

    broker: Broker
    bucket: Bucket
    clock: FakeClock
    on_landed: Callable[[Landed, dict[str, SourceDiscovery]], None]
    ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def new_id(self) -> str:
        """Give an id that no process was given."""
        return f"pull-{next(self.ids)}"


class Process:
    """One process, until it crashes or is thrown away."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings
        self.sources = ModelTable(
            open_table_reader(
                properties={},
                watermarks=surroundings.broker,
                starts={Owned(SOURCES, index): 0 for index in range(PARTITIONS)},
            ).as_reader(),
            msgspec.json.Decoder(IngestionSource).decode,
        )
        self.sources.restore()
        self.discovery = _discovery(surroundings, self.sources)
        self.puller = _puller(surroundings, self.sources)
        self.membership = _Membership(surroundings.broker)
        self.publisher = _Publisher(self)
        self._loop = TransactionalLoop(
            membership=cast("Membership", self.membership),
            publisher=cast("TransactionalPublisher", self.publisher),
            stages=cast("list[Stage]", [self.discovery, self.puller]),
            clock=surroundings.clock,
            observer=QuietObserver(),
            batch_messages_max=_BATCH_MESSAGES,
        )

    def step(self) -> None:
        """Let the loop go once round, a moment later; then threads stand still."""
        self.surroundings.clock.pass_time(_STEP_SECONDS)
        self._loop.step()
        self._settle()

    def source_discoveries(self) -> dict[str, SourceDiscovery]:
        """What it looks after."""
        return {each.source.id: each for each in self.discovery._owned()}

    def throw_away(self) -> None:
        """End its threads. It commits nothing more."""
        for stage in (self.discovery, self.puller):
            for partition in list(stage._partitions):
                stage.release(partition)

    def _settle(self) -> None:
        for held in self.puller._partitions.values():
            assert isinstance(held.puller, SettledPuller)
            held.puller.settle()
        for source in self.discovery._owned():
            if isinstance(source.listing, SettledListing):
                source.listing.settle()
        for partition in self.discovery._partitions.values():
            for run in partition.orders._runs.values() if partition.orders else ():
                listing = getattr(run.execution, "_listing", None)
                if isinstance(listing, SettledListing):
                    listing.settle()


class _Membership:
    """The process in its group."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._gained: list[Owned] = []
        self._lost: list[Owned] = []
        self._positions: dict[Owned, int] = {}
        self._paused: set[Owned] = set()
        self.assigned: set[Owned] = set()

    def give(self, owned: Owned) -> None:
        """Let the process have a partition from the next poll on."""
        self.assigned.add(owned)
        self._gained.append(owned)

    def take(self, owned: Owned) -> None:
        """Let the process lose a partition at the next poll."""
        self.assigned.discard(owned)
        if owned in self._gained:
            self._gained.remove(owned)
        else:
            self._lost.append(owned)

    def poll(self, *, messages_max: int, timeout_seconds: float) -> Polled:
        """Bring some messages of each partition that is not paused."""
        del timeout_seconds
        polled = Polled({}, {}, self._gained, self._lost)
        self._gained, self._lost = [], []
        for owned in polled.lost:
            self._positions.pop(owned, None)
        for owned, position in self._positions.items():
            if owned in self._paused:
                continue
            messages = self._broker.from_offset(owned, position)[:messages_max]
            if messages:
                polled.messages[owned] = cast("list[KafkaMessage]", messages)
                self._positions[owned] = messages[-1].offset_number + 1
            else:
                polled.ends[owned] = self._positions[owned] = self._broker.ends[owned]
        return polled

    def fetch_committed(
        self, partitions: Iterable[Owned], *, timeout_seconds: float
    ) -> dict[Owned, Committed]:
        """Give the offsets; no transaction is pending between two steps."""
        del timeout_seconds
        return {owned: self._broker.committed(owned) for owned in partitions}

    def start(self, owned: Owned, offset: int) -> bool:
        """Deliver from an offset."""
        self._positions[owned] = offset
        self._paused.discard(owned)
        return True

    def pause(self, partitions: Iterable[Owned]) -> None:
        """Deliver no more."""
        self._paused.update(partitions)

    def resume(self, partitions: Iterable[Owned]) -> None:
        """Deliver again."""
        self._paused.difference_update(partitions)

    def metadata(self, topic: str) -> str:
        """Give what is opaque."""
        return topic


class _Publisher:
    """The process's transactions, each with the fate that is next."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.next_fate = Fate.COMMITTED
        self.is_usable = False

    def serve(self) -> None:
        """Nothing is held."""

    def prepare(self) -> None:
        """Begin anew."""
        self.is_usable = True

    def transact(
        self,
        contribute: Callable[[Transaction], None],
        group_metadata: Callable[[str], Any],
    ) -> tuple[TransactionResult, Transaction]:
        """Run one transaction."""
        del group_metadata
        surroundings = self._process.surroundings
        assert self.is_usable
        transaction = RecordingTransaction()
        contribute(transaction)
        assigned = self._process.membership.assigned
        assert assigned.issuperset(Owned(*each) for each in transaction.offsets)
        fate, self.next_fate = self.next_fate, Fate.COMMITTED
        if fate in LANDS:
            landed = surroundings.broker.land(transaction)
            surroundings.on_landed(landed, self._process.source_discoveries())
        else:
            surroundings.broker.drop(transaction)
        if fate not in _RESULTS:
            raise ProcessCrashedError
        self.is_usable = fate is Fate.COMMITTED
        return _RESULTS[fate], transaction


def encode_raw(
    source: IngestionSource, version: ObjectVersion, _: int, lines: list[tuple[int, bytes]]
) -> list[bytes]:
    """Spell raw records."""
    return [
        msgspec.json.encode(
            RawSeen(
                source_id=source.id,
                key=version.key,
                etag=version.etag,
                pull_id=version.pull_id,
                replay_id=version.replay_id,
                line_number=number,
                line=line,
            )
        )
        for number, line in lines
    ]


def _committed_of_commands(broker: Broker) -> Callable[..., dict[int, Committed]]:
    return lambda partitions: {
        partition: broker.committed(Owned(COMMANDS, partition)) for partition in partitions
    }


def _discovery(surroundings: Surroundings, sources: ModelTable[IngestionSource]) -> DiscoveryStage:
    return DiscoveryStage(
        DiscoveryPlan(
            sources_topic=SOURCES,
            ledger=LedgerPlan(
                objects=OBJECTS,
                outcomes=OUTCOMES,
                source_status=STATUS,
                commands=COMMANDS,
                partitions=PARTITIONS,
                properties={},
                watermarks=surroundings.broker.as_watermarks(),
                decode_version=msgspec.json.Decoder(ObjectVersion).decode,
                decode_outcome=msgspec.json.Decoder(ObjectOutcome).decode,
                decode_status=msgspec.json.Decoder(SourceStatus).decode,
                decode_command=msgspec.json.Decoder(SourceCommand).decode,
                committed_of_commands=_committed_of_commands(surroundings.broker),
                group="puller",
                clock=surroundings.clock,
                retry=RetryPolicy(first_seconds=60, longest_seconds=3600),
                on_restored=lambda *_: None,
            ),
            sources=sources,
            store=surroundings.bucket,
            encode_version=msgspec.json.encode,
            encode_status=msgspec.json.encode,
            objects_in_flight_max=IN_FLIGHT_MAX,
            listers=2,
            position=PositionPolicy(
                lookback_seconds=7200, reconcile_seconds=RECONCILE_SECONDS, small_objects=0
            ),
            new_id=surroundings.new_id,
            clock=surroundings.clock,
        ),
        on_published=lambda _: None,
        on_listed=lambda *_: None,
        on_carried_out=lambda *_: None,
    )


def _puller(surroundings: Surroundings, sources: ModelTable[IngestionSource]) -> PullerStage:
    return PullerStage(
        topics=PullerTopics(
            objects=OBJECTS, raw=RAW, outcomes=OUTCOMES, dead_letters=DEAD_LETTERS
        ),
        codecs=PullerCodecs(
            decode_version=msgspec.json.Decoder(ObjectVersion).decode,
            encode_outcome=msgspec.json.encode,
            encode_dead_letter=msgspec.json.encode,
        ),
        plan=PullingPlan(
            store=surroundings.bucket,
            source_of=sources.get,
            encode=encode_raw,
            limits=LIMITS,
            clock=surroundings.clock,
            processor="test/1",
        ),
        clock=surroundings.clock,
        on_committed=lambda _: None,
    )
