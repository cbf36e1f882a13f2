"""Objects that do not come: what they cost other sources, and what becomes of their lines."""

import threading
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from producer.contract.objects import ObjectOutcome, Outcome, Place, Reason
from producer.puller.pulling import PartitionPuller, Piece
from producer.puller.silences import PATIENCE_SECONDS, Silences
from producer.s3.object_store import ObjectStoreRefusedError
from tests.support.stages import FakeClock
from tests.support.waiting import eventually
from tests.unit.puller.pullers import (
    a_plan,
    a_task,
    has_ended,
    outcomes_in,
    raw_in,
    take_until,
)
from tests.unit.puller.stalling import STALLING, WELL, StallingStore, Step

UNREAD = (Outcome.QUARANTINED, Reason.UNAVAILABLE)
READ = (Outcome.PULLED, None)


def a_refusal(reason: Reason) -> ObjectStoreRefusedError:
    return ObjectStoreRefusedError(reason=reason, detail="no")


class WatchedClock(FakeClock):
    """A clock that counts who looks at it."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0

    def steady(self) -> float:
        """Seconds."""
        self.looks += 1
        return super().steady()


class Pullers:
    """Pullers of several partitions over one store, and a time that tests let pass."""

    def __init__(self) -> None:
        self.store = StallingStore()
        self.clock = WatchedClock()
        self.plan = a_plan(self.store, clock=self.clock)
        self.silences = self.plan.silences
        self._pullers: dict[int, PartitionPuller] = {}
        self._offset = 0
        self.pieces: list[Piece] = []

    def __getitem__(self, partition: int) -> PartitionPuller:
        if partition not in self._pullers:
            self._pullers[partition] = PartitionPuller(self.plan, partition)
        return self._pullers[partition]

    def close(self) -> None:
        for puller in self._pullers.values():
            puller.cancel()
        self.store.open_gates()

    def submit(self, source_id: str, key: str, *steps: Step, partition: int = 0) -> None:
        version = self.store.put(source_id, key, *steps)
        self[partition].submit(a_task(version, offset=self._offset))
        self._offset += 1

    def outcomes(self, count: int, *, partition: int = 0, seconds: float = 0) -> list[str]:
        """The next outcomes of a partition; so much time passes between two looks at it."""

        def is_enough(new: list[Piece]) -> bool:
            self.clock.pass_time(seconds)
            return len(outcomes_in(new)) == count

        pieces = take_until(self[partition], is_enough)
        self.pieces += pieces
        return [told(piece.outcome) for piece in pieces if piece.outcome is not None]

    def pass_time_watched(self, seconds: int) -> None:
        """Let time pass in steps that are each seen by whoever waits."""
        for _ in range(seconds):
            self.clock.pass_time(1)
            self.wait_for_look()

    def wait_for_look(self) -> None:
        seen = self.clock.looks
        eventually(lambda: self.clock.looks > seen + 1, every_seconds=0.001)

    def hold(self, partition: int = 0) -> threading.Event:
        """Let nothing be looked at before more is submitted."""
        gate = self.store.gate()
        self.submit(WELL, "head", gate, b"x\n", partition=partition)
        return gate

    def stall(self, *before: Step, after: tuple[Step, ...] = ()) -> threading.Event:
        """Let an object be given up; give what the rest of it waits for."""
        gate = self.store.gate()
        self.submit(STALLING, "stalled", *before, gate, *after)
        self.submit(WELL, "behind", b"x\n")
        assert ["stalled unavailable", "behind"] == self.outcomes(2, seconds=0.5)
        assert self.silences.is_silent(STALLING)
        return gate

    def end_running_on(self, gate: threading.Event) -> None:
        gate.set()
        eventually(lambda: not self.silences._running_on, every_seconds=0.001)


def told(outcome: ObjectOutcome) -> str:
    """The key of what was read; with it the reason of what was not."""
    if (outcome.outcome, outcome.reason) == READ:
        return outcome.key
    assert outcome.outcome is Outcome.QUARANTINED
    return f"{outcome.key} {outcome.reason}"


@pytest.fixture
def pullers() -> Iterator[Pullers]:
    """Give pullers that know of no silence."""
    pullers = Pullers()
    yield pullers
    pullers.close()


@pytest.mark.parametrize("before", [(), (b"one\ntwo\nthr",)], ids=["answer", "body"])
def test_stalled_object_is_given_up_once_another_source_waits(
    pullers: Pullers, before: tuple[Step, ...]
) -> None:
    """And not sooner: while its own alone wait, it is waited for as long as it takes."""
    pullers.submit(STALLING, "s1", *before, pullers.store.gate())
    pullers.submit(STALLING, "s2", b"its own\n")
    pullers.wait_for_look()
    pullers.pass_time_watched(round(2 * PATIENCE_SECONDS))
    assert ["s1"] == pullers.store.opened
    pullers.submit(WELL, "w1", b"x\n")

    assert ["s1 unavailable", "s2 unavailable", "w1"] == pullers.outcomes(3)
    assert ["s1", "w1"] == pullers.store.opened


def test_object_that_comes_before_patience_ends_is_read(pullers: Pullers) -> None:
    """However many wait; each block is waited for anew, so a slow store gets on."""
    gates = [pullers.store.gate() for _ in range(3)]
    pullers.submit(STALLING, "s1", *[step for gate in gates for step in (gate, b"line\n")])
    pullers.submit(WELL, "w1", b"x\n")
    for gate in gates:
        pullers.wait_for_look()
        pullers.pass_time_watched(2)
        gate.set()

    assert ["s1", "w1"] == pullers.outcomes(2)
    assert not pullers.silences.is_silent(STALLING)


def test_process_that_was_stopped_has_not_waited(pullers: Pullers) -> None:
    """A clock that leaps is no silence: what is there by now had no chance to be taken."""
    gate = pullers.store.gate()
    pullers.submit(STALLING, "s1", gate, b"x\n")
    pullers.submit(WELL, "w1", b"x\n")
    pullers.wait_for_look()
    pullers.clock.pass_time(3600)
    pullers.wait_for_look()
    gate.set()

    assert ["s1", "w1"] == pullers.outcomes(2)


def test_stalled_body_is_gone_on_with_where_it_stood(pullers: Pullers) -> None:
    """Each line is in raw once; the one that was open is not there before it is whole."""
    gate = pullers.stall(b"one\ntwo\nthr", after=(b"ee\n",))
    (stalled, _) = [piece.outcome for piece in outcomes_in(pullers.pieces)]
    assert stalled is not None
    assert (Place(line=2), 2, None) == (stalled.place, stalled.raw_lines, stalled.sha256)
    pullers.end_running_on(gate)

    version = pullers.store.put(STALLING, "stalled", b"one\ntwo\nthr", b"ee\nfour\n")
    retry = replace(version, attempt=2, resume_from=stalled.place)
    pullers[0].submit(a_task(retry, offset=9))

    assert ["stalled"] == pullers.outcomes(1)
    outcome = pullers.pieces[-1].outcome
    assert outcome is not None
    assert (4, 4) == (outcome.lines, outcome.raw_lines)
    assert [b"1 one", b"2 two", b"3 three", b"4 four"] == [
        record.partition(b"#")[2] for record in raw_in(pullers.pieces) if b"stalled#" in record
    ]


def test_further_objects_are_refused_unasked_while_one_has_no_answer(pullers: Pullers) -> None:
    """In every partition, and without a moment's wait; where nobody waits, they are asked for."""
    pullers.stall()
    for partition in (0, 1):
        head = pullers.hold(partition)
        keys = [f"s{partition}-{number}" for number in range(20)]
        for key in keys:
            pullers.submit(STALLING, key, b"x\n", partition=partition)
        pullers.submit(WELL, "last", b"x\n", partition=partition)
        head.set()

        expected = ["head", *(f"{key} unavailable" for key in keys), "last"]
        assert expected == pullers.outcomes(22, partition=partition)
    assert ["stalled", "behind", *["head", "last"] * 2] == pullers.store.opened

    pullers.submit(STALLING, "alone", b"x\n", partition=1)
    assert ["alone"] == pullers.outcomes(1, partition=1)
    assert not pullers.silences.is_silent(STALLING)


