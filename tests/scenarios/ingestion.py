"""Discovery and puller together, without a broker: what a bucket holds, and what reaches raw.

Both stages are the real ones, over topics that are kept here and outlive them: a process that is
restarted decides from what is committed, as it would on a broker. Time passes when it is told to.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

import msgspec

from producer.contract.dead_letter import DeadLetter
from producer.contract.objects import ObjectOutcome, ObjectVersion
from producer.contract.source import IngestionSource
from producer.contract.status import SourceStatus
from producer.discovery.position import SMALL_OBJECTS, PositionPolicy
from producer.discovery.source import Listed
from producer.discovery.stage import DiscoveryPlan, DiscoveryStage
from producer.kafka.partitioning import partition_of
from producer.kafka.stages import Committed
from producer.kafka.tables import ModelTable
from producer.puller.limits import Limits
from producer.puller.pulling import PullingPlan
from producer.puller.stage import PullerCodecs, PullerStage, PullerTopics
from producer.s3.object_store import ObjectStore
from tests.support.stages import (
    FROM_THE_START,
    FakeClock,
    FakeMessage,
    RecordingTransaction,
    ScriptedReader,
    numbered_ids,
    transact,
)
from tests.support.waiting import eventually
from tests.unit.discovery.tables import (
    OBJECTS,
    OUTCOMES,
    PARTITIONS,
    STATUS,
    ScriptedTopics,
    a_ledger_plan,
)

T = TypeVar("T")

SOURCES, RAW, DEAD_LETTERS = "sources", "raw", "dead-letters"
# How often a source is listed, unless it says otherwise.
POLL_SECONDS = 60
# Longer than any pause between two listings of a source.
LONG_SECONDS = 900
# Every listing of a prefix of some objects is a whole one; here a short cut is always made.
ALWAYS_SHORT = 0


class RawRecord(NamedTuple):
    """A line as it lies in raw."""

    source_id: str
    key: str
    etag: str
    number: int
    line: bytes


class Kept:
    """What is committed: it is there after a restart."""

    def __init__(self) -> None:
        self.objects: list[list[FakeMessage]] = [[] for _ in range(PARTITIONS)]
        self.offsets = dict.fromkeys(range(PARTITIONS), FROM_THE_START)
        self.sources: dict[str, IngestionSource] = {}
        self.raw: list[RawRecord] = []
        self.outcomes: list[ObjectOutcome] = []
        self.letters: list[DeadLetter] = []
        self.statuses: dict[str, SourceStatus] = {}
        self.statuses_told = 0


class Ingestion:
    """One process that lists and pulls, and the hand that the loop would lay on it."""

    def __init__(
        self,
        topics: ScriptedTopics,
        store: ObjectStore,
        *,
        small_objects: int = SMALL_OBJECTS,
        in_flight_max: int = 1000,
        limits: Limits | None = None,
    ) -> None:
        self.clock = FakeClock()
        self.kept = Kept()
        self.listed: Counter[str] = Counter()
        self.late: Counter[str] = Counter()
        self._topics = topics
        self._store = store
        self._small_objects = small_objects
        self._in_flight_max = in_flight_max
        self._limits = limits or Limits()
        self._new_id = numbered_ids("pull")
        self._start()

    def time(self, *, seconds: float = 0) -> datetime:
        """What the clock shows, or will after some seconds."""
        return datetime.fromtimestamp(self.clock.now() // 1_000_000 + seconds, UTC)

    def apply(self, *sources: IngestionSource) -> None:
        """Add sources, or change them."""
        for source in sources:
            self.kept.sources[source.id] = source
            self._bring(source.id, msgspec.json.encode(source))

    def remove(self, source_id: str) -> None:
        """Remove a source."""
        del self.kept.sources[source_id]
        self._bring(source_id, None)

    def restart(self) -> None:
        """Let the process be killed, and another one begin with what is committed."""
        self.stop()
        self._start()
        self.apply(*self.kept.sources.values())

    def stop(self) -> None:
        """Take all partitions away."""
        for partition in range(PARTITIONS):
            self.discovery.release(partition)
            self.puller.release(partition)

    def step(self) -> None:
        """Let each stage look around, and run the transaction that is due."""
        self.discovery.tick()
        if self.discovery.has_work():
            self._keep_discovered(transact(self.discovery))
        self.puller.tick()
        if self.puller.has_work():
            self._keep_pulled(transact(self.puller))

    def ingest(self, *, after_seconds: float = POLL_SECONDS) -> list[ObjectOutcome]:
        """Let each source be listed once more, and pull what that brings; give the outcomes."""
        self.clock.pass_time(after_seconds)
        known = len(self.kept.outcomes)
        wanted = {
            source.id: self.listed[source.id] + 1
            for source in self.kept.sources.values()
            if not source.disabled
        }

        def is_done() -> bool:
            self.step()
            return self.is_idle() and all(self.listed[each] >= wanted[each] for each in wanted)

        eventually(is_done, every_seconds=0.002)
        # What only counts is told once a second.
        self.clock.pass_time(1)
        self.step()
        return self.kept.outcomes[known:]

    def pull_rest(self) -> list[ObjectOutcome]:
        """Pull what is wanted by now, whoever wants it; give the outcomes."""
        known = len(self.kept.outcomes)

        def is_done() -> bool:
            self.step()
            return self.is_idle()

        eventually(is_done, every_seconds=0.002)
        return self.kept.outcomes[known:]

    def is_idle(self) -> bool:
        """Whether nothing waits to be published or pulled."""
        return not self.discovery.waiting() and all(
            self.puller.is_drained(partition) for partition in range(PARTITIONS)
        )

    def status(self, source_id: str) -> SourceStatus:
        """What was told of a source last."""
        return self.kept.statuses[source_id]

    def lines(self, source_id: str | None = None) -> Counter[tuple[str, bytes]]:
        """The key and content of each line in raw."""
        return Counter(
            (record.key, record.line)
            for record in self.kept.raw
            if source_id in {None, record.source_id}
        )

    def _start(self) -> None:
        self._sources_reader = ScriptedReader()
        self.discovery = self._discovery()
        self.puller = self._puller()
        self._received = {
            index: committed.offset for index, committed in self.kept.offsets.items()
        }
        for partition in range(PARTITIONS):
            self.discovery.acquire(partition, FROM_THE_START)
            self.puller.acquire(partition, self.kept.offsets[partition])
        eventually(
            lambda: all(self.discovery.is_ready(index) for index in range(PARTITIONS)),
            every_seconds=0.002,
        )
        self._deliver()

    def _discovery(self) -> DiscoveryStage:
        return DiscoveryStage(
            DiscoveryPlan(
                sources_topic=SOURCES,
                ledger=a_ledger_plan(self.clock),
                sources=ModelTable(
                    self._sources_reader.as_reader(), msgspec.json.Decoder(IngestionSource).decode
                ),
                store=self._store,
                encode_version=msgspec.json.encode,
                encode_status=msgspec.json.encode,
                objects_in_flight_max=self._in_flight_max,
                listers=2,
                position=PositionPolicy(
                    lookback_seconds=86_400,
                    reconcile_seconds=10_800,
                    small_objects=self._small_objects,
                ),
                new_id=self._new_id,
                clock=self.clock,
            ),
            on_published=lambda _versions: None,
            on_listed=self._count_listed,
            on_carried_out=lambda *_: None,
        )

    def _puller(self) -> PullerStage:
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
                store=self._store,
                source_of=lambda source_id: self.kept.sources.get(source_id),  # noqa: PLW0108 - looked up when asked
                encode=_encode,
                limits=self._limits,
                clock=self.clock,
                processor="test/1",
            ),
            clock=self.clock,
            on_committed=lambda _pulled: None,
        )

    def _count_listed(self, source_id: str, listed: Listed) -> None:
        self.listed[source_id] += 1
        self.late[source_id] += listed.objects_late

    def _bring(self, source_id: str, value: bytes | None) -> None:
        self._sources_reader.bring(
            FakeMessage(topic_name=SOURCES, key_bytes=source_id.encode(), value_bytes=value)
        )

    def _keep_discovered(self, transaction: RecordingTransaction) -> None:
        for published in transaction.published:
            if published.topic == STATUS:
                status = msgspec.json.decode(published.value, type=SourceStatus)
                self.kept.statuses[status.source_id] = status
                self.kept.statuses_told += 1
                self._topics.publish(status)
                continue
            partition = partition_of(published.key, partitions=PARTITIONS)
            messages = self.kept.objects[partition]
            messages.append(
                FakeMessage(
                    topic_name=OBJECTS,
                    partition_index=partition,
                    offset_number=len(messages),
                    key_bytes=published.key,
                    value_bytes=published.value,
                )
            )
            self._topics.publish(messages[-1])
        self._deliver()

    def _deliver(self) -> None:
        for partition, messages in enumerate(self.kept.objects):
            new = messages[self._received[partition] :]
            if new:
                self._received[partition] = len(messages)
                self.puller.receive(partition, new)

    def _keep_pulled(self, transaction: RecordingTransaction) -> None:
        decode = msgspec.msgpack.Decoder(RawRecord).decode
        self.kept.raw.extend(map(decode, transaction.values(RAW)))
        self.kept.letters.extend(_decoded(DeadLetter, transaction.values(DEAD_LETTERS)))
        outcomes = _decoded(ObjectOutcome, transaction.values(OUTCOMES))
        self.kept.outcomes.extend(outcomes)
        self._topics.publish(*outcomes)
        for (_, partition), (offset, metadata) in transaction.offsets.items():
            self.kept.offsets[partition] = Committed(offset, metadata)


def _encode(
    source: IngestionSource, version: ObjectVersion, _: int, lines: list[tuple[int, bytes]]
) -> list[bytes]:
    return [
        msgspec.msgpack.encode(RawRecord(source.id, version.key, version.etag, number, line))
        for number, line in lines
    ]


def _decoded(kind: type[T], values: Iterable[bytes]) -> list[T]:
    return [msgspec.json.decode(value, type=kind) for value in values]
