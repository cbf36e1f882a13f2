"""The proxy before a real broker: each fault is seen at a real client, and in the journal."""

import random
import struct
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from confluent_kafka import KafkaError, Message, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.support.kafka_clusters.cluster import KafkaCluster
from tests.support.kafka_proxy.faults import Action, Armed, Faults, Rule
from tests.support.kafka_proxy.frames import Api, Request
from tests.support.topic_reading import TopicReading
from tests.support.waiting import eventually

_SECONDS = 30.0


class Publishing:
    """A topic of one partition, and producers that reach it through the proxy alone."""

    def __init__(self, cluster: KafkaCluster, topic: str) -> None:
        self.cluster, self.topic = cluster, topic
        self.reading = TopicReading(
            bootstrap_servers=cluster.bootstrap_servers, registry_url="http://127.0.0.1:1"
        )
        admin = AdminClient({"bootstrap.servers": cluster.bootstrap_servers})
        admin.create_topics([NewTopic(topic, 1, -1)])[topic].result()

    def transactional(self) -> Producer:
        """Start a producer of transactions."""
        producer = self._producer({"transactional.id": self.topic})
        producer.init_transactions(_SECONDS)
        return producer

    def trying_once(self) -> Producer:
        """Start a producer that knows the topic, gives up soon, and repeats nothing."""
        producer = self._producer({"retries": 0, "socket.timeout.ms": 1000})
        producer.list_topics(self.topic, timeout=_SECONDS)
        return producer

    def publish(self, producer: Producer, value: bytes) -> KafkaError | None:
        """Publish a message and tell what became of it."""
        results: list[KafkaError | None] = []

        def delivered(error: KafkaError | None, _: Message) -> None:
            results.append(error)

        producer.produce(self.topic, value, on_delivery=delivered)
        assert 0 == producer.flush(_SECONDS)
        (result,) = results
        return result

    def committed(self) -> list[bytes]:
        """Read what is committed, past the proxy."""
        return [read.value for read in self.reading.read(self.topic)]

    def has_open_transaction(self) -> bool:
        """Whether something in the topic is neither committed nor aborted."""
        stable = self.reading.stable_ends(self.topic)
        return stable != self.reading.high_watermarks(self.topic)

    def _producer(self, properties: dict[str, Any]) -> Producer:
        return Producer(
            {"bootstrap.servers": self.cluster.via, "log_level": 0, "linger.ms": 0, **properties}
        )


@pytest.fixture
def publishing(one_broker: KafkaCluster, topic_prefix: str) -> Iterator[Publishing]:
    """Give a topic behind the proxy."""
    publishing = Publishing(one_broker, f"{topic_prefix}topic")
    yield publishing
    publishing.reading.close()


def test_clients_learn_of_the_proxy_alone(one_broker: KafkaCluster) -> None:
    """The broker tells those who come through the proxy to come through it."""
    admin = AdminClient({"bootstrap.servers": one_broker.via})
    brokers = admin.list_topics(timeout=_SECONDS).brokers.values()
    assert [one_broker.via] == [f"{each.host}:{each.port}" for each in brokers]


def test_delayed_request_arrives_later(publishing: Publishing) -> None:
    """Nothing is answered before the time is over."""
    producer = publishing.transactional()
    delayed = publishing.cluster.faults.delay_next(Api.END_TXN, 0.5)
    producer.begin_transaction()
    producer.produce(publishing.topic, b"value")
    producer.commit_transaction(_SECONDS)
    ended = time.monotonic()
    (deed,) = publishing.cluster.faults.deeds(Action.DELAY, Api.END_TXN)[-1:]
    assert ended - deed.at >= 0.5
    assert (1, [b"value"]) == (len(delayed.met), publishing.committed())


def test_held_request_waits_until_it_is_released(publishing: Publishing) -> None:
    """The client waits, the transaction stays open, and both end with the release."""
    producer = publishing.transactional()
    held = publishing.cluster.faults.hold_next(Api.END_TXN)
    producer.begin_transaction()
    producer.produce(publishing.topic, b"value")
    with ThreadPoolExecutor() as pool:
        committing = pool.submit(producer.commit_transaction, _SECONDS)
        held.wait()
        assert (True, False) == (publishing.has_open_transaction(), committing.done())
        (answer,) = held.release()
        committing.result()
    assert 0 == _error_of_end(answer)
    assert [b"value"] == publishing.committed()


