"""Discovery as the loop runs it: what it publishes, under which assignment, and what it learns."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from msgspec.structs import replace

from producer.contract.objects import ObjectVersion, Outcome, Place, Reason
from producer.contract.source import IngestionSource
from producer.contract.status import SourceStatus
from producer.discovery.retrying import RetryPolicy
from producer.discovery.stage import DiscoveryPlan, DiscoveryStage
from producer.errors import FatalError
from producer.kafka.stages import Committed
from producer.kafka.tables import ModelTable
from tests.support.builders import a_source, a_source_id_in, a_version, an_outcome
from tests.support.object_stores import InMemoryObjectStore
from tests.support.stages import (
    FROM_THE_START,
    FakeClock,
    FakeMessage,
    RecordingTransaction,
    ScriptedReader,
    has_work_after_a_tick,
    numbered_ids,
    transact,
)
from tests.support.waiting import eventually
from tests.unit.discovery.listing_stores import PagesByName, a_page
from tests.unit.discovery.tables import (
    OBJECTS,
    PARTITIONS,
    STATUS,
    ScriptedTopics,
    a_ledger_plan,
    scripted,
)

if TYPE_CHECKING:
    from producer.s3.object_store import ObjectStoreRefusedError

SOURCES = "sources"
BUCKET = "acme-compliance"
FIRST = a_source_id_in(0, partitions=PARTITIONS)
SECOND = a_source_id_in(1, partitions=PARTITIONS)


class Discovery:
    """A stage over scripted topics, and the hand that the loop would lay on it."""

    def __init__(self, topics: ScriptedTopics, store: Any, *, in_flight_max: int = 1000) -> None:  # noqa: ANN401 - one of the fakes
        self.topics = topics
        self.clock = FakeClock()
        self.listed: list[tuple[str, ObjectStoreRefusedError | None]] = []
        self.counted: list[ObjectVersion] = []
        self._sources_reader = ScriptedReader()
        self.stage = DiscoveryStage(
            DiscoveryPlan(
                sources_topic=SOURCES,
                ledger=a_ledger_plan(self.clock),
                sources=ModelTable(
                    self._sources_reader.as_reader(), msgspec.json.Decoder(IngestionSource).decode
                ),
                store=store,
                encode_version=msgspec.json.encode,
                encode_status=msgspec.json.encode,
                objects_in_flight_max=in_flight_max,
                listers=2,
                retry=RetryPolicy(first_seconds=60, longest_seconds=3600),
                new_id=numbered_ids("pull"),
                clock=self.clock,
            ),
            on_published=self._count,
            on_listed=lambda source_id, refusal: self.listed.append((source_id, refusal)),
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


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedTopics]:
    """Give topics that tables read; what a test leaves open is let go of."""
    topics = scripted(monkeypatch)
    yield topics
    for reader in topics.readers:
        reader.is_pending = False


def a_store(*keys: str) -> InMemoryObjectStore:
    store = InMemoryObjectStore(page_size=2)
    store.make_bucket(BUCKET)
    for key in keys:
        store.put(BUCKET, f"compliance/{key}", key.encode())
    return store


def test_listed_objects_are_published_under_the_lease(topics: ScriptedTopics) -> None:
    """One message each; the offset of the source's partition is in every transaction."""
    discovery = Discovery(topics, a_store("a", "b", "c"))
    discovery.apply(a_source(id=FIRST))
    discovery.acquire(0)
    transactions: list[RecordingTransaction] = []

    def is_listed() -> bool:
        transactions.extend(discovery.step())
        return bool(discovery.listed)

    eventually(is_listed, every_seconds=0.005)

    versions = versions_in(transactions)
    assert [f"compliance/{key}" for key in "abc"] == keys_of(versions)
    assert versions == discovery.counted
    assert {f"{FIRST}/compliance/{key}".encode() for key in "abc"} == {
        message.key
        for each in transactions
        for message in each.published
        if message.topic == OBJECTS
    }
    assert all((SOURCES, 0) in each.offsets for each in transactions)
    assert [] == discovery.list_all()


