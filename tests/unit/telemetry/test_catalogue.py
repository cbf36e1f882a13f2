"""What the catalogue of logs and metrics promises of every entry."""

import re

import pytest

from producer.telemetry.catalogue import LogEvent, Tally, declared_metrics

ROOMS = "discovery|puller|normaliser|deduplicator|kafka"


@pytest.mark.parametrize("event", list(LogEvent), ids=lambda event: event.title)
def test_log_events_are_named_and_explained(event: LogEvent) -> None:
    """A name is a noun and a past participle, as its constant; the meaning is a sentence."""
    assert event.title.replace(".", "_").upper() == event.name
    assert re.fullmatch(r"[a-z]+\.[a-z_]+(ed|pulled)", event.title)
    assert re.fullmatch(r"[A-Z`].{9,}\.|.*; `error` says what to do\.", event.meaning)


def test_log_events_are_each_declared_once() -> None:
    """Two constants of one name would be one event."""
    assert len(LogEvent.__members__) == len({event.title for event in LogEvent})


@pytest.mark.parametrize("metric", declared_metrics(), ids=lambda metric: metric.name)
def test_metrics_are_named_and_explained(metric: object) -> None:
    """A name says room, thing and unit; a label has at least two values, in snake case."""
    name, meaning = getattr(metric, "name", ""), getattr(metric, "meaning", "")
    assert re.fullmatch(rf"openai_compliance_({ROOMS})_[a-z_]+_total", name)
    assert re.fullmatch(r"[A-Z].{9,}\.", meaning)
    if isinstance(metric, Tally):
        assert len(metric.values) >= 2
        assert [] == [value for value in metric.values if not re.fullmatch(r"[a-z_]+", value)]


def test_metrics_are_each_declared_once() -> None:
    """No two metrics share a name, and none is left out."""
    names = [metric.name for metric in declared_metrics()]
    assert 13 == len(set(names)) == len(names)
