"""Three real brokers: what is done to them, what clients notice of it, and that they recover."""

import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import closing

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.support.kafka_clusters.cluster import KafkaCluster
from tests.support.kafka_clusters.leadership import Place, group_place, transaction_place
from tests.support.kafka_proxy.faults import Action, Rule
from tests.support.kafka_proxy.frames import Api
from tests.support.topic_reading import TopicReading
from tests.support.waiting import eventually

_SECONDS = 60.0


class Publishing:
    """A topic of three replicas, and a producer of transactions that goes through the proxies."""

    def __init__(self, cluster: KafkaCluster, topic: str) -> None:
        self.topic, self._faults = topic, cluster.faults
        self.place = Place(topic, 0)
        self.reading = TopicReading(
            bootstrap_servers=cluster.bootstrap_servers, registry_url="http://127.0.0.1:1"
        )
        admin = AdminClient({"bootstrap.servers": cluster.bootstrap_servers})
        admin.create_topics([NewTopic(topic, 1, -1)])[topic].result()
        properties = {"bootstrap.servers": cluster.via, "transactional.id": topic}
        self._producer = Producer({**properties, "log_level": 0})
        self._via = cluster.via
        self._producer.init_transactions(_SECONDS)

    def publish(self, value: bytes) -> None:
        """Run a transaction of one message."""
        self._producer.begin_transaction()
        self._producer.produce(self.topic, value)
        self._producer.commit_transaction(_SECONDS)

    def brokers_met(self, kinds: Iterable[Api]) -> dict[Api, int]:
        """Run a transaction, ask the group, and tell which brokers had to be asked."""
        self.publish(b"value")
        properties = {"bootstrap.servers": self._via, "group.id": self.topic, "log_level": 0}
        with closing(Consumer(properties)) as consumer:
            consumer.committed([TopicPartition(self.topic, 0)], _SECONDS)
        return {kind: self._faults.deeds(Action.DELAY, kind)[-1].broker for kind in kinds}

    def values(self) -> list[bytes]:
        """Read what is committed."""
        return [read.value for read in self.reading.read(self.topic)]


@pytest.fixture
def publishing(three_brokers: KafkaCluster, topic_prefix: str) -> Iterator[Publishing]:
    """Give a topic on three brokers."""
    publishing = Publishing(three_brokers, f"{topic_prefix}topic")
    yield publishing
    publishing.reading.close()


def test_cluster_keeps_three_copies_and_demands_two(
    three_brokers: KafkaCluster, publishing: Publishing
) -> None:
    """It holds for internal topics and for those that do not say otherwise."""
    partitions = three_brokers.leadership.partitions()
    assert {"__transaction_state", "__consumer_offsets", publishing.topic} <= {
        place.topic for place in partitions
    }
    for place in partitions:
        assert {1, 2, 3} == set(partitions[place].replicas), place
        assert "2" == three_brokers.leadership.setting(place.topic, "min.insync.replicas")


def test_transactions_outlive_the_broker_in_charge(
    three_brokers: KafkaCluster, publishing: Publishing
) -> None:
    """The coordinator is killed, another takes its place, and it comes back to its data."""
    publishing.publish(b"before")
    place = transaction_place(publishing.topic)
    killed = three_brokers.leadership.leader(place)
    three_brokers.nodes[killed].kill()
    assert not three_brokers.nodes[killed].is_running
    three_brokers.leadership.await_leader(place, lambda leader: leader != killed)
    publishing.publish(b"between")
    assert killed not in three_brokers.leadership.partitions()[place].isrs
    three_brokers.nodes[killed].start()
    three_brokers.wait_until_in_sync()
    publishing.publish(b"behind")
    assert [b"before", b"between", b"behind"] == publishing.values()


def test_paused_broker_is_replaced_until_it_goes_on(
    three_brokers: KafkaCluster, publishing: Publishing
) -> None:
    """It keeps its connections and loses what it led; healing lets it follow again."""
    leader = three_brokers.leadership.leader(publishing.place)
    node = three_brokers.nodes[leader]
    node.pause()
    assert (True, True) == (node.is_running, node.is_paused)
    three_brokers.leadership.await_leader(publishing.place, lambda number: number != leader)
    three_brokers.heal()
    assert (True, False) == (node.is_running, node.is_paused)
    assert [] == three_brokers.leadership.not_in_sync()


def test_broker_that_died_by_itself_is_told_of(one_broker: KafkaCluster) -> None:
    """The cluster is whole again for the next test, and this one fails."""
    node = one_broker.nodes[1]
    os.kill(node.process_id, signal.SIGKILL)
    eventually(lambda: node.has_died)
    with pytest.raises(AssertionError, match="ended by themselves"):
        one_broker.heal()
    assert (True, False) == (node.is_running, node.has_died)


def test_restarted_broker_hands_over_first(
    three_brokers: KafkaCluster, publishing: Publishing
) -> None:
    """What it led has another leader once it is down, and clients go on meanwhile."""
    leader = three_brokers.leadership.leader(publishing.place)
    for down in three_brokers.restart_in_turn(leader):
        assert not three_brokers.nodes[down].is_running
        assert three_brokers.leadership.leader(publishing.place) not in {-1, down}
        publishing.publish(b"meanwhile")
    assert {1, 2, 3} == set(three_brokers.leadership.partitions()[publishing.place].isrs)
    assert [b"meanwhile"] == publishing.values()


def test_leaders_and_coordinators_move_where_they_are_told(
    three_brokers: KafkaCluster, publishing: Publishing
) -> None:
    """Clients of the topic, the transaction and the group follow, through the proxies."""
    for kind in (Api.PRODUCE, Api.END_TXN, Api.OFFSET_FETCH):
        three_brokers.faults.arm(Rule(kind=kind, action=Action.DELAY, times=None))
    places = {
        Api.PRODUCE: publishing.place,
        Api.END_TXN: transaction_place(publishing.topic),
        Api.OFFSET_FETCH: group_place(publishing.topic),
    }
    leaders = {kind: three_brokers.leadership.leader(place) for kind, place in places.items()}
    assert leaders == publishing.brokers_met(places)
    moved = {kind: leader % 3 + 1 for kind, leader in leaders.items()}
    for kind, place in places.items():
        three_brokers.leadership.move(place, moved[kind])
    assert moved == publishing.brokers_met(places)


def test_markers_to_one_broker_can_be_held(
    three_brokers: KafkaCluster, publishing: Publishing
) -> None:
    """A commit is acknowledged, and yet nobody can read it until its marker has landed."""
    three_brokers.leadership.move(publishing.place, three_brokers.last)
    publishing.publish(b"before")
    eventually(lambda: publishing.values() == [b"before"], within_seconds=_SECONDS)
    held = three_brokers.faults_between.hold_next(Api.WRITE_TXN_MARKERS)
    publishing.publish(b"late")
    held.wait()
    assert 1 == len(three_brokers.faults_between.deeds(Action.HOLD, Api.WRITE_TXN_MARKERS))
    stable = publishing.reading.stable_ends(publishing.topic)
    assert stable != publishing.reading.high_watermarks(publishing.topic)
    held.release()
    assert [b"before", b"late"] == publishing.values()
