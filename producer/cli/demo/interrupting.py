"""Being told to stop, at any moment, once.

A signal raises `Interrupted` wherever the main thread is, so nothing has to look for it. From
then on, and from the end of the block on, signals are ignored: what follows ends what was started,
takes a bounded time and must not be left half-way. Whoever cannot wait has SIGKILL, after which
all that was started ends by itself.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """Somebody asked to stop; no error, and nothing that is caught by the way."""


class Interruption:
    """What the signals of one run do. In the main thread only."""

    def __init__(self) -> None:
        self._is_held = False
        self._has_come = False

    @contextmanager
    def possible(self) -> Iterator[None]:
        """Raise `Interrupted` in the block when a signal comes; ignore those that come later."""
        for number in _SIGNALS:
            # Who starts a program with SIGHUP ignored wants it to go on without a terminal.
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._interrupt)
        try:
            yield
        finally:
            _ignore_all()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let a signal wait for the end of the block, which must be short.

        So that a process is either not started or known to whoever will stop it.
        """
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
        if self._has_come:
            raise Interrupted

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        _ignore_all()
        self._has_come = True
        if not self._is_held:
            raise Interrupted


@contextmanager
def signals_put_back() -> Iterator[None]:
    """Let signals do after the block what they did before it."""
    earlier = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, action in earlier.items():
            signal.signal(number, action)


def _ignore_all() -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
