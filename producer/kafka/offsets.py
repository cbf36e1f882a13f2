"""A group's committed offsets, asked for from outside the group.

Law: they are asked for by a consumer that never joins, not by the admin client. librdkafka 2.16
crashes the process where an admin client's OffsetFetch meets a coordinator that is still loading:
it then tells the client's own group to look for another, and an admin client has none.
"""

import threading
from collections.abc import Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from producer.errors import BrokerUnavailableError, FatalError
from producer.kafka.clients import open_consumer
from producer.kafka.configuration import Properties
from producer.kafka.errors import describe, may_pass
from producer.kafka.member import Owned
from producer.kafka.stages import Committed

# A new cluster's coordinators load for some seconds after the first group or transaction.
_ATTEMPTS = 60
_WAIT_SECONDS = 0.5
_REQUEST_SECONDS = 10.0


class GroupOffsets:
    """Asks where a group stands. One owner thread."""

    def __init__(self, connection: Properties, group: str) -> None:
        self._group = group
        self._consumer: Consumer = open_consumer(
            connection
            | {
                "group.id": group,
                "enable.auto.commit": False,
                # What pending transactions may replace is told as it is now, not waited for.
                "isolation.level": "read_uncommitted",
            }
        )

    def fetch(self, partitions: Sequence[Owned]) -> dict[Owned, int]:
        """Fetch committed offsets, negative where there is none; ask again for half a minute."""
        return {owned: found.offset for owned, found in self.fetch_whole(partitions).items()}

    def fetch_whole(self, partitions: Sequence[Owned]) -> dict[Owned, Committed]:
        """Fetch committed offsets with their metadata, as `fetch` does."""
        attempt = f"fetch the offsets of group {self._group!r}"
        wait = threading.Event()
        for _ in range(_ATTEMPTS):
            found, refused = self._ask(partitions)
            if refused is None:
                return found
            if not may_pass(refused):
                raise FatalError(describe(attempt, refused))
            wait.wait(_WAIT_SECONDS)
        assert refused is not None
        raise BrokerUnavailableError(describe(attempt, refused))

    def _ask(
        self, partitions: Sequence[Owned]
    ) -> tuple[dict[Owned, Committed], KafkaError | None]:
        asked = [TopicPartition(*owned) for owned in partitions]
        try:
            answered = self._consumer.committed(asked, timeout=_REQUEST_SECONDS)
        except KafkaException as raised:
            return {}, raised.args[0]
        refusals = [found.error for found in answered if found.error is not None]
        return (
            {
                Owned(found.topic, found.partition): Committed(found.offset, found.metadata or "")
                for found in answered
            },
            refusals[0] if refusals else None,
        )

    def close(self) -> None:
        """Let go of the connection."""
        self._consumer.close()
