"""The settings of a cluster's brokers: what differs from Kafka's own defaults, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from producer.embedded.processes import LOOPBACK

# A killed broker's leaders move when its session ends, and another controller is elected when the
# one that died has not answered for so long: together about 3 and 5 seconds.
SESSION_MILLISECONDS: Final = 2_500
_CONTROLLER_MILLISECONDS: Final = 1_500

INTERNAL_PARTITIONS: Final = 3
HEAP: Final = "320m"

_FIXED: Final[Mapping[str, str]] = {
    "process.roles": "broker,controller",
    "listener.security.protocol.map": ",".join(
        f"{name}:PLAINTEXT" for name in ("PLAINTEXT", "PROXIED", "BROKERS", "CONTROLLER")
    ),
    "inter.broker.listener.name": "BROKERS",
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    # A broker that dies or stops is noticed within seconds.
    "broker.heartbeat.interval.ms": "500",
    "broker.session.timeout.ms": str(SESSION_MILLISECONDS),
    "controller.quorum.fetch.timeout.ms": str(_CONTROLLER_MILLISECONDS),
    "controller.quorum.election.timeout.ms": "500",
    "replica.lag.time.max.ms": "5000",
    # Leaders move when a test moves them, and at no other time.
    "auto.leader.rebalance.enable": "false",
    # Clients that died are noticed within seconds, in both protocols, and nobody waits for more.
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "group.consumer.min.session.timeout.ms": "1000",
    "group.consumer.session.timeout.ms": "6000",
    "group.consumer.min.heartbeat.interval.ms": "500",
    "group.consumer.heartbeat.interval.ms": "1000",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
    # Each internal partition is opened at the first use, and again wherever a leader moves to.
    "offsets.topic.num.partitions": str(INTERNAL_PARTITIONS),
    "transaction.state.log.num.partitions": str(INTERNAL_PARTITIONS),
    "share.coordinator.state.topic.num.partitions": "1",
    # Three of them share a machine: a fraction of the threads, and of the cleaner's 128 MB.
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
    "log.cleaner.dedupe.buffer.size": "4194304",
}


@dataclass(frozen=True)
class Ports:
    """Where a broker listens, and where others find it that are not to meet it itself."""

    client: int
    controller: int
    proxied: int
    proxy: int
    """The proxy that clients meet."""
    brokers: int
    met_by_brokers: int
    """A proxy, or the broker itself."""


def broker_properties(
    node: int, ports: Mapping[int, Ports], *, data: Path, extra: Mapping[str, str]
) -> dict[str, str]:
    """Build the settings of one of the brokers that have these ports."""
    own, size = ports[node], len(ports)
    replication, in_sync_min = (size, 2) if size > 1 else (1, 1)
    return {
        **_FIXED,
        "node.id": str(node),
        "log.dirs": str(data),
        "controller.quorum.voters": ",".join(
            f"{each}@{LOOPBACK}:{others.controller}" for each, others in ports.items()
        ),
        "listeners": _listeners(
            [
                ("PLAINTEXT", own.client),
                ("PROXIED", own.proxied),
                ("BROKERS", own.brokers),
                ("CONTROLLER", own.controller),
            ]
        ),
        "advertised.listeners": _listeners(
            [
                ("PLAINTEXT", own.client),
                ("PROXIED", own.proxy),
                ("BROKERS", own.met_by_brokers),
            ]
        ),
        "default.replication.factor": str(replication),
        "min.insync.replicas": str(in_sync_min),
        "offsets.topic.replication.factor": str(replication),
        "transaction.state.log.replication.factor": str(replication),
        "transaction.state.log.min.isr": str(in_sync_min),
        "share.coordinator.state.topic.replication.factor": str(replication),
        "share.coordinator.state.topic.min.isr": str(in_sync_min),
        **extra,
    }


def _listeners(listeners: Sequence[tuple[str, int]]) -> str:
    return ",".join(f"{name}://{LOOPBACK}:{port}" for name, port in listeners)