def test_transaction_that_was_not_committed_teaches_nothing(topics: ScriptedTopics) -> None:
    """The same versions go into the next one, and nobody counts them."""
    discovery = Discovery(topics, PagesByName(**{FIRST: [a_page("k1", "k2")]}))
    discovery.apply(a_source(id=FIRST))
    discovery.acquire(0)
    eventually(
        lambda: has_work_after_a_tick(discovery.stage) and discovery.stage.waiting(),
        every_seconds=0.005,
    )

    lost = versions_in([transact(discovery.stage, commits=False)])
    again = versions_in([transact(discovery.stage)])

    assert ["k1", "k2"] == keys_of(lost)
    assert lost == again == discovery.counted
    assert [] == versions_in([transact(discovery.stage)])


def test_partition_taken_up_again_decides_from_the_topics(topics: ScriptedTopics) -> None:
    """What a transaction of unknown fate published is known if, and only if, it is there."""
    discovery = Discovery(topics, a_store("a", "b"))
    discovery.apply(a_source(id=FIRST))
    discovery.acquire(0)
    eventually(
        lambda: has_work_after_a_tick(discovery.stage) and discovery.stage.waiting(),
        every_seconds=0.005,
    )
    first, *_ = versions_in([transact(discovery.stage, commits=False)])
    topics.publish(first)

    discovery.stage.release(0)
    discovery.acquire(0)

    assert ["compliance/b"] == keys_of(discovery.list_all())


def test_unfinished_objects_of_a_source_are_bounded(topics: ScriptedTopics) -> None:
    """The next is published when one has finished, by whatever outcome."""
    discovery = Discovery(topics, a_store(*"abcde"), in_flight_max=2)
    discovery.apply(a_source(id=FIRST))
    discovery.acquire(0)
    versions: list[ObjectVersion] = []
    unfinished: list[int] = []

    def are_all_published() -> bool:
        versions.extend(discovery.published_in_a_step())
        known = list(discovery.stage._owned()[0].ledger.unfinished)
        unfinished.append(len(known))
        if len(known) == 2:
            topics.publish(an_outcome(known[0], outcome=Outcome.VANISHED))
        return len(versions) == 5

    eventually(are_all_published, every_seconds=0.005)

    assert 2 == max(unfinished)
    assert [f"compliance/{key}" for key in "abcde"] == keys_of(versions)


def test_page_that_comes_after_a_release_is_thrown_away(topics: ScriptedTopics) -> None:
    """The broker would take it: it checks the group's generation, not who owns what."""
    store = PagesByName(**{FIRST: [a_page("k1")]})
    answer = store.hold(FIRST)
    discovery = Discovery(topics, store)
    discovery.apply(a_source(id=FIRST))
    discovery.acquire(0)
    discovery.step()
    eventually(lambda: store.asking == 1, every_seconds=0.005)

    discovery.stage.release(0)
    store.pages = {}
    topics.publish(a_version(source_id=FIRST, key="k1", pull_id="of-another-owner"))
    discovery.acquire(0)
    answer.set()

    assert [] == discovery.list_all()


def test_pending_versions_are_dropped_with_the_partition(topics: ScriptedTopics) -> None:
    """What was listed and not published is found again by whoever lists next."""
    discovery = Discovery(topics, a_store(*"abcd"), in_flight_max=1)
    discovery.apply(a_source(id=FIRST))
    discovery.acquire(0)
    eventually(discovery.published_in_a_step, every_seconds=0.005)

    discovery.stage.release(0)

    assert not discovery.stage.has_work()
    assert 0 == discovery.stage.waiting()
    assert not discovery.stage.owns(FIRST)


def test_source_that_changes_while_it_is_listed_starts_anew(topics: ScriptedTopics) -> None:
    """Pages of the old bucket are not taken for the new one's."""
    store = PagesByName(**{FIRST: [a_page("old")]})
    answer = store.hold(FIRST)
    discovery = Discovery(topics, store)
    discovery.apply(a_source(id=FIRST))
    discovery.acquire(0)
    discovery.step()
    eventually(lambda: store.asking == 1, every_seconds=0.005)

    store.pages = {FIRST: [a_page("new")]}
    discovery.apply(a_source(id=FIRST, bucket="acme-new"))
    discovery.step()
    answer.set()

    (version,) = discovery.list_all()
    assert ("new", "acme-new") == (version.key, version.bucket)


