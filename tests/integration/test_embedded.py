"""The embedded parts really answer, and nothing of them outlives the process that asked."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import textwrap
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import boto3
import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from producer.embedded import artifacts
from producer.embedded.parts import running, running_kafka
from producer.embedded.processes import (
    LOOPBACK,
    KeptProcess,
    Program,
    free_ports,
    running_program,
)
from producer.embedded.registry import answers_http
from producer.errors import FatalError
from tests.support.brokers import KafkaTool
from tests.support.waiting import eventually

_SIGNALS: Final = {
    "SIGINT": signal.SIGINT,
    "SIGTERM": signal.SIGTERM,
    "SIGKILL": signal.SIGKILL,
}


def test_kafka_gives_back_a_message(kafka: str, topic_prefix: str) -> None:
    """A message that was published is read again from the same broker."""
    topic = f"{topic_prefix}round-trip"
    admin = AdminClient({"bootstrap.servers": kafka})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(30)
    publisher = Producer({"bootstrap.servers": kafka})
    publisher.produce(topic, key=b"key", value=b"value")
    assert publisher.flush(30) == 0

    consumer = Consumer(
        {
            "bootstrap.servers": kafka,
            "group.id": topic_prefix,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    try:
        consumer.subscribe([topic])
        message = eventually(lambda: consumer.poll(0.2), describe="the message")
    finally:
        consumer.close()
    assert message is not None
    assert (b"key", b"value") == (message.key(), message.value())


def test_kafka_tool_lists_the_topics(kafka: str, kafka_tool: KafkaTool, topic_prefix: str) -> None:
    """Kafka's own tools run from the same jars and reach the same broker."""
    topic = f"{topic_prefix}listed"
    admin = AdminClient({"bootstrap.servers": kafka})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(30)

    done = kafka_tool("org.apache.kafka.tools.TopicCommand", "--bootstrap-server", kafka, "--list")

    assert (0, "") == (done.returncode, done.stderr)
    assert topic in done.stdout.splitlines()


def test_registry_knows_one_schema_by_one_id(schema_registry: str, topic_prefix: str) -> None:
    """The same schema under two subjects has one id, and each subject its own compatibility."""
    schema = Schema(
        '{"type":"record","name":"Sample","fields":[{"name":"n","type":"long"}]}', "AVRO"
    )
    subjects = [f"{topic_prefix}{name}-value" for name in ("one", "two")]

    with SchemaRegistryClient({"url": schema_registry}) as client:
        client.set_compatibility(subjects[0], "BACKWARD_TRANSITIVE")
        first, second = [client.register_schema(subject, schema) for subject in subjects]

        assert first == second
        assert schema.schema_str == client.get_schema(first).schema_str
        assert "BACKWARD_TRANSITIVE" == client.get_compatibility(subjects[0])


def test_s3_gives_back_an_object(s3: str, topic_prefix: str) -> None:
    """An object that was put is read again, and a role can be assumed at the same endpoint."""
    sts = boto3.client("sts", endpoint_url=s3)
    assumed = sts.assume_role(
        RoleArn="arn:aws:iam::123456789012:role/reader", RoleSessionName="test"
    )["Credentials"]
    client = boto3.client(
        "s3",
        endpoint_url=s3,
        aws_access_key_id=assumed["AccessKeyId"],
        aws_secret_access_key=assumed["SecretAccessKey"],
        aws_session_token=assumed["SessionToken"],
    )
    bucket = f"{topic_prefix}bucket"
    client.create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    client.put_object(Bucket=bucket, Key="a/b", Body=b"content")

    with contextlib.closing(client.get_object(Bucket=bucket, Key="a/b")["Body"]) as body:
        assert b"content" == body.read()


