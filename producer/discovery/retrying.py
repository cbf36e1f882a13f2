"""When an object that could not be pulled is tried again: pure."""

from hashlib import blake2b

import msgspec

from producer.contract.objects import ObjectOutcome

_MICROSECONDS = 1_000_000
# Each delay is stretched by up to a quarter, so that what failed together does not come back
# together.
_JITTER = 0.25
# 2^40 seconds are far beyond any longest delay; the bound keeps the power small.
_DOUBLINGS_MAX = 40


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A delay that doubles with each attempt, from the first to the longest. Seconds."""

    first_seconds: float
    longest_seconds: float

    @property
    def longest_delay(self) -> int:
        """The longest delay of all, in microseconds."""
        return round(self.longest_seconds * (1 + _JITTER) * _MICROSECONDS)

    def due_at(self, outcome: ObjectOutcome) -> int:
        """The time (microseconds since the epoch) from which the next attempt may be made."""
        doublings = min(outcome.attempt - 1, _DOUBLINGS_MAX)
        delay: float = min(self.first_seconds * 2**doublings, self.longest_seconds)
        return outcome.finished_at + round(
            delay * (1 + _JITTER * _fraction(outcome)) * _MICROSECONDS
        )


def _fraction(outcome: ObjectOutcome) -> float:
    """A number from 0 to 1 that is the same whenever it is asked for."""
    text = f"{outcome.key}\0{outcome.pull_id}\0{outcome.attempt}".encode()
    return int.from_bytes(blake2b(text, digest_size=2).digest()) / 0xFFFF
