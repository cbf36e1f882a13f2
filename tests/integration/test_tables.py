"""Topics read back as tables, on a real broker."""

import threading
from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from producer.errors import BrokerUnavailableError, FatalError
from producer.kafka import configuration
from producer.kafka.member import Owned
from producer.kafka.stages import Message
from producer.kafka.tables import (
    ModelTable,
    TableReader,
    Watermarks,
    all_partitions,
    from_beginning,
)
from producer.settings.kafka import KafkaSettings
from tests.support.kafka_clusters.cluster import KafkaCluster
from tests.support.kafka_clusters.leadership import Place
from tests.support.other_publishers import OtherPublisher, WatchedReaders, make_topics
from tests.support.waiting import eventually

_PARTITIONS = 2
# A tenth of a second each.
_POLLS_MAX = 300
_SECONDS = 30.0


class Table:
    """A topic of two partitions, with what publishes to it and what reads it."""

    def __init__(self, bootstrap_servers: str, prefix: str) -> None:
        self.topic = f"{prefix}table"
        self.zero, self.one = all_partitions(self.topic, partitions=_PARTITIONS)
        self._servers = bootstrap_servers
        self._settings = KafkaSettings(bootstrap_servers=bootstrap_servers)
        self.watermarks = Watermarks(configuration.connection(self._settings, client_id="test"))
        make_topics(
            bootstrap_servers,
            self.topic,
            partitions=_PARTITIONS,
            max_message_bytes=str(configuration.MESSAGE_BYTES_MAX),
        )
        self._names = iter(range(100))
        self._prefix = prefix
        self._readers: list[TableReader] = []

    def other(self) -> OtherPublisher:
        """Be somebody else who has begun a transaction."""
        return OtherPublisher(self._servers, f"{self._prefix}{next(self._names)}")

    def publish(
        self, partition: int, *values: bytes | None, key: bytes = b"key", at: int = 0
    ) -> None:
        """Publish without a transaction."""
        producer = Producer(
            {
                "bootstrap.servers": self._servers,
                "message.max.bytes": configuration.MESSAGE_BYTES_MAX,
            }
        )
        for value in values:
            producer.produce(self.topic, value, key, partition, timestamp=at)
        assert 0 == producer.flush(_SECONDS)

    def trim(self, owned: Owned, offset: int) -> None:
        """Delete what lies before an offset."""
        admin = AdminClient({"bootstrap.servers": self._servers})
        for future in admin.delete_records([TopicPartition(*owned, offset)]).values():
            future.result(_SECONDS)

    def reader(self, starts: dict[Owned, int] | None = None) -> TableReader:
        """Read the whole topic, or from these offsets."""
        reader = TableReader(
            properties=configuration.table_reader(self._settings, client_id="test"),
            watermarks=self.watermarks,
            starts=from_beginning([self.zero, self.one]) if starts is None else starts,
        )
        self._readers.append(reader)
        return reader

    def close(self) -> None:
        """Let the readers go."""
        for reader in self._readers:
            reader.close()


@pytest.fixture
def table(kafka: str, topic_prefix: str) -> Iterator[Table]:
    """Give a topic that nothing was published to."""
    table = Table(kafka, topic_prefix)
    yield table
    table.close()


def _read(read: Callable[[Callable[[], bool]], Iterator[Message]]) -> list[bytes | None]:
    """Read to the end, or fail where it is not reached."""
    left = iter(range(_POLLS_MAX))
    values = [message.value() for message in read(lambda: next(left, None) is None)]
    assert next(left, None) is not None, f"the end is not reached; {values!r} were read"
    return sorted(values, key=str)


def test_table_is_read_whole(table: Table) -> None:
    """All partitions, from the first message to the last; positions are behind it."""
    table.publish(0, b"0", b"1")
    table.publish(1, b"2")
    reader = table.reader()
    assert [b"0", b"1", b"2"] == _read(reader.read_to_high_watermark)
    assert (2, 1) == (reader.position(table.zero), reader.position(table.one))


def test_messages_beyond_the_limits_of_a_fetch_are_read(table: Table) -> None:
    """The largest lines and dead letters are shown by such readers too."""
    large = b"x" * (configuration.MESSAGE_BYTES_MAX - 1024)
    table.publish(0, b"0", large, large, b"1")

    found = _read(table.reader().read_to_high_watermark)

    assert [b"0", b"1", large, large] == found


