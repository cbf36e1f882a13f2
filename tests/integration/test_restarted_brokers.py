"""What a client knew of a broker that came back: it must learn anew."""

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from producer.kafka import configuration
from producer.kafka.tables import Watermarks, all_partitions
from producer.settings.kafka import KafkaSettings
from tests.support.kafka_clusters.cluster import KafkaCluster
from tests.support.kafka_clusters.leadership import Place


def test_ends_are_told_after_a_leader_was_elected_again(
    one_broker: KafkaCluster, topic_prefix: str
) -> None:
    """The epoch of a leader that was elected again is asked for, not remembered."""
    topic = f"{topic_prefix}ends"
    admin = AdminClient({"bootstrap.servers": one_broker.bootstrap_servers})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result()
    settings = KafkaSettings(bootstrap_servers=one_broker.bootstrap_servers)
    watermarks = Watermarks(configuration.connection(settings, client_id="test"))
    (partition,) = all_partitions(topic, partitions=1)
    watermarks.high([partition])
    one_broker.nodes[1].kill()
    one_broker.nodes[1].start()
    assert {partition: 0} == watermarks.high([partition])


@pytest.mark.at_length
def test_ends_of_a_leader_that_died_are_told_by_another(
    three_brokers: KafkaCluster, topic_prefix: str
) -> None:
    """No end is made up where a leader does not answer: whoever leads next is asked."""
    topic = f"{topic_prefix}ends"
    admin = AdminClient({"bootstrap.servers": three_brokers.bootstrap_servers})
    admin.create_topics([NewTopic(topic, 1, -1)])[topic].result()
    producer = Producer({"bootstrap.servers": three_brokers.bootstrap_servers})
    producer.produce(topic, b"value", timestamp=1)
    producer.flush()
    settings = KafkaSettings(bootstrap_servers=three_brokers.bootstrap_servers)
    watermarks = Watermarks(configuration.connection(settings, client_id="test"))
    (partition,) = all_partitions(topic, partitions=1)
    # So that it knows the leader, and asks that one first.
    watermarks.high([partition])
    three_brokers.nodes[three_brokers.leadership.leader(Place(topic, 0))].kill()
    assert {partition: 1} == watermarks.high([partition])
    assert {partition: 0} == watermarks.low([partition])
    assert {partition: 1} == watermarks.at_time([partition], 2)
