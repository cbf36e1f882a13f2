"""Starting a cluster: everything that can be is done for all brokers at the same time."""

import random
import socket
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from producer.embedded import artifacts
from producer.embedded.artifacts import Progress
from producer.embedded.kafka import (
    format_storage,
    java_command,
    new_cluster_id,
    write_properties,
)
from producer.embedded.processes import LOOPBACK
from tests.support.kafka_clusters.class_archive import java_options
from tests.support.kafka_clusters.cluster import KafkaCluster
from tests.support.kafka_clusters.leadership import Leadership
from tests.support.kafka_clusters.node import Node
from tests.support.kafka_clusters.settings import HEAP, Ports, broker_properties
from tests.support.kafka_proxy.faults import Faults
from tests.support.kafka_proxy.proxy import KafkaProxy
from tests.support.waiting import eventually

# A port that a broker comes back to must not become that of somebody's outgoing connection
# meanwhile: systems give those out of higher ranges than this.
_PORTS: Final = range(10_000, 30_000)
_REQUEST_SECONDS: Final = 10.0


@contextmanager
def running_cluster(
    directory: Path,
    *,
    size: int,
    properties: Mapping[str, str] | None = None,
    progress: Progress,
) -> Iterator[KafkaCluster]:
    """Give a cluster with its internal topics in place; end it afterwards."""
    jars = artifacts.kafka_jars(progress)
    options = java_options(jars, partial(_run_once, jars), progress)
    progress(f"starting a Kafka cluster of {size}")
    began = time.monotonic()
    faults, faults_between = Faults(), Faults()
    with ExitStack() as stack:
        listening = {number: stack.enter_context(_listening()) for number in range(1, size + 1)}
        # Of one broker alone: that shows what a request that comes late does, and all that the
        # brokers copy from each other would pass through this process otherwise.
        between = {size: stack.enter_context(_listening())} if size > 1 else {}
        ports = _ports(listening, between)
        nodes = _formatted(directory, jars, ports, options=options, extra=properties or {})
        stack.callback(_put_down, nodes.values())
        proxies = {
            number: stack.enter_context(_proxy(server, ports[number].proxied, number, faults))
            for number, server in listening.items()
        }
        for number, server in between.items():
            stack.enter_context(_proxy(server, ports[number].brokers, number, faults_between))
        stack.callback(faults.clear)
        stack.callback(faults_between.clear)
        _start(nodes.values())
        cluster = _cluster(nodes, ports, proxies, faults=faults, faults_between=faults_between)
        progress(f"up {time.monotonic() - began:.1f} s later; {_resident(nodes.values())}")
        yield cluster


def _cluster(
    nodes: Mapping[int, Node],
    ports: Mapping[int, Ports],
    proxies: Mapping[int, KafkaProxy],
    *,
    faults: Faults,
    faults_between: Faults,
) -> KafkaCluster:
    bootstrap_servers = _addresses(each.client for each in ports.values())
    cluster = KafkaCluster(
        nodes=nodes,
        proxies=proxies,
        faults=faults,
        faults_between=faults_between,
        leadership=Leadership(bootstrap_servers),
        bootstrap_servers=bootstrap_servers,
        via=_addresses(each.proxy for each in ports.values()),
    )
    _open_internal_topics(bootstrap_servers)
    cluster.wait_until_in_sync()
    return cluster


@contextmanager
def _proxy(
    listening: socket.socket, upstream_port: int, number: int, faults: Faults
) -> Iterator[KafkaProxy]:
    upstream = (LOOPBACK, upstream_port)
    with closing(KafkaProxy(listening, upstream, broker=number, faults=faults)) as proxy:
        yield proxy


def _listening() -> socket.socket:
    return socket.create_server((LOOPBACK, 0))


def _ports(
    clients: Mapping[int, socket.socket], between: Mapping[int, socket.socket]
) -> dict[int, Ports]:
    """Choose ports for brokers beside those at which proxies listen already."""
    taken: set[int] = set()

    def free_port() -> int:
        while True:
            port = random.SystemRandom().choice(_PORTS)
            if port not in taken and _is_free(port):
                taken.add(port)
                return port

    def ports(number: int) -> Ports:
        brokers = free_port()
        return Ports(
            client=free_port(),
            controller=free_port(),
            proxied=free_port(),
            proxy=_port(clients[number]),
            brokers=brokers,
            met_by_brokers=_port(between[number]) if number in between else brokers,
        )

    return {number: ports(number) for number in clients}


def _port(listening: socket.socket) -> int:
    return int(listening.getsockname()[1])


def _is_free(port: int) -> bool:
    try:
        socket.create_server((LOOPBACK, port)).close()
    except OSError:
        return False
    return True


def _run_once(jars: Path, directory: Path, options: tuple[str, ...]) -> None:
    """Start a broker of its own, and end it."""
    with _listening() as no_proxy:
        ports = _ports({1: no_proxy}, {})
    (node,) = _formatted(directory, jars, ports, options=options, extra={}).values()
    try:
        node.start()
        node.end()
    finally:
        _put_down([node])


def _formatted(
    directory: Path,
    jars: Path,
    ports: Mapping[int, Ports],
    *,
    options: Sequence[str],
    extra: Mapping[str, str],
) -> dict[int, Node]:
    """Make a directory for each broker, formatted for one cluster."""
    cluster_id = new_cluster_id()

    def make(number: int) -> Node:
        own = directory / f"broker-{number}"
        own.mkdir(parents=True)
        settings = own / "server.properties"
        properties = broker_properties(number, ports, data=own / "data", extra=extra)
        write_properties(settings, properties)
        format_storage(jars, settings, cluster_id=cluster_id, log=own / "format.log")
        java = java_command(jars, heap=HEAP, options=options, log_level="INFO")
        command = [*java, "kafka.Kafka", str(settings)]
        return Node(number, command, ports[number].client, own)

    with ThreadPoolExecutor() as pool:
        return dict(zip(ports, pool.map(make, ports), strict=True))


def _start(nodes: Iterable[Node]) -> None:
    for node in nodes:
        node.launch()
    for node in nodes:
        node.wait_until_up()


def _open_internal_topics(bootstrap_servers: str) -> None:
    """Let the topics of transactions and groups be made before a test waits for them."""
    connection = {"bootstrap.servers": bootstrap_servers, "log_level": 0}
    warming = Producer({**connection, "transactional.id": "warming"})
    # No admin client: librdkafka 2.16 crashes where one asks while the coordinator is loading.
    member = Consumer({**connection, "group.id": "warming"})

    def offsets_can_be_read() -> bool:
        try:
            member.committed([TopicPartition("warming", 0)], _REQUEST_SECONDS)
        except KafkaException:
            return False
        return True

    with closing(member), ThreadPoolExecutor() as pool:
        is_warm = pool.submit(eventually, offsets_can_be_read)
        warming.init_transactions(_REQUEST_SECONDS * 3)
        is_warm.result()


def _resident(nodes: Iterable[Node]) -> str:
    return ", ".join(f"broker {each.number} has {each.resident_bytes >> 20} MiB" for each in nodes)


def _put_down(nodes: Iterable[Node]) -> None:
    """End all brokers at once: to hand over what they lead, they would wait for each other."""
    for node in nodes:
        if node.is_running:
            node.kill()


def _addresses(ports: Iterable[int]) -> str:
    return ",".join(f"{LOOPBACK}:{port}" for port in ports)
