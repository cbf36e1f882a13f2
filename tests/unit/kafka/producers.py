"""librdkafka's producer as the publisher sees it, without brokers.

What it reports is handed over only while it is polled, as with the real one. A journal keeps what
each instance was asked, by the number of the instance.
"""

import json
import logging
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from typing import Any, cast

from confluent_kafka import KafkaError, KafkaException

from producer.kafka.transactions import TransactionalPublisher
from tests.support.stages import FakeClock, FakeMessage

TRANSACTION_SECONDS = 30


def an_error(
    code: int, *, fatal: bool = False, retriable: bool = False, abort: bool = False
) -> KafkaException:
    """Build what a call of the client raises."""
    return KafkaException(KafkaError(code, "said by a test", fatal, retriable, abort))


class Cluster:
    """What all instances share: the journal, and what will go wrong at which call."""

    def __init__(self) -> None:
        self.journal: list[tuple[int, str]] = []
        self.failures: defaultdict[str, deque[KafkaException | Exception]] = defaultdict(deque)
        # Done while a call is under way, once for each entry: time passes, a report arrives.
        self.meanwhile: defaultdict[str, deque[Callable[[], None]]] = defaultdict(deque)
        self.instances: list[FakeProducer] = []
        # Under which member each set of offsets was sent.
        self.vouched: list[Any] = []
        self.produced: list[bytes] = []
        self.waited: list[float] = []
        """For how long offsets were to be waited for."""
        self.offsets: list[dict[tuple[str, int], tuple[int, str]]] = []

    def build(self, properties: Mapping[str, Any]) -> "FakeProducer":
        """Stand in for the class of the real producer."""
        instance = FakeProducer(self, dict(properties), number=len(self.instances) + 1)
        self.instances.append(instance)
        return instance

    def calls(self, *names: str) -> list[tuple[int, str]]:
        """The calls of these names, in order."""
        return [(number, name) for number, name in self.journal if name in names]

    def note(self, number: int, name: str) -> None:
        """Keep a call, and let happen what was planned for it."""
        self.journal.append((number, name))
        if self.meanwhile[name]:
            self.meanwhile[name].popleft()()
        if self.failures[name]:
            raise self.failures[name].popleft()


class FakeProducer:
    """One instance."""

    def __init__(self, cluster: Cluster, properties: dict[str, Any], *, number: int) -> None:
        self._cluster = cluster
        self._properties = properties
        self._number = number
        self._reports: deque[Callable[[], None]] = deque()
        self.room: int | None = None
        self.polls = 0

    def report_error(self, code: int) -> None:
        """Have an error to tell."""
        self._reports.append(lambda: self._properties["error_cb"](KafkaError(code)))

    def report_fatal_error(self, code: int) -> None:
        """Have a fatal error to tell: the client raises it instead of calling back."""

        def raise_it() -> None:
            raise an_error(code, fatal=True)

        self._reports.append(raise_it)

    def report_statistics(self, **counters: int) -> None:
        """Have statistics of the coordinator's connection to tell."""
        text = json.dumps({"brokers": {"TxnCoordinator": counters}})
        self._reports.append(lambda: self._properties["stats_cb"](text))

    def report_log(self, text: str) -> None:
        """Have a log line to tell."""
        logger = cast("logging.Logger", self._properties["logger"])
        self._reports.append(lambda: logger.log(logging.WARNING, "%s", text))

    def report_delivery(self, code: int | None) -> None:
        """Have the fate of a message to tell."""
        error = None if code is None else KafkaError(code)
        message = FakeMessage(topic_name="out")
        self._reports.append(lambda: self._properties["on_delivery"](error, message))

    def list_topics(self, topic: str, timeout: float) -> None:
        del topic, timeout
        self._cluster.note(self._number, "list_topics")

    def poll(self, timeout: float) -> None:
        del timeout
        self._cluster.note(self._number, "poll")
        while self._reports:
            self._reports.popleft()()
        # Room comes with every second poll.
        self.polls += 1
        if self.room is not None:
            self.room += self.polls % 2

    def init_transactions(self, timeout: float) -> None:
        del timeout
        self._cluster.note(self._number, "init")

    def begin_transaction(self) -> None:
        self._cluster.note(self._number, "begin")

    def produce(self, topic: str, value: bytes, key: bytes, partition: int) -> None:
        del topic, key, partition
        if self.room is not None:
            if self.room == 0:
                raise BufferError
            self.room -= 1
        self._cluster.note(self._number, "produce")
        self._cluster.produced.append(value)

    def send_offsets_to_transaction(
        self,
        offsets: list[Any],
        metadata: Any,  # noqa: ANN401 - an opaque handle
        timeout: float,
    ) -> None:
        self._cluster.waited.append(timeout)
        self._cluster.vouched.append(metadata)
        self._cluster.note(self._number, "send_offsets")
        self._cluster.offsets.append(
            {(each.topic, each.partition): (each.offset, each.metadata) for each in offsets}
        )

    def commit_transaction(self, timeout: float) -> None:
        del timeout
        self._cluster.note(self._number, "commit")

    def abort_transaction(self, timeout: float) -> None:
        del timeout
        self._cluster.note(self._number, "abort")

    def purge(self) -> None:
        self._cluster.note(self._number, "purge")

    def flush(self, timeout: float) -> None:
        del timeout
        self._cluster.note(self._number, "flush")


def a_publisher(clock: FakeClock, on_replaced: Callable[[str], None]) -> TransactionalPublisher:
    """Build a publisher; its producers are whatever stands in for the real class."""
    return TransactionalPublisher(
        build=lambda callbacks: {
            "transaction.timeout.ms": TRANSACTION_SECONDS * 1000,
            **callbacks,
        },
        warm_topic="in",
        clock=clock,
        on_replaced=on_replaced,
    )