def test_empty_partitions_are_read_at_once(table: Table) -> None:
    """There is nothing to wait for."""
    reader = table.reader()
    assert [] == _read(reader.read_to_high_watermark)
    table.publish(0, b"0")
    assert [b"0"] == _read(reader.read_to_high_watermark)


@pytest.mark.parametrize("end", ["commit", "abort"])
def test_markers_and_aborted_messages_at_the_end_are_read_over(table: Table, end: str) -> None:
    """The end is reached, though no message lies there."""
    table.publish(0, b"0")
    table.publish(1, b"1")
    other = table.other()
    for value in (b"2", b"3", b"4"):
        other.publish(table.topic, (value, value))
    getattr(other, end)()
    expected = [b"0", b"1", b"2", b"3", b"4"] if end == "commit" else [b"0", b"1"]
    reader = table.reader()
    assert expected == _read(reader.read_to_high_watermark)

    def is_at_the_end() -> bool:
        assert [] == reader.poll()
        ends = table.watermarks.high([table.zero, table.one])
        return ends == {owned: reader.position(owned) for owned in ends}

    # A transaction's end returns before its markers are written to each partition.
    eventually(is_at_the_end)


class _Reading:
    """Reads to the high watermark in a thread."""

    def __init__(self, reader: TableReader, is_cancelled: Callable[[], bool]) -> None:
        self._reader = reader
        self._is_cancelled = is_cancelled
        self.values: list[bytes | None] = []
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        for message in self._reader.read_to_high_watermark(self._is_cancelled):
            self.values.append(message.value())

    def is_done(self) -> bool:
        return not self._thread.is_alive()


