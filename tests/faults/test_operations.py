"""What operators do to topics and groups under the feet of running processes.

Processes go on, or stop with a sentence that says what to do; nothing is lost, and nothing is done
twice but where a person asked for it.
"""

from collections import Counter
from random import Random
from typing import Final

import pytest
from confluent_kafka import KafkaError, KafkaException

from tests.faults.checker import judge
from tests.faults.evidence import EventSeen, Evidence
from tests.faults.experiments import Experiment
from tests.faults.operating import (
    Operator,
    all_is_done,
    refusal_of,
    replay_all,
    standing,
    told_once,
    transactions_in,
    without,
)
from tests.faults.schedules import SMALL_STEPS
from tests.faults.watched_processes import Watched
from tests.support.deploying import Deploy
from tests.support.deployments import SOURCE_ID

pytestmark = pytest.mark.at_length

_PARTITIONS: Final = 2
_OTHERS: Final = {"pull": "normalise", "normalise": "pull"}


@pytest.fixture
def experiment(deploy: Deploy, rng: Random) -> Experiment:
    """Give a deployment whose source is listed each second."""
    stage = deploy(partitions=_PARTITIONS, **SMALL_STEPS)
    stage.set_up(poll_seconds=1)
    return Experiment(stage, rng)


def _group(experiment: Experiment, command: str) -> str:
    stage = experiment.stage
    return {"pull": stage.puller_group, "normalise": stage.normaliser_group}[command]


@pytest.mark.parametrize(
    ("command", "topic"),
    [("pull", "sources"), ("pull", "objects"), ("normalise", "raw"), ("normalise", "normalised")],
)
def test_partitions_added_to_what_is_consumed_stop_the_process(
    experiment: Experiment, operator: Operator, command: str, topic: str
) -> None:
    """It says so as soon as it is given one, the next one at its start; what was done is whole."""
    full_name = experiment.stage.topic(topic)
    beside = experiment.start(_OTHERS[command], instance="beside")
    with experiment.trickle():
        first, second = (experiment.start(command, instance=name) for name in ("one", "two"))
        for watched in (first, second):
            experiment.has_started(watched)
        operator.add_partitions(full_name, partitions=_PARTITIONS + 1)
        # Otherwise clients look at topics every five minutes.
        experiment.stop(second)
        assert f"'{full_name}' has partition {_PARTITIONS}, beyond" in refusal_of(first)
    experiment.stop(beside)
    stood = standing(experiment)
    assert stood[topic, _PARTITIONS] < 0
    assert f"{full_name} has 3 partitions, not 2" in refusal_of(experiment.start(command))
    assert stood == standing(experiment)
    experiment.judge_amid().kept()


@pytest.mark.parametrize("topic", ["outcomes", "dead-letters", "events"])
def test_partitions_added_to_what_is_written_change_nothing(
    experiment: Experiment, operator: Operator, topic: str
) -> None:
    """Keys stay in the partitions that they had, until the next start refuses the topic."""
    full_name = experiment.stage.topic(topic)
    running = [experiment.start(command) for command in _OTHERS]
    with experiment.trickle():
        for watched in running:
            experiment.has_started(watched)
        operator.add_partitions(full_name, partitions=_PARTITIONS + 1)
        for watched in running:
            experiment.goes_on(watched, behind="more partitions")
    all_is_done(experiment)
    for watched in running:
        experiment.stop(watched)
    assert {0, 1} >= {read.partition for read in experiment.stage.read(topic)}
    experiment.judge().kept()
    for command in _OTHERS:
        assert f"{full_name} has 3 partitions, not 2" in refusal_of(experiment.start(command))


def test_raw_topic_that_got_partitions_is_made_anew(
    experiment: Experiment, operator: Operator
) -> None:
    """What lay in it unread is pulled again by a replay; nothing that was published is lost."""
    keys = experiment.put(6, lines=50)
    experiment.finish()
    keys += experiment.put(4, lines=50)
    experiment.run("pull")
    raw = experiment.stage.topic("raw")
    operator.add_partitions(raw, partitions=_PARTITIONS + 1)
    assert f"{raw} has 3 partitions, not 2" in refusal_of(experiment.start("normalise"))
    deleted = transactions_in(experiment, "raw")
    operator.delete_topic(raw)
    experiment.stage.run("topics", "apply")
    replay_all(experiment, keys)
    experiment.finish()
    judge(without(experiment.gather(), deleted), source_id=SOURCE_ID).kept()


def test_group_of_running_processes_is_not_to_be_changed(
    experiment: Experiment, operator: Operator
) -> None:
    """Brokers refuse to move its offsets and to delete it, and nothing comes of the attempt."""
    running = {command: experiment.start(command) for command in _OTHERS}
    topics = {"pull": ("sources", "objects"), "normalise": ("raw", "normalised")}
    with experiment.trickle():
        for watched in running.values():
            experiment.has_started(watched)
        for command, names in topics.items():
            group = _group(experiment, command)
            for name in names:
                with pytest.raises(KafkaException, match="UNKNOWN_MEMBER_ID"):
                    operator.reset_offsets(group, experiment.stage.topic(name), {0: 0, 1: 0})
            with pytest.raises(KafkaException) as refused:
                operator.delete_group(group)
            assert KafkaError.NON_EMPTY_GROUP == refused.value.args[0].code()
            experiment.goes_on(running[command], behind="an attempt on its group")
    all_is_done(experiment)
    for watched in running.values():
        experiment.stop(watched)
    experiment.finish()
    experiment.judge().kept()


