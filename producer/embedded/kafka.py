"""One Kafka broker in KRaft mode: a process of this machine, or a container."""

import base64
import socket
import struct
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from producer.embedded import artifacts, containers
from producer.embedded.artifacts import Progress
from producer.embedded.processes import LOOPBACK, Program, free_ports, run_to_end, running_program
from producer.embedded.versions import KAFKA_IMAGE, KAFKA_VERSION
from producer.errors import FatalError

_ANSWER_SECONDS: Final = 2.0
_API_VERSIONS: Final = 18
# How an answer to it begins: size, correlation id, error code.
_ANSWER: Final = struct.Struct(">iih")
_LOG4J: Final = Path(__file__).parent / "log4j2.properties"

# What differs from Kafka's own defaults, each because one broker serves short-lived tests and
# demonstrations: one replica of everything, few internal partitions (each is opened at the first
# use), no waiting for a group to fill, and clients that died are noticed within seconds.
_PROPERTIES: Final[Mapping[str, str]] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    "controller.listener.names": "CONTROLLER",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "group.consumer.min.session.timeout.ms": "1000",
    "group.consumer.session.timeout.ms": "6000",
    "group.consumer.min.heartbeat.interval.ms": "500",
    "group.consumer.heartbeat.interval.ms": "1000",
    "auto.create.topics.enable": "false",
}


@dataclass(frozen=True)
class Broker:
    """Where a broker answers.

    `proxied_listener` is the address of the second listener, of which the broker tells clients
    another port: a proxy that listens there and connects here needs to rewrite nothing.
    """

    bootstrap_servers: str
    proxied_listener: str | None = None


@contextmanager
def running_kafka(
    work_directory: Path,
    *,
    address: str | None = None,
    proxied_port: int | None = None,
    progress: Progress,
) -> Iterator[Broker]:
    """Give a broker: the one at the address, else one in a container, else one of this machine.

    With `proxied_port` the broker, which must not be one at an address, has a second listener
    that it advertises at that port.
    """
    if address is not None:
        yield Broker(address)
    elif containers.engine_answers():
        with _in_container(proxied_port, progress) as broker:
            yield broker
    else:
        with _as_process(work_directory, proxied_port, progress) as broker:
            yield broker


def kafka_tool_command(class_name: str, *arguments: str) -> list[str]:
    """Return the command that runs a tool of Kafka's, such as its consumer group command."""
    return [*_tool_command(artifacts.kafka_jars(progress=_silently)), class_name, *arguments]


def answers_as_kafka(host: str, port: int) -> bool:
    """Ask which requests the broker knows: the one that any broker answers to anybody."""
    correlation_id, no_client_id = 1, -1
    request = struct.pack(">hhih", _API_VERSIONS, 0, correlation_id, no_client_id)
    try:
        with socket.create_connection((host, port), _ANSWER_SECONDS) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            answer = connection.recv(_ANSWER.size, socket.MSG_WAITALL)
    except OSError:
        return False
    if len(answer) < _ANSWER.size:
        return False
    _size, answered_id, error_code = _ANSWER.unpack(answer)
    return (answered_id, error_code) == (correlation_id, 0)


@contextmanager
def _as_process(
    work_directory: Path, proxied_port: int | None, progress: Progress
) -> Iterator[Broker]:
    directory = work_directory / "kafka"
    directory.mkdir(parents=True, exist_ok=True)
    jars = artifacts.kafka_jars(progress)

    def command(ports: Sequence[int]) -> list[str]:
        settings = directory / "server.properties"
        properties = _with_listeners(ports, host=LOOPBACK, proxied_port=proxied_port)
        # A directory of its own for each attempt: a formatted one cannot be formatted again.
        data = directory / f"data-{ports[0]}"
        write_properties(settings, {**properties, "log.dirs": str(data)})
        cluster_id = new_cluster_id()
        format_storage(jars, settings, cluster_id=cluster_id, log=directory / "format.log")
        java = java_command(jars, heap="512m", log_level="INFO")
        return [*java, "kafka.Kafka", str(settings)]

    progress(f"starting Kafka {KAFKA_VERSION}")
    program = Program(
        name="Kafka",
        ports=3,
        command=command,
        announcement="Kafka Server started",
        answers=lambda port: answers_as_kafka(LOOPBACK, port),
        log=directory / "kafka.log",
    )
    with running_program(program) as ports:
        yield _broker(LOOPBACK, ports, proxied_port)


