"""Wrong input and missing surroundings: an exit code, a sentence that says what to do, no traces.

Nothing is half-started: no topic appears and no group is joined.
"""

import json
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.cimpl import NewPartitions
from confluent_kafka.schema_registry import SchemaRegistryClient

from tests.support.deploying import Deploy
from tests.support.deployments import Deployment
from tests.support.stage_processes import StageProcess

_USAGE: Final = 2
_FATAL: Final = 1
# A person at a terminal wonders what is going on after this: Kafka is given ten seconds to answer,
# and starting takes some on a busy machine.
_REFUSAL_SECONDS_MAX: Final = 20
_SOURCE: Final = {
    "id": "src_acme",
    "organizationId": "org_acme",
    "name": "Acme",
    "sourceType": "openai_compliance",
    "payloadConfig": {"bucket": "acme-compliance"},
}
_STAGES: Final = ("pull", "normalise")


@contextmanager
def _closed_port() -> Iterator[int]:
    """Give a port that refuses connections for as long as this lasts: bound, not listening."""
    with closing(socket.socket()) as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def _complaint(process: StageProcess, *, exit_code: int) -> str:
    """The sentence on stderr of a process that must have been refused with this exit code."""
    ended_with = process.end()
    assert exit_code == ended_with, f"{process}\n{process.report()}"
    assert "Traceback" not in process.stderr
    assert "this is a bug" not in process.stderr
    return " ".join(text for text in process.stderr.splitlines() if not text.startswith('{"at":'))


def _assert_nothing_exists(stage: Deployment) -> None:
    assert set() == stage.topics() & stage.reading.topics()
    assert set() == {stage.puller_group, stage.normaliser_group} & stage.reading.groups()


def _assert_nobody_joined(stage: Deployment) -> None:
    members = [stage.reading.members(g) for g in (stage.puller_group, stage.normaliser_group)]
    assert [0, 0] == members
    # A process that had begun would have logged the partitions that it was given.
    assert [] == [p for p in stage.processes if p.logs("partitions.assigned")]


@pytest.mark.parametrize(
    ("setting", "nearest"),
    [
        ("TOPICS__PARTITION", "OPENAI_COMPLIANCE_TOPICS__PARTITIONS"),
        ("KAFKAA__BOOTSTRAP_SERVERS", "OPENAI_COMPLIANCE_KAFKA__BOOTSTRAP_SERVERS"),
        ("INSTANCES", "OPENAI_COMPLIANCE_INSTANCE"),
    ],
)
def test_misspelt_setting_is_refused_with_the_nearest(
    deploy: Deploy, setting: str, nearest: str
) -> None:
    """A variable that is no setting stops every command, which names the one that was meant."""
    stage = deploy()
    processes = [
        stage.start(*command, settings={setting: "1"})
        for command in (("topics", "apply"), ("pull", "--once"))
    ]
    for process in processes:
        complaint = _complaint(process, exit_code=_USAGE)
        assert f"OPENAI_COMPLIANCE_{setting}" in complaint
        assert f"did you mean {nearest}" in complaint.replace("?", " ")
    _assert_nothing_exists(stage)


def _misspelt_sources() -> list[Any]:
    container = _SOURCE | {"payloadConfig": {"bucket": "b-1", "rolArn": "x"}}
    return [
        pytest.param(_SOURCE | {"organisationId": "org"}, "organizationId", id="of the source"),
        pytest.param(container, "roleArn", id="of its container"),
    ]


@pytest.mark.parametrize(("source", "nearest"), _misspelt_sources())
def test_misspelt_source_field_is_refused_with_the_nearest(
    deploy: Deploy, source: dict[str, Any], nearest: str
) -> None:
    """A field that no source has stops `sources apply`, which names the one that was meant."""
    stage = deploy()
    given = json.dumps({"sources": [source]}).encode()
    complaint = _complaint(stage.start("sources", "apply", "-", stdin=given), exit_code=_USAGE)
    assert nearest in complaint
    _assert_nothing_exists(stage)


@pytest.mark.parametrize(
    ("arguments", "nearest"),
    [(("normalize",), "normalise"), (("topics", "aply"), "apply"), (("pull", "--onec"), "--once")],
)
def test_misspelt_command_is_refused_with_the_nearest(
    deploy: Deploy, arguments: tuple[str, ...], nearest: str
) -> None:
    """A command or option that does not exist is refused, naming the one that was meant."""
    stage = deploy()
    complaint = _complaint(stage.start(*arguments), exit_code=_USAGE)
    assert nearest in complaint.replace(arguments[-1], "")
    _assert_nothing_exists(stage)