def _pause_until_it_is_out(experiment: Experiment, watched: Watched, command: str) -> None:
    """Let a process stand still until its group has no member."""
    watched.process.pause()
    experiment.stage.eventually(
        lambda: not experiment.stage.reading.members(_group(experiment, command)),
        describe="a group without members",
    )


def _same(events: list[EventSeen]) -> Counter[tuple[object, ...]]:
    return Counter((seen.event_id, seen.place, seen.number) for seen in events)


def _judge_repeats(experiment: Experiment, before: Evidence) -> None:
    """Judge a run in which what there was `before` was to be said once more, and nothing else."""
    after = experiment.gather()
    once = _same(before.events)
    assert once + _same(before.events) == Counter(
        {seen: count for seen, count in _same(after.events).items() if seen in once}
    )
    assert {1} >= {count for seen, count in _same(after.events).items() if seen not in once}
    judge(told_once(after), source_id=SOURCE_ID).kept()


@pytest.mark.parametrize("state", ["down", "paused"])
def test_offsets_on_raw_that_are_reset_publish_the_same_again(
    experiment: Experiment, operator: Operator, state: str
) -> None:
    """All that was published is, once more, byte for byte; what is new meanwhile is there once.

    A process that stood still for longer than its session goes on from there, not where it was.
    """
    experiment.put(10, lines=50)
    pull, normalise = experiment.start("pull"), experiment.start("normalise")
    all_is_done(experiment)
    with experiment.trickle():
        if state == "down":
            experiment.stop(normalise)
        else:
            _pause_until_it_is_out(experiment, normalise, "normalise")
        before = experiment.gather()
        raw = experiment.stage.topic("raw")
        operator.reset_offsets(experiment.stage.normaliser_group, raw, {0: 0, 1: 0})
        if state == "down":
            normalise = experiment.start("normalise")
        else:
            normalise.process.resume()
        experiment.goes_on(normalise, behind="a reset")
    all_is_done(experiment)
    for watched in (pull, normalise):
        experiment.stop(watched)
    experiment.finish()
    _judge_repeats(experiment, before)
    events = {(read.key, read.value) for read in experiment.stage.read("events")}
    assert len({key for key, _ in events}) == len(events), "the same id with other bytes"


def test_offsets_on_objects_that_are_reset_pull_the_same_again(
    experiment: Experiment, operator: Operator
) -> None:
    """A person's decision is carried out: lines and events come again, from the same origins."""
    experiment.put(10, lines=50)
    experiment.finish()
    before = experiment.gather()
    objects = experiment.stage.topic("objects")
    operator.reset_offsets(experiment.stage.puller_group, objects, {0: 0, 1: 0})
    experiment.put(2, lines=50)
    experiment.finish()
    after = experiment.gather()
    places = Counter(seen.place for seen in after.raw)
    assert {2} == {places[seen.place] for seen in before.raw}
    _judge_repeats(experiment, before)


@pytest.mark.parametrize("state", ["down", "paused"])
@pytest.mark.parametrize("command", _OTHERS)
def test_group_that_is_deleted_stops_its_process(
    experiment: Experiment, operator: Operator, command: str, state: str
) -> None:
    """Neither end of its topics is a safe guess; set by hand to where it stood, it goes on."""
    experiment.put(10, lines=50)
    running = {each: experiment.start(each) for each in _OTHERS}
    all_is_done(experiment)
    watched, group = running[command], _group(experiment, command)
    experiment.stop(running[_OTHERS[command]])
    if state == "down":
        experiment.stop(watched)
    else:
        _pause_until_it_is_out(experiment, watched, command)
    experiment.put(4, lines=50)
    stood = standing(experiment)
    operator.delete_group(group)
    if state == "down":
        watched = experiment.start(command)
    else:
        watched.process.resume()
    complaint = refusal_of(watched)
    assert f"group '{group}' has no" in complaint
    gone = {place for place in stood if standing(experiment)[place] < 0}
    topics = {topic for topic, _ in gone}
    assert (
        topics
        == {
            "pull": {"sources", "commands", "objects"},
            "normalise": {"raw", "normalised"},
        }[command]
    )
    assert "by hand" in complaint or "with Kafka's own tool" in complaint
    experiment.stage.run("topics", "apply", exit_code=1)
    for topic in topics:
        offsets = {index: stood[topic, index] for index in range(_PARTITIONS)}
        operator.reset_offsets(group, experiment.stage.topic(topic), offsets)
    experiment.finish()
    experiment.judge().kept()
