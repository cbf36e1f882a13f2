"""A cluster of one or three brokers on this machine, each with a proxy before it.

Clients that are given `via` meet the proxies alone; whoever has to see the truth is given
`bootstrap_servers`. What brokers send the last of several meets a proxy of its own. The brokers
are processes even where an engine for containers answers: what tests do to them needs processes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tests.support.kafka_clusters.leadership import Leadership
from tests.support.kafka_clusters.node import Node
from tests.support.kafka_proxy.faults import Faults
from tests.support.kafka_proxy.proxy import KafkaProxy
from tests.support.waiting import eventually

_SYNC_SECONDS_MAX: Final = 60.0


@dataclass(frozen=True)
class KafkaCluster:
    """The brokers and proxies by their numbers, and what is common to them."""

    nodes: Mapping[int, Node]
    proxies: Mapping[int, KafkaProxy]
    faults: Faults
    faults_between: Faults
    """What befalls requests that brokers send the last of several."""
    leadership: Leadership
    bootstrap_servers: str
    """The brokers themselves."""
    via: str
    """The proxies before the brokers, of which alone a client learns that was given these."""

    @property
    def last(self) -> int:
        """The broker that others meet through a proxy."""
        assert len(self.nodes) > 1, "a single broker is met by no other"
        return max(self.nodes)

    def wait_until_in_sync(self) -> None:
        """Return once all brokers serve clients and have all that they are to have."""
        eventually(
            self._is_in_sync, within_seconds=_SYNC_SECONDS_MAX, describe="a cluster in sync"
        )

    def heal(self) -> None:
        """End all faults: let frames pass and brokers run, and return once all is in sync.

        It fails, with the cluster whole again, where a broker ended that nobody had ended.
        """
        died = [str(node.log) for node in self.nodes.values() if node.has_died]
        self.faults.clear()
        self.faults_between.clear()
        for proxy in self.proxies.values():
            proxy.resume()
        for node in self.nodes.values():
            if node.is_paused:
                node.resume()
        launched = [node for node in self.nodes.values() if not node.is_running]
        for node in launched:
            node.launch()
        for node in launched:
            node.wait_until_up()
        self.wait_until_in_sync()
        assert [] == died, "brokers ended by themselves; these logs say why"

    def restart_in_turn(self, *numbers: int) -> Iterator[int]:
        """End brokers one after another, tell of each while it is down, and start it again."""
        for number in numbers:
            self.nodes[number].end()
            yield number
            self.nodes[number].start()
            self.wait_until_in_sync()

    def _is_in_sync(self) -> bool:
        return self.leadership.brokers() == set(self.nodes) and not self.leadership.not_in_sync()
