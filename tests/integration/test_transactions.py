"""The publisher on a real broker: what is visible, and what a suspect client cannot spoil."""

import gc
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer

from producer.clock import SystemClock
from producer.embedded.parts import Progress, running_kafka
from producer.errors import FatalError
from producer.kafka import configuration
from producer.kafka.admin import Administrator, TopicPlan
from producer.kafka.partitioning import partition_of
from producer.kafka.stages import Committed
from producer.kafka.transactions import Transaction, TransactionalPublisher, TransactionResult
from producer.settings.kafka import KafkaSettings
from tests.support.kafka_proxy.frames import Api
from tests.support.kafka_proxy.proxy import KafkaProxy
from tests.support.topic_reading import TopicReading
from tests.support.waiting import eventually

_PARTITIONS = 6
_SECONDS = 30.0


class Publishing:
    """A topic of messages up to a kilobyte, a group on it, and publishers of one slot."""

    def __init__(self, bootstrap_servers: str, prefix: str, *, via: str | None = None) -> None:
        self.topic, self.group = f"{prefix}topic", f"{prefix}group"
        self.reading = TopicReading(
            bootstrap_servers=bootstrap_servers, registry_url="http://127.0.0.1:1"
        )
        self.replaced: list[str] = []
        self._settings = KafkaSettings.model_validate(
            {
                "bootstrap_servers": via or bootstrap_servers,
                "transaction_timeout_seconds": 5.0,
                "compression": "none",
            }
        )
        connection = configuration.connection(self._settings, client_id="test")
        plan = TopicPlan(
            name=self.topic,
            partitions=_PARTITIONS,
            replication=1,
            configuration={"max.message.bytes": "1000"},
        )
        Administrator(connection).apply([plan])
        # It never joins, so its metadata names the group alone.
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap_servers, "group.id": self.group, "log_level": 2}
        )
        self._publishers: list[TransactionalPublisher] = []

    def publisher(self) -> TransactionalPublisher:
        """Start a publisher; all have the same transactional id."""
        publisher = TransactionalPublisher(
            build=lambda callbacks: configuration.publisher(
                self._settings,
                client_id="test",
                transactional_id=self.group,
                callbacks=callbacks,
            ),
            warm_topic=self.topic,
            clock=SystemClock(),
            on_replaced=self.replaced.append,
        )
        self._publishers.append(publisher)
        return publisher

    def transact(
        self,
        publisher: TransactionalPublisher,
        *values: bytes,
        offset: int = 0,
        metadata: str = "",
        while_open: Callable[[], Any] = lambda: None,
    ) -> TransactionResult:
        """Run a transaction with these values and an offset of the group."""

        def contribute(transaction: Transaction) -> None:
            for value in values:
                transaction.publish(topic=self.topic, key=b"key", value=value, partition=0)
            transaction.advance(self.topic, 0, offset=offset, metadata=metadata)
            if values:
                assert publisher._current is not None
                publisher._current.producer.flush(_SECONDS)
            while_open()

        publisher.prepare()
        result, _ = publisher.transact(contribute, self.metadata)
        return result

    def metadata(self, topic: str) -> Any:  # noqa: ANN401 - an opaque handle of the client
        """Give the metadata of the group, whichever topic it is for."""
        del topic
        return self._consumer.consumer_group_metadata()

    def values(self) -> list[bytes]:
        """Read what is committed."""
        return [read.value for read in self.reading.read(self.topic)]

    def has_open_transaction(self) -> bool:
        """Whether something in the topic is neither committed nor aborted."""
        stable = self.reading.stable_ends(self.topic)
        return stable != self.reading.high_watermarks(self.topic)

    def committed(self) -> Committed:
        """Tell what the group has committed for the first partition."""
        found = self.reading.committed(self.group, self.topic)[0]
        return Committed(found.offset, found.metadata or "")

    def close(self) -> None:
        """Let everything go."""
        for publisher in self._publishers:
            publisher.close()
        self._consumer.close()
        self.reading.close()


@pytest.fixture
def publishing(kafka: str, topic_prefix: str) -> Iterator[Publishing]:
    """Give a topic, a group and publishers on the broker that all tests share."""
    publishing = Publishing(kafka, topic_prefix)
    yield publishing
    publishing.close()


