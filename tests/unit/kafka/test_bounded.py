"""Calls that return, raise, or never end, and for how long a publisher waits for them."""

import threading

import pytest
from confluent_kafka import KafkaError, KafkaException

from producer.kafka import watched
from producer.kafka.bounded import within
from producer.kafka.errors import may_pass
from producer.kafka.transactions import Transaction
from tests.support.stages import FakeClock
from tests.unit.kafka.producers import TRANSACTION_SECONDS, Cluster, a_publisher, an_error

_LONG = 30.0


def _transact(clock: FakeClock) -> list[str]:
    """Run two transactions with an offset each, and give their fates."""

    def contribute(transaction: Transaction) -> None:
        transaction.advance("in", 0, offset=1)

    publisher = a_publisher(clock, lambda _: None)
    fates = []
    for _ in range(2):
        publisher.prepare()
        result, _ = publisher.transact(contribute, str)
        fates.append(result.value)
    publisher.close()
    return fates


def test_call_that_returns_was_made_once() -> None:
    """The caller waits for it."""
    made: list[int] = []
    within(_LONG, lambda: made.append(1))
    assert [1] == made


def test_what_a_call_raises_is_the_callers() -> None:
    """Whatever it is."""

    def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError, match="x"):
        within(_LONG, fail)


def test_call_that_never_returns_is_left_behind() -> None:
    """A transaction whose fate is unknown is one that a new client may try again."""
    may_end = threading.Event()
    with pytest.raises(KafkaException) as raised:
        within(0.01, may_end.wait)
    assert may_pass(raised.value.args[0])
    may_end.set()


@pytest.mark.parametrize("call", ["send_offsets", "commit"])
def test_call_is_not_resumed_beyond_the_transactions_time_out(
    call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker has ended it by then: a successor goes on, and nobody waits for what is lost."""
    cluster, clock = Cluster(), FakeClock()
    monkeypatch.setattr(watched, "Producer", cluster.build)
    cluster.meanwhile[call].append(lambda: clock.pass_time(TRANSACTION_SECONDS))
    cluster.failures[call].append(an_error(KafkaError._TIMED_OUT, retriable=True))
    assert ["unknown", "committed"] == _transact(clock)
    (first, *_), *_ = cluster.calls(call)
    assert 1 == len([each for each, _ in cluster.calls(call) if each == first])


def test_offsets_are_waited_for_as_long_as_the_transaction_may_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No longer, and not shorter where that is long."""
    cluster, clock = Cluster(), FakeClock()
    monkeypatch.setattr(watched, "Producer", cluster.build)
    cluster.meanwhile["begin"].append(lambda: clock.pass_time(2))
    _transact(clock)
    assert [TRANSACTION_SECONDS - 2, TRANSACTION_SECONDS] == cluster.waited
