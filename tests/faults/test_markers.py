"""Three brokers, of which one is sent its commit markers late."""

from random import Random

import pytest

from tests.faults.experiments import Experiment
from tests.faults.markers import CATCHES, markers_late
from tests.faults.schedules import SMALL_STEPS
from tests.support.deploying import DeployOn
from tests.support.figures import Figures
from tests.support.kafka_clusters.cluster import KafkaCluster

# Three brokers start, and a session times out.
pytestmark = pytest.mark.at_length


@pytest.fixture
def experiment(three_brokers: KafkaCluster, deploy_on: DeployOn, rng: Random) -> Experiment:
    """Give a deployment on three brokers, with topics and a source."""
    stage = deploy_on(three_brokers, partitions=2, **SMALL_STEPS)
    stage.set_up()
    return Experiment(stage, rng, three_brokers)


def test_restoring_waits_for_markers_that_land_late(
    experiment: Experiment, figures: Figures
) -> None:
    """Who takes over knows what was committed, though nobody could read it at first."""
    late = markers_late(experiment, "")
    experiment.finish()
    experiment.judge().kept()
    assert late.was_waited_for
    figures("commit markers held", {"frames": late.frames, "seconds": late.seconds})


@pytest.mark.parametrize("defect", CATCHES)
def test_defect_is_caught(experiment: Experiment, defect: str) -> None:
    """The schedule that is named for a defect finds what that does to the promise."""
    schedule, finding = CATCHES[defect]
    schedule(experiment, defect)
    experiment.finish()
    verdict = experiment.judge()
    with pytest.raises(AssertionError, match=finding):
        verdict.kept()