def test_refusal_of_what_is_not_asked_says_so() -> None:
    """And of whom; others are not touched."""
    silences = Silences()
    silences.note_given_up(STALLING, at_byte=0)
    with pytest.raises(ObjectStoreRefusedError, match="'src_stalling' is not asked while"):
        silences.check(STALLING, others_wait=True)
    silences.check(STALLING, others_wait=False)
    silences.check(WELL, others_wait=True)


def test_silent_source_is_tried_without_a_wait_until_it_answers(pullers: Pullers) -> None:
    """An outage costs others their patience once: no time passes here, and they are read."""
    pullers.end_running_on(pullers.stall(after=(a_refusal(Reason.UNAVAILABLE),)))
    answer = pullers.store.gate()
    pullers.submit(STALLING, "s1", answer, b"x\n")
    pullers.submit(WELL, "w1", b"x\n")
    assert ["s1 unavailable", "w1"] == pullers.outcomes(2)
    eventually(lambda: "s1" in pullers.store.opened, every_seconds=0.001)

    pullers.end_running_on(answer)
    head = pullers.hold()
    pullers.submit(STALLING, "s2", b"x\n")
    pullers.submit(WELL, "w2", b"x\n")
    head.set()
    assert ["head", "s2", "w2"] == pullers.outcomes(3)


