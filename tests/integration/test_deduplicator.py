"""Restoring the ids of a partition from a real topic of events."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from producer.clock import SystemClock
from producer.codec.events import EventEncoder, EventHeadDecoder
from producer.deduplicator.decision import Verdict
from producer.deduplicator.restoring import RestorationPlan
from producer.deduplicator.stage import DeduplicatorStage
from producer.deduplicator.store import IdStore
from producer.kafka import configuration
from producer.kafka.tables import Watermarks
from producer.settings.kafka import KafkaSettings
from tests.support.builders import an_event, an_origin
from tests.support.other_publishers import OtherPublisher, WatchedReaders, make_topics
from tests.support.stages import FROM_THE_START, FakeMessage, let_end, transact
from tests.support.waiting import eventually
from tests.unit.codec.values import a_registry, header_of

A_DAY = 86_400
EVENTS_A_BATCH = 1000


class Deduplicator:
    """A stage over a real topic of events; what it is given to judge comes from the test."""

    def __init__(self, bootstrap_servers: str, topic: str, directory: Path) -> None:
        self.topic = topic
        self.directory = directory
        self.restored: list[int] = []
        registry = a_registry()
        self._encode = EventEncoder(header_of(registry, "events", "GovernanceEvent")).encode
        head = EventHeadDecoder(registry)
        settings = KafkaSettings.model_validate({"bootstrap_servers": bootstrap_servers})
        self.stage = DeduplicatorStage(
            topic="normalised",
            plan=RestorationPlan(
                topic=topic,
                properties=configuration.table_reader(settings, client_id="test"),
                watermarks=Watermarks(configuration.connection(settings, client_id="test")),
                window=35 * A_DAY * 1000,
                origin_of=lambda value: head.decode(value).origin,
                clock=SystemClock(),
                on_restored=lambda _partition, events, _seconds: self.restored.append(events),
            ),
            open_store=lambda _: self.open_store(),
            translate_header=lambda value: value,
            clock=SystemClock(),
            on_committed=lambda _: None,
        )

    def open_store(self) -> IdStore:
        return IdStore(self.directory / "0", identity=self.topic, window_seconds=35 * A_DAY)

    def acquire(self) -> None:
        self.stage.acquire(0, FROM_THE_START)
        eventually(lambda: self.stage.is_ready(0), every_seconds=0.02)

    def events(self, *names: str, key: str = "object") -> list[tuple[bytes, bytes]]:
        """Build keys and values as they lie in the topics."""
        events = [an_event(name, origin=an_origin(key=key)) for name in names]
        return [(event["event_id"].encode(), self._encode(event)) for event in events]

    def passes(self, *names: str, key: str = "copy") -> list[str]:
        """Judge one event of each name from an origin; name those that pass. All is forgotten."""
        messages = [
            FakeMessage(topic_name="normalised", key_bytes=event_id, value_bytes=value)
            for event_id, value in self.events(*names, key=key)
        ]
        self.stage.receive(0, messages)
        published = {each.key for each in transact(self.stage, commits=False).published}
        self.stage._partitions[0].inbox.clear()
        return [
            name
            for name, message in zip(names, messages, strict=True)
            if message.key() in published
        ]


@pytest.fixture
def publish_as(kafka: str, topic_prefix: str) -> Callable[[str], OtherPublisher]:
    """Give a way to be somebody else who publishes events."""
    return lambda name: OtherPublisher(kafka, f"{topic_prefix}{name}")


@pytest.fixture
def deduplicator(kafka: str, topic_prefix: str, tmp_path: Path) -> Iterator[Deduplicator]:
    """Give a deduplicator over a topic of its own."""
    topic = f"{topic_prefix}governance-events"
    make_topics(kafka, topic)
    deduplicator = Deduplicator(kafka, topic, tmp_path / "state")
    yield deduplicator
    for partition in list(deduplicator.stage._partitions):
        deduplicator.stage.release(partition)


def test_ids_are_those_of_committed_events(
    deduplicator: Deduplicator, publish_as: Callable[[str], OtherPublisher]
) -> None:
    """Aborted ones are unknown, in between and at the end; a deleted store makes no difference."""
    names = [f"evt-{number}" for number in range(2 * EVENTS_A_BATCH + 7)]
    publisher = publish_as("a")
    publisher.publish(deduplicator.topic, *deduplicator.events(*names[:1500]))
    publisher.commit()
    publisher.publish(deduplicator.topic, *deduplicator.events("aborted-1"))
    publisher.abort()
    publisher.publish(deduplicator.topic, *deduplicator.events(*names[1500:]))
    publisher.commit()
    publisher.publish(deduplicator.topic, *deduplicator.events("aborted-2"))
    publisher.abort()
    lost = ["aborted-1", "aborted-2", "never-published"]

    deduplicator.acquire()
    assert lost == deduplicator.passes(*names, *lost)
    assert names == deduplicator.passes(*names, key="object")

    deduplicator.stage.release(0)
    shutil.rmtree(deduplicator.directory)
    deduplicator.acquire()
    assert lost == deduplicator.passes(*names, *lost)
    assert [len(names), len(names)] == deduplicator.restored


def test_restart_reads_only_what_is_new(
    deduplicator: Deduplicator, publish_as: Callable[[str], OtherPublisher]
) -> None:
    """Behind the checkpoint, which lies behind the markers that transactions leave."""
    publisher = publish_as("a")
    publisher.publish(deduplicator.topic, *deduplicator.events("evt-1", "evt-2"))
    publisher.commit()
    deduplicator.acquire()
    deduplicator.stage.release(0)
    publisher.publish(deduplicator.topic, *deduplicator.events("evt-3"))
    publisher.commit()

    deduplicator.acquire()
    deduplicator.stage.release(0)
    deduplicator.acquire()

    assert [2, 1, 0] == deduplicator.restored
    assert ["evt-4"] == deduplicator.passes("evt-1", "evt-2", "evt-3", "evt-4")


@pytest.mark.parametrize("fate", ["committed", "aborted"])
def test_pending_transaction_is_waited_for(
    deduplicator: Deduplicator,
    publish_as: Callable[[str], OtherPublisher],
    monkeypatch: pytest.MonkeyPatch,
    fate: str,
) -> None:
    """A predecessor's commit may land later in this topic than in that of the offsets."""
    readers = WatchedReaders(monkeypatch, "producer.deduplicator.restoring")
    predecessor, other = publish_as("predecessor"), publish_as("other")
    other.publish(deduplicator.topic, *deduplicator.events("before"))
    other.commit()
    predecessor.publish(deduplicator.topic, *deduplicator.events("pending"))
    other.publish(deduplicator.topic, *deduplicator.events("behind"))
    other.commit()

    deduplicator.stage.acquire(0, FROM_THE_START)
    readers.await_standstill()
    assert not deduplicator.stage.is_ready(0)
    if fate == "committed":
        predecessor.commit()
    else:
        predecessor.abort()

    eventually(lambda: deduplicator.stage.is_ready(0), every_seconds=0.02)
    unknown = [] if fate == "committed" else ["pending"]
    assert unknown == deduplicator.passes("before", "pending", "behind")


