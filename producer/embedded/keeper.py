"""Runs one program for exactly as long as the process that started it lives.

`python keeper.py PROGRAM [ARGUMENT…]`, with a pipe as standard input that the starting process
holds open. When the pipe closes, be it by that process's own hand or because it died of whatever
signal, the program is asked to end (TERM), given a grace period, and ended (KILL). Where Linux
can do it, the program also dies with the keeper itself. So no order of deaths leaves it behind.

Runs as a script, in isolated mode and on the standard library alone, so that it is up in a few
milliseconds. The exit code is the program's.
"""

import ctypes
import select
import signal
import subprocess
import sys
from types import FrameType
from typing import Final

GRACE_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.1
_PR_SET_PDEATHSIG: Final = 1


class _StopAsked(Exception):  # noqa: N818 - nothing went wrong
    """Somebody asked the keeper to stop."""


def keep(command: list[str]) -> int:
    """Run the command until it ends or the pipe closes; return its exit code."""
    signal.signal(signal.SIGTERM, _ask_to_stop)
    signal.signal(signal.SIGINT, _ask_to_stop)
    # The hook runs between fork and exec; it is safe here because the keeper has no threads.
    hook = _die_with_parent if sys.platform == "linux" else None
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=hook)  # noqa: PLW1509
    try:
        while child.poll() is None and not _pipe_is_closed():
            pass
    except _StopAsked:
        pass
    finally:
        _end(child)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _pipe_is_closed() -> bool:
    """Wait a moment for the pipe; nothing is ever written to it, so readable means closed."""
    readable, _, _ = select.select([sys.stdin], [], [], _LOOK_SECONDS)
    return bool(readable)


def _end(child: subprocess.Popen[bytes]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
    child.wait()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
    raise _StopAsked


if __name__ == "__main__":
    sys.exit(keep(sys.argv[1:]))