def test_object_that_was_begun_before_another_stalled_is_judged_by_itself(
    pullers: Pullers,
) -> None:
    """In another partition: its next block may be on its way."""
    block = pullers.store.gate()
    pullers.submit(STALLING, "s1", block, b"x\n")
    pullers.submit(WELL, "w1", b"x\n")
    pullers.wait_for_look()
    pullers.silences.note_given_up(STALLING, at_byte=0)
    pullers.wait_for_look()
    block.set()

    assert ["s1", "w1"] == pullers.outcomes(2)


@pytest.mark.parametrize(
    ("after", "is_silent"),
    [
        ((), False),
        ((b"x",), False),
        ((a_refusal(Reason.ACCESS_DENIED),), False),
        ((ZeroDivisionError(),), False),
        ((a_refusal(Reason.UNAVAILABLE),), True),
        ((a_refusal(Reason.THROTTLED),), True),
    ],
    ids=["end", "bytes", "refusal", "bug", "no answer", "not asked"],
)
def test_silence_ends_with_an_answer(
    pullers: Pullers, after: tuple[Step, ...], *, is_silent: bool
) -> None:
    """Whatever it says; what was not answered, or not even asked, says nothing."""
    pullers.end_running_on(pullers.stall(after=after))

    assert is_silent == pullers.silences.is_silent(STALLING)


def test_bytes_that_came_before_do_not_end_a_silence(pullers: Pullers) -> None:
    """A store that stalls at some place brings what lies before it each time."""
    pullers.end_running_on(
        pullers.stall(b"one\n", b"two\n", after=(a_refusal(Reason.UNAVAILABLE),))
    )
    head, beyond = pullers.hold(), pullers.store.gate()
    pullers.submit(STALLING, "s1", b"one\n", b"two\n", beyond, b"three\n", pullers.store.gate())
    pullers.submit(WELL, "w1", b"x\n")
    head.set()
    assert ["head", "s1 unavailable", "w1"] == pullers.outcomes(3)
    eventually(lambda: pullers.store.body_of("s1").steps_taken == 3, every_seconds=0.001)
    assert pullers.silences.is_silent(STALLING)

    # And with that it is over: what is behind the next gate is not asked for.
    pullers.end_running_on(beyond)
    assert not pullers.silences.is_silent(STALLING)
    assert (4, True) == (
        pullers.store.body_of("s1").steps_taken,
        pullers.store.body_of("s1").is_closed,
    )


def test_fetches_that_run_on_are_bounded(pullers: Pullers) -> None:
    """Also where nobody waits at first, and others come then."""
    for number in range(4):
        pullers.submit(STALLING, f"s{number}", pullers.store.gate())
        eventually(lambda: len(pullers.store.opened) % 2, every_seconds=0.001)
        pullers.submit(WELL, f"w{number}", b"x\n")
        assert [f"s{number} unavailable", f"w{number}"] == pullers.outcomes(2, seconds=0.5)
    pullers.submit(STALLING, "s4", b"x\n")

    assert ["s4 unavailable"] == pullers.outcomes(1)
    assert "s4" not in pullers.store.opened


def test_cancelled_puller_does_not_wait_for_a_stalled_object(pullers: Pullers) -> None:
    """Its thread ends, and nothing is said of the object."""
    pullers.submit(STALLING, "s1", b"x\n", pullers.store.gate())
    eventually(
        lambda: pullers.store.bodies and pullers.store.body_of("s1").steps_taken == 2,
        every_seconds=0.001,
    )

    pullers[0].cancel()

    eventually(lambda: has_ended(pullers[0]), every_seconds=0.001)
    pullers[0].check()
    assert not outcomes_in(list(iter(pullers[0].take, None)))


def test_what_nobody_foresaw_is_met_by_the_next(pullers: Pullers) -> None:
    """Nobody waits for what was given up, but a bug is not kept from the loop for ever."""
    bug = ZeroDivisionError()
    pullers.end_running_on(pullers.stall(after=(bug,)))
    pullers.submit(STALLING, "s1", bug)

    eventually(lambda: has_ended(pullers[0]), every_seconds=0.001)
    with pytest.raises(ZeroDivisionError):
        pullers[0].check()
