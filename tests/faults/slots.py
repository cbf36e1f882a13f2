"""A slot: a process of one kind and name, which is started again whenever it ended."""

import os
import signal
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Final

from tests.faults import journal
from tests.faults.experiments import Experiment
from tests.faults.faults import Fault
from tests.faults.journal import Journal
from tests.faults.outages import Outages
from tests.faults.watched_processes import Watched

# What a process may take to end that was asked to, with a broker away meanwhile.
_END_SECONDS_MAX: Final = 60.0
_RESTART_SECONDS_MAX: Final = 3.0
_FATAL: Final = 1
_BOOTSTRAP: Final = "OPENAI_COMPLIANCE_KAFKA__BOOTSTRAP_SERVERS"
_TAKEN: Final = "has joined the group under this slot's name"
# Beyond the time-outs of session and transaction, which are 6 and 5 seconds.
_PAUSE_SECONDS: Final = (1.0, 12.0)


class Slot:
    """One of several processes of a kind. It is looked after again and again."""

    def __init__(
        self,
        experiment: Experiment,
        command: str,
        instance: str,
        *,
        told: Journal,
        outages: Outages,
    ) -> None:
        self.name = f"{command} {instance}"
        self.command = command
        self.counts: Counter[str] = Counter()
        self.findings: list[str] = []
        self._experiment = experiment
        self._instance = instance
        self._told = told
        self._outages = outages
        self._watched: Watched | None = None
        self._is_wanted = False
        self._start_at = 0.0
        self._started_at = 0.0
        self._resume_at: float | None = None
        self._asked_at: float | None = None
        self._was_killed = False

    @property
    def is_wanted(self) -> bool:
        """Whether it is one of those that are to run."""
        return self._is_wanted

    @property
    def is_up(self) -> bool:
        """Whether its process works, is not paused and was not asked to end."""
        works = self._watched is not None and _has_entries(self._watched.journal)
        return works and self._resume_at is None and self._asked_at is None

    @property
    def has_begun(self) -> bool:
        """Whether its process has committed something."""
        return self._watched is not None and bool(self._watched.entries(journal.COMMITTED))

    @property
    def is_down(self) -> bool:
        """Whether it has no process."""
        return self._watched is None

    def want(self) -> None:
        """Let it run, and start again when it ended."""
        self._is_wanted = True

    def no_longer(self) -> None:
        """Ask its process to end, and start no other."""
        self._is_wanted = False
        self.terminate()

    def kill(self) -> None:
        """Kill its process."""
        if self._watched is not None:
            self._was_killed = True
            self._watched.process.kill()

    def terminate(self) -> None:
        """Ask its process to end, as a supervisor does."""
        if self._watched is not None and self._asked_at is None:
            self._asked_at = time.monotonic()
            os.kill(self._watched.process.pid, signal.SIGTERM)

    def pause(self, seconds: float) -> None:
        """Let its process stand still for so long."""
        if self._watched is not None:
            self._watched.process.pause()
            self._resume_at = time.monotonic() + seconds

    def resume(self) -> None:
        """Let its process go on, if it stands still."""
        if self._watched is not None and self._resume_at is not None:
            self._watched.process.resume()
            self._resume_at = None
            self._tell("resumed")

    def say_where_it_is(self) -> None:
        """Let its process write where each of its threads stands."""
        if self._watched is not None:
            os.kill(self._watched.process.pid, signal.SIGUSR1)

    def look_after(self, rng: Random, planned: Sequence[Fault] = ()) -> None:
        """Do what is due: tell of its end, let it go on, start it with what is planned for it."""
        now = time.monotonic()
        watched = self._watched
        if watched is not None:
            self._look_at(watched, now, rng)
        elif self._is_wanted and now >= self._start_at:
            self._started_at = now
            self._watched = self._experiment.start(
                self.command, instance=self._instance, planned=planned
            )
            self._tell("started", planned=[f"{each.deed} {each.step}" for each in planned])

    def _look_at(self, watched: Watched, now: float, rng: Random) -> None:
        if (code := watched.process.exit_code) is not None:
            self._has_ended(watched, code)
            self._start_at = now + rng.uniform(0, _RESTART_SECONDS_MAX)
        elif self._resume_at is not None:
            if now >= self._resume_at:
                self.resume()
        elif _is_stopped(watched.process.pid):
            seconds = rng.uniform(*_PAUSE_SECONDS)
            self._resume_at = now + seconds
            self._tell("paused itself", seconds=seconds)
        elif self._asked_at is not None and now - self._asked_at > _END_SECONDS_MAX:
            watched.ends(within_seconds=0)
            self.findings.append(f"{self.name} did not end when asked; its log says where it is")
            self.kill()

    def _has_ended(self, watched: Watched, code: int) -> None:
        self._tell("ended", code=code)
        faults = watched.entries(journal.FAULT)
        self.counts.update(f"{each['deed']} {each['step']}" for each in faults)
        killed_itself = any(each["deed"] == "kill" for each in faults)
        if code == -signal.SIGKILL and (self._was_killed or killed_itself):
            pass
        elif self._asked_at is not None and (code == 0 or _had_not_begun(watched, code)):
            self.counts["asked to end"] += 1
        elif self._could_not_begin(watched, code):
            self.counts["could not begin without a broker"] += 1
        elif self._was_fenced_by_itself(watched, code):
            self.counts["fenced under its own name"] += 1
        else:
            last = watched.process.stderr.splitlines()[-1:]
            self.findings.append(f"{self.name} ended by itself with {code}: {last}")
            self.counts["ended by themselves"] += 1
        self._watched = self._asked_at = self._resume_at = None
        self._was_killed = False

    def _could_not_begin(self, watched: Watched, code: int) -> bool:
        """Whether it said that no broker answers, as it must where it has not begun.

        It may have been asked to end while it said so.
        """
        return (
            code in {_FATAL, -signal.SIGTERM}
            and not _has_entries(watched.journal)
            and _BOOTSTRAP in watched.process.stderr
            and self._outages.was_any_since(self._started_at)
        )

    def _was_fenced_by_itself(self, watched: Watched, code: int) -> bool:
        """Whether its static member was taken for another's.

        A coordinator that goes away amid a join may have given the name to a member that its
        successor does not know of. No other process of the name is there: a slot has one.
        """
        return (
            code == _FATAL
            and _TAKEN in watched.process.stderr
            and self._outages.was_any_since(self._started_at)
        )

    def _tell(self, what: str, **told: object) -> None:
        self._told.write(what, whom=self.name, **told)


def _has_entries(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _is_stopped(process_id: int) -> bool:
    try:
        status = Path(f"/proc/{process_id}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] == "T"


def _had_not_begun(watched: Watched, code: int) -> bool:
    """Whether a process was asked to end before it could hear it and before it did anything."""
    return code == -signal.SIGTERM and not watched.process.logs("process.started")
