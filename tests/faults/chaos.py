"""Random faults against several processes under load, drawn from a seed and told in a journal.

What is drawn for a step depends on the seed and the step's number alone, not on what came of the
steps before: the same seed gives the same faults, though never the same interleaving.
"""

import itertools
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from threading import Event
from typing import Final

from confluent_kafka import KafkaException

from tests.faults.experiments import Experiment
from tests.faults.faults import Deed, Fault, Step
from tests.faults.journal import Journal
from tests.faults.outages import Outages
from tests.faults.slots import Slot
from tests.support.kafka_clusters.cluster import KafkaCluster
from tests.support.waiting import eventually

_COMMANDS: Final = ("pull", "normalise")
_NAMES: Final = ("one", "two", "three", "four")
_STEP_SECONDS: Final = (0.3, 1.5)
_PAUSE_SECONDS: Final = (1.0, 12.0)
_BROKER_PAUSE_SECONDS: Final = (1.0, 8.0)
_BROKER_DOWN_SECONDS: Final = (0.0, 5.0)
# A broker that is alone must neither be killed nor lose its session: a partition whose leader is
# away gets no markers, and what was open there stays open for ever (DESIGN.md, Non-obvious).
_LONE_BROKER_PAUSE_SECONDS: Final = (1.0, 5.0)
_REST_SECONDS_MAX: Final = 900.0
# Longer than the session of a member that was killed, by the brokers' own default.
_STANDSTILL_SECONDS_MAX: Final = 120.0
_END_SECONDS_MAX: Final = 120.0
_PLANNED_SHARE: Final = 0.4
# Processes come by these a few times a second, by the others once a start or so.
_FREQUENT: Final = (
    Step.BEFORE_BEGIN,
    Step.AFTER_BEGIN,
    Step.AMID_PRODUCING,
    Step.AFTER_FLUSH,
    Step.AFTER_OFFSETS,
    Step.AFTER_COMMIT,
)
_RARE: Final = (
    Step.INITIALISING,
    Step.BEFORE_ABORT,
    Step.AFTER_ABORT,
    Step.AMID_REVOKING,
    Step.AMID_RESTORING,
)
# Where the client may say that a transaction has to be aborted.
_FAILING: Final = (Step.AFTER_BEGIN, Step.AMID_PRODUCING, Step.AFTER_FLUSH, Step.AFTER_OFFSETS)
_KINDS: Final = {
    "nothing": 3,
    "kill": 4,
    "pause": 4,
    "terminate": 3,
    "scale": 2,
    "roll": 1,
    "broker pause": 2,
    "broker kill": 1,
}


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How much of everything."""

    seconds: float
    processes_max: int
    lines: int


class Chaos:
    """Breaks what runs, again and again, and at the end lets everything heal. One thread."""

    def __init__(
        self, experiment: Experiment, cluster: KafkaCluster, *, seed: str, extent: Extent
    ) -> None:
        self.journal = experiment.stage.state_directory.parent / "journals" / "chaos.journal"
        self.counts: Counter[str] = Counter()
        self._experiment = experiment
        self._cluster = cluster
        self._seed = seed
        self._extent = extent
        self._told = Journal(self.journal)
        self._outages = Outages()
        self._slots = {
            command: [self._slot(command, name) for name in _NAMES] for command in _COMMANDS
        }
        self._rolling: deque[Slot] = deque()
        self._broker: Future[None] | None = None
        self._began = time.monotonic()

    def _slot(self, command: str, name: str) -> Slot:
        return Slot(self._experiment, command, name, told=self._told, outages=self._outages)

    @property
    def findings(self) -> list[str]:
        """What processes did that they must not do."""
        return [finding for slot in self._all() for finding in slot.findings]

    def run(self) -> None:
        """Break things for as long as is wanted, then heal, and come to rest."""
        self._told.write("began", seed=self._seed)
        for slots in self._slots.values():
            slots[0].want()
        self._look_after(Random(self._seed))
        self._experiment.put(2, lines=self._extent.lines)
        eventually(lambda: all(slots[0].has_begun for slots in self._slots.values()))
        self._began = time.monotonic()
        # The executor's own thread breaks brokers, which takes long: one at a time.
        with ThreadPoolExecutor(1) as brokers:
            for number in itertools.count():
                if time.monotonic() - self._began > self._extent.seconds:
                    break
                self._step(Random(f"{self._seed} {number}"), brokers)
            self._told.write("heals")
            self._await_broker()
        self._heal()
        self._come_to_rest()
        self._end()
        for slot in self._all():
            self.counts.update(slot.counts)

    def _step(self, rng: Random, brokers: ThreadPoolExecutor) -> None:
        self._look_after(rng, is_planning=True)
        self._experiment.put(rng.randrange(1, 4), lines=self._extent.lines)
        if self._rolling and self._rolling[0].is_up:
            self._break(self._rolling.popleft(), "terminate")
        (kind,) = rng.choices(list(_KINDS), weights=list(_KINDS.values()))
        command = rng.choice(_COMMANDS)
        if kind.startswith("broker"):
            self._break_broker(kind, rng, brokers)
        elif kind == "scale":
            self._scale(command, rng.randint(1, self._extent.processes_max))
        elif kind == "roll":
            self._tell(kind, command)
            self._rolling.extend(slot for slot in self._slots[command] if slot.is_wanted)
        elif kind != "nothing" and (running := [s for s in self._slots[command] if s.is_up]):
            self._break(rng.choice(running), kind, seconds=rng.uniform(*_PAUSE_SECONDS))
        Event().wait(rng.uniform(*_STEP_SECONDS))

    def _break(self, slot: Slot, kind: str, *, seconds: float = 0.0) -> None:
        if kind == "kill":
            self._tell(kind, slot.name)
            slot.kill()
        elif kind == "terminate":
            self._tell(kind, slot.name)
            slot.terminate()
        else:
            self._tell(kind, slot.name, seconds=seconds)
            slot.pause(seconds)
            # Somebody has to be there who takes over what the paused one still believes to have.
            if not any(other.is_wanted for other in self._others(slot)):
                self._others(slot)[0].want()

    def _scale(self, command: str, wanted: int) -> None:
        self._tell("scale", command, to=wanted)
        for number, slot in enumerate(self._slots[command]):
            if number < wanted:
                slot.want()
            elif slot.is_wanted:
                slot.no_longer()

    def _break_broker(self, kind: str, rng: Random, brokers: ThreadPoolExecutor) -> None:
        """Break one, unless one is broken already."""
        if self._broker is not None and not self._broker.done():
            return
        self._await_broker()
        number, is_alone = rng.choice(sorted(self._cluster.nodes)), len(self._cluster.nodes) == 1
        if kind == "broker pause":
            of_pauses = _LONE_BROKER_PAUSE_SECONDS if is_alone else _BROKER_PAUSE_SECONDS
            seconds = rng.uniform(*of_pauses)
        else:
            kind = "broker restart" if is_alone else kind
            seconds = rng.uniform(*_BROKER_DOWN_SECONDS)
        self._tell(kind, f"broker {number}", seconds=seconds)
        self._broker = brokers.submit(self._leave_without, kind, number, seconds)

    def _leave_without(self, kind: str, number: int, seconds: float) -> None:
        node = self._cluster.nodes[number]
        with self._outages.under_way():
            if kind == "broker pause":
                node.pause()
                Event().wait(seconds)
                node.resume()
            else:
                (node.end if kind == "broker restart" else node.kill)()
                Event().wait(seconds)
                node.start()
            self._cluster.wait_until_in_sync()
        self._told.write("broker is well", whom=f"broker {number}")

    def _await_broker(self) -> None:
        if self._broker is not None:
            self._broker.result()

    def _look_after(self, rng: Random, *, is_planning: bool = False) -> None:
        for slot in self._all():
            planned = list(_planned(rng)) if is_planning else []
            slot.look_after(rng, planned)

    def _heal(self) -> None:
        self._cluster.heal()
        for slot in self._all():
            slot.resume()

    def _come_to_rest(self) -> None:
        """Let what runs do all that is left: none of it may need to be started again for that."""
        rng = Random(f"{self._seed} rest")
        seen: list[tuple[int, int]] = []
        give_up_at = time.monotonic() + _STANDSTILL_SECONDS_MAX

        def rests_or_is_stuck() -> bool:
            nonlocal seen, give_up_at
            self._look_after(rng)
            stands = self._stands()
            if stands and stands != seen:
                seen, give_up_at = stands, time.monotonic() + _STANDSTILL_SECONDS_MAX
            return _are_at_ends(stands) or time.monotonic() > give_up_at

        eventually(rests_or_is_stuck, within_seconds=_REST_SECONDS_MAX, every_seconds=0.5)
        if not _are_at_ends(self._stands()):
            for slot in self._all():
                slot.say_where_it_is()
            raise AssertionError(f"no rest after all was healed; see {self.journal}")
        self._told.write("rests")

    def _stands(self) -> list[tuple[int, int]]:
        """Tell how far groups have come and where their topics end; nothing if nobody tells."""
        stage = self._experiment.stage
        stands = []
        for group, name in (
            (stage.puller_group, "objects"),
            (stage.normaliser_group, "raw"),
            (stage.normaliser_group, "normalised"),
        ):
            try:
                ends = stage.reading.high_watermarks(stage.topic(name))
                committed = stage.reading.committed(group, stage.topic(name))
            except KafkaException:
                # A coordinator that has just moved.
                return []
            stands += [(committed[index].offset, end) for index, end in ends.items()]
        return stands

    def _end(self) -> None:
        rng = Random(f"{self._seed} end")
        for slot in self._all():
            slot.no_longer()

        def all_are_down() -> bool:
            self._look_after(rng)
            return all(slot.is_down for slot in self._all())

        eventually(all_are_down, within_seconds=_END_SECONDS_MAX, describe="the processes' ends")

    def _all(self) -> Iterator[Slot]:
        return itertools.chain.from_iterable(self._slots.values())

    def _others(self, slot: Slot) -> Sequence[Slot]:
        return [other for other in self._slots[slot.command] if other is not slot]

    def _tell(self, kind: str, whom: str, **told: object) -> None:
        self.counts[kind] += 1
        second = round(time.monotonic() - self._began, 1)
        self._told.write(kind, whom=whom, second=second, **told)


def _are_at_ends(stands: Sequence[tuple[int, int]]) -> bool:
    return bool(stands) and all(offset == end for offset, end in stands)


def _planned(rng: Random) -> Iterator[Fault]:
    """Draw what a process is to do to itself, if anything."""
    is_any, is_frequent, deed = rng.random() < _PLANNED_SHARE, rng.random() < 0.6, rng.random()
    step, times = rng.choice(_FREQUENT if is_frequent else _RARE), rng.randrange(20)
    if not is_any:
        return
    if not is_frequent:
        times = 0
    if step in {Step.BEFORE_ABORT, Step.AFTER_ABORT} or (step in _FAILING and deed < 0.3):
        yield Fault(step=rng.choice(_FAILING), deed=Deed.FAIL, times=times)
    if step not in _FAILING or deed >= 0.3:
        yield Fault(step=step, deed=Deed.PAUSE if deed > 0.8 else Deed.KILL, times=times)