def test_addresses_of_the_caller_win(tmp_path: Path) -> None:
    """Nothing is started where the caller names systems of their own."""
    told: list[str] = []

    with running(
        tmp_path,
        kafka="kafka.test:9092",
        registry="http://registry.test",
        s3="http://s3.test",
        progress=told.append,
    ) as parts:
        assert "kafka.test:9092" == parts.kafka_bootstrap_servers
        assert "http://registry.test" == parts.schema_registry_url
        assert "http://s3.test" == parts.s3_endpoint_url

    assert [] == told
    assert [] == list(tmp_path.iterdir())


def test_broker_advertises_the_proxys_port(tmp_path: Path) -> None:
    """Whoever asks at the proxied listener is sent to the proxy, not around it."""
    (proxied_port,) = free_ports(1)

    with running_kafka(tmp_path, proxied_port=proxied_port, progress=_quietly) as broker:
        assert broker.proxied_listener is not None
        direct, proxied = (
            AdminClient({"bootstrap.servers": address}).list_topics(timeout=30).brokers[1].port
            for address in (broker.bootstrap_servers, broker.proxied_listener)
        )

    assert broker.bootstrap_servers == f"127.0.0.1:{direct}"
    assert proxied_port == proxied


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for survivors in /proc")
@pytest.mark.parametrize("ending", ["return", "exception", *_SIGNALS])
def test_nothing_outlives_the_process_that_asked(tmp_path: Path, ending: str) -> None:
    """However the process ends, the programs that it started end too."""
    marker = f"MARKER_OF_TEST={uuid.uuid4()}"
    name, _, value = marker.partition("=")
    script = textwrap.dedent(
        """
        import pathlib, signal, sys
        # A shell's background job is started with it ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        from producer.embedded.parts import running_s3
        with running_s3(pathlib.Path(sys.argv[1]), progress=lambda text: None) as url:
            sys.stdout.write(url + chr(10))
            sys.stdout.flush()
            if sys.stdin.readline() == "exception" + chr(10):
                raise SystemExit(3)
        """
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        env={**os.environ, name: value},  # noqa: TID251 - the same, and the marker
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline().startswith("http://")
        # This process, the keeper and the S3 stand-in.
        assert 3 == len(_processes_with(marker))

        if ending in _SIGNALS:
            process.send_signal(_SIGNALS[ending])
        else:
            process.stdin.write(f"{ending}\n")
            process.stdin.flush()
        process.wait(30)

    eventually(lambda: not _processes_with(marker), describe="the end of all that was started")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of a death")
def test_program_dies_with_its_keeper(tmp_path: Path) -> None:
    """A killed keeper leaves no program behind."""
    marker = str(uuid.uuid4())
    process = KeptProcess(
        [sys.executable, "-c", f"import signal; signal.pause() # {marker}"],
        log=tmp_path / "log",
    )
    try:
        # The keeper names the program's command too.
        eventually(lambda: 2 == len(_processes_with(marker, where="cmdline")))
        process._process.kill()
        eventually(lambda: not _processes_with(marker, where="cmdline"))
    finally:
        process.stop()


def test_start_that_lost_its_port_is_tried_on_another(tmp_path: Path) -> None:
    """A program that finds its port taken is started again on other ports."""
    asked: list[int] = []

    def command(ports: Sequence[int]) -> list[str]:
        asked.append(ports[0])
        if len(asked) == 1:
            return [sys.executable, "-c", "raise SystemExit('Address already in use')"]
        return [sys.executable, "-u", "-m", "http.server", "--bind", LOOPBACK, str(ports[0])]

    with running_program(_web_server(tmp_path, command=command)) as ports:
        assert asked[1:] == list(ports)
        assert 2 == len(set(asked))


def test_failed_start_names_the_log(tmp_path: Path) -> None:
    """A program that ends at once is not tried again, and the error says where to look."""
    asked: list[int] = []

    def command(ports: Sequence[int]) -> list[str]:
        asked.append(ports[0])
        return [sys.executable, "-c", "raise SystemExit('out of luck')"]

    with (
        pytest.raises(FatalError, match=re.escape(str(tmp_path / "web.log"))),
        running_program(_web_server(tmp_path, command=command)),
    ):
        pass

    assert 1 == len(asked)
    assert "out of luck" in (tmp_path / "web.log").read_text()


@pytest.mark.parametrize(
    ("text", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_292"', 8),
        ('openjdk version "25-ea" 2025-09-16', 25),
        ("command not found", None),
    ],
)
def test_java_version_is_read(text: str, major: int | None) -> None:
    """The major version is told from each way that Java has written it."""
    assert major == artifacts.java_major(text)


@pytest.mark.parametrize(
    ("java", "complaint"),
    [(None, "no java on the PATH"), ('version "11.0.2"', "is Java 11"), ("?", "does not tell")],
)
def test_java_that_will_not_do_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, java: str | None, complaint: str
) -> None:
    """A missing or old Java is named, with the one that is needed."""
    monkeypatch.setenv("PATH", str(tmp_path))
    if java is not None:
        _write_program(tmp_path / "java", f"echo '{java}' >&2")

    with pytest.raises(FatalError, match=f"{complaint}.*Java 17 or newer"):
        artifacts.java()


