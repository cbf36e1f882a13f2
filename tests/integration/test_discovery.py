"""Ledgers read back from real topics of objects, outcomes and statuses."""

from collections.abc import Callable, Iterator

import pytest

from producer.clock import SystemClock
from producer.codec.models import Codecs, build_codecs
from producer.contract.names import object_message_key
from producer.contract.objects import ObjectOutcome, ObjectVersion, Outcome, Place, Reason
from producer.contract.status import SourceStatus, Status
from producer.discovery.restoring import LedgerPlan, LedgerTable
from producer.discovery.retrying import RetryPolicy
from producer.kafka import configuration
from producer.kafka.tables import Watermarks
from producer.settings.kafka import KafkaSettings
from tests.support.builders import NOW, a_listed, a_source_id_in, a_version, an_outcome
from tests.support.other_publishers import OtherPublisher, WatchedReaders, make_topics
from tests.support.stages import FROM_THE_START, let_end
from tests.support.waiting import eventually
from tests.unit.codec.values import TOPIC_NAMES, a_registry

PARTITIONS = 2
OURS = a_source_id_in(0, partitions=PARTITIONS)
THEIRS = a_source_id_in(1, partitions=PARTITIONS)
RETRY = RetryPolicy(first_seconds=60, longest_seconds=3600)


class Topics:
    """Topics of one test, what is published to them, and tables over them."""

    def __init__(self, bootstrap_servers: str, prefix: str) -> None:
        self._objects, self._outcomes = f"{prefix}objects", f"{prefix}outcomes"
        self._status, self._commands = f"{prefix}source-status", f"{prefix}commands"
        topics = (self._objects, self._outcomes, self._status, self._commands)
        make_topics(bootstrap_servers, *topics, partitions=PARTITIONS)
        self.codecs: Codecs = build_codecs(a_registry(), TOPIC_NAMES)
        self.told: list[tuple[int, float]] = []
        settings = KafkaSettings.model_validate({"bootstrap_servers": bootstrap_servers})
        self._plan = LedgerPlan(
            objects=self._objects,
            outcomes=self._outcomes,
            source_status=self._status,
            commands=self._commands,
            partitions=PARTITIONS,
            properties=configuration.table_reader(settings, client_id="test"),
            watermarks=Watermarks(configuration.connection(settings, client_id="test")),
            decode_version=self.codecs.objects.decode,
            decode_outcome=self.codecs.outcomes.decode,
            decode_status=self.codecs.source_status.decode,
            decode_command=self.codecs.commands.decode,
            committed_of_commands=lambda partitions: dict.fromkeys(partitions, FROM_THE_START),
            group="puller",
            clock=SystemClock(),
            retry=RETRY,
            on_restored=lambda messages, seconds: self.told.append((messages, seconds)),
        )
        self._tables: list[LedgerTable] = []

    def publish(
        self, publisher: OtherPublisher, *records: ObjectVersion | ObjectOutcome | SourceStatus
    ) -> None:
        """Publish records under their keys; the transaction stays open."""
        for topic in (self._objects, self._outcomes, self._status):
            encoded = [self._encoded(record) for record in records]
            publisher.publish(
                topic, *((key, value) for where, key, value in encoded if where == topic)
            )

    def table(self, *partitions: int) -> LedgerTable:
        """Begin to restore a table."""
        table = LedgerTable(self._plan, partitions)
        self._tables.append(table)
        return table

    def restored(self, *partitions: int) -> LedgerTable:
        """Restore a table."""
        table = self.table(*partitions)
        eventually(table.is_restored, every_seconds=0.02)
        return table

    def close(self) -> None:
        """Let go of all tables."""
        for table in self._tables:
            table.close()

    def _encoded(
        self, record: ObjectVersion | ObjectOutcome | SourceStatus
    ) -> tuple[str, bytes, bytes]:
        if isinstance(record, SourceStatus):
            return (
                self._status,
                record.source_id.encode(),
                self.codecs.source_status.encode(record),
            )
        key = object_message_key(source_id=record.source_id, key=record.key).encode()
        if isinstance(record, ObjectVersion):
            return self._objects, key, self.codecs.objects.encode(record)
        return self._outcomes, key, self.codecs.outcomes.encode(record)


@pytest.fixture
def topics(kafka: str, topic_prefix: str) -> Iterator[Topics]:
    """Give topics of two partitions."""
    topics = Topics(kafka, topic_prefix)
    yield topics
    topics.close()


@pytest.fixture
def publish_as(kafka: str, topic_prefix: str) -> Callable[[str], OtherPublisher]:
    """Give a way to be discovery or puller."""
    return lambda name: OtherPublisher(kafka, f"{topic_prefix}{name}")


def versions(source_id: str, number: int, *, start: int = 0) -> list[ObjectVersion]:
    return [
        a_version(source_id=source_id, key=f"compliance/{index:06}", pull_id=f"pull-{index}")
        for index in range(start, start + number)
    ]


