"""One broker behind a proxy: frames of transactions held, repeated, lost and cut off."""

from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from tests.faults.experiments import Experiment
from tests.faults.frames import CATCHES, FrameFault, all_of_each, meet, some_of_each
from tests.faults.schedules import SMALL_STEPS
from tests.support.deploying import DeployOn
from tests.support.kafka_clusters.cluster import KafkaCluster


@pytest.fixture
def experiment(one_broker: KafkaCluster, deploy_on: DeployOn, rng: Random) -> Experiment:
    """Give a deployment on one broker, with topics and a source."""
    stage = deploy_on(one_broker, partitions=2, **SMALL_STEPS)
    stage.set_up(poll_seconds=1)
    return Experiment(stage, rng, one_broker)


@pytest.mark.at_length
def test_frames_astray_lose_and_repeat_nothing(experiment: Experiment, rng: Random) -> None:
    """Each kind of frame meets each fault, on its way from one of the processes."""
    planned = some_of_each(rng)
    _judge_amid_frames_astray(experiment, of_pull=planned[::2], of_normalise=planned[1::2])


@pytest.mark.at_length
def test_each_frame_of_each_process_may_go_astray(experiment: Experiment, rng: Random) -> None:
    """Each kind meets each fault, on its way from either process."""
    _judge_amid_frames_astray(experiment, of_pull=all_of_each(rng), of_normalise=all_of_each(rng))


def test_commit_that_comes_late_ends_no_other_transaction(experiment: Experiment) -> None:
    """A publisher that tried a commit again is replaced, and what it tried first is fenced."""
    for schedule in {caught.by for caught in CATCHES.values()}:
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


def _judge_amid_frames_astray(
    experiment: Experiment, *, of_pull: list[FrameFault], of_normalise: list[FrameFault]
) -> None:
    pull, normalise = experiment.start("pull"), experiment.start("normalise")
    with experiment.trickle():
        for watched in (pull, normalise):
            experiment.has_started(watched)
        with ThreadPoolExecutor() as pool:
            meetings = [
                pool.submit(meet, experiment, watched, planned)
                for watched, planned in ((pull, of_pull), (normalise, of_normalise))
            ]
        for meeting in meetings:
            meeting.result()
    for watched in (pull, normalise):
        experiment.stop(watched)
    experiment.finish()
    experiment.judge().kept()
