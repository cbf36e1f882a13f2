"""One librdkafka producer, and what is held against it.

All that a retried request leaves behind are a log line, a counter in the statistics or a callback,
and librdkafka hands them over only while it is polled: so it is polled by `serve`, before each
transaction and whenever nothing is published.
"""

import contextlib
import json
import logging
from collections.abc import Callable
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from producer.kafka.configuration import Properties
from producer.kafka.errors import may_pass

_CONNECT_SECONDS: Final = 10.0
_SUSPICIOUS_LOGS: Final = ("REQTMOUT", "FAIL", "TXNERR", "FATAL")
_COORDINATOR: Final = "TxnCoordinator"
_COORDINATOR_COUNTERS: Final = ("req_timeouts", "txretries", "disconnects")
# What becomes of messages because of another's failure.
_THROWN_AWAY: Final = frozenset(
    {
        KafkaError._PURGE_QUEUE,  # noqa: SLF001
        KafkaError._PURGE_INFLIGHT,  # noqa: SLF001
    }
)
# Codes by which librdkafka only says that it has said why elsewhere.
_TELLS_NOTHING: Final = frozenset(
    {
        KafkaError._FATAL,  # noqa: SLF001
        KafkaError._INCONSISTENT,  # noqa: SLF001
        KafkaError._STATE,  # noqa: SLF001
    }
)


class WatchedProducer:
    """A connected producer. Suspect from the first sign that a request may still be under way."""

    def __init__(self, build: Callable[[dict[str, Any]], Properties], warm_topic: str) -> None:
        self.suspect: str | None = None
        self._is_closed = False
        self._fatal: KafkaError | None = None
        self._undelivered: KafkaError | None = None
        self._undelivered_topic: str | None = None
        self._coordinator: dict[str, int] = {}
        properties = build(
            {
                "error_cb": self._on_error,
                "stats_cb": self._on_statistics,
                "on_delivery": self._on_delivery_failure,
                "logger": self._logger(),
            }
        )
        self.transaction_timeout_seconds = properties["transaction.timeout.ms"] / 1000
        self.producer = Producer(properties)
        # librdkafka asks for the coordinator before it knows a broker, and then waits 500 ms; two
        # metadata requests first make `init_transactions` a matter of 3-6 ms.
        for _ in range(2):
            self.producer.list_topics(warm_topic, timeout=_CONNECT_SECONDS)

    def distrust(self, cause: str) -> None:
        """Remember the first reason to replace this producer."""
        self.suspect = self.suspect or cause

    def forgive(self) -> None:
        """Forget what happened while no transaction was ever begun: none can be under way."""
        self.serve()
        self.suspect = None

    def serve(self) -> None:
        """Take in what librdkafka has to say."""
        if self._is_closed:
            return
        try:
            self.producer.poll(0)
        except KafkaException as raised:
            # The client raises a fatal error instead of calling `error_cb`.
            self._fatal = raised.args[0]
            self.distrust(f"failed {self._fatal.name()}")

    def causes(self, error: KafkaError) -> list[KafkaError]:
        """Tell what lies behind an error that a transactional call raised."""
        self.serve()
        told = [each for each in (self._fatal, self._undelivered, error) if each is not None]
        return [each for each in told if each.code() not in _TELLS_NOTHING] or [error]

    def attempt_of(self, cause: KafkaError) -> str:
        """Say what failed with one of the causes."""
        if cause is self._undelivered and self._undelivered_topic is not None:
            return f"publish to {self._undelivered_topic!r}"
        return "commit a transaction"

    def close(self) -> None:
        """Let go without waiting for what is still held, and of its threads and connections too.

        Its callbacks refer to this, and this to it: together they would stay until a full
        collection, which the loop hardly ever gives cause for.
        """
        if self._is_closed:
            return
        self._is_closed = True
        self.producer.purge()
        # It serves callbacks, and a fatal error that nobody has heard of yet is news no more.
        with contextlib.suppress(KafkaException):
            self.producer.flush(0)
        # Not its own `close`, which would end an open transaction and wait for that.
        del self.producer

    def _logger(self) -> logging.Logger:
        logger = logging.Logger("librdkafka")  # noqa: LOG001 - belongs to this producer alone
        logger.addHandler(_Suspicion(self))
        return logger

    def _on_error(self, error: KafkaError) -> None:
        self.distrust(f"error {error.name()}")

    def _on_delivery_failure(self, error: KafkaError | None, message: Message) -> None:
        # One message's failure makes librdkafka throw away the others: the telling one is kept.
        if error is not None and _is_worse(error, self._undelivered):
            self._undelivered, self._undelivered_topic = error, message.topic()
            self.distrust("delivery failed")

    def _on_statistics(self, text: str) -> None:
        coordinator = json.loads(text)["brokers"].get(_COORDINATOR, {})
        seen = {name: int(coordinator.get(name, 0)) for name in _COORDINATOR_COUNTERS}
        for name, count in seen.items():
            if count > self._coordinator.get(name, 0):
                self.distrust(f"coordinator {name}")
        self._coordinator = seen


def _is_worse(error: KafkaError, known: KafkaError | None) -> bool:
    return known is None or _badness(error) > _badness(known)


def _badness(error: KafkaError) -> int:
    if error.code() in _THROWN_AWAY:
        return 0
    return 1 if may_pass(error) else 2


class _Suspicion(logging.Handler):
    """Hears librdkafka's log for the only traces that a retried request leaves."""

    def __init__(self, watched: WatchedProducer) -> None:
        super().__init__()
        self._watched = watched

    def emit(self, record: logging.LogRecord) -> None:
        """Take note; the text itself is librdkafka's and goes nowhere."""
        text = record.getMessage()
        for sign in _SUSPICIOUS_LOGS:
            if sign in text:
                self._watched.distrust(f"log {sign}")
