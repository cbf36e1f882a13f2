"""What a producer remembers of what went wrong, on one that reports as it is told."""

import pytest
from confluent_kafka import KafkaError

from producer.kafka import watched
from producer.kafka.transactions import Transaction, TransactionResult
from tests.support.stages import FakeClock
from tests.unit.kafka.producers import Cluster, a_publisher, an_error


@pytest.mark.parametrize(
    ("reported", "told"),
    [
        ([KafkaError._MSG_TIMED_OUT, KafkaError._PURGE_QUEUE], "_MSG_TIMED_OUT"),
        ([KafkaError._PURGE_INFLIGHT, KafkaError._MSG_TIMED_OUT], "_MSG_TIMED_OUT"),
        ([KafkaError._PURGE_QUEUE], "_PURGE_QUEUE"),
    ],
)
def test_failure_that_took_other_messages_with_it_is_the_one_told(
    monkeypatch: pytest.MonkeyPatch, reported: list[int], told: str
) -> None:
    """Whatever is thrown away because of it, before or behind it, and whatever the topic of that.

    Who gives up after many such transactions has nothing else to tell.
    """
    cluster = Cluster()
    monkeypatch.setattr(watched, "Producer", cluster.build)
    publisher = a_publisher(FakeClock(), lambda _: None)
    publisher.prepare()
    for code in reported:
        cluster.instances[0].report_delivery(code)
    cluster.failures["commit"].append(an_error(KafkaError._STATE, abort=True))

    def contribute(transaction: Transaction) -> None:
        transaction.publish(topic="out", key=b"", value=b"", partition=0)
        transaction.advance("in", 0, offset=1)

    result, _ = publisher.transact(contribute, lambda topic: topic)
    publisher.close()
    assert TransactionResult.ABORTED is result
    assert f"could not publish to 'out': Kafka said {told}" in publisher.failure
