"""Whether a group has read its topics to the end: what `--once` waits for."""

from collections.abc import Sequence

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition

from producer.errors import BrokerUnavailableError, FatalError
from producer.kafka.clients import open_admin
from producer.kafka.configuration import Properties
from producer.kafka.errors import describe, may_pass
from producer.kafka.member import Owned
from producer.kafka.tables import Watermarks

_REQUEST_SECONDS = 30.0


class GroupProgress:
    """Compares the committed offsets of a whole group with the ends of its topics."""

    def __init__(self, *, connection: Properties, group: str, watermarks: Watermarks) -> None:
        self._admin = open_admin(connection)
        self._group = group
        self._watermarks = watermarks

    def behind(self, partitions: Sequence[Owned]) -> list[Owned]:
        """Name the partitions that are not read to the end which `read_committed` can reach.

        Committed offsets of pending transactions do not count, so an answer may be outdated but
        never says that something is done which may still be undone.
        """
        ends = self._watermarks.stable(partitions)
        committed = self._committed(partitions)
        return [owned for owned in partitions if committed.get(owned, -1) < ends[owned]]

    def _committed(self, partitions: Sequence[Owned]) -> dict[Owned, int]:
        request = ConsumerGroupTopicPartitions(
            self._group, [TopicPartition(*owned) for owned in partitions]
        )
        (future,) = self._admin.list_consumer_group_offsets(
            [request], require_stable=False, request_timeout=_REQUEST_SECONDS
        ).values()
        try:
            answer = future.result()
        except KafkaException as raised:
            error = raised.args[0]
            kind = BrokerUnavailableError if may_pass(error) else FatalError
            raise kind(describe(f"fetch the offsets of group {self._group!r}", error)) from raised
        return {
            Owned(found.topic, found.partition): found.offset
            for found in answer.topic_partitions or []
        }
