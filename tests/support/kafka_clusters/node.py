"""One broker of a cluster: a process that can be killed, stopped, ended and started again.

A keeper stands between it and this process, as for every program, so that it cannot outlive the
tests. Signals go to the broker itself, which writes its process id down before it becomes Java.
"""

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from producer.embedded.kafka import answers_as_kafka
from producer.embedded.processes import LOOPBACK, KeptProcess
from tests.support.waiting import eventually

START_SECONDS_MAX: Final = 90.0
_END_SECONDS_MAX: Final = 30.0
_ANNOUNCEMENT: Final = "Kafka Server started"
_WITH_PROCESS_ID: Final = ("/bin/sh", "-c", 'echo $$ >"$0" && exec "$@"')


@dataclass
class Node:
    """A broker that has a number, a command and a port, and keeps its data between its starts."""

    number: int
    command: Sequence[str]
    port: int
    directory: Path
    _process: KeptProcess | None = field(default=None, init=False)
    _starts: int = field(default=0, init=False)

    @property
    def is_running(self) -> bool:
        """Whether its process is there, be it stopped or not."""
        return self._process is not None and self._process.exit_code(within_seconds=0) is None

    @property
    def has_died(self) -> bool:
        """Whether it ended, and not because it was killed or ended here."""
        return self._process is not None and not self.is_running

    @property
    def process_id(self) -> int:
        """The process id of the broker that runs."""
        assert self.is_running, f"broker {self.number} does not run"
        return int(self._process_id_file.read_text())

    @property
    def resident_bytes(self) -> int:
        """How much memory it has."""
        pages = int(Path(f"/proc/{self.process_id}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    @property
    def log(self) -> Path:
        """The log of its latest start; those of earlier ones lie beside it."""
        return self.directory / f"kafka-{self._starts}.log"

    def launch(self) -> None:
        """Start its process, and do not wait for it to be up."""
        assert not self.is_running, f"broker {self.number} runs already"
        if self._process is not None:
            self._process.stop()
        self._starts += 1
        self._process_id_file.unlink(missing_ok=True)
        command = [*_WITH_PROCESS_ID, str(self._process_id_file), *self.command]
        self._process = KeptProcess(command, log=self.log)

    def wait_until_up(self) -> None:
        """Return once it serves clients."""
        eventually(
            self._is_up,
            within_seconds=START_SECONDS_MAX,
            every_seconds=0.05,
            describe=f"the start of broker {self.number} (its log is {str(self.log)!r})",
        )

    def start(self) -> None:
        """Start it on its ports and data, and return once it serves clients."""
        self.launch()
        self.wait_until_up()

    def kill(self) -> None:
        """End it as a failure of its machine would, and return when it is gone."""
        os.kill(self.process_id, signal.SIGKILL)
        self._forget()

    def end(self) -> None:
        """Let it hand its leaders over and end, and return when it is gone."""
        os.kill(self.process_id, signal.SIGTERM)
        self._forget()

    def pause(self) -> None:
        """Stop it where it stands: its connections stay open, and nobody answers on them."""
        os.kill(self.process_id, signal.SIGSTOP)
        eventually(lambda: self._state() == "T", every_seconds=0.01)

    def resume(self) -> None:
        """Let it go on."""
        os.kill(self.process_id, signal.SIGCONT)

    @property
    def is_paused(self) -> bool:
        """Whether its process is there, and stopped."""
        return self.is_running and self._state() == "T"

    @property
    def _process_id_file(self) -> Path:
        return self.directory / "process-id"

    def _state(self) -> str:
        status = Path(f"/proc/{self.process_id}/stat").read_text()
        return status.rpartition(")")[2].split()[0]

    def _is_up(self) -> bool:
        assert self.is_running, f"broker {self.number} ended; its log {str(self.log)!r} says why"
        announced = _ANNOUNCEMENT in self.log.read_text(errors="replace")
        return announced and answers_as_kafka(LOOPBACK, self.port)

    def _forget(self) -> None:
        assert self._process is not None
        code = self._process.exit_code(within_seconds=_END_SECONDS_MAX)
        assert code is not None, (
            f"broker {self.number} did not end within {_END_SECONDS_MAX} seconds"
        )
        self._process.stop()
        self._process = None
