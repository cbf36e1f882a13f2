"""How often a source's bucket is asked after it wanted to be asked less often.

A delay that doubles each time the store says so and halves each time it does not: requests wait
for their turn where that is near, and are refused here where it is not. Whoever reads holds up the
objects behind it, so it must not wait; what was refused is tried again by discovery.

A store that says nothing at all is waited for until that ends by itself. A source has a thousand
objects under way, and listings and commands beside: so after a long wait in vain it is not asked
for a while, and they are refused at once instead of waiting one by one. That others do not wait
with them is seen to where they would (`producer.puller.silences`, `producer.discovery.places`).
"""

import threading
import time
from collections.abc import Callable
from typing import Final

from producer.contract.objects import Reason
from producer.s3.refusals import refused

_FIRST_DELAY_SECONDS: Final = 0.25
_LONGEST_DELAY_SECONDS: Final = 60.0
_WAIT_SECONDS_MAX: Final = 1.0
# A wait in vain of so long is a store's that does not answer, and no failure that it tells of.
LONG_WAIT_SECONDS: Final = 10.0
# Time enough to refuse what is under way, and not longer than until the first of it is tried again
# by default. A replay is more patient than that: see `producer.discovery.orders`.
_SILENCE_SECONDS: Final = 60.0


class Pace:
    """The pace of one source; others have their own. May be used by several threads."""

    def __init__(
        self,
        *,
        steady: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] | None = None,
        long_wait_seconds: float = LONG_WAIT_SECONDS,
    ) -> None:
        self._steady = steady
        self._long_wait_seconds = long_wait_seconds
        self._wait = wait or threading.Event().wait
        self._lock = threading.Lock()
        self._delay = 0.0
        self._next_turn = 0.0
        self._slowed_at = 0.0
        self._silent_until = 0.0

    def now(self) -> float:
        """Give the time by which waits are measured."""
        return self._steady()

    def take_turn(self, asked: str) -> float:
        """Wait until a request may be sent, and say when that was; refuse a longer wait."""
        with self._lock:
            now = self._steady()
            if now < self._silent_until:
                what = f"{asked}: the store did not answer, and is asked"
                seconds = self._silent_until - now
                raise refused(Reason.UNAVAILABLE, f"{what} again in {seconds:.0f} seconds")
            turn = max(now, self._next_turn) if self._delay else now
            if turn - now > _WAIT_SECONDS_MAX:
                what = f"{asked}: the store wants fewer requests of this source, and is asked"
                raise refused(Reason.THROTTLED, f"{what} again in {turn - now:.0f} seconds")
            self._next_turn = turn + self._delay
        if turn > now:
            self._wait(turn - now)
        return turn

    def give_up(self, since: float) -> None:
        """Ask nothing for a while if nothing came for long; what fails at once changes nothing."""
        with self._lock:
            now = self._steady()
            if now - since >= self._long_wait_seconds:
                self._silent_until = now + _SILENCE_SECONDS

    def slow_down(self, turn: float) -> None:
        """Ask less often from now on; requests that were under way together count once."""
        with self._lock:
            if self._delay and turn < self._slowed_at:
                return
            self._delay = min(max(2 * self._delay, _FIRST_DELAY_SECONDS), _LONGEST_DELAY_SECONDS)
            self._slowed_at = self._steady()
            self._next_turn = self._slowed_at + self._delay

    def speed_up(self) -> None:
        """Ask more often again: a request was taken, whatever the answer."""
        with self._lock:
            if self._delay:
                halved = self._delay / 2
                self._delay = halved if halved >= _FIRST_DELAY_SECONDS else 0.0
                self._next_turn = min(self._next_turn, self._steady() + self._delay)
