"""Discovery driven as the loop would, over scripted topics."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from producer.contract.objects import ObjectVersion
from producer.contract.source import IngestionSource, SourceCommand
from producer.contract.status import SourceStatus
from producer.discovery.position import PositionPolicy
from producer.discovery.stage import DiscoveryPlan, DiscoveryStage
from producer.kafka.tables import ModelTable
from tests.support.builders import a_source_id_in
from tests.support.object_stores import InMemoryObjectStore
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
    PARTITIONS,
    STATUS,
    CommittedOf,
    ScriptedTopics,
    a_ledger_plan,
    from_the_start,
)

if TYPE_CHECKING:
    from producer.s3.object_store import ObjectStoreRefusedError

SOURCES = "sources"
BUCKET = "acme-compliance"
FIRST = a_source_id_in(0, partitions=PARTITIONS)
SECOND = a_source_id_in(1, partitions=PARTITIONS)


class Discovery:
    """A stage over scripted topics, and the hand that the loop would lay on it."""

    def __init__(
        self,
        topics: ScriptedTopics,
        store: Any,  # noqa: ANN401 - one of the fakes
        *,
        in_flight_max: int = 1000,
        committed_of_commands: CommittedOf = from_the_start,
    ) -> None:
        self.topics = topics
        topics.at_the_end.append(self.release_all)
        self.store = store
        self.clock = FakeClock()
        self.listed: list[tuple[str, ObjectStoreRefusedError | None]] = []
        self.counted: list[ObjectVersion] = []
        self.carried_out: list[tuple[SourceCommand | None, int, str | None]] = []
        self._sources_reader = ScriptedReader()
        self.stage = DiscoveryStage(
            DiscoveryPlan(
                sources_topic=SOURCES,
                ledger=a_ledger_plan(self.clock, committed_of_commands=committed_of_commands),
                sources=ModelTable(
                    self._sources_reader.as_reader(), msgspec.json.Decoder(IngestionSource).decode
                ),
                store=store,
                encode_version=msgspec.json.encode,
                encode_status=msgspec.json.encode,
                objects_in_flight_max=in_flight_max,
                listers=2,
                position=PositionPolicy(
                    lookback_seconds=86_400, reconcile_seconds=10_800, small_objects=0
                ),
                new_id=numbered_ids("pull"),
                clock=self.clock,
            ),
            on_published=self._count,
            on_listed=lambda source_id, listed: self.listed.append((source_id, listed.refusal)),
            on_carried_out=lambda *told: self.carried_out.append(told),
        )

    def apply(self, *sources: IngestionSource) -> None:
        """Let sources lie in their topic."""
        for source in sources:
            self._bring(source.id, msgspec.json.encode(source))

    def remove(self, source_id: str) -> None:
        """Let a source be removed."""
        self._bring(source_id, None)

    def acquire(self, *partitions: int) -> None:
        """Give partitions, all in one step, and wait until they are ready."""
        for partition in partitions:
            self.stage.acquire(partition, FROM_THE_START)
        for partition in partitions:
            eventually(partial(self.stage.is_ready, partition), every_seconds=0.005)

    def release_all(self) -> None:
        """Let no thread go on that lists or restores."""
        for partition in list(self.stage._partitions):
            self.stage.release(partition)

    def step(self) -> list[RecordingTransaction]:
        """Tick, and run the transaction that is due, if one is."""
        self.stage.tick()
        return [transact(self.stage)] if self.stage.has_work() else []

    def list_all(self) -> list[ObjectVersion]:
        """Step until every owned source is listed; give what was published, which is kept."""
        self.clock.pass_time(60)
        before, published = len(self.listed), list[ObjectVersion]()
        enabled = [source.source.id for source in self.stage._owned()]

        def is_listed() -> bool:
            published.extend(self.published_in_a_step())
            return len(self.listed) >= before + len(enabled)

        eventually(is_listed, every_seconds=0.005)
        return published + self.published_in_a_step()

    def published_in_a_step(self) -> list[ObjectVersion]:
        """Step, and keep what is committed in the topics, as the broker does."""
        versions = versions_in(self.step())
        self.topics.publish(*versions)
        return versions

    def _bring(self, source_id: str, value: bytes | None) -> None:
        self._sources_reader.bring(
            FakeMessage(topic_name=SOURCES, key_bytes=source_id.encode(), value_bytes=value)
        )

    def _count(self, versions: Sequence[ObjectVersion]) -> None:
        self.counted += versions


def versions_in(transactions: list[RecordingTransaction]) -> list[ObjectVersion]:
    decode = msgspec.json.Decoder(ObjectVersion).decode
    return [decode(value) for each in transactions for value in each.values(OBJECTS)]


def statuses_in(transactions: list[RecordingTransaction]) -> list[SourceStatus]:
    decode = msgspec.json.Decoder(SourceStatus).decode
    return [decode(value) for each in transactions for value in each.values(STATUS)]


def keys_of(versions: list[ObjectVersion]) -> list[str]:
    return [version.key for version in versions]


def a_store(*keys: str) -> InMemoryObjectStore:
    store = InMemoryObjectStore(page_size=2)
    store.make_bucket(BUCKET)
    for key in keys:
        store.put(BUCKET, f"compliance/{key}", key.encode())
    return store