def test_sources_of_other_partitions_are_left_alone(topics: ScriptedTopics) -> None:
    """Their owner looks after them."""
    discovery = Discovery(topics, a_store("a"))
    discovery.apply(a_source(id=FIRST), a_source(id=SECOND))
    discovery.acquire(0)

    assert [FIRST] == [version.source_id for version in discovery.list_all()]
    assert discovery.stage.owns(FIRST)
    assert not discovery.stage.owns(SECOND)


def test_source_created_again_goes_on_where_it_was(topics: ScriptedTopics) -> None:
    """Removing a source keeps its ledger, and what finished meanwhile."""
    store = a_store("a")
    discovery = Discovery(topics, store)
    discovery.apply(a_source(id=FIRST))
    discovery.acquire(0)
    (version,) = discovery.list_all()

    discovery.remove(FIRST)
    discovery.step()
    assert not discovery.stage.owns(FIRST)
    topics.publish(an_outcome(version))
    discovery.step()
    store.put(BUCKET, "compliance/b", b"b")
    discovery.apply(a_source(id=FIRST))
    discovery.step()

    assert ["compliance/b"] == keys_of(discovery.list_all())
    assert 1 == discovery.stage.waiting()


def test_disabled_source_publishes_nothing_more(topics: ScriptedTopics) -> None:
    """Not even what was listed before; when it is enabled, all of it."""
    discovery = Discovery(topics, a_store("a", "b", "c"), in_flight_max=1)
    discovery.apply(a_source(id=FIRST))
    discovery.acquire(0)
    (version,) = eventually(discovery.published_in_a_step, every_seconds=0.005)

    discovery.apply(a_source(id=FIRST, disabled=True))
    topics.publish(an_outcome(version))
    assert [] == discovery.published_in_a_step() + discovery.published_in_a_step()
    assert [] == discovery.stage.unlisted()

    discovery.apply(a_source(id=FIRST))
    (version,) = eventually(discovery.published_in_a_step, every_seconds=0.005)
    assert "compliance/b" == version.key


def test_partitions_acquired_together_share_a_table(topics: ScriptedTopics) -> None:
    """It follows outcomes until the last of them is released."""
    discovery = Discovery(topics, a_store("a"))
    discovery.apply(a_source(id=FIRST), a_source(id=SECOND))
    discovery.acquire(0, 1)
    versions = {version.source_id: version for version in discovery.list_all()}
    (reader,) = topics.readers

    discovery.stage.release(0)
    assert not reader.is_closed
    topics.publish(an_outcome(versions[FIRST]), an_outcome(versions[SECOND]))
    discovery.step()
    assert 0 == discovery.stage.waiting()

    discovery.stage.release(1)
    assert reader.is_closed


def test_partition_that_comes_back_reads_a_table_of_its_own(topics: ScriptedTopics) -> None:
    """What another owner published meanwhile is in no older table."""
    store = a_store("a")
    discovery = Discovery(topics, store)
    discovery.apply(a_source(id=FIRST), a_source(id=SECOND))
    discovery.acquire(0, 1)
    discovery.list_all()

    discovery.stage.release(0)
    other = store.put(BUCKET, "compliance/z", b"z")
    topics.publish(a_version(source_id=FIRST, key="compliance/z", etag=other.etag))
    discovery.acquire(0)

    assert {SECOND} == {version.source_id for version in discovery.list_all()}
    assert 2 == len(topics.readers)


def test_release_while_restoring_does_not_hang(topics: ScriptedTopics) -> None:
    """Nor does it take the table from a partition that still waits for it."""
    topics.is_pending = True
    discovery = Discovery(topics, a_store())
    for partition in (0, 1):
        discovery.stage.acquire(partition, FROM_THE_START)
    assert not any(discovery.stage.is_ready(partition) for partition in (0, 1))
    eventually(lambda: topics.readers, every_seconds=0.005)

    discovery.stage.release(0)
    assert not topics.readers[0].is_closed
    discovery.stage.release(1)
    assert topics.readers[0].is_closed


