"""A schema registry that is away, slow, or does not know a schema, while processes run.

What is known by then needs no registry. What is not stops the process at the very message, and
nobody skips it.
"""

import io
import json
from collections.abc import Iterator
from random import Random
from typing import Any, Final

import fastavro
import pytest
from confluent_kafka import Producer
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from tests.faults.experiments import Experiment
from tests.faults.operating import all_is_done, refusal_of, standing
from tests.faults.schedules import SMALL_STEPS
from tests.faults.watched_processes import Watched
from tests.support.deploying import Deploy
from tests.support.deployments import SOURCE_ID, Deployment
from tests.support.drops import governance_event_id, line
from tests.support.registry_door import RegistryDoor

pytestmark = pytest.mark.at_length

_PARTITIONS: Final = 2
# Beyond the transaction's time-out of these deployments, and within that of a request.
_SLOW_SECONDS: Final = 7.0
_HEADER_BYTES: Final = 5


@pytest.fixture
def door(schema_registry: str) -> Iterator[RegistryDoor]:
    """Give a door before the registry, which is open."""
    with RegistryDoor(schema_registry) as door:
        yield door


@pytest.fixture
def experiment(deploy: Deploy, rng: Random, door: RegistryDoor) -> Experiment:
    """Give a deployment whose programs reach the registry through the door alone."""
    stage = deploy(partitions=_PARTITIONS, SCHEMA_REGISTRY__URL=door.url, **SMALL_STEPS)
    stage.set_up(poll_seconds=1)
    return Experiment(stage, rng)


def _has_restored(experiment: Experiment, watched: Watched, partitions: int) -> None:
    """Wait until `normalise` is ready to work on so many partitions."""
    experiment.stage.eventually(
        lambda: len(watched.process.logs("table.restored")) >= partitions,
        describe="restored tables",
    )


def test_registry_that_is_down_is_no_matter_to_who_runs(
    experiment: Experiment, door: RegistryDoor
) -> None:
    """Nothing was done yet when it goes: all is, and one takes over from another, unasked."""
    pull, first = experiment.start("pull"), experiment.start("normalise")
    experiment.has_started(pull)
    _has_restored(experiment, first, _PARTITIONS)
    second = experiment.start("normalise", instance="two")
    _has_restored(experiment, second, 1)
    door.shut()
    with experiment.trickle():
        for watched in (pull, first, second):
            experiment.goes_on(watched, behind="the registry's end")
        first.process.kill()
        experiment.stage.eventually(
            lambda: second.partitions() == 2 * _PARTITIONS, describe="all partitions"
        )
        experiment.goes_on(second, behind="a takeover")
    all_is_done(experiment)
    assert [] == door.asked
    for watched in (pull, second):
        experiment.stop(watched)
    # Who starts needs it, and says so.
    refused = refusal_of(experiment.start("normalise"))
    assert "SCHEMA_REGISTRY__URL" in refused
    door.open()
    experiment.finish()
    experiment.judge().kept()


def test_registry_that_is_slow_delays_a_start_and_nothing_else(
    experiment: Experiment, door: RegistryDoor
) -> None:
    """Whoever waited for it at its start works as fast as ever behind that."""
    experiment.put(10, lines=50)
    door.slow_down(0.5)
    running = [experiment.start(command) for command in ("pull", "normalise")]
    all_is_done(experiment)
    assert door.asked
    door.slow_down(_SLOW_SECONDS)
    with experiment.trickle():
        for watched in running:
            experiment.goes_on(watched, behind="a slow registry")
    all_is_done(experiment)
    assert [] == door.asked
    for watched in running:
        experiment.stop(watched)
    door.open()
    experiment.finish()
    experiment.judge().kept()


@pytest.mark.parametrize("topic", ["raw", "normalised"])
def test_schema_of_another_version_is_waited_for(
    experiment: Experiment, door: RegistryDoor, schema_registry: str, topic: str
) -> None:
    """It comes later than a transaction may last, and nothing but time is lost."""
    experiment.put(10, lines=50)
    pull, normalise = experiment.start("pull"), experiment.start("normalise")
    all_is_done(experiment)
    door.slow_down(_SLOW_SECONDS)
    _by_hand(experiment.stage, schema_registry, topic)
    experiment.stage.eventually(lambda: door.asked, describe="a question for the schema")
    experiment.put(4, lines=50)
    all_is_done(experiment)
    for watched in (pull, normalise):
        experiment.stop(watched)
    door.open()
    experiment.finish()
    _is_published(experiment)
    experiment.judge().kept()