@pytest.mark.parametrize("hold", [Faults.hold_and_cut_next, Faults.hold_copy_of_next])
def test_held_request_arrives_though_its_client_went_on(
    hold: Callable[[Faults, Api], Armed], publishing: Publishing
) -> None:
    """What is late ends the next transaction of the same epoch: the broker did get it."""
    producer = publishing.transactional()
    producer.begin_transaction()
    producer.produce(publishing.topic, b"first")
    late = hold(publishing.cluster.faults, Api.END_TXN)
    producer.commit_transaction(_SECONDS)
    producer.begin_transaction()
    producer.produce(publishing.topic, b"open")
    assert 0 == producer.flush(_SECONDS)
    assert publishing.has_open_transaction()
    (answer,) = late.release()
    assert 0 == _error_of_end(answer)
    # The broker answers before it has written the markers.
    eventually(lambda: not publishing.has_open_transaction())
    assert [b"first", b"open"] == publishing.committed()
    assert publishing.cluster.faults.deeds(Action.RELEASE, Api.END_TXN)


@pytest.mark.parametrize(
    ("action", "arrives", "error"),
    [
        (Action.DROP, False, KafkaError._MSG_TIMED_OUT),
        (Action.DROP_ANSWER, True, KafkaError._MSG_TIMED_OUT),
        (Action.CUT_BEFORE, False, KafkaError._TRANSPORT),
        (Action.CUT_BEHIND, True, KafkaError._TRANSPORT),
    ],
)
def test_request_without_an_answer_arrived_or_not(
    action: Action,
    arrives: bool,  # noqa: FBT001 - a column of the table above
    error: int,
    publishing: Publishing,
) -> None:
    """The client cannot tell which, and the topic can."""
    producer = publishing.trying_once()
    armed = publishing.cluster.faults.arm(Rule(kind=Api.PRODUCE, action=action))
    found = publishing.publish(producer, b"first")
    assert found is not None
    assert error == found.code()
    assert publishing.publish(producer, b"second") is None
    assert [*([b"first"] if arrives else []), b"second"] == publishing.committed()
    assert armed.is_spent
    assert 1 == len(armed.met)


def test_dropped_request_takes_along_what_is_behind_it(publishing: Publishing) -> None:
    """A connection that lost a part of its stream delivers nothing more."""
    producer = publishing.trying_once()
    faults = publishing.cluster.faults
    faults.drop_next(Api.PRODUCE)
    errors: list[KafkaError | None] = []
    before = len(faults.deeds(Action.DROP, Api.PRODUCE))

    def is_dropped(count: int) -> bool:
        return len(faults.deeds(Action.DROP, Api.PRODUCE)) == before + count

    for number in (1, 2):
        producer.produce(publishing.topic, b"x", on_delivery=lambda error, _: errors.append(error))
        eventually(partial(is_dropped, number))
    assert 0 == producer.flush(_SECONDS)
    assert (2, []) == (len([error for error in errors if error]), publishing.committed())


def test_duplicated_request_arrives_twice(publishing: Publishing) -> None:
    """Who does not number his messages has them twice, and the client hears one answer."""
    producer = publishing.trying_once()
    faults = publishing.cluster.faults
    before = len(faults.deeds(Action.RELEASE, Api.PRODUCE))
    faults.duplicate_next(Api.PRODUCE)
    assert publishing.publish(producer, b"twice") is None
    eventually(lambda: len(faults.deeds(Action.RELEASE, Api.PRODUCE)) == before + 1)
    assert publishing.publish(producer, b"once") is None
    assert [b"twice", b"twice", b"once"] == publishing.committed()


