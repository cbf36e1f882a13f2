"""Three brokers that die, stand still, are restarted and hand over, while processes work."""

from random import Random

import pytest

from tests.faults.brokers import in_any_order
from tests.faults.experiments import Experiment
from tests.faults.schedules import SMALL_STEPS
from tests.support.deploying import DeployOn
from tests.support.kafka_clusters.cluster import KafkaCluster


@pytest.mark.at_length
def test_disturbed_brokers_lose_and_repeat_nothing(
    three_brokers: KafkaCluster, deploy_on: DeployOn, rng: Random
) -> None:
    """Whatever a broker was in charge of when it went, processes go on with another."""
    stage = deploy_on(three_brokers, partitions=2, **SMALL_STEPS)
    stage.set_up(poll_seconds=1)
    experiment = Experiment(stage, rng, three_brokers)
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
