"""A deployment whose processes are watched and broken, and which is judged at the end."""

import contextlib
import gzip
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Final

import boto3

from tests.faults import faults, journal
from tests.faults.checker import Verdict, judge, judge_amid
from tests.faults.evidence import Evidence, Whereabouts, gather
from tests.faults.faults import Fault
from tests.faults.stores import digest_of, remembered
from tests.faults.watched_processes import Watched
from tests.support.deployments import DROPS_PREFIX, SOURCE_ID, Deployment
from tests.support.drops import line
from tests.support.kafka_clusters.cluster import KafkaCluster
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


class Experiment:
    """Starts watched processes, gives them work, and judges what came of it."""

    def __init__(
        self, stage: Deployment, rng: Random, cluster: KafkaCluster | None = None
    ) -> None:
        """`cluster` is what the stage was deployed on, where tests break that too."""
        self.stage = stage
        self._cluster = cluster
        self.watched: list[Watched] = []
        self.partitions = int(stage.settings["TOPICS__PARTITIONS"])
        self._keys: list[str] = []
        self._rng = rng
        self._numbers = itertools.count(1)
        self._event_numbers = itertools.count(1)
        self._journals = stage.state_directory.parent / "journals"
        self._journals.mkdir(parents=True, exist_ok=True)

    @property
    def objects(self) -> int:
        """How many objects were put."""
        return len(self._keys)

    @property
    def cluster(self) -> KafkaCluster:
        """The brokers and the proxies before them."""
        assert self._cluster is not None, "deployed on what is shared by all"
        return self._cluster

    def start(
        self,
        command: str,
        *,
        instance: str = "one",
        planned: Sequence[Fault] = (),
        defect: str = "",
        arguments: Sequence[str] = (),
        clock_seconds: int = 0,
        file_bytes: int | None = None,
    ) -> Watched:
        """Start `pull` or `normalise`, watched.

        Its clock may be so many seconds fast, and no file that it writes larger than so much.
        """
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
                "FAULTS_CLOCK_SECONDS": str(clock_seconds),
                "FAULTS_FILE_BYTES": "" if file_bytes is None else str(file_bytes),
            },
        )
        started = Watched(process, path, self.transactional_id(command, instance=instance))
        self.watched.append(started)
        return started

    def transactional_id(self, command: str, *, instance: str = "one") -> str:
        """By what name brokers know a process's transactions."""
        groups = {"pull": self.stage.puller_group, "normalise": self.stage.normaliser_group}
        return f"{groups[command]}-{instance}"

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
        self._keys += keys
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

    @contextlib.contextmanager
    def trickle(self, *, every_seconds: float = 0.25, lines: int = 20) -> Iterator[None]:
        """Put one object after another, as long as this is entered; put nothing else meanwhile."""
        is_over = threading.Event()

        def put() -> None:
            while not is_over.wait(every_seconds):
                self.put(1, lines=lines)

        with ThreadPoolExecutor(1) as pool:
            putting = pool.submit(put)
            try:
                yield
            finally:
                is_over.set()
            putting.result()

    def copy_all(self) -> None:
        """Copy all objects, each to another name: nothing new is in the copies."""
        for key in self._keys:
            bare = key.removeprefix(DROPS_PREFIX)
            self.stage.copy(bare, to=f"copy-{bare}")

    def run(
        self,
        command: str,
        *,
        planned: Sequence[Fault] = (),
        defect: str = "",
        clock_seconds: int = 0,
    ) -> None:
        """Run `pull` or `normalise` to its end, which it must come to by itself."""
        watched = self.start(
            command,
            planned=planned,
            defect=defect,
            arguments=["--once"],
            clock_seconds=clock_seconds,
        )
        code = watched.ends(within_seconds=_PATIENCE_SECONDS)
        assert code == 0, "\n".join(
            [f"{watched.process}", *self._positions(), watched.process.report()]
        )
        missing = [fault for fault in planned if not watched.broke(fault.step)]
        assert not missing, f"did not happen: {missing}"

    def _positions(self) -> Iterator[str]:
        """Tell where groups stand and topics end: what a run that does not end may wait for."""
        groups = {
            self.stage.puller_group: ("sources", "commands", "objects"),
            self.stage.normaliser_group: ("raw", "normalised"),
        }
        for group, topics in groups.items():
            for topic in map(self.stage.topic, topics):
                committed = self.stage.reading.committed(group, topic)
                stands = {index: found.offset for index, found in committed.items()}
                ends = self.stage.reading.high_watermarks(topic)
                yield f"{topic}: the group stands at {stands}, the log ends at {ends}"

    def finish(self) -> None:
        """Let healthy processes, run to their end, do what is left."""
        self.run("pull")
        self.run("normalise")

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

    def remembers_what_was_published(self) -> None:
        """Fail where a store holds an id whose event nobody can read: it would be lost."""
        events = self.stage.reading.read(self.stage.topic("events"))
        published = {digest_of(read.key.decode()) for read in events}
        alone = remembered(self.stage.state_directory) - published
        assert not alone, f"{len(alone)} ids are remembered and were not published"

    def broken(self, watched: Watched, step: faults.Step) -> None:
        """Wait until the fault that was planned at a step has happened."""
        self._wait(watched, lambda: watched.broke(step), describe=f"{step}")

    def paused(self, watched: Watched, step: faults.Step) -> None:
        """Wait until a process stands still at a step, as was planned."""
        self.broken(watched, step)
        self._wait(watched, lambda: watched.is_paused, describe="standing still")

    def has_started(self, watched: Watched) -> None:
        """Wait until a process has committed something."""
        self._wait(watched, lambda: watched.entries(journal.COMMITTED), describe="a first commit")

    def goes_on(self, watched: Watched, *, behind: str) -> None:
        """Wait until a process has committed what it begins from now on, behind a disturbance."""
        moment = time.monotonic()
        self._wait(
            watched,
            lambda: watched.committed_since(moment),
            describe=f"a transaction behind {behind}",
        )

    def has_taken_over(self, watched: Watched) -> None:
        """Wait until a process has all partitions of both its topics, and stands where it can.

        That is: it has committed something of `raw`, or asked in vain for offsets that are
        pending.
        """
        self._wait(
            watched,
            lambda: watched.partitions() == 2 * self.partitions,
            describe="all partitions",
        )
        asked, raw = len(watched.entries(journal.ASKED)), self.stage.topic("raw")
        self._wait(
            watched,
            lambda: (
                any(raw in each["offsets_of"] for each in watched.entries(journal.COMMITTED))
                or len(watched.entries(journal.ASKED)) > asked + 2
            ),
            describe="a commit, or questions after pending offsets",
        )

    def goes_on_or_ends(self, watched: Watched) -> None:
        """Wait until one that was resumed has done something, if only to end."""
        before = len(list(journal.entries(watched.journal)))
        eventually(
            lambda: (
                len(list(journal.entries(watched.journal))) > before + 1
                or watched.process.exit_code is not None
            ),
            within_seconds=_PATIENCE_SECONDS,
        )

    def restores(self, watched: Watched, topic: str) -> None:
        """Wait until a process knows, for each partition, how far it has to read a table back."""
        self._wait(
            watched,
            lambda: (
                self.partitions
                <= sum(
                    any(name.endswith(topic) for name in each["topics"])
                    for each in watched.entries(journal.RESTORING)
                )
            ),
            describe=f"restoring {topic}",
        )

    @staticmethod
    def may_say(watched: Watched, event: str, *, seconds: float = 2.0) -> None:
        """Give a process a chance to do what it must not do: a healthy one lets it pass."""
        with contextlib.suppress(AssertionError):
            eventually(lambda: watched.process.logs(event), within_seconds=seconds)

    def caught_up(self) -> None:
        """Wait until the normaliser's group stands at the ends of what it reads."""
        self.stage.eventually(
            lambda: all(map(self._is_at_end, ("raw", "normalised"))),
            describe="the normaliser's group at the ends",
        )

    def keeps_coming(self, is_enough: Callable[[], object]) -> None:
        """Bring new objects, raw already, until something has come of it."""

        def put_and_ask() -> object:
            if not is_enough():
                self.put(4, lines=50)
                self.run("pull")
            return is_enough()

        eventually(put_and_ask, within_seconds=_PATIENCE_SECONDS)

    def is_settled(self, topic: str) -> bool:
        """Whether no transaction is open in a topic."""
        full_name = self.stage.topic(topic)
        # In this order: one that ends in between must not look as if it never was.
        stable = self.stage.reading.stable_ends(full_name)
        return stable == self.stage.reading.high_watermarks(full_name)

    @staticmethod
    def end(watched: Watched) -> None:
        """Let a process come to an end, whichever."""
        if watched.process.exit_code is None:
            watched.process.stop()

    def stop(self, watched: Watched) -> None:
        """Ask a process to end, if it has not; it must do so without complaint."""
        if watched.process.exit_code is None:
            code = watched.process.stop()
            assert code == 0, f"{watched.process}\n{watched.process.report()}"

    def _is_at_end(self, topic: str) -> bool:
        full_name = self.stage.topic(topic)
        ends = self.stage.reading.high_watermarks(full_name)
        committed = self.stage.reading.committed(self.stage.normaliser_group, full_name)
        return all(committed[index].offset == end for index, end in ends.items())

    @staticmethod
    def _wait(watched: Watched, predicate: Callable[[], object], *, describe: str) -> None:
        """Wait for something that a process brings about; fail at once if it ends otherwise."""

        def asked() -> object:
            code = watched.process.exit_code
            found = predicate()
            assert found or code is None, f"{watched.process}\n{watched.process.report()}"
            return found

        watched.wait(asked, within_seconds=_PATIENCE_SECONDS, describe=describe)
