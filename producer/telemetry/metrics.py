"""Metrics: the counters of the catalogue, in a registry of their own, given to whoever counts.

Counting is safe from any thread and costs a look-up; a label's value that is not declared raises.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, start_http_server

from producer.errors import ConfigurationError
from producer.telemetry.catalogue import Count, L, Tally, declared_metrics


class Metrics:
    """All declared metrics, each at 0 from the start."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._counts: dict[str, Counter] = {}
        self._tallies: dict[tuple[str, str], Counter] = {}
        for metric in declared_metrics():
            labels = (metric.label,) if isinstance(metric, Tally) else ()
            counter = Counter(metric.name, metric.meaning, labels, registry=self._registry)
            if isinstance(metric, Tally):
                for value in metric.values:
                    self._tallies[metric.name, str(value)] = counter.labels(str(value))
            else:
                self._counts[metric.name] = counter

    def count(self, metric: Count, amount: float = 1) -> None:
        """Add to a counter without a label."""
        self._counts[metric.name].inc(amount)

    def tally(self, metric: Tally[L], value: L, amount: float = 1) -> None:
        """Add to a counter under one value of its label."""
        self._tallies[metric.name, value].inc(amount)

    def read(self, metric: Count | Tally[L], value: L | None = None) -> float:
        """Tell how far a counter is; for a `Tally` under `value`, else over all values."""
        labels = {metric.label: str(value)} if isinstance(metric, Tally) and value else {}
        return sum(
            sample.value
            for family in self._registry.collect()
            for sample in family.samples
            if sample.name == metric.name and labels.items() <= sample.labels.items()
        )

    @contextmanager
    def shown(self, *, host: str, port: int) -> Iterator[int]:
        """Show them to Prometheus at `http://host:port/metrics` for as long as this lasts.

        Yields the port, which the system chooses where `port` is 0.
        """
        try:
            server, thread = start_http_server(port, addr=host, registry=self._registry)
        except OSError as error:
            raise ConfigurationError(
                f"metrics cannot be shown on {host!r} port {port}: {error.strerror};"
                " set OPENAI_COMPLIANCE_METRICS_PORT to a free port, or unset it"
            ) from error
        try:
            yield int(server.server_port)
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