@pytest.mark.parametrize("end", ["commit", "abort"])
def test_pending_transaction_is_waited_for(
    table: Table, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """What lies below the high watermark counts, though its markers are still to be written."""
    readers = WatchedReaders(monkeypatch, __name__)
    table.publish(0, b"before")
    table.publish(1, b"before")
    other = table.other()
    other.publish(table.topic, (b"key", b"pending"))
    reading = _Reading(table.reader(), lambda: False)
    readers.await_standstill()
    assert not reading.is_done()

    getattr(other, end)()
    eventually(reading.is_done)
    assert (end == "commit") == (b"pending" in reading.values)
    assert 2 == reading.values.count(b"before")


def test_reading_that_is_cancelled_ends(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a transaction when the partition is gone."""
    readers = WatchedReaders(monkeypatch, __name__)
    other = table.other()
    other.publish(table.topic, (b"key", b"pending"))
    cancelled = threading.Event()
    reading = _Reading(table.reader(), cancelled.is_set)
    readers.await_standstill()
    cancelled.set()
    eventually(reading.is_done)
    assert [] == reading.values
    other.abort()


def test_stable_end_is_not_waited_for(table: Table) -> None:
    """For showing, what is committed now is enough."""
    table.publish(0, b"0")
    table.publish(1, b"1")
    other = table.other()
    other.publish(table.topic, (b"key", b"pending"))
    assert [b"0", b"1"] == _read(table.reader().read_to_stable_end)
    other.abort()


def test_table_is_read_from_what_its_topic_still_holds(table: Table) -> None:
    """The beginning is where the log begins now."""
    table.publish(0, b"0", b"1", b"2")
    table.trim(table.zero, 2)
    assert [b"2"] == _read(table.reader().read_to_high_watermark)
    assert {table.zero: 2, table.one: 0} == table.watermarks.low([table.zero, table.one])


def test_table_is_read_from_given_offsets(table: Table) -> None:
    """Each partition from its own; at the end nothing is left."""
    table.publish(0, b"0", b"1", b"2")
    table.publish(1, b"3", b"4")
    reader = table.reader({table.zero: 1, table.one: 2})
    assert [b"1", b"2"] == _read(reader.read_to_high_watermark)


def test_offset_that_is_gone_stops_the_reading(table: Table) -> None:
    """A table with a hole at its beginning is no table."""
    table.publish(0, b"0", b"1", b"2")
    table.trim(table.zero, 2)
    reader = table.reader({table.zero: 1})
    with pytest.raises(FatalError, match="as a table"):
        _read(reader.read_to_high_watermark)


def test_offset_beyond_the_end_stops_the_reading(table: Table) -> None:
    """The topic is another than the one that the offset is from."""
    table.publish(0, b"0")
    reader = table.reader({table.zero: 5})
    with pytest.raises(FatalError, match="as a table"):
        eventually(lambda: reader.poll(timeout_seconds=0.1))


def test_paused_topic_is_followed_no_more(table: Table) -> None:
    """What arrives meanwhile is read when it is followed again."""
    reader = table.reader()
    assert [] == _read(reader.read_to_high_watermark)
    reader.pause(table.topic)
    table.publish(0, b"0")
    assert [] == [message for _ in range(5) for message in reader.poll(timeout_seconds=0.1)]
    reader.resume(table.topic)
    assert [b"0"] == _read(reader.read_to_high_watermark)


def test_watermarks_tell_pending_from_stable(table: Table) -> None:
    """The log ends behind a pending transaction, which a reader cannot reach."""
    table.publish(0, b"0")
    table.publish(1, b"1")
    other = table.other()
    other.publish(table.topic, (b"a", b"pending"), (b"b", b"pending"), (b"c", b"pending"))
    owned = [table.zero, table.one]
    assert {table.zero: 1, table.one: 1} == table.watermarks.stable(owned)
    assert 2 + 3 == sum(table.watermarks.high(owned).values())
    other.abort()
    # An abort, like a commit, returns before its markers are written.
    eventually(lambda: table.watermarks.stable(owned) == table.watermarks.high(owned))


def test_watermarks_tell_the_first_offset_of_a_time(table: Table) -> None:
    """The first message at or after it; the end where none is as young."""
    for at in (1000, 2000, 3000):
        table.publish(0, b"", at=at)
    owned = [table.zero, table.one]
    assert {table.zero: 1, table.one: 0} == table.watermarks.at_time(owned, 1001)
    assert {table.zero: 3, table.one: 0} == table.watermarks.at_time(owned, 3001)


def test_watermarks_of_no_partitions_are_none(table: Table) -> None:
    """Nobody is asked."""
    assert {} == table.watermarks.high([])


def test_partition_that_does_not_exist_stops_the_asking(table: Table) -> None:
    """It is asked for a while, as a new topic's would be, and then named."""
    with pytest.raises(BrokerUnavailableError, match=f"'{table.topic}'.*_NOENT.*topics apply"):
        table.watermarks.once().high([Owned(table.topic, 7)])


def test_model_table_holds_the_latest_of_each_key(table: Table) -> None:
    """Later messages replace earlier ones, and a tombstone removes."""
    table.publish(0, b"1", b"2", key=b"a")
    table.publish(1, b"3", key=b"b")
    table.publish(0, b"4", None, key=b"c")
    models = ModelTable(table.reader(), int)
    models.restore()
    assert (2, 3, None) == (models.get("a"), models.get("b"), models.get("c"))
    assert [2, 3] == sorted(models.values())


def test_model_table_follows_its_topic(table: Table) -> None:
    """What was published since is taken in when it is refreshed."""
    models = ModelTable(table.reader(), int)
    models.restore()
    assert models.refresh() is False
    table.publish(0, b"1", key=b"a")
    eventually(models.refresh)
    assert 1 == models.get("a")
    table.publish(0, None, key=b"a")
    eventually(models.refresh)
    assert [] == models.values()


def test_ends_are_found_at_a_leader_that_was_away(
    three_brokers: KafkaCluster, topic_prefix: str
) -> None:
    """The broker is the same and its epoch is not, as after each restart of it."""
    settings = KafkaSettings(bootstrap_servers=three_brokers.bootstrap_servers)
    topic = f"{topic_prefix}table"
    admin = AdminClient({"bootstrap.servers": three_brokers.bootstrap_servers})
    admin.create_topics([NewTopic(topic, 1, -1)])[topic].result(_SECONDS)
    watermarks = Watermarks(configuration.connection(settings, client_id="test"))
    assert {Owned(topic, 0): 0} == watermarks.high([Owned(topic, 0)])
    place = Place(topic, 0)
    leader = three_brokers.leadership.leader(place)
    three_brokers.leadership.move(place, min(set(three_brokers.nodes) - {leader}))
    three_brokers.leadership.move(place, leader)
    assert {Owned(topic, 0): 0} == watermarks.high([Owned(topic, 0)])


def test_model_table_refuses_what_is_out_of_place(table: Table) -> None:
    """A message in a partition where its key does not belong is asked about, and left out."""
    table.publish(0, b"1", key=b"a")
    table.publish(1, b"2", key=b"a")
    asked: list[tuple[bytes, int]] = []

    def is_in_place(key: bytes, partition: int) -> bool:
        asked.append((key, partition))
        return partition == 0

    models = ModelTable(table.reader(), int, is_in_place)
    models.restore()
    assert ([1], [(b"a", 0), (b"a", 1)]) == (models.values(), sorted(asked))