def test_messages_and_offset_become_visible_together(publishing: Publishing) -> None:
    """Neither is there while the transaction is open, and both are when it is committed."""
    publisher = publishing.publisher()
    seen: list[tuple[bool, int]] = []
    result = publishing.transact(
        publisher,
        b"value",
        offset=5,
        metadata="place",
        while_open=lambda: seen.append(
            (publishing.has_open_transaction(), publishing.committed().offset)
        ),
    )
    assert ([(True, -1001)], TransactionResult.COMMITTED) == (seen, result)
    assert ([b"value"], Committed(5, "place")) == (publishing.values(), publishing.committed())


def test_key_is_published_to_the_partition_it_belongs_to(publishing: Publishing) -> None:
    """Librdkafka partitions by the rule that is spelt out here."""
    keys = [b"a", b"ab", b"abc", b"abcd", "日本語".encode(), b"x" * 200, b"src_acme/key"]
    publisher = publishing.publisher()
    publisher.prepare()

    def contribute(transaction: Transaction) -> None:
        for key in keys:
            # Any partition: the client chooses.
            transaction.publish(topic=publishing.topic, key=key, value=b"", partition=-1)

    publisher.transact(contribute, publishing.metadata)
    found = {read.key: read.partition for read in publishing.reading.read(publishing.topic)}
    assert found == {key: partition_of(key, partitions=_PARTITIONS) for key in keys}


def test_successor_settles_what_its_predecessor_left_open(publishing: Publishing) -> None:
    """Preparing aborts the open transaction of the slot, and nobody waits for its time-out."""
    first, second = publishing.publisher(), publishing.publisher()
    still_open: list[bool] = []

    def be_succeeded() -> None:
        still_open.append(publishing.has_open_transaction())
        second.prepare()
        still_open.append(publishing.has_open_transaction())

    result = publishing.transact(first, b"lost", offset=7, while_open=be_succeeded)
    assert ([True, False], TransactionResult.UNKNOWN) == (still_open, result)
    assert TransactionResult.COMMITTED is publishing.transact(second, b"kept", offset=3)
    assert ([b"kept"], 3) == (publishing.values(), publishing.committed().offset)


def test_fenced_publisher_goes_on_with_a_new_epoch(publishing: Publishing) -> None:
    """A fence that only the offsets met is borne like any other."""
    first, second = publishing.publisher(), publishing.publisher()
    first.prepare()
    second.prepare()
    assert TransactionResult.UNKNOWN is publishing.transact(first, offset=4)
    assert TransactionResult.COMMITTED is publishing.transact(first, b"value", offset=5)
    assert ([b"value"], 5) == (publishing.values(), publishing.committed().offset)


def test_message_that_the_broker_refuses_stops_the_process(publishing: Publishing) -> None:
    """The failed delivery is heard, named, and nothing of its transaction is visible."""
    publisher = publishing.publisher()
    with pytest.raises(FatalError, match=r"publish to .*MSG_SIZE_TOO_LARGE.*max\.message\.bytes"):
        publishing.transact(publisher, b"small", os.urandom(2000), offset=5)
    publisher.close()
    # A successor settles what was given up, as after a restart.
    publishing.publisher().prepare()
    assert ([], -1001) == (publishing.values(), publishing.committed().offset)


def test_place_that_is_too_long_stops_the_process(publishing: Publishing) -> None:
    """A retry would be as long."""
    publisher = publishing.publisher()
    with pytest.raises(FatalError, match="OFFSET_METADATA_TOO_LARGE"):
        publishing.transact(publisher, b"value", metadata="x" * 5000)


@dataclass(frozen=True)
class Proxied:
    """A broker of its own, and the proxy before its second listener."""

    bootstrap_servers: str
    via: str
    proxy: KafkaProxy


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory, progress: Progress) -> Iterator[Proxied]:
    """Give a broker that can also be reached through a proxy."""
    directory = tmp_path_factory.mktemp("proxied")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        with running_kafka(directory, proxied_port=port, progress=progress) as broker:
            assert broker.proxied_listener is not None
            host, _, upstream_port = broker.proxied_listener.rpartition(":")
            proxy = KafkaProxy(listening, (host, int(upstream_port)))
            yield Proxied(broker.bootstrap_servers, f"127.0.0.1:{port}", proxy)
            proxy.close()


