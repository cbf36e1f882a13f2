"""What is asked of one source, with its topics on a real broker."""

from collections.abc import Iterator
from dataclasses import dataclass
from threading import Event

import pytest

from producer.cli.source_events import EventCounts
from producer.cli.wiring.rooms import SystemRooms
from producer.cli.wiring.surroundings import Surroundings
from producer.codec.events import EventEncoder
from producer.codec.models import build_codecs
from producer.codec.registration import registered_header
from producer.contract.event import GovernanceEvent
from producer.contract.names import event_id
from producer.contract.status import SourceStatus, Status
from producer.kafka import configuration
from producer.kafka.member import GroupMember
from producer.settings import Settings, load
from tests.support.builders import DAY, NOW, SECOND, a_source, an_event
from tests.support.other_publishers import OtherPublisher
from tests.support.waiting import eventually

OTHER = "src_acme2"


@dataclass(frozen=True)
class Topics:
    """Applied topics, and somebody who publishes to them."""

    settings: Settings
    surroundings: Surroundings
    publisher: OtherPublisher

    def publish(self, *events: GovernanceEvent) -> None:
        """Publish events; the transaction stays open."""
        topic = self.surroundings.topics["events"]
        header = registered_header(
            self.surroundings.registry, topic_name=topic, schema="GovernanceEvent"
        )
        encoder = EventEncoder(header)
        self.publisher.publish(
            topic, *((event["event_id"].encode(), encoder.encode(event)) for event in events)
        )

    def tell(self, status: SourceStatus) -> None:
        """Publish a status, as discovery does."""
        codecs = build_codecs(self.surroundings.registry, self.surroundings.topics)
        topic = self.surroundings.topics["source-status"]
        self.publisher.publish(
            topic, (status.source_id.encode(), codecs.source_status.encode(status))
        )
        self.publisher.commit()


@pytest.fixture
def topics(
    kafka: str, schema_registry: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> Topics:
    """Give topics that were applied."""
    for name, text in {
        "KAFKA__BOOTSTRAP_SERVERS": kafka,
        "SCHEMA_REGISTRY__URL": schema_registry,
        "TOPICS__PREFIX": topic_prefix,
        "TOPICS__EVENTS": f"{topic_prefix}governance-events",
        "TOPICS__PARTITIONS": "2",
        "TOPICS__REPLICATION": "1",
    }.items():
        monkeypatch.setenv(f"OPENAI_COMPLIANCE_{name}", text)
    settings = load()
    list(SystemRooms().apply_topics(settings))
    return Topics(settings, Surroundings(settings), OtherPublisher(kafka, f"{topic_prefix}other"))


def happened(name: str, *, ago: int, source_id: str = "src_acme") -> GovernanceEvent:
    """Give an event of a source that happened so long before NOW."""
    identity = event_id(source_id=source_id, provider_event_id=name)
    return an_event(name, event_id=identity, source_id=source_id, occurred_at=NOW - ago)


def names(events: Iterator[GovernanceEvent]) -> list[str]:
    """Give the ids that the provider gave."""
    return [event["provider_event_id"] for event in events]


def test_events_are_those_of_the_source_and_committed(topics: Topics) -> None:
    """Neither those of a source whose id begins alike, nor those of a transaction taken back."""
    rooms, stop = SystemRooms(), Event()
    topics.publish(happened("aborted", ago=0))
    topics.publisher.abort()
    late = [happened(f"late-{number}", ago=2 * DAY + number) for number in range(5)]
    topics.publish(happened("new", ago=SECOND), happened("theirs", ago=0, source_id=OTHER))
    topics.publish(*late)
    topics.publish(happened("new", ago=SECOND))
    topics.publisher.commit()

    assert EventCounts(last_day=1, last_week=6, last_month=6, newest_at=NOW - SECOND) == (
        rooms.count_events(topics.settings, "src_acme", now=NOW)
    )
    assert 0 == rooms.count_events(topics.settings, "src_none", now=NOW).last_month
    assert ["new", "late-0", "late-1"] == names(
        rooms.tail_source(topics.settings, "src_acme", limit=3, follow=False, stop=stop)
    )


def test_events_are_followed_as_they_arrive(topics: Topics) -> None:
    """First those that arrived last, then those that arrive, whenever they happened."""
    stop = Event()
    for name, ago in (("first", 0), ("second", 2 * DAY), ("third", DAY)):
        topics.publish(happened(name, ago=ago))
        topics.publisher.commit()
    followed = SystemRooms().tail_source(
        topics.settings, "src_acme", limit=2, follow=True, stop=stop
    )
    assert ["second", "third"] == [next(followed)["provider_event_id"] for _ in range(2)]
    topics.publish(happened("older", ago=30 * DAY), happened("theirs", ago=0, source_id=OTHER))
    topics.publisher.commit()
    assert "older" == next(followed)["provider_event_id"]
    stop.set()
    assert [] == list(followed)


def test_source_is_removed_and_its_status_kept(topics: Topics) -> None:
    """Created again it has the status from which discovery goes on."""
    rooms, status = SystemRooms(), a_status()
    rooms.apply_sources(topics.settings, [a_source(), a_source(id=OTHER)])
    topics.tell(status)
    rooms.remove_source(topics.settings, "src_acme")
    assert [OTHER] == [each.source.id for each in rooms.list_sources(topics.settings)]
    (applied,) = rooms.apply_sources(topics.settings, [a_source()])
    assert "created" == applied.change
    assert status == rooms.list_sources(topics.settings)[0].status


def a_status() -> SourceStatus:
    return SourceStatus(
        source_id="src_acme",
        organization_id="org_acme",
        name="Acme",
        status=Status.ACTIVE,
        healthy=True,
        listed_through="compliance/x",
        objects_found=5,
        updated_at=NOW,
    )


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_running_process_is_known_by_its_membership(
    topics: Topics, monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    """With either protocol, and with a group that has never had a member."""
    rooms = SystemRooms()
    assert False is rooms.is_pull_running(topics.settings)
    monkeypatch.setenv("OPENAI_COMPLIANCE_KAFKA__GROUP_PROTOCOL", protocol)
    group = topics.surroundings.puller_group
    member = GroupMember(
        configuration.group_member(load().kafka, client_id="test", group=group, name="test"),
        topics.surroundings.topics["sources"],
        partitions=topics.settings.topics.partitions,
    )
    try:
        eventually(
            lambda: member.poll(messages_max=1, timeout_seconds=0.1).gained, every_seconds=0
        )
        assert True is rooms.is_pull_running(topics.settings)
    finally:
        member.close()
    eventually(lambda: rooms.is_pull_running(topics.settings) is False)