def test_kafka_that_does_not_answer_is_told(deploy: Deploy) -> None:
    """Where no broker listens, commands say so within seconds, and which setting to look at."""
    with _closed_port() as port:
        stage = deploy()
        processes = [
            stage.start(*command, settings={"KAFKA__BOOTSTRAP_SERVERS": f"127.0.0.1:{port}"})
            for command in (("topics", "apply"), ("pull",), ("normalise", "--once"))
        ]
        for process in processes:
            process.end(within_seconds=_REFUSAL_SECONDS_MAX)
            complaint = _complaint(process, exit_code=_FATAL)
            assert "OPENAI_COMPLIANCE_KAFKA__BOOTSTRAP_SERVERS" in complaint


def test_registry_that_does_not_answer_is_told_before_anything_is_made(deploy: Deploy) -> None:
    """Where no registry listens, `topics apply` makes no topic, and says what to look at."""
    with _closed_port() as port:
        stage = deploy()
        url = f"http://127.0.0.1:{port}/apis/ccompat/v7"
        process = stage.start("topics", "apply", settings={"SCHEMA_REGISTRY__URL": url})
        process.end(within_seconds=_REFUSAL_SECONDS_MAX)
        complaint = _complaint(process, exit_code=_FATAL)
        assert "OPENAI_COMPLIANCE_SCHEMA_REGISTRY__URL" in complaint
    _assert_nothing_exists(stage)


def test_missing_topics_are_told(deploy: Deploy) -> None:
    """Before `topics apply` was run, every command that needs topics names that command."""
    stage = deploy()
    given = json.dumps({"sources": [_SOURCE]}).encode()
    processes = [
        stage.start("sources", "apply", "-", stdin=given),
        *(stage.start(name, "--once") for name in _STAGES),
        stage.start("events", "tail"),
    ]
    for process in processes:
        complaint = _complaint(process, exit_code=_FATAL)
        assert "openai-compliance topics apply" in complaint
        assert stage.topic("raw") in complaint
    _assert_nothing_exists(stage)


def test_topics_and_schemas_that_are_not_as_planned_are_told(
    deploy: Deploy, kafka: str, schema_registry: str
) -> None:
    """A running deployment that was altered behind its back is named, and nobody joins a group.

    In this order: no registry, a schema that is not registered, another cleanup policy, another
    number of partitions. Each is put right again, but for the last, which cannot be.
    """
    stage = deploy(partitions=2)
    stage.run("topics", "apply")
    admin = AdminClient({"bootstrap.servers": kafka, "log_level": 2})

    with _closed_port() as port:
        url = f"http://127.0.0.1:{port}/apis/ccompat/v7"
        stage.settings["SCHEMA_REGISTRY__URL"] = url
        for complaint in _refusals(stage, *_STAGES):
            assert "OPENAI_COMPLIANCE_SCHEMA_REGISTRY__URL" in complaint
        stage.settings["SCHEMA_REGISTRY__URL"] = schema_registry

    registry = SchemaRegistryClient({"url": schema_registry})
    for name in ("raw", "outcomes"):
        registry.delete_subject(f"{stage.topic(name)}-value")
    for complaint in _refusals(stage, *_STAGES):
        assert (
            f"{stage.topic('raw')}-value" in complaint
            or f"{stage.topic('outcomes')}-value" in complaint
        )
        assert "openai-compliance topics apply" in complaint
    stage.run("topics", "apply")

    outcomes = stage.topic("outcomes")
    _set_cleanup(admin, outcomes, "delete")
    for complaint in _refusals(stage, *_STAGES, "topics apply"):
        assert f"{outcomes} has cleanup.policy=delete, not compact" in complaint
        assert "OPENAI_COMPLIANCE_TOPICS__" in complaint
    _set_cleanup(admin, outcomes, "compact")

    raw = stage.topic("raw")
    admin.create_partitions([NewPartitions(raw, 3)])[raw].result(20)
    for complaint in _refusals(stage, *_STAGES, "topics apply"):
        assert f"{raw} has 3 partitions, not 2" in complaint
        assert "OPENAI_COMPLIANCE_TOPICS__" in complaint
    _assert_nobody_joined(stage)


def _refusals(stage: Deployment, *commands: str) -> list[str]:
    """Run commands at once, all of which must be refused; give their complaints."""
    processes = [stage.start(*command.split()) for command in commands]
    return [_complaint(process, exit_code=_FATAL) for process in processes]


def _set_cleanup(admin: AdminClient, topic: str, policy: str) -> None:
    resource = ConfigResource(
        ConfigResource.Type.TOPIC,
        topic,
        incremental_configs=[
            ConfigEntry("cleanup.policy", policy, incremental_operation=AlterConfigOpType.SET)
        ],
    )
    (future,) = admin.incremental_alter_configs([resource]).values()
    future.result(20)
