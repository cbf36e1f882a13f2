"""Directed schedules: healthy processes keep the promise, and each seeded defect breaks it."""

from random import Random

import pytest

from tests.faults.experiments import Experiment
from tests.faults.schedules import CATCHES, SMALL_STEPS, Schedule
from tests.support.deploying import Deploy

_SCHEDULES = list(dict.fromkeys(caught.by for caught in CATCHES.values()))


@pytest.fixture
def experiment(deploy: Deploy, rng: Random) -> Experiment:
    """Give a deployment with topics and a source, on which nothing was done yet."""
    stage = deploy(partitions=2, **SMALL_STEPS)
    stage.set_up(poll_seconds=1)
    return Experiment(stage, rng)


@pytest.mark.parametrize("schedule", _SCHEDULES, ids=[each.__name__ for each in _SCHEDULES])
def test_healthy_processes_keep_the_promise(experiment: Experiment, schedule: Schedule) -> None:
    """Whatever the schedule does to them, nothing is lost, repeated or told that is not so."""
    _judge(experiment, schedule)


@pytest.mark.parametrize("defect", CATCHES)
def test_defect_is_caught(experiment: Experiment, defect: str) -> None:
    """The schedule that is named for a defect finds what that does to the promise."""
    schedule, finding = CATCHES[defect]
    with pytest.raises(AssertionError, match=finding):
        _judge(experiment, schedule, defect)


def _judge(experiment: Experiment, schedule: Schedule, defect: str = "") -> None:
    schedule(experiment, defect)
    experiment.finish()
    experiment.judge().kept()
