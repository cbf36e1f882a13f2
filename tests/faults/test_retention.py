"""Records that are gone before they were read: a process stops, and nobody jumps over them."""

from collections.abc import Mapping
from random import Random
from typing import Final

import pytest
from confluent_kafka import KafkaError, KafkaException

from tests.faults.checker import judge
from tests.faults.experiments import Experiment
from tests.faults.faults import Deed, Fault, Step
from tests.faults.operating import (
    Operator,
    refusal_of,
    replay_all,
    standing,
    transactions_in,
    without,
)
from tests.faults.schedules import SMALL_STEPS
from tests.faults.watched_processes import Watched
from tests.support.deploying import Deploy
from tests.support.deployments import SOURCE_ID

pytestmark = pytest.mark.at_length

_PARTITIONS: Final = 2


@pytest.fixture
def experiment(deploy: Deploy, rng: Random) -> Experiment:
    """Give a deployment with topics and a source, on which nothing was done yet."""
    stage = deploy(partitions=_PARTITIONS, **SMALL_STEPS)
    stage.set_up()
    return Experiment(stage, rng)


@pytest.mark.parametrize("state", ["down", "paused"])
@pytest.mark.parametrize("topic", ["raw", "normalised"])
def test_records_that_are_gone_unread_stop_the_process(
    experiment: Experiment, operator: Operator, topic: str, state: str
) -> None:
    """It jumps over nothing, nor does its successor; a person sets the offsets and replays."""
    stage, full_name = experiment.stage, experiment.stage.topic(topic)
    keys = experiment.put(20, lines=50)
    experiment.run("pull")
    watched = _paused_amid_work(experiment)
    keys += experiment.put(10, lines=50)
    experiment.run("pull")
    before, deleted = experiment.gather(), transactions_in(experiment, topic)
    if state == "down":
        watched.process.kill()
        operator.delete_records(full_name, partitions=_PARTITIONS)
        watched = experiment.start("normalise")
    else:
        operator.delete_records(full_name, partitions=_PARTITIONS)
        watched.process.resume()
    complaint, starts = refusal_of(watched), stage.reading.low_watermarks(full_name)
    assert f"of '{full_name}'" in complaint
    assert "never read" in complaint
    stood = _standing_before(experiment, topic, starts)
    assert "never read" in refusal_of(experiment.start("normalise"))
    assert stood == _standing_before(experiment, topic, starts)

    operator.reset_offsets(
        stage.normaliser_group, full_name, {index: starts[index] for index in stood}
    )
    replay_all(experiment, keys)
    experiment.finish()
    evidence = without(experiment.gather(), deleted)
    if topic == "normalised":
        evidence.normalised += before.normalised
    judge(evidence, source_id=SOURCE_ID).kept()


def _paused_amid_work(experiment: Experiment) -> Watched:
    """Let `normalise` stand still with some of each topic read, and some not."""
    planned = [Fault(step=Step.BEFORE_BEGIN, deed=Deed.PAUSE, times=4)]
    watched = experiment.start("normalise", planned=planned)
    experiment.paused(watched, Step.BEFORE_BEGIN)
    return watched


def _standing_before(
    experiment: Experiment, topic: str, starts: Mapping[int, int]
) -> dict[int, int]:
    """Where the group stands that stands before a beginning; that is somewhere."""
    stood = {
        index: standing(experiment)[topic, index]
        for index, start in starts.items()
        if standing(experiment)[topic, index] < start
    }
    assert stood, "somebody jumped over what is gone"
    return stood


def test_objects_cannot_be_deleted_unread(experiment: Experiment, operator: Operator) -> None:
    """The ledger is compacted: brokers refuse to delete records that no later one replaces."""
    experiment.put(4, lines=10)
    with pytest.raises(KafkaException) as refused:
        operator.delete_records(experiment.stage.topic("objects"), partitions=_PARTITIONS)
    assert KafkaError.POLICY_VIOLATION == refused.value.args[0].code()
    experiment.finish()
    experiment.judge().kept()
