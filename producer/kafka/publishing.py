"""Publishing a few messages outside any group, for the command line.

All acknowledged, or an error.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import Message as KafkaMessage

from producer.errors import BrokerUnavailableError, FatalError
from producer.kafka.configuration import Properties
from producer.kafka.errors import describe, may_pass

_PATIENCE_SECONDS = 60.0
_ROOM_SECONDS = 0.1


class Outgoing(NamedTuple):
    """A message to be published; a value of `None` removes the key."""

    topic: str
    key: bytes
    value: bytes | None


def publish(properties: Properties, messages: Sequence[Outgoing]) -> None:
    """Publish messages in order and return once every one is acknowledged."""
    failures: list[KafkaError] = []

    def on_delivery(error: KafkaError | None, _: KafkaMessage) -> None:
        if error is not None:
            failures.append(error)

    try:
        client = Producer(properties)
        for message in messages:
            _produce(client, message, on_delivery)
        left = client.flush(_PATIENCE_SECONDS)
    except KafkaException as raised:
        raise _error(raised.args[0]) from raised
    if failures:
        raise _error(failures[0])
    if left:
        raise BrokerUnavailableError(
            f"{left} of {len(messages)} messages were not acknowledged in "
            f"{_PATIENCE_SECONDS:.0f} s; look at the brokers' health, then run the command again"
        )


def _produce(
    client: Producer,
    message: Outgoing,
    on_delivery: Callable[[KafkaError | None, KafkaMessage], None],
) -> None:
    """Wait for room: what is under way is acknowledged, or fails by its own time-out."""
    while True:
        try:
            client.produce(message.topic, message.value, message.key, on_delivery=on_delivery)
        except BufferError:
            client.poll(_ROOM_SECONDS)
            continue
        return


def _error(error: KafkaError) -> BrokerUnavailableError | FatalError:
    kind = BrokerUnavailableError if may_pass(error) else FatalError
    return kind(describe("publish", error))
