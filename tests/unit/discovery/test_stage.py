"""Discovery as the loop runs it: what it publishes, under which assignment, and what it learns."""

import pytest
from msgspec.structs import replace

from producer.contract.objects import ObjectVersion, Outcome, Place, Reason
from producer.errors import FatalError
from producer.kafka.stages import Committed
from tests.support.builders import a_source, a_version, an_outcome
from tests.support.stages import (
    FROM_THE_START,
    FakeMessage,
    RecordingTransaction,
    has_work_after_a_tick,
    let_end,
    transact,
)
from tests.support.waiting import eventually
from tests.unit.discovery.driving import (
    BUCKET,
    FIRST,
    SECOND,
    SOURCES,
    Discovery,
    a_store,
    keys_of,
    statuses_in,
    versions_in,
)
from tests.unit.discovery.listing_stores import PagesByName, a_page, has_ended
from tests.unit.discovery.tables import (
    OBJECTS,
    STATUS,
    ScriptedTopics,
)


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


def test_release_ends_the_listing(topics: ScriptedTopics) -> None:
    """A thread that waits for the loop to follow would wait for ever."""
    store = PagesByName(**{FIRST: [a_page(f"k{number}") for number in range(9)]})
    discovery = Discovery(topics, store, in_flight_max=1)
    discovery.apply(a_source(id=FIRST))
    discovery.acquire(0)
    eventually(discovery.published_in_a_step, every_seconds=0.005)

    discovery.stage.release(0)

    eventually(lambda: has_ended(FIRST), every_seconds=0.005)


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
    reader = topics.readers[0]

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
    assert 2 == sum(STATUS in reader.paused for reader in topics.readers)


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
    let_end(lambda: discovery.stage.release(1))
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
    # The next listing may have begun, and been refused, already.
    discovery.clock.pass_time(900)
    assert ["compliance/a"] == keys_of(discovery.list_all() + discovery.list_all())
    assert {} == discovery.stage.problems()