def is_new(table: LedgerTable, version: ObjectVersion) -> bool:
    """Whether a listing of the version would have it published."""
    listed = a_listed(key=version.key, etag=version.etag)
    decided = table.ledger(version.source_id).version_to_pull(
        listed, now=NOW, build=lambda _: version
    )
    return decided is not None


def test_ten_thousand_objects_are_restored(
    topics: Topics,
    publish_as: Callable[[str], OtherPublisher],
    progress: Callable[[str], None],
) -> None:
    """Each as what it is, over all partitions; how fast is told, and not judged."""
    published = versions(OURS, 10_000) + versions(THEIRS, 100)
    finished, failed = published[:7000], published[7000:9000]
    publisher = publish_as("a")
    topics.publish(publisher, *published, *map(an_outcome, finished))
    topics.publish(
        publisher,
        *(
            an_outcome(each, outcome=Outcome.QUARANTINED, reason=Reason.TRUNCATED)
            for each in failed
        ),
        SourceStatus(
            source_id=OURS,
            organization_id="org_acme",
            name="Acme",
            status=Status.ACTIVE,
            healthy=True,
            updated_at=NOW,
        ),
    )
    publisher.commit()

    table = topics.restored(0)

    ((messages, seconds),) = topics.told
    progress(f"restored a ledger from {messages} messages at {messages / seconds:,.0f} a second")
    assert len(published) + 9000 + 1 == messages
    ledger = table.ledger(OURS)
    assert published[9000:10_000] == sorted(ledger.unfinished, key=lambda version: version.key)
    assert 2000 == ledger.quarantined_count
    assert not any(is_new(table, version) for version in published[:10_000])
    assert is_new(table, a_version(source_id=OURS, key="compliance/999999"))
    assert [OURS] == list(table.ledgers) == list(table.statuses)


def test_aborted_versions_are_new(
    topics: Topics, publish_as: Callable[[str], OtherPublisher]
) -> None:
    """Between others, and at the end of the topic, which is waited for no longer than it is."""
    first, second, third, fourth = versions(OURS, 4)
    publisher = publish_as("a")
    for version, is_committed in ((first, True), (second, False), (third, True), (fourth, False)):
        topics.publish(publisher, version, an_outcome(version))
        if is_committed:
            publisher.commit()
        else:
            publisher.abort()

    table = topics.restored(0)

    assert [False, True, False, True] == [
        is_new(table, version) for version in (first, second, third, fourth)
    ]


@pytest.mark.parametrize("fate", ["committed", "aborted"])
def test_pending_transaction_is_waited_for(
    topics: Topics,
    publish_as: Callable[[str], OtherPublisher],
    monkeypatch: pytest.MonkeyPatch,
    fate: str,
) -> None:
    """What a predecessor is about to commit must not be published again."""
    readers = WatchedReaders(monkeypatch, "producer.discovery.restoring")
    (version,) = versions(OURS, 1)
    predecessor = publish_as("predecessor")
    topics.publish(predecessor, version)

    table = topics.table(0)
    readers.await_standstill()
    assert not table.is_restored()
    if fate == "committed":
        predecessor.commit()
    else:
        predecessor.abort()

    eventually(table.is_restored, every_seconds=0.02)
    assert (fate == "aborted") == is_new(table, version)


def test_closing_while_a_transaction_is_pending_does_not_hang(
    topics: Topics, publish_as: Callable[[str], OtherPublisher], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The partition was taken away meanwhile."""
    readers = WatchedReaders(monkeypatch, "producer.discovery.restoring")
    predecessor = publish_as("predecessor")
    topics.publish(predecessor, *versions(OURS, 1))
    table = topics.table(0)
    readers.await_standstill()

    let_end(table.close)

    assert not table._thread.is_alive()
    assert [] == topics.told


def test_outcomes_are_followed(
    topics: Topics, publish_as: Callable[[str], OtherPublisher]
) -> None:
    """From where the restoration ended: each once, those alone that finish an object of ours."""
    first, second = versions(OURS, 2)
    (other,) = versions(THEIRS, 1)
    publisher = publish_as("a")
    topics.publish(publisher, first, second, other, an_outcome(first))
    publisher.commit()
    table = topics.restored(0)

    # What is published now is learnt as this process's own commits, never from the topic.
    topics.publish(publisher, *versions(OURS, 1, start=7))
    topics.publish(publisher, an_outcome(second, attempt=2), an_outcome(other))
    publisher.commit()
    topics.publish(publisher, an_outcome(second, outcome=Outcome.VANISHED))
    publisher.abort()
    finishing = an_outcome(second, place=Place(line=3))
    topics.publish(publisher, finishing)
    publisher.commit()

    followed: list[ObjectOutcome] = []

    def has_followed() -> bool:
        followed.extend(table.new_outcomes())
        return bool(followed)

    eventually(has_followed, every_seconds=0.02)
    assert [finishing] == followed
    assert 0 == table.ledger(OURS).unfinished_count


def test_empty_topics_are_restored_at_once(topics: Topics) -> None:
    """Nothing was ever published."""
    table = topics.restored(0, 1)

    assert {} == table.ledgers
    assert is_new(table, versions(OURS, 1)[0])