def test_copy_that_precedes_a_request_is_answered_first(publishing: Publishing) -> None:
    """It has arrived by the time that its client is answered."""
    producer = publishing.trying_once()
    faults = publishing.cluster.faults
    before = len(faults.deeds(Action.RELEASE, Api.PRODUCE))
    faults.arm(Rule(kind=Api.PRODUCE, action=Action.PRECEDE))
    assert publishing.publish(producer, b"twice") is None
    assert before + 1 == len(faults.deeds(Action.RELEASE, Api.PRODUCE))
    assert publishing.publish(producer, b"once") is None
    assert [b"twice", b"twice", b"once"] == publishing.committed()


def test_rule_meets_those_that_it_names(publishing: Publishing) -> None:
    """It spares the first, counts only what matches, and ends after so many."""
    producer = publishing.trying_once()
    faults = publishing.cluster.faults
    cut = Rule(kind=Api.PRODUCE, action=Action.CUT_BEFORE, skip=1, times=2)
    faults.arm(Rule(kind=Api.PRODUCE, action=Action.DROP, matching=lambda r: r.mentions("else")))
    faults.arm(Rule(kind=Api.END_TXN, action=Action.DROP))
    faults.arm(Rule(kind=Api.PRODUCE, action=Action.DROP, broker=2))
    faults.arm(cut)
    results = [publishing.publish(producer, b"value") is None for _ in range(5)]
    assert [True, False, False, True, True] == results
    deed = faults.journal()[-1]
    assert (1, "PRODUCE", Action.CUT_BEFORE) == (deed.broker, deed.api, deed.action)


def test_chance_is_that_of_the_seed() -> None:
    """The same seed meets the same of a number of requests, and not all."""
    request = Request.of(struct.pack(">ihhihb", 11, Api.FETCH, 16, 7, 1, ord("c")))

    def met(seed: int) -> list[bool]:
        faults = Faults()
        rng = random.Random(seed)
        rule = Rule(kind=Api.FETCH, action=Action.DROP, times=None, probability=0.5, rng=rng)
        faults.arm(rule)
        return [faults.decide(1, request) is not None for _ in range(40)]

    assert met(1) == met(1) != met(2)
    assert {True, False} == set(met(1))


@pytest.mark.parametrize(
    ("requests", "answers", "arrives"),
    [(True, True, False), (True, False, False), (False, True, True)],
)
def test_paused_direction_lets_nothing_pass(
    *, requests: bool, answers: bool, arrives: bool, publishing: Publishing
) -> None:
    """What is under way waits, whichever way it goes, and is there after the pause."""
    producer = publishing.trying_once()
    # Over a connection that is there already.
    assert publishing.publish(producer, b"before") is None
    proxy = publishing.cluster.proxies[1]
    proxy.pause(requests=requests, answers=answers)
    assert publishing.publish(producer, b"during") is not None
    assert arrives == (publishing.committed() == [b"before", b"during"])
    proxy.resume()
    eventually(lambda: publishing.committed() == [b"before", b"during"])
    assert publishing.publish(producer, b"behind") is None
    actions = [deed.action for deed in publishing.cluster.faults.journal()]
    assert [Action.PAUSE, Action.RESUME] == actions[-2:]


def test_latency_meets_requests_and_answers(publishing: Publishing) -> None:
    """A round takes twice as long as either way."""
    producer = publishing.trying_once()
    publishing.cluster.faults.latency_seconds = 0.2
    began = time.monotonic()
    assert publishing.publish(producer, b"value") is None
    assert time.monotonic() - began >= 0.4


def test_cut_ends_every_connection(publishing: Publishing) -> None:
    """Who waits for an answer is told at once, and who comes anew is served."""
    producer = publishing.trying_once()
    held = publishing.cluster.faults.drop_next(Api.PRODUCE)
    with ThreadPoolExecutor() as pool:
        publish = pool.submit(publishing.publish, producer, b"value")
        held.wait()
        publishing.cluster.proxies[1].cut_all()
        error = publish.result()
    assert error is not None
    assert KafkaError._TRANSPORT == error.code()
    assert publishing.publish(producer, b"more") is None


def _error_of_end(answer: bytes) -> int:
    """Read the error code of an EndTxn's answer: behind length, correlation id and throttling."""
    assert len(answer) == 14
    return int.from_bytes(answer[12:14], signed=True)
