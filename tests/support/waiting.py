"""Waiting for something that another process, thread or machine will bring about."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(
    predicate: Callable[[], T],
    *,
    within_seconds: float = 30.0,
    every_seconds: float = 0.1,
    describe: str = "the awaited condition",
) -> T:
    """Return the predicate's first true value; fail, telling its last one, if none comes.

    It is asked at least twice, however short the time: once at its end.
    """
    deadline = time.monotonic() + within_seconds
    while True:
        is_last = time.monotonic() >= deadline
        value = predicate()
        if value:
            return value
        if is_last:
            raise AssertionError(
                f"{describe} did not come within {within_seconds} seconds; last value: {value!r}"
            )
        # The one place of the tests that sleeps.
        time.sleep(min(every_seconds, max(0.0, deadline - time.monotonic())))  # noqa: TID251
