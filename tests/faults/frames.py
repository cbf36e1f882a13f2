"""Frames of a process's transactions that are held, repeated, lost or cut off on their way.

What a network can do to them leaves traces at a client, since only the client itself can send a
request a second time. So a copy that nobody sent ends no transaction here but its own: it arrives
just before the original does.
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Final, NamedTuple

from tests.faults.experiments import Experiment
from tests.faults.faults import Deed, Fault, Step
from tests.faults.schedules import Caught
from tests.faults.watched_processes import Watched
from tests.support.kafka_proxy.faults import HOLDING, Action, Rule
from tests.support.kafka_proxy.frames import Api

KINDS: Final = (
    Api.ADD_PARTITIONS_TO_TXN,
    Api.PRODUCE,
    Api.ADD_OFFSETS_TO_TXN,
    Api.TXN_OFFSET_COMMIT,
    Api.END_TXN,
)
_ACTIONS: Final = (
    Action.HOLD_AND_CUT,
    Action.PRECEDE,
    Action.DROP,
    Action.CUT_BEFORE,
    Action.CUT_BEHIND,
)
# What a client cannot tell from one of those, but for the moment at which it goes on.
_LIKEWISE: Final = (Action.HOLD, Action.DROP_ANSWER, Action.DELAY)
_DELAY_SECONDS: Final = 1.0


class FrameFault(NamedTuple):
    """What happens to one request of a kind."""

    kind: Api
    action: Action


def some_of_each(rng: Random) -> list[FrameFault]:
    """Each kind meets each action, in an order that means nothing."""
    return _shuffled(rng, _ACTIONS)


def all_of_each(rng: Random) -> list[FrameFault]:
    """Likewise, with the actions besides that look much like others."""
    return _shuffled(rng, (*_ACTIONS, *_LIKEWISE))


def _shuffled(rng: Random, actions: Sequence[Action]) -> list[FrameFault]:
    faults = [FrameFault(kind, action) for kind in KINDS for action in actions]
    rng.shuffle(faults)
    return faults


def meet(experiment: Experiment, watched: Watched, planned: Sequence[FrameFault]) -> None:
    """Let a process meet one fault after another, and go on behind each."""
    for kind, action in planned:
        armed = experiment.cluster.faults.arm(
            Rule(
                kind=kind,
                action=action,
                seconds=_DELAY_SECONDS if action is Action.DELAY else 0.0,
                matching=lambda request: request.mentions(watched.transactional_id),
            )
        )
        armed.wait()
        experiment.goes_on(watched, behind=f"{action} of {kind.name}")
        if action in HOLDING:
            armed.release()


def late_commit(experiment: Experiment, defect: str) -> None:
    """A commit that was tried again arrives once more, amid a transaction that is then aborted."""
    experiment.put(10, lines=100)
    experiment.run("pull")
    commit = experiment.cluster.faults.hold_and_cut_next(Api.END_TXN)
    planned = [
        Fault(step=Step.AFTER_FLUSH, deed=deed, topic="normalised", times=2)
        for deed in (Deed.PAUSE, Deed.FAIL)
    ]
    watched = experiment.start("normalise", planned=planned, defect=defect)
    experiment.paused(watched, Step.AFTER_FLUSH)
    commit.release()
    watched.process.resume()
    experiment.goes_on_or_ends(watched)
    watched.process.kill()


CATCHES: Final[Mapping[str, Caught]] = {
    "no hygiene": Caught(late_commit, "messages of transaction")
}
