"""What a person sees while the demonstration works: on stderr, live where that is a terminal.

Elsewhere each step is told once when it begins, at most every few seconds while it goes on, and
once when it is done.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.status import Status
from rich.text import Text

from producer.cli.text import printable

_TELL_SECONDS: Final = 5.0


class Step:
    """One step under way; `result` is what came of it."""

    def __init__(self, console: Console, title: str, status: Status | None) -> None:
        self._console = console
        self._title = title
        self._status = status
        self._told = ""
        self._told_at = time.monotonic()
        self.result = ""

    def show(self, detail: str) -> None:
        """Show how far the step is."""
        now = time.monotonic()
        if self._status is not None:
            self._status.update(Text(f"{self._title}: {printable(detail)}"))
        elif detail != self._told and now - self._told_at >= _TELL_SECONDS:
            self._told, self._told_at = detail, now
            self.tell(f"{self._title}: {detail}")

    def tell(self, text: str) -> None:
        """Leave a line above what is shown."""
        self._console.print(Text(f"  {printable(text)}", style="dim"), soft_wrap=True)


class Showing:
    """Shows one step after the other."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Show a step while the block lasts, then what came of it and how long it took."""
        began = time.monotonic()
        if self._console.is_terminal:
            with self._console.status(Text(title)) as status:
                step = Step(self._console, title, status)
                yield step
        else:
            step = Step(self._console, title, None)
            yield step
        done = f"{title}: {step.result}" if step.result else title
        seconds = f"  {time.monotonic() - began:.1f} s"
        line = Text.assemble(("✓ ", "green"), printable(done), (seconds, "dim"))
        self._console.print(line, soft_wrap=True)
