"""Commit markers that land late on one of three brokers.

A commit is acknowledged before its markers are written, and each broker is sent its own. So the
offsets of a transaction may be there to be read while what it published is not yet.
"""

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from tests.faults.experiments import Experiment
from tests.faults.faults import Fault, Step
from tests.faults.schedules import Caught
from tests.support.kafka_clusters.leadership import Place, group_place, transaction_place
from tests.support.kafka_proxy.faults import Action, Armed, Rule
from tests.support.kafka_proxy.frames import Api


class Late(NamedTuple):
    """What became of markers that were held."""

    frames: int
    seconds: float
    """How long the first of them was."""
    was_waited_for: bool
    """Whether no table was taken for whole before they landed."""


def markers_late(experiment: Experiment, defect: str) -> Late:
    """A process dies behind a commit whose events nobody can read yet; a second takes over.

    The same events come again, in objects of other names, so that whoever does not know what was
    committed publishes them anew.
    """
    experiment.put(4, lines=50)
    experiment.run("pull")
    experiment.copy_all()
    experiment.run("pull")
    planned = [Fault(step=Step.AFTER_COMMIT, topic="events")]
    with _markers_held(experiment) as held:
        first = experiment.start("normalise", planned=planned, defect=defect)
        experiment.broken(first, Step.AFTER_COMMIT)
        first.process.end()
        held.wait()
        shutil.rmtree(experiment.stage.state_directory)
        second = experiment.start("normalise", instance="two", defect=defect)
        experiment.restores(second, "events")
        experiment.may_say(second, "table.restored")
        was_waited_for = not second.process.logs("table.restored")
    experiment.caught_up()
    experiment.stop(second)
    return Late(len(held.met), _seconds_held(experiment, held), was_waited_for)


@contextlib.contextmanager
def _markers_held(experiment: Experiment) -> Iterator[Armed]:
    """Hold what ends transactions in the events, and nothing else that brokers tell each other."""
    leadership, last = experiment.cluster.leadership, experiment.cluster.last
    events = experiment.stage.topic("events")
    for partition in range(experiment.partitions):
        leadership.move(Place(events, partition), last)
    others = (
        group_place(experiment.stage.normaliser_group),
        transaction_place(experiment.transactional_id("normalise")),
    )
    for place in others:
        if leadership.leader(place) == last:
            leadership.move(place, min(experiment.cluster.nodes))
    faults = experiment.cluster.faults_between
    rule = Rule(
        kind=Api.WRITE_TXN_MARKERS,
        action=Action.HOLD,
        times=None,
        matching=lambda request: request.mentions(events),
    )
    armed = faults.arm(rule)
    yield armed
    faults.disarm(armed)
    armed.release()


def _seconds_held(experiment: Experiment, held: Armed) -> float:
    """Tell it by what the proxy wrote down; fail where that is not all that was held."""
    deeds = experiment.cluster.faults_between.deeds
    (begun, landed) = (
        deeds(action, Api.WRITE_TXN_MARKERS)[-len(held.met) :]
        for action in (Action.HOLD, Action.RELEASE)
    )
    assert len(held.met) == len(begun) == len(landed)
    return landed[0].at - begun[0].at


CATCHES: Final[Mapping[str, Caught]] = {
    "restore to the stable end": Caught(markers_late, "twice in governance-events")
}
