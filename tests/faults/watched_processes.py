"""One watched process, and what its journal and its log tell of it."""

import contextlib
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults import faults, journal
from tests.support.stage_processes import StageProcess
from tests.support.waiting import eventually


@dataclass
class Watched:
    """A process that keeps a journal."""

    process: StageProcess
    journal: Path
    # By what name brokers know its transactions.
    transactional_id: str

    @property
    def is_paused(self) -> bool:
        """Whether it stands still, on all its threads."""
        status = Path(f"/proc/{self.process.pid}/stat").read_text()
        return status.rpartition(")")[2].split()[0] == "T"

    def entries(self, entry: str) -> list[dict[str, Any]]:
        """What it has written of a kind."""
        return [each for each in journal.entries(self.journal) if each["entry"] == entry]

    def ends(self, *, within_seconds: float) -> int | None:
        """Wait until it has ended; where it does not, let it write where each thread stands."""
        with contextlib.suppress(AssertionError):
            self.wait(
                lambda: self.process.exit_code is not None,
                within_seconds=within_seconds,
                describe="the end",
            )
        return self.process.exit_code

    def wait(
        self, predicate: Callable[[], object], *, within_seconds: float, describe: str
    ) -> None:
        """Wait for something; in vain, let the process write where each of its threads stands."""
        try:
            eventually(
                predicate,
                within_seconds=within_seconds,
                every_seconds=0.02,
                describe=f"{describe} of {self.process}",
            )
        except AssertionError:
            if self.process.exit_code is None and not self.is_paused:
                os.kill(self.process.pid, signal.SIGUSR1)
                eventually(lambda: "most recent call first" in self.process.stderr)
            raise

    def partitions(self) -> int:
        """How many partitions it has by now, of all its topics."""
        return sum(
            sign * len(each["partitions"])
            for sign, event in ((1, "partitions.assigned"), (-1, "partitions.revoked"))
            for each in self.process.logs(event)
        )

    def committed_since(self, moment: float) -> bool:
        """Whether it has committed a transaction that it began after a moment."""
        begun = {
            each["transaction"] for each in self.entries(journal.BEGUN) if each["at"] > moment
        }
        return any(each["transaction"] in begun for each in self.entries(journal.COMMITTED))

    def broke(self, step: faults.Step) -> bool:
        """Whether a fault that was planned at a step has happened."""
        return any(each["step"] == step for each in self.entries(journal.FAULT))