@pytest.fixture
def through_proxy(proxied: Proxied, topic_prefix: str) -> Iterator[Publishing]:
    """Give a topic, a group and publishers whose connections can be held and cut."""
    publishing = Publishing(proxied.bootstrap_servers, topic_prefix, via=proxied.via)
    yield publishing
    publishing.close()


def test_delayed_commit_cannot_end_the_next_transaction(
    through_proxy: Publishing, proxied: Proxied
) -> None:
    """A commit that was tried again arrives once more, in the middle of the next transaction."""
    publisher = through_proxy.publisher()
    commit = proxied.proxy.faults.hold_and_cut_next(Api.END_TXN)
    assert TransactionResult.COMMITTED is through_proxy.transact(publisher, b"first")
    still_open: list[bool] = []

    def let_it_arrive() -> None:
        commit.release()
        still_open.append(through_proxy.has_open_transaction())

    result = through_proxy.transact(publisher, b"second", while_open=let_it_arrive)
    assert ([True], TransactionResult.COMMITTED) == (still_open, result)
    assert [b"first", b"second"] == through_proxy.values()


def test_commit_whose_answer_was_cut_off_makes_the_client_suspect(
    through_proxy: Publishing, proxied: Proxied
) -> None:
    """It succeeds by being tried again, and what was tried first may still be under way."""
    publisher = through_proxy.publisher()
    publisher.prepare()
    proxied.proxy.faults.cut_behind_next(Api.END_TXN)
    assert TransactionResult.COMMITTED is through_proxy.transact(publisher, b"first")
    publisher.serve()
    assert not publisher.is_usable
    assert TransactionResult.COMMITTED is through_proxy.transact(publisher, b"second")
    assert 2 == len(through_proxy.replaced)
    assert [b"first", b"second"] == through_proxy.values()


def test_connection_cut_between_transactions_makes_the_client_suspect(
    through_proxy: Publishing, proxied: Proxied
) -> None:
    """Nothing was under way that is known of; a new epoch is cheaper than to be wrong."""
    publisher = through_proxy.publisher()
    through_proxy.transact(publisher, b"first")
    assert publisher.is_usable
    proxied.proxy.cut_all()

    def is_suspect() -> bool:
        publisher.serve()
        return not publisher.is_usable

    eventually(is_suspect)
    assert TransactionResult.COMMITTED is through_proxy.transact(publisher, b"second")
    assert ["start", "log FAIL"] == through_proxy.replaced
    assert [b"first", b"second"] == through_proxy.values()


def test_replaced_client_leaves_no_threads_behind(publishing: Publishing) -> None:
    """Clients come and go many times a minute, and no collection comes to the rescue."""
    publisher = publishing.publisher()
    publishing.transact(publisher, b"0")
    gc.disable()
    try:
        before = _threads_of_clients()
        for number in range(1, 9):
            assert publisher._current is not None
            publisher._current.distrust("test")
            publishing.transact(publisher, b"%d" % number)
        # One that is closing, beside the current one and the one that stands by.
        eventually(lambda: _threads_of_clients() <= before + 10)
    finally:
        gc.enable()


def _threads_of_clients() -> int:
    names = [comm.read_text() for comm in Path("/proc/self/task").glob("*/comm")]
    return sum(name.startswith("rdk:") for name in names)


def test_connection_cut_amid_a_transaction_holds_nobody_up(
    through_proxy: Publishing, proxied: Proxied
) -> None:
    """Librdkafka forgets the offsets that were under way with the messages, and waits for ever."""
    publisher = through_proxy.publisher()
    through_proxy.transact(publisher, b"first", offset=1)

    def contribute(transaction: Transaction) -> None:
        transaction.publish(topic=through_proxy.topic, key=b"key", value=b"second", partition=0)
        transaction.advance(through_proxy.topic, 0, offset=2)

    cut = proxied.proxy.faults.cut_before_next(Api.PRODUCE)

    def is_committed() -> bool:
        publisher.prepare()
        result, _ = publisher.transact(contribute, through_proxy.metadata)
        return result is TransactionResult.COMMITTED

    eventually(is_committed)
    assert cut.is_spent
    assert [b"first", b"second"] == through_proxy.values()
    assert 2 == through_proxy.committed().offset
