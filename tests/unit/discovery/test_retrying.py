"""Delays between attempts."""

from producer.discovery.retrying import RetryPolicy
from tests.support.builders import NOW, SECOND, an_outcome

RETRY = RetryPolicy(first_seconds=60, longest_seconds=3600)


def delay_seconds(attempt: int, key: str = "k") -> float:
    outcome = an_outcome(attempt=attempt, key=key)
    return (RETRY.due_at(outcome) - NOW) / SECOND


def test_delay_doubles_up_to_the_longest() -> None:
    """Each within its quarter of jitter, and the millionth attempt is no larger a number."""
    for attempt, wanted in ((1, 60), (2, 120), (3, 240), (6, 1920), (7, 3600), (10**6, 3600)):
        assert wanted <= delay_seconds(attempt) <= wanted * 1.25


def test_delay_is_the_same_whenever_asked() -> None:
    """Whoever owns the source after a restart comes to the same time."""
    assert delay_seconds(3) == delay_seconds(3)


def test_delays_of_what_failed_together_differ() -> None:
    """A bucket that was denied does not come back in one moment."""
    delays = {delay_seconds(1, key=f"k{number}") for number in range(100)}

    assert len(delays) > 90
    assert max(delays) - min(delays) > 10
