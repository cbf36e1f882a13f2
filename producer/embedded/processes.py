"""Starting a program that cannot outlive this process, and waiting until it is really up.

Every program runs under `keeper.py` in a session of its own, so that a Ctrl-C in the terminal
reaches this process alone, which then ends the programs in an order of its choosing.
"""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from producer.embedded import keeper
from producer.errors import FatalError

LOOPBACK: Final = "127.0.0.1"
START_SECONDS_MAX: Final = 90.0
# A port is free when it is picked and may be taken when the program binds it.
_START_ATTEMPTS_MAX: Final = 3
_LOOK_SECONDS: Final = 0.05
_PORT_TAKEN: Final = ("address already in use", "bindexception", "port already bound")


@dataclass(frozen=True, kw_only=True)
class Program:
    """How one part is started, and how to tell that it is up.

    `announcement` is what the program writes to its log when it is ready: without it, an answer
    on the port could be that of another program that took the port first.
    """

    name: str
    ports: int
    command: Callable[[Sequence[int]], list[str]]
    announcement: str
    answers: Callable[[int], bool]
    log: Path


class KeptProcess:
    """A running program that ends with this process at the latest."""

    def __init__(self, command: Sequence[str], *, log: Path) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", keeper.__file__, *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def exit_code(self, *, within_seconds: float | None) -> int | None:
        """Return the exit code as soon as there is one, or None if there is none by then."""
        try:
            return self._process.wait(within_seconds)
        except subprocess.TimeoutExpired:
            return None

    def stop(self) -> None:
        """End the program and return when it is gone."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        # The keeper needs its own grace period first; to kill it kills the program on Linux.
        if self.exit_code(within_seconds=keeper.GRACE_SECONDS + 5) is None:
            self._process.kill()
            self._process.wait()


def run_to_end(command: Sequence[str], *, log: Path) -> int:
    """Run a program that ends by itself; return its exit code."""
    process = KeptProcess(command, log=log)
    try:
        exit_code = process.exit_code(within_seconds=None)
    finally:
        process.stop()
    assert exit_code is not None
    return exit_code


@contextmanager
def running_program(program: Program) -> Iterator[tuple[int, ...]]:
    """Start the program on free ports, give the ports once it answers, end it afterwards."""
    process, ports = _start(program)
    try:
        yield ports
    finally:
        process.stop()


def free_ports(count: int) -> tuple[int, ...]:
    """Pick ports of the loopback interface that nobody listens on, all different."""
    with ExitStack() as held:
        sockets = [held.enter_context(closing(socket.socket())) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return tuple(int(each.getsockname()[1]) for each in sockets)


def _start(program: Program) -> tuple[KeptProcess, tuple[int, ...]]:
    for _ in range(_START_ATTEMPTS_MAX):
        ports = free_ports(program.ports)
        process = KeptProcess(program.command(ports), log=program.log)
        try:
            is_up = _comes_up(process, program, ports[0])
        except BaseException:
            process.stop()
            raise
        if is_up:
            return process, ports
        process.stop()
        if not _lost_its_port(program):
            break
    raise FatalError(f"{program.name} did not start; its log {str(program.log)!r} says why")


def _comes_up(process: KeptProcess, program: Program, port: int) -> bool:
    """Wait until the program answers: True; or has ended before it did: False."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while process.exit_code(within_seconds=_LOOK_SECONDS) is None:
        if _has_announced(program) and program.answers(port):
            return True
        if time.monotonic() > deadline:
            raise FatalError(
                f"{program.name} did not answer on port {port} within {START_SECONDS_MAX:.0f} "
                f"seconds; its log {str(program.log)!r} may say why"
            )
    return False


def _has_announced(program: Program) -> bool:
    return program.announcement in program.log.read_text(errors="replace")


def _lost_its_port(program: Program) -> bool:
    log = program.log.read_text(errors="replace").lower()
    return any(words in log for words in _PORT_TAKEN)
