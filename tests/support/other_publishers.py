"""Somebody else who publishes to a real broker: in transactions that end when a test says so."""

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from producer.kafka.stages import Message
from producer.kafka.tables import TableReader
from tests.support.waiting import eventually

_SECONDS = 30.0
# More than it takes to read all that a test publishes, many times over.
_FRUITLESS_POLLS = 5


def make_topics(bootstrap_servers: str, *names: str, partitions: int = 1, **config: str) -> None:
    """Create topics, and wait until they are there; `config` has underscores for dots."""
    admin = AdminClient({"bootstrap.servers": bootstrap_servers})
    dotted = {name.replace("_", "."): value for name, value in config.items()}
    new = [
        NewTopic(name, num_partitions=partitions, replication_factor=1, config=dotted)
        for name in names
    ]
    for future in admin.create_topics(new).values():
        future.result(_SECONDS)


class OtherPublisher:
    """A transactional publisher that has begun a transaction."""

    def __init__(self, bootstrap_servers: str, transactional_id: str) -> None:
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap_servers,
                "transactional.id": transactional_id,
                "partitioner": "murmur2_random",
                "linger.ms": 5,
                "log_level": 2,
            }
        )
        self._producer.init_transactions(_SECONDS)
        self._producer.begin_transaction()

    def publish(self, topic: str, *messages: tuple[bytes, bytes]) -> None:
        """Publish keys and values, and wait until they lie in the log."""
        for key, value in messages:
            self._producer.produce(topic, value, key)
        assert 0 == self._producer.flush(_SECONDS)

    def commit(self) -> None:
        """Let it be seen, and begin the next transaction."""
        self._producer.commit_transaction(_SECONDS)
        self._producer.begin_transaction()

    def abort(self) -> None:
        """Take it back, and begin the next transaction."""
        self._producer.abort_transaction(_SECONDS)
        self._producer.begin_transaction()


class WatchedReaders:
    """Table readers that tell how often they have asked in vain."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, module: str) -> None:
        self._fruitless = 0
        watched = self

        class Watched(TableReader):
            def poll(self, *, timeout_seconds: float = 0.0) -> list[Message]:
                messages = super().poll(timeout_seconds=timeout_seconds)
                watched._fruitless += not messages
                return messages

        monkeypatch.setattr(f"{module}.TableReader", Watched)

    def await_standstill(self) -> None:
        """Wait until a reader has found nothing more for a while."""
        before = self._fruitless
        eventually(lambda: self._fruitless >= before + _FRUITLESS_POLLS, every_seconds=0.02)
