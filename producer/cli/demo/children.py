"""The processes that the demonstration starts, none of which outlives it.

Each has a pipe as standard input that closes when this process ends, of whatever cause, and takes
that as the order to end. Each is in a session of its own, so that a Ctrl-C in the terminal reaches
this process alone, which then ends them in an order of its choosing.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Final

from producer.embedded import keeper
from producer.errors import FatalError

# A keeper gives its program a grace period first, and a part has a keeper of its own.
_STOP_SECONDS_MAX: Final = 2 * keeper.GRACE_SECONDS


class _Child:
    """A process that ends with this one at the latest."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        output: IO[bytes] | int,
        log: Path,
    ) -> None:
        with log.open("wb") as errors:
            self._process = subprocess.Popen(  # noqa: S603 - programs of ours
                command,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=errors,
                start_new_session=True,
            )

    @property
    def exit_code(self) -> int | None:
        """The exit code, once there is one."""
        return self._process.poll()

    def ask_to_stop(self) -> None:
        """Let the process begin to end."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def stop(self) -> None:
        """End the process and return when it is gone."""
        self.ask_to_stop()
        try:
            self._process.wait(_STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


class PartProcess(_Child):
    """An embedded part, in a process that tells where it answers."""

    def __init__(
        self,
        name: str,
        directory: Path,
        *,
        environment: Mapping[str, str],
        progress: Callable[[str], None],
    ) -> None:
        self._name = name
        self._log = directory / f"{name}-part.log"
        self._progress = progress
        self._told: dict[str, str] = {}
        self._is_settled = threading.Event()
        super().__init__(
            [sys.executable, "-m", "producer.cli.demo.part", name, str(directory)],
            environment=environment,
            output=subprocess.PIPE,
            log=self._log,
        )
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    def address(self, *, within_seconds: float) -> str | None:
        """Return where the part answers, or None if it does not yet."""
        if not self._is_settled.wait(within_seconds):
            return None
        if "address" not in self._told:
            default = f"{self._name} did not start; its log {str(self._log)!r} says why"
            raise FatalError(self._told.get("error", default))
        return self._told["address"]

    def stop(self) -> None:
        """End the part and return when it is gone."""
        # Before its output is closed: a reader of it would not stand that.
        self.ask_to_stop()
        self._listening.join(_STOP_SECONDS_MAX)
        super().stop()

    def _listen(self) -> None:
        output = self._process.stdout
        assert output is not None
        for line in output:
            kind, text = json.loads(line)
            if kind == "progress":
                self._progress(text)
            else:
                self._told[kind] = text
                self._is_settled.set()
        self._is_settled.set()


class CommandProcess(_Child):
    """A command of this program, run as a person would run it."""

    def __init__(
        self, arguments: Sequence[str], directory: Path, *, environment: Mapping[str, str]
    ) -> None:
        self._arguments = arguments
        self._output = directory / f"{arguments[0]}.out"
        self._log = directory / f"{arguments[0]}.log"
        with self._output.open("wb") as output:
            super().__init__(
                # The keeper knows the pipe, which the command itself does not look at.
                [
                    *(sys.executable, "-I", "-S", keeper.__file__),
                    *(sys.executable, "-m", "producer", *arguments),
                ],
                environment=environment,
                output=output,
                log=self._log,
            )

    def output(self) -> list[str]:
        """Return the lines of the command's own output so far."""
        return self._output.read_text(errors="replace").splitlines()

    def check(self) -> None:
        """Raise what the command failed with, if it has ended and failed."""
        code = self.exit_code
        if code:
            command = " ".join(self._arguments)
            raise FatalError(
                f"`{command}` ended with exit code {code}: {self._last_error()}; its log "
                f"{str(self._log)!r} tells more"
            )

    def _last_error(self) -> str:
        """Find the sentence that the command ended with; all else in its log is JSON."""
        lines = self._log.read_text(errors="replace").splitlines()
        errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
        return errors[-1] if errors else "it does not say why"
