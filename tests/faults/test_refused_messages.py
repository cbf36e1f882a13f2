"""Topics that refuse what a process publishes: it stops, skips nothing, goes on once mended."""

from random import Random
from typing import Final

import pytest

from tests.faults.experiments import Experiment
from tests.faults.operating import Operator, all_is_done, refusal_of, standing
from tests.faults.schedules import SMALL_STEPS
from tests.support.deploying import Deploy

pytestmark = pytest.mark.at_length

_OTHERS: Final = {"pull": "normalise", "normalise": "pull"}
# What is read to write each topic.
_READ: Final = {
    "raw": "objects",
    "normalised": "raw",
    "events": "normalised",
}
# Nothing is as small.
_BYTES_MAX: Final = "100"


@pytest.fixture
def experiment(deploy: Deploy, rng: Random) -> Experiment:
    """Give a deployment whose source is listed each second."""
    stage = deploy(partitions=2, **SMALL_STEPS)
    stage.set_up(poll_seconds=1)
    return Experiment(stage, rng)


def _left_unread(experiment: Experiment, topic: str) -> dict[tuple[str, int], int]:
    """Where the groups stand; some of a topic must be left to read."""
    stood = standing(experiment)
    ends = experiment.stage.reading.high_watermarks(experiment.stage.topic(topic))
    assert any(stood[topic, index] < end for index, end in ends.items())
    return stood


@pytest.mark.parametrize(
    ("command", "topic"),
    [("pull", "raw"), ("normalise", "normalised"), ("normalise", "events")],
)
def test_messages_beyond_the_limit_of_the_broker_stop_the_process(
    experiment: Experiment, operator: Operator, command: str, topic: str
) -> None:
    """It names the topic and the setting; its successor does not start before that is mended."""
    stage, full_name = experiment.stage, experiment.stage.topic(topic)
    running = {each: experiment.start(each) for each in _OTHERS}
    experiment.put(6, lines=50)
    all_is_done(experiment)
    before = operator.configure(full_name, "max.message.bytes", _BYTES_MAX)
    experiment.put(6, lines=50)
    complaint = refusal_of(running[command])
    assert full_name in complaint
    assert "max.message.bytes" in complaint
    experiment.stop(running[_OTHERS[command]])
    stood = _left_unread(experiment, _READ[topic])
    again = refusal_of(experiment.start(command))
    assert f"{full_name} has max.message.bytes={_BYTES_MAX}" in again
    assert stood == standing(experiment)
    operator.configure(full_name, "max.message.bytes", before)
    experiment.finish()
    assert 12 == len(stage.records("outcomes"))
    experiment.judge().kept()


@pytest.mark.parametrize(
    ("command", "topic"),
    [("pull", "outcomes"), ("normalise", "dead-letters"), ("normalise", "events")],
)
def test_topic_that_is_deleted_under_a_process_stops_it(
    experiment: Experiment, operator: Operator, command: str, topic: str
) -> None:
    """What it would publish there is not passed over; all of it comes once the topic is back.

    A topic may be back by itself, so a process gives up only after ten transactions.
    """
    stage, full_name = experiment.stage, experiment.stage.topic(topic)
    running = {each: experiment.start(each) for each in _OTHERS}
    stage.eventually(
        lambda: all(watched.partitions() == 4 for watched in running.values()),
        describe="all partitions",
    )
    operator.delete_topic(full_name)
    experiment.put(6, lines=50)
    assert full_name in refusal_of(running[command])
    experiment.end(running[_OTHERS[command]])
    stood = standing(experiment)
    assert f"missing topics: {full_name}" in refusal_of(experiment.start(command))
    assert stood == standing(experiment)
    stage.run("topics", "apply")
    experiment.finish()
    experiment.judge().kept()
