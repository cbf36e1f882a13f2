"""Who leads what in a cluster: asked of Kafka as any client may, and moved likewise."""

import itertools
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from confluent_kafka import ElectionType, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._metadata import ClusterMetadata, PartitionMetadata

from tests.support.kafka_clusters.reassignment import reassign
from tests.support.kafka_clusters.settings import INTERNAL_PARTITIONS
from tests.support.waiting import eventually

TRANSACTIONS: Final = "__transaction_state"
GROUPS: Final = "__consumer_offsets"
_REQUEST_SECONDS: Final = 5.0
_METADATA_SECONDS: Final = 1.0


class Place(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


def transaction_place(transactional_id: str) -> Place:
    """Tell which partition's leader coordinates a transactional id."""
    return Place(TRANSACTIONS, _spread(transactional_id))


def group_place(group: str) -> Place:
    """Tell which partition's leader coordinates a group."""
    return Place(GROUPS, _spread(group))


class Leadership:
    """The leaders and replicas of a cluster's partitions."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})

    def brokers(self) -> set[int]:
        """Tell the brokers that clients are told of."""
        return set(self._metadata().brokers)

    def partitions(self) -> Mapping[Place, PartitionMetadata]:
        """Give all partitions, those of internal topics too."""
        topics = self._metadata().topics
        return {
            Place(name, number): partition
            for name, topic in topics.items()
            for number, partition in topic.partitions.items()
        }

    def leader(self, place: Place) -> int:
        """Tell who leads a partition: a broker's number, or -1 if nobody does."""
        return self.partitions()[place].leader

    def await_leader(self, place: Place, accepts: Callable[[int], bool]) -> int:
        """Return the leader of a partition once it is one that is accepted."""

        def accepted() -> list[int]:
            leader = self.leader(place)
            return [leader] if leader >= 0 and accepts(leader) else []

        (leader,) = eventually(accepted, describe=f"the leader of {place}")
        return leader

    def move(self, place: Place, to: int) -> None:
        """Let a broker that has a replica of a partition lead it."""
        replicas = self.partitions()[place].replicas
        assert to in replicas, f"broker {to} has no replica of {place}"
        wanted = [to, *(each for each in replicas if each != to)]
        reassign(self._bootstrap_servers, place.topic, place.partition, replicas=wanted)
        eventually(lambda: self.partitions()[place].replicas == wanted)
        partition = TopicPartition(*place)
        elected = self._admin.elect_leaders(ElectionType.PREFERRED, [partition])
        elected.result()
        self.await_leader(place, lambda leader: leader == to)

    def not_in_sync(self) -> list[Place]:
        """Tell the partitions that lack a leader or a replica."""
        return [
            place
            for place, partition in self.partitions().items()
            if partition.leader < 0 or set(partition.isrs) != set(partition.replicas)
        ]

    def setting(self, topic: str, name: str) -> str | None:
        """Tell a setting of a topic as it holds, whether it was set or not."""
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        (asked,) = self._admin.describe_configs([resource]).values()
        value = asked.result(_REQUEST_SECONDS)[name].value
        return None if value is None else str(value)

    def _metadata(self) -> ClusterMetadata:
        """Ask one broker after another, each by a client that knows no other.

        A client that knows more than one keeps asking the same, though it may be paused.
        """
        addresses = itertools.cycle(self._bootstrap_servers.split(","))

        def answered() -> ClusterMetadata | None:
            client = AdminClient({"bootstrap.servers": next(addresses), "log_level": 0})
            try:
                return client.list_topics(timeout=_METADATA_SECONDS)
            except KafkaException:
                return None

        metadata = eventually(answered, every_seconds=0.01, describe="a broker that answers")
        assert metadata is not None
        return metadata


def _spread(name: str) -> int:
    """Assign a name to a partition of an internal topic, by the hash of Java's strings."""
    code = 0
    units = name.encode("utf-16-be")
    for high, low in zip(units[::2], units[1::2], strict=True):
        code = (31 * code + high * 256 + low) % 2**32
    signed = code - 2**32 if code >= 2**31 else code
    return 0 if signed == -(2**31) else abs(signed) % INTERNAL_PARTITIONS