def test_fetching_without_maven_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Maven nothing is fetched and nothing is left."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    with pytest.raises(FatalError, match="no mvn on the PATH"):
        artifacts.kafka_jars(_quietly)

    assert [] == _entries(artifacts.cache_directory())


def test_failed_fetch_leaves_no_half_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fetch that fails half-way leaves its log and nothing that looks fetched."""
    _pretend_maven(tmp_path, monkeypatch, "echo 'no route'; mkdir -p $5; touch $5/one.jar; exit 1")

    with pytest.raises(FatalError, match="could not fetch"):
        artifacts.kafka_jars(_quietly)

    (log,) = _entries(artifacts.cache_directory())
    assert "no route" in log.read_text()


def test_fetch_happens_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was fetched is used again without asking Maven, and is told of once."""
    _pretend_maven(tmp_path, monkeypatch, f"mkdir $5; echo 1 >> {tmp_path}/calls; touch $5/a.jar")
    told: list[str] = []

    first = artifacts.kafka_jars(told.append)
    second = artifacts.kafka_jars(told.append)

    assert first == second
    assert [first / "a.jar"] == list(first.iterdir())
    assert "1\n" == (tmp_path / "calls").read_text()
    assert 1 == len(told)


def _web_server(directory: Path, *, command: Callable[[Sequence[int]], list[str]]) -> Program:
    return Program(
        name="a web server",
        ports=1,
        command=command,
        announcement="Serving HTTP",
        answers=lambda port: answers_http(LOOPBACK, port, path="/"),
        log=directory / "web.log",
    )


def _processes_with(marker: str, *, where: str = "environ") -> list[int]:
    found = []
    for process in Path("/proc").iterdir():
        # A process may end while it is looked at.
        with contextlib.suppress(OSError):
            if process.name.isdigit() and marker.encode() in (process / where).read_bytes():
                found.append(int(process.name))
    return found


def _pretend_maven(directory: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a Maven on the PATH that does what the script says; $5 is the directory to fill."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(directory / "cache"))
    monkeypatch.setenv("PATH", str(directory), prepend=os.pathsep)
    # The sixth argument is -DoutputDirectory=…
    _write_program(directory / "mvn", f'set -- "" "" "" "" "${{6#*=}}"\n{script}')


def _write_program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def _entries(cache: Path) -> list[Path]:
    return [entry for entry in cache.iterdir() if entry.name != "lock"]


def _quietly(_text: str) -> None:
    """Tell nobody."""


def test_cluster_whose_id_begins_with_a_dash_is_formatted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One id of 64 does, and the tool must not take it for an option."""
    monkeypatch.setattr(
        "producer.embedded.kafka.uuid.uuid4", lambda: uuid.UUID(bytes=b"\xf8" * 16)
    )
    with running_kafka(tmp_path, progress=_quietly) as broker:
        admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
        assert admin.describe_cluster().result(30).cluster_id.startswith("-")
