"""Three brokers that die, stand still, are restarted and hand over, while processes work."""

from random import Random

import pytest

from tests.faults.brokers import CATCHES, in_any_order
from tests.faults.experiments import Experiment
from tests.faults.schedules import SMALL_STEPS, Schedule
from tests.support.deploying import DeployOn
from tests.support.kafka_clusters.cluster import KafkaCluster

# Three brokers start, and deaths of them are noticed.
pytestmark = pytest.mark.at_length


@pytest.fixture
def experiment(three_brokers: KafkaCluster, deploy_on: DeployOn, rng: Random) -> Experiment:
    """Give a deployment on three brokers, with topics and a source."""
    stage = deploy_on(three_brokers, partitions=2, **SMALL_STEPS)
    stage.set_up(poll_seconds=1)
    return Experiment(stage, rng, three_brokers)


@pytest.mark.parametrize("schedule", {caught.by for caught in CATCHES.values()})
def test_healthy_processes_keep_the_promise(experiment: Experiment, schedule: Schedule) -> None:
    """Whatever the schedule does to brokers, nothing is lost or repeated."""
    schedule(experiment, "")
    experiment.finish()
    experiment.judge().kept()


@pytest.mark.parametrize("defect", CATCHES)
def test_defect_is_caught(experiment: Experiment, defect: str) -> None:
    """The schedule that is named for a defect finds what that does to the promise."""
    schedule, finding = CATCHES[defect]
    schedule(experiment, defect)
    experiment.finish()
    verdict = experiment.judge()
    with pytest.raises(AssertionError, match=finding):
        verdict.kept()


def test_disturbed_brokers_lose_and_repeat_nothing(experiment: Experiment, rng: Random) -> None:
    """Whatever a broker was in charge of when it went, processes go on with another."""
    watched = [experiment.start("pull"), experiment.start("normalise")]
    with experiment.trickle():
        for each in watched:
            experiment.has_started(each)
        for disturb in in_any_order(rng):
            disturb(experiment, watched)
    for each in watched:
        experiment.stop(each)
    experiment.finish()
    experiment.judge().kept()
