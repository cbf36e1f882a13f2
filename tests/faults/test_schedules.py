"""Directed schedules: healthy processes keep the promise, and each seeded defect breaks it."""

from random import Random
from typing import Protocol

import pytest
from _pytest.mark import ParameterSet

from tests.faults import schedules
from tests.faults.experiments import Experiment
from tests.faults.schedules import CATCHES, SETTINGS, SMALL_STEPS, Schedule
from tests.support.deploying import Deploy

# What is run for each change; the others are run at length.
_ALWAYS = {"store before commit", "dead letter outside"}


def _parameter(value: object, *, name: str, is_always: bool) -> ParameterSet:
    return pytest.param(value, id=name, marks=() if is_always else pytest.mark.at_length)


_ALWAYS_HEALTHY = {schedules.aborted, schedules.killed_amid_publishing}
_SCHEDULES = [
    _parameter(each, name=each.__name__, is_always=each in _ALWAYS_HEALTHY)
    for each in dict.fromkeys(caught.by for caught in CATCHES.values())
]
_DEFECTS = [_parameter(name, name=name, is_always=name in _ALWAYS) for name in CATCHES]


class Stages(Protocol):
    """Makes a deployment for a schedule, on which nothing was done yet."""

    def __call__(self, schedule: Schedule) -> Experiment: ...


@pytest.fixture
def experiment_for(deploy: Deploy, rng: Random) -> Stages:
    """Give a way to make a deployment with topics and a source."""

    def make(schedule: Schedule) -> Experiment:
        stage = deploy(partitions=2, **SMALL_STEPS, **SETTINGS.get(schedule, {}))
        stage.set_up()
        return Experiment(stage, rng)

    return make


@pytest.mark.parametrize("schedule", _SCHEDULES)
def test_healthy_processes_keep_the_promise(experiment_for: Stages, schedule: Schedule) -> None:
    """Whatever the schedule does to them, nothing is lost, repeated or told that is not so."""
    _judge(experiment_for(schedule), schedule)


@pytest.mark.parametrize("defect", _DEFECTS)
def test_defect_is_caught(experiment_for: Stages, defect: str) -> None:
    """The schedule that is named for a defect finds what that does to the promise."""
    schedule, finding = CATCHES[defect]
    experiment = experiment_for(schedule)
    with pytest.raises(AssertionError, match=finding):
        _judge(experiment, schedule, defect)


def _judge(experiment: Experiment, schedule: Schedule, defect: str = "") -> None:
    schedule(experiment, defect)
    experiment.finish()
    experiment.judge().kept()