@contextmanager
def _in_container(proxied_port: int | None, progress: Progress) -> Iterator[Broker]:
    progress(f"starting the container {KAFKA_IMAGE}")
    ports = free_ports(3)
    host = containers.engine_host()
    properties = _with_listeners(ports, host=host, bound_to="0.0.0.0", proxied_port=proxied_port)  # noqa: S104 - inside the container
    environment = {
        f"KAFKA_{name.replace('.', '_').upper()}": value for name, value in properties.items()
    }
    container = containers.Container(
        image=KAFKA_IMAGE,
        environment={**environment, "KAFKA_HEAP_OPTS": "-Xmx512m"},
        ports={port: port for port in (ports[0], ports[2])},
        answers=lambda address: answers_as_kafka(address, ports[0]),
    )
    with containers.running_container(container):
        yield _broker(host, ports, proxied_port)


def _broker(host: str, ports: Sequence[int], proxied_port: int | None) -> Broker:
    client_port, _, proxied_listener_port = ports
    return Broker(
        bootstrap_servers=f"{host}:{client_port}",
        proxied_listener=f"{host}:{proxied_listener_port}" if proxied_port else None,
    )


def _with_listeners(
    ports: Sequence[int], *, host: str, bound_to: str | None = None, proxied_port: int | None
) -> dict[str, str]:
    client_port, controller_port, proxied_listener_port = ports
    bound = bound_to or host
    listeners = [f"PLAINTEXT://{bound}:{client_port}"]
    advertised = [f"PLAINTEXT://{host}:{client_port}"]
    if proxied_port is not None:
        listeners.append(f"PROXIED://{bound}:{proxied_listener_port}")
        advertised.append(f"PROXIED://{LOOPBACK}:{proxied_port}")
    return {
        **_PROPERTIES,
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
        "listeners": ",".join([*listeners, f"CONTROLLER://{LOOPBACK}:{controller_port}"]),
        "advertised.listeners": ",".join(advertised),
    }


def write_properties(path: Path, properties: Mapping[str, str]) -> None:
    """Write a broker's settings as Java reads them."""
    # Java reads properties as Latin-1, other letters as an escape, and so a backslash as one too.
    lines = [f"{name}={value}".replace("\\", "\\\\") for name, value in properties.items()]
    path.write_text("\n".join(lines) + "\n", encoding="latin-1", errors="backslashreplace")


def new_cluster_id() -> str:
    """Think of an identity for a new cluster."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def format_storage(jars: Path, settings: Path, *, cluster_id: str, log: Path) -> None:
    """Write the identity of a new cluster into the data directory, as a broker wants it."""
    # One of 64 ids begins with a dash, and would be taken for an option if it stood alone.
    tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", "--config"]
    if run_to_end([*_tool_command(jars), *tool, str(settings)], log=log) != 0:
        raise FatalError(f"Kafka's storage could not be formatted; the log {str(log)!r} says why")


def java_command(
    jars: Path, *, heap: str, options: Sequence[str] = (), log_level: str = "WARN"
) -> list[str]:
    return [
        artifacts.java(),
        f"-Xmx{heap}",
        *options,
        f"-Dlog4j2.configurationFile={_LOG4J.as_uri()}",
        f"-Dlog.level={log_level}",
        "-cp",
        f"{jars}/*",
    ]


def _tool_command(jars: Path) -> list[str]:
    return java_command(jars, heap="256m", options=artifacts.JAVA_STARTS_SOONER)


def _silently(_text: str) -> None:
    """Tell nobody."""