@pytest.mark.parametrize("fault", ["unknown", "down"])
@pytest.mark.parametrize("topic", ["raw", "normalised"])
def test_schema_that_cannot_be_had_stops_the_process(
    experiment: Experiment, door: RegistryDoor, schema_registry: str, topic: str, fault: str
) -> None:
    """It stops at that message, as does its successor; once the registry knows it, all goes on."""
    stage = experiment.stage
    experiment.put(10, lines=50)
    pull, normalise = experiment.start("pull"), experiment.start("normalise")
    all_is_done(experiment)
    schema_id = _registered(stage, schema_registry, topic)
    if fault == "down":
        door.shut()
    else:
        door.forget(schema_id)
    partition, offset = _by_hand(stage, schema_registry, topic)
    experiment.put(4, lines=50)
    complaint = refusal_of(normalise)
    assert f"schema of id {schema_id}" in complaint
    if fault == "unknown":
        assert f"offset {offset} of partition {partition} of '{stage.topic(topic)}'" in complaint
        refusal_of(experiment.start("normalise"))
    assert standing(experiment)[topic, partition] <= offset
    experiment.stop(pull)
    door.open()
    experiment.finish()
    _is_published(experiment)
    experiment.judge().kept()


def _is_published(experiment: Experiment) -> None:
    """Check that what was written by hand is an event, once."""
    keys = [read.key.decode() for read in experiment.stage.read("events")]
    assert 1 == keys.count(governance_event_id(SOURCE_ID, "by-hand"))


def _schema(registry_url: str, schema_id: int) -> dict[str, Any]:
    text = SchemaRegistryClient({"url": registry_url}).get_schema(schema_id).schema_str
    assert text is not None
    found: dict[str, Any] = json.loads(text)
    return found


def _registered(stage: Deployment, registry_url: str, topic: str) -> int:
    """Register another version of a topic's schema, which differs in its documentation alone."""
    value = stage.read(topic)[0].value
    schema = _schema(registry_url, int.from_bytes(value[1:_HEADER_BYTES], "big"))
    text = json.dumps(schema | {"doc": "As another version has it."})
    client = SchemaRegistryClient({"url": registry_url})
    subjects = {"raw": ["raw"], "normalised": ["normalised", "events"]}[topic]
    ids = {
        client.register_schema(f"{stage.topic(name)}-value", Schema(text, "AVRO"))
        for name in subjects
    }
    (schema_id,) = ids
    return schema_id


def _by_hand(stage: Deployment, registry_url: str, topic: str) -> tuple[int, int]:
    """Let a message lie in a topic that another version wrote; tell where."""
    schema_id = _registered(stage, registry_url, topic)
    like = stage.read(topic)[0]
    event_id = governance_event_id(SOURCE_ID, "by-hand")
    if topic == "raw":
        record = like.record | {"key": "by-hand", "line": line("by-hand")}
        key = f"{SOURCE_ID}/by-hand"
    else:
        record = like.record | {"event_id": event_id, "provider_event_id": "by-hand"}
        record |= {"origin": record["origin"] | {"key": "by-hand"}}
        key = event_id
    body = io.BytesIO()
    fastavro.schemaless_writer(body, _schema(registry_url, schema_id), record)
    value = b"\0" + schema_id.to_bytes(4, "big") + body.getvalue()
    told: list[tuple[int, int]] = []
    producer = Producer(
        {
            "bootstrap.servers": stage.settings["KAFKA__BOOTSTRAP_SERVERS"],
            "partitioner": "murmur2_random",
        }
    )
    producer.produce(
        stage.topic(topic),
        value,
        key.encode(),
        on_delivery=lambda _, message: told.append(
            (message.partition() or 0, message.offset() or 0)
        ),
    )
    assert 0 == producer.flush(20)
    (where,) = told
    return where