def test_release_before_restoring_is_no_matter(topics: ScriptedTopics) -> None:
    """A partition may be taken away before anything was begun."""
    discovery = Discovery(topics, a_store())
    discovery.stage.acquire(0, FROM_THE_START)

    discovery.stage.release(0)

    assert [] == topics.readers


def test_table_that_cannot_be_read_stops_the_loop(topics: ScriptedTopics) -> None:
    """A decision without the ledger would publish everything twice."""
    topics.is_pending, topics.raises = True, FatalError("could not read")
    discovery = Discovery(topics, a_store("a"))

    with pytest.raises(FatalError, match="could not read"):
        discovery.acquire(0)
    discovery.stage.release(0)


def test_failed_object_is_tried_again_when_it_is_due(topics: ScriptedTopics) -> None:
    """From the place in its outcome, once, and named until then."""
    discovery = Discovery(topics, a_store("a"))
    discovery.apply(a_source(id=FIRST, poll_every_seconds=3600))
    discovery.acquire(0)
    (version,) = discovery.list_all()
    topics.publish(
        an_outcome(
            version,
            outcome=Outcome.QUARANTINED,
            reason=Reason.THROTTLED,
            place=Place(line=4),
            finished_at=discovery.clock.now(),
        )
    )

    assert [] == discovery.published_in_a_step()
    ((key, _),) = discovery.stage.retries_later()[FIRST]
    discovery.clock.pass_time(76)
    (again,) = discovery.published_in_a_step()

    assert version.key == key
    assert replace(
        version, attempt=2, resume_from=Place(line=4), discovered_at=discovery.clock.now()
    ) == replace(again, discovered_at=discovery.clock.now())
    discovery.clock.pass_time(3000)
    assert [] == discovery.published_in_a_step()


def test_offset_of_what_was_read_is_committed(topics: ScriptedTopics) -> None:
    """The content comes from the table of sources; the offset is the lease."""
    discovery = Discovery(topics, a_store())
    discovery.stage.acquire(0, Committed(5, ""))
    eventually(lambda: discovery.stage.is_ready(0), every_seconds=0.005)
    assert discovery.stage.is_drained(0)

    discovery.stage.receive(0, [FakeMessage(topic_name=SOURCES, offset_number=7)])
    assert not discovery.stage.is_drained(0)
    transaction = transact(discovery.stage, commits=False)
    assert not discovery.stage.is_drained(0)
    transact(discovery.stage)

    assert {(SOURCES, 0): (8, "")} == transaction.offsets
    assert discovery.stage.is_drained(0)


def test_statuses_that_only_count_are_told_once_a_second(topics: ScriptedTopics) -> None:
    """But publishing versions always tells of them, and delays nobody's status."""
    discovery = Discovery(topics, a_store("a", "b", "c"))
    discovery.apply(a_source(id=FIRST))
    discovery.acquire(0)
    transactions: list[RecordingTransaction] = []

    def is_listed() -> bool:
        transactions.extend(discovery.step())
        return bool(discovery.listed)

    eventually(is_listed, every_seconds=0.005)
    transactions += discovery.step()

    for each in transactions:
        assert bool(each.values(OBJECTS)) <= (len(each.values(STATUS)) == 1)
    assert discovery.stage.has_untold()
    assert not discovery.stage.has_work()
    discovery.clock.pass_time(1)
    (last,) = statuses_in(discovery.step())
    assert (3, 3, 1) == (last.objects_found, last.objects_behind, last.listings)
    assert not discovery.stage.has_untold()


def test_refused_listing_is_told_and_named(topics: ScriptedTopics) -> None:
    """And the source counts as listed: a later listing takes up what this one could not see."""
    store = a_store("a")
    store.refuse_listing(BUCKET, Reason.ACCESS_DENIED)
    discovery = Discovery(topics, store)
    discovery.apply(a_source(id=FIRST))
    discovery.acquire(0)
    discovery.step()
    assert [FIRST] == discovery.stage.unlisted()

    assert [] == discovery.list_all()

    assert [] == discovery.stage.unlisted()
    assert [FIRST] == list(discovery.stage.problems())
    store.refuse_listing(BUCKET, None)
    assert ["compliance/a"] == keys_of(discovery.list_all())
    assert {} == discovery.stage.problems()
