"""Opening clients: what librdkafka refuses in their properties is the operator's to correct."""

from collections.abc import Callable
from typing import TypeVar

from confluent_kafka import Consumer, KafkaException
from confluent_kafka.admin import AdminClient

from producer.errors import FatalError
from producer.kafka.configuration import Properties
from producer.kafka.errors import describe

T = TypeVar("T")


def open_consumer(properties: Properties) -> Consumer:
    """Open a consumer; it connects by itself."""
    return _open("consumer", Consumer, properties)


def open_admin(properties: Properties) -> AdminClient:
    """Open an administrative client; it connects by itself."""
    return _open("client", AdminClient, properties)


def _open(what: str, kind: Callable[[Properties], T], properties: Properties) -> T:
    try:
        return kind(properties)
    except KafkaException as raised:
        raise FatalError(describe(f"open a Kafka {what}", raised.args[0])) from raised