def test_release_while_a_transaction_is_pending_does_not_hang(
    deduplicator: Deduplicator,
    publish_as: Callable[[str], OtherPublisher],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The partition was taken away meanwhile; whoever gets it begins anew."""
    readers = WatchedReaders(monkeypatch, "producer.deduplicator.restoring")
    predecessor = publish_as("predecessor")
    predecessor.publish(deduplicator.topic, *deduplicator.events("pending"))
    deduplicator.stage.acquire(0, FROM_THE_START)
    readers.await_standstill()

    let_end(lambda: deduplicator.stage.release(0))

    predecessor.commit()
    deduplicator.acquire()
    assert [] == deduplicator.passes("pending")
    assert [1] == deduplicator.restored


def test_store_that_is_ahead_of_the_topic_is_rebuilt(
    deduplicator: Deduplicator, publish_as: Callable[[str], OtherPublisher]
) -> None:
    """Its ids are not this topic's, and would be events lost."""
    publisher = publish_as("a")
    publisher.publish(deduplicator.topic, *deduplicator.events("evt-1"))
    publisher.commit()
    deduplicator.acquire()
    deduplicator.stage.release(0)
    store = deduplicator.open_store()
    store.write({}, checkpoint=1000)
    store.close()

    deduplicator.acquire()

    assert [1, 1] == deduplicator.restored
    assert ["evt-2"] == deduplicator.passes("evt-1", "evt-2")


def test_retention_that_has_passed_the_checkpoint_is_no_matter(
    kafka: str, deduplicator: Deduplicator, publish_as: Callable[[str], OtherPublisher]
) -> None:
    """What is gone is older than the window; reading begins at what is there."""
    publisher = publish_as("a")
    publisher.publish(deduplicator.topic, *deduplicator.events("evt-1"))
    publisher.commit()
    deduplicator.acquire()
    deduplicator.stage.release(0)
    publisher.publish(deduplicator.topic, *deduplicator.events("evt-2"))
    publisher.commit()
    publisher.publish(deduplicator.topic, *deduplicator.events("evt-3"))
    publisher.commit()
    # Offsets: the first event, a marker, the second event, a marker, the third event, a marker.
    administrator = AdminClient({"bootstrap.servers": kafka})
    (deleted,) = administrator.delete_records([TopicPartition(deduplicator.topic, 0, 4)]).values()
    deleted.result(30)

    deduplicator.acquire()

    assert ["evt-2"] == deduplicator.passes("evt-1", "evt-2", "evt-3")


def test_empty_topic_has_no_ids(deduplicator: Deduplicator) -> None:
    """And is restored at once."""
    deduplicator.acquire()

    assert ["evt-1"] == deduplicator.passes("evt-1")
    assert {Verdict.FIRST: 1} == deduplicator.stage._verdicts
