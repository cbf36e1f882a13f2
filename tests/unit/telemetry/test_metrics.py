"""Counting, and showing the counts."""

import socket
import urllib.request

import pytest

from producer.contract.objects import Outcome
from producer.errors import ConfigurationError
from producer.telemetry.catalogue import (
    LISTINGS,
    OBJECTS_PUBLISHED,
    PULLED_OBJECTS,
    Count,
    Tally,
    declared_metrics,
)
from producer.telemetry.metrics import Metrics


def test_metrics_add_up() -> None:
    """Counters hold what was added, each value of a label by itself."""
    metrics = Metrics()
    metrics.count(OBJECTS_PUBLISHED)
    metrics.count(OBJECTS_PUBLISHED, 4)
    metrics.tally(PULLED_OBJECTS, Outcome.PULLED, 3)
    metrics.tally(PULLED_OBJECTS, Outcome.VANISHED)
    assert (5, 3, 0, 4) == (
        metrics.read(OBJECTS_PUBLISHED),
        metrics.read(PULLED_OBJECTS, Outcome.PULLED),
        metrics.read(PULLED_OBJECTS, Outcome.QUARANTINED),
        metrics.read(PULLED_OBJECTS),
    )


def test_metrics_are_separate() -> None:
    """Two processes in one interpreter, as in tests, do not share counts."""
    first, second = Metrics(), Metrics()
    first.tally(LISTINGS, "finished")
    assert (1, 0) == (first.read(LISTINGS), second.read(LISTINGS))


def test_metrics_refuse_what_is_not_declared() -> None:
    """A metric or a label's value that the catalogue does not know raises."""
    metrics = Metrics()
    with pytest.raises(KeyError):
        metrics.count(Count(name="other_total", meaning=""))
    undeclared: Tally[str] = Tally(
        name=LISTINGS.name, meaning="", label="result", values=("canary",)
    )
    with pytest.raises(KeyError):
        metrics.tally(undeclared, "canary")


def test_metrics_are_shown_from_zero() -> None:
    """Every metric is there before anything happened, with each value of its label."""
    metrics = Metrics()
    metrics.tally(LISTINGS, "failed", 2)
    with (
        metrics.shown(host="127.0.0.1", port=0) as port,
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer,
    ):
        lines = answer.read().decode().splitlines()
    for metric in declared_metrics():
        if isinstance(metric, Tally):
            for value in metric.values:
                found = [
                    x for x in lines if x.startswith(f'{metric.name}{{{metric.label}="{value}"')
                ]
                assert 1 == len(found)
        else:
            assert f"{metric.name} 0.0" in lines
    assert f'{LISTINGS.name}{{result="failed"}} 2.0' in lines


def test_metrics_are_no_longer_shown_afterwards() -> None:
    """The port is free again once the process ends."""
    with Metrics().shown(host="127.0.0.1", port=0) as port:
        pass
    with Metrics().shown(host="127.0.0.1", port=port) as again:
        assert port == again


def test_metrics_on_a_taken_port_are_a_mistake_in_the_settings() -> None:
    """A port that is in use is told with the setting to change."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        metrics = Metrics()
        with (
            pytest.raises(ConfigurationError, match="OPENAI_COMPLIANCE_METRICS_PORT"),
            metrics.shown(host="127.0.0.1", port=port),
        ):
            pass
