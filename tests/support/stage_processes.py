"""The program itself, run as processes the way a person or a supervisor would run it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

# Well beyond the slowest command; who wants less says so.
_END_SECONDS_MAX: Final = 90
_SHOWN_CHARACTERS_MAX: Final = 6000
_PREFIX: Final = "OPENAI_COMPLIANCE_"


def surroundings_of_this_process() -> dict[str, str]:
    """Copy the environment without any setting of the program's."""
    return {name: text for name, text in os.environ.items() if not name.startswith(_PREFIX)}  # noqa: TID251 - what is started needs PATH and AWS's variables


class StageProcess:
    """One run of the command `openai-compliance`, with what it wrote."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        settings: Mapping[str, str],
        directory: Path,
        name: str,
        stdin: bytes = b"",
        module: str = "producer",
        surroundings: Mapping[str, str] | None = None,
    ) -> None:
        """Start it; `settings` are named without the prefix that they share.

        Another `module` is a way into the same program that does more than it: what that needs to
        be told is in `surroundings`.
        """
        self.name = name
        self.arguments = tuple(arguments)
        directory.mkdir(parents=True, exist_ok=True)
        self._stdout = directory / f"{name}.stdout"
        self._stderr = directory / f"{name}.stderr"
        given = directory / f"{name}.stdin"
        given.write_bytes(stdin)
        environment = {_PREFIX + setting: text for setting, text in settings.items()}
        with (
            given.open("rb") as read,
            self._stdout.open("wb") as written,
            self._stderr.open("wb") as logged,
        ):
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                env=surroundings_of_this_process() | environment | dict(surroundings or {}),
                cwd=directory,
                stdin=read,
                stdout=written,
                stderr=logged,
                # A Ctrl-C in the terminal is for the tests, which end what they started.
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its number, while it runs."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """What it ended with; None while it runs."""
        return self._process.poll()

    @property
    def stdout(self) -> str:
        """What it printed up to now."""
        return self._stdout.read_text(errors="replace")

    @property
    def stderr(self) -> str:
        """What it logged and complained of up to now."""
        return self._stderr.read_text(errors="replace")

    def logs(self, event: str) -> list[dict[str, Any]]:
        """The lines of its log that tell of an event."""
        return [line for line in self._log_lines() if line.get("event") == event]

    def end(self, *, within_seconds: float = _END_SECONDS_MAX) -> int:
        """Wait until it has ended by itself; return its exit code."""
        try:
            return self._process.wait(within_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(
                f"{self} did not end within {within_seconds} seconds\n{self.report()}"
            ) from None

    def stop(self, *, within_seconds: float = _END_SECONDS_MAX) -> int:
        """Ask it to end, as a supervisor does; return its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self.end(within_seconds=within_seconds)

    def pause(self) -> None:
        """Let it do nothing more, not even on its other threads, until it is resumed or killed."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused one go on."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it without a chance to clean up; return when it is gone."""
        self._process.kill()
        self._process.wait()

    def report(self) -> str:
        """Show the end of what it wrote, for whoever reads a failure."""
        return "\n".join(
            f"{name} of {self}:\n{text[-_SHOWN_CHARACTERS_MAX:]}"
            for name, text in (("stdout", self.stdout), ("stderr", self.stderr))
            if text
        )

    def __repr__(self) -> str:
        return f"{self.name} ({' '.join(self.arguments)}, exit code {self.exit_code})"

    def _log_lines(self) -> Iterator[dict[str, Any]]:
        for text in self.stderr.splitlines():
            try:
                line = json.loads(text)
            except ValueError:
                # A sentence for a person, or a line that is still being written.
                continue
            if isinstance(line, dict):
                yield line
