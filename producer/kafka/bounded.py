"""Calls into librdkafka that may never return, made so that the caller does.

librdkafka 2.16 forgets offsets that were on their way to the coordinator when its connection was
cut: `send_offsets_to_transaction` waits on for an answer that cannot come, whatever time-out it
was given, and with it would wait everything in this process.
"""

import threading
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError, KafkaException


def within(seconds: float, call: Callable[[], Any]) -> None:
    """Make a call; raise `KafkaException` where it has not returned by then.

    What was called is left behind, and must not be used again.
    """
    raised: list[BaseException] = []

    def make() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - it is the caller's, whatever it is
            raised.append(error)

    # A daemon: one that never returns is no reason for the process not to end.
    calling = threading.Thread(target=make, name="publisher-call", daemon=True)
    calling.start()
    calling.join(seconds)
    if calling.is_alive():
        raise KafkaException(
            KafkaError(KafkaError._TIMED_OUT, "the client does not answer")  # noqa: SLF001
        )
    if raised:
        raise raised[0]
