"""Processes killed at each step of a transaction, of an assignment, and of a restoration.

Each is followed by another run of the same slot, which is killed at the next step: so each finds
what its predecessor left, and all of it is judged at the end.
"""

import shutil
from collections.abc import Sequence
from random import Random
from typing import Final

import pytest

from tests.faults.experiments import Experiment
from tests.faults.faults import Deed, Fault, Step
from tests.support.deploying import Deploy

# Small chunks and batches, so that one run comes by each step several times; and a successor goes
# on at once.
_SETTINGS: Final = {
    "KAFKA__STATIC_MEMBERSHIP": "true",
    "PULLER__CHUNK_LINES": "100",
    "NORMALISER__BATCH_MESSAGES": "100",
}
_OF_A_TRANSACTION: Final = (
    Step.AMID_PRODUCING,
    Step.AFTER_FLUSH,
    Step.AFTER_OFFSETS,
    Step.AFTER_COMMIT,
)


def _plans(*topics: str) -> list[list[Fault]]:
    """One plan a run: to die at a step, of a transaction that publishes to a topic."""
    of_runs = (Step.INITIALISING, Step.BEFORE_BEGIN, Step.AFTER_BEGIN)
    return [
        *([Fault(step=step, times=number)] for number, step in enumerate(of_runs)),
        *([Fault(step=step, topic=topic)] for topic in topics for step in _OF_A_TRANSACTION),
        *(
            [Fault(step=Step.AFTER_FLUSH, deed=Deed.FAIL, topic=topic), Fault(step=step)]
            for topic in topics
            for step in (Step.BEFORE_ABORT, Step.AFTER_ABORT)
        ),
    ]


def _die(experiment: Experiment, command: str, planned: Sequence[Fault]) -> None:
    watched = experiment.start(command, planned=planned)
    experiment.broken(watched, planned[-1].step)
    watched.process.end()


def _die_while_another_joins(experiment: Experiment, command: str) -> None:
    """Let a run die as it is told that some of its partitions go to another."""
    watched = experiment.start(command, planned=[Fault(step=Step.AMID_REVOKING)])
    experiment.has_started(watched)
    other = experiment.start(command, instance="two")
    experiment.broken(watched, Step.AMID_REVOKING)
    watched.process.end()
    other.process.kill()


def test_pull_killed_at_each_step_loses_and_repeats_nothing(deploy: Deploy, rng: Random) -> None:
    """Whatever step it dies at, its successor goes on from what was committed, and no further."""
    stage = deploy(partitions=2, **_SETTINGS)
    stage.set_up()
    experiment = Experiment(stage, rng)
    experiment.put(60, lines=3)
    for planned in _plans("raw", "objects"):
        experiment.put(25, lines=30)
        _die(experiment, "pull", planned)
    _die_while_another_joins(experiment, "pull")
    _die(experiment, "pull", [Fault(step=Step.AMID_RESTORING, topic="objects")])
    experiment.finish()
    experiment.judge().kept()


@pytest.mark.parametrize(
    "keeps_its_store", [pytest.param(True, marks=pytest.mark.at_length), False]
)
def test_normalise_killed_at_each_step_loses_and_repeats_nothing(
    deploy: Deploy, rng: Random, *, keeps_its_store: bool
) -> None:
    """With its store of ids or without, each event is there once whatever step it dies at."""
    stage = deploy(partitions=2, **_SETTINGS)
    stage.set_up()
    experiment = Experiment(stage, rng)
    experiment.put(40, lines=200)
    stage.run("pull", "--once")
    for planned in _plans("normalised", "events"):
        _die(experiment, "normalise", planned)
        if not keeps_its_store:
            shutil.rmtree(stage.state_directory, ignore_errors=True)
    _die_while_another_joins(experiment, "normalise")
    shutil.rmtree(stage.state_directory, ignore_errors=True)
    _die(experiment, "normalise", [Fault(step=Step.AMID_RESTORING, topic="events")])
    experiment.finish()
    experiment.judge().kept()
