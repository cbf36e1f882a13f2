"""A deployment whose processes are watched and broken, and which is judged at the end."""

import gzip
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

import boto3

from tests.faults import faults, journal
from tests.faults.checker import Verdict, judge, judge_amid
from tests.faults.evidence import Evidence, Whereabouts, gather
from tests.faults.faults import Fault
from tests.support.deployments import DROPS_PREFIX, SOURCE_ID, Deployment
from tests.support.drops import line
from tests.support.stage_processes import StageProcess
from tests.support.waiting import eventually

_TOPICS: Final = (
    "objects",
    "raw",
    "outcomes",
    "normalised",
    "events",
    "dead-letters",
    "source-status",
)
_ROOT: Final = Path(__file__).parents[2]
_PATIENCE_SECONDS: Final = 60.0


@dataclass
class Watched:
    """A process that keeps a journal."""

    process: StageProcess
    journal: Path

    def entries(self, entry: str) -> list[dict[str, Any]]:
        """What it has written of a kind."""
        return [each for each in journal.entries(self.journal) if each["entry"] == entry]

    def broke(self, step: faults.Step) -> bool:
        """Whether a fault that was planned at a step has happened."""
        return any(each["step"] == step for each in self.entries(journal.FAULT))


class Experiment:
    """Starts watched processes, gives them work, and judges what came of it."""

    def __init__(self, stage: Deployment, rng: Random) -> None:
        self.stage = stage
        self.watched: list[Watched] = []
        self._rng = rng
        self._numbers = itertools.count(1)
        self._event_numbers = itertools.count(1)
        self._journals = stage.state_directory.parent / "journals"
        self._journals.mkdir(parents=True, exist_ok=True)

    def start(
        self,
        command: str,
        *,
        instance: str = "one",
        planned: Sequence[Fault] = (),
        defect: str = "",
        arguments: Sequence[str] = (),
    ) -> Watched:
        """Start `pull` or `normalise`, watched."""
        path = self._journals / f"{next(self._numbers)}-{command}.journal"
        process = self.stage.start(
            command,
            *arguments,
            instance=instance,
            module="tests.faults.program",
            surroundings={
                "PYTHONPATH": str(_ROOT),
                "FAULTS_JOURNAL": str(path),
                "FAULTS_PLAN": faults.to_text(planned),
                "FAULTS_DEFECT": defect,
            },
        )
        started = Watched(process, path)
        self.watched.append(started)
        return started

    def put(self, objects: int, *, lines: int) -> list[str]:
        """Put objects with some of everything: repeated ids, blank lines, lines that are no JSON.

        Some objects are copies of others under another name. Gives the keys.
        """
        keys = []
        content = b""
        for number in range(objects):
            key = f"{next(self._event_numbers):06}.jsonl.gz"
            if number % 5 != 4:
                content = gzip.compress(b"".join(self._lines(lines)), compresslevel=1, mtime=0)
            self.stage.put(key, content)
            keys.append(DROPS_PREFIX + key)
        return keys

    def _lines(self, count: int) -> Iterator[bytes]:
        first = next(self._event_numbers)
        for number in range(count):
            kind = self._rng.randrange(40)
            if kind == 0:
                yield b"\n"
            elif kind == 1:
                yield b'{"event_id": \n'
            else:
                # Every seventh or so says again what an earlier line said.
                again = self._rng.randrange(7) == 0 and number > 0
                name = self._rng.randrange(number) if again else number
                yield line(f"event-{first}-{name}", note=f"{self._rng.random()}") + b"\n"

    def finish(self, *, seconds: float = _PATIENCE_SECONDS) -> None:
        """Let healthy processes, run to their end, do what is left."""
        for command in ("pull", "normalise"):
            watched = self.start(command, arguments=["--once"])
            code = watched.process.end(within_seconds=seconds)
            assert code == 0, f"{watched.process}\n{watched.process.report()}"

    def gather(self) -> Evidence:
        """Read everything there is."""
        where = Whereabouts(
            bucket=self.stage.bucket,
            prefix=DROPS_PREFIX,
            source_id=SOURCE_ID,
            topics={name: self.stage.topic(name) for name in _TOPICS},
            puller_group=self.stage.puller_group,
            normaliser_group=self.stage.normaliser_group,
        )
        s3 = boto3.client("s3", endpoint_url=self.stage.settings["S3__ENDPOINT_URL"])
        return gather(where, self.stage.reading, s3, [watched.journal for watched in self.watched])

    def judge(self) -> Verdict:
        """Judge, now that nothing is left to do."""
        return judge(self.gather(), source_id=SOURCE_ID)

    def judge_amid(self) -> Verdict:
        """Judge while things go on."""
        return judge_amid(self.gather())

    def broken(self, watched: Watched, step: faults.Step) -> None:
        """Wait until the fault that was planned at a step has happened."""
        eventually(
            lambda: watched.broke(step) or self._ended(watched),
            within_seconds=_PATIENCE_SECONDS,
            every_seconds=0.02,
            describe=f"{step} of {watched.process}",
        )

    @staticmethod
    def _ended(watched: Watched) -> bool:
        code = watched.process.exit_code
        assert code in {None, -9}, f"{watched.process}\n{watched.process.report()}"
        return False
