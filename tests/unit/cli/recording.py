"""Rooms that record what a command asks of them, and how a command ended."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol

from producer.cli.rooms import (
    AppliedSource,
    CommandEnd,
    KnownObject,
    ListedSource,
    Record,
    Records,
    SystemCheck,
    TriedStep,
)
from producer.cli.source_events import EventCounts
from producer.contract.event import GovernanceEvent
from producer.contract.source import IngestionSource, SourceCommand
from producer.settings import Settings
from producer.telemetry.metrics import Metrics

ENVIRONMENT = {
    "OPENAI_COMPLIANCE_KAFKA__BOOTSTRAP_SERVERS": "kafka:9092",
    "OPENAI_COMPLIANCE_SCHEMA_REGISTRY__URL": "http://registry:8081",
    "OPENAI_COMPLIANCE_LOG_LEVEL": "ERROR",
}


class NoRecords:
    """Nothing was published."""

    def arrived(self, *, timeout_seconds: float) -> Iterable[Record]:
        """Give nothing, without waiting."""
        del timeout_seconds
        return ()

    def rest(self) -> Iterable[Record]:
        """Give nothing."""
        return ()


@dataclass
class RecordingRooms:
    """Answers with what it was given and remembers what was asked; or raises its `failure`."""

    failure: BaseException | None = None
    done: list[str] = field(default_factory=list)
    listed: list[ListedSource] = field(default_factory=list)
    events: Iterable[GovernanceEvent] = field(default_factory=list)
    known: list[list[KnownObject]] = field(default_factory=lambda: [[]])
    checks: list[SystemCheck] = field(default_factory=list)
    counts: EventCounts = field(
        default_factory=lambda: EventCounts(last_day=0, last_week=0, last_month=0, newest_at=None)
    )
    end: CommandEnd = field(default_factory=lambda: CommandEnd(objects=1))
    running: bool | None = None
    steps: list[TriedStep] = field(default_factory=list)
    asked: list[object] = field(default_factory=list)

    def _ask(self, *question: object) -> None:
        self.asked.append(question)
        if self.failure is not None:
            raise self.failure

    def apply_topics(self, settings: Settings) -> Iterable[str]:
        """Tell what was done."""
        self._ask("apply_topics", settings.topics.prefix)
        return self.done

    def apply_sources(
        self, settings: Settings, sources: Sequence[IngestionSource]
    ) -> Iterable[AppliedSource]:
        """Call every source created."""
        del settings
        self._ask("apply_sources", *sources)
        return [AppliedSource(id=source.id, change="created") for source in sources]

    def list_sources(self, settings: Settings) -> Sequence[ListedSource]:
        """Give what is listed."""
        del settings
        self._ask("list_sources")
        return self.listed

    def list_objects(self, settings: Settings, source_id: str) -> Sequence[KnownObject]:
        """Give what is known, the next time what is known then."""
        del settings
        self._ask("list_objects", source_id)
        return self.known.pop(0) if len(self.known) > 1 else self.known[0]

    def carry_out(
        self,
        settings: Settings,
        command: SourceCommand,
        *,
        timeout_seconds: float,
        stop: threading.Event,
    ) -> CommandEnd:
        """Carry it out at once."""
        del settings, stop
        self._ask("carry_out", command, timeout_seconds)
        return self.end

    def remove_source(self, settings: Settings, source_id: str) -> None:
        """Let it be removed."""
        del settings
        self._ask("remove_source", source_id)

    def count_events(self, settings: Settings, source_id: str, *, now: int) -> EventCounts:
        """Give the counts."""
        del settings, now
        self._ask("count_events", source_id)
        return self.counts

    def is_pull_running(self, settings: Settings) -> bool | None:
        """Tell what it was told."""
        del settings
        self._ask("is_pull_running")
        return self.running

    def tail_source(
        self,
        settings: Settings,
        source_id: str,
        *,
        limit: int,
        follow: bool,
        stop: threading.Event,
    ) -> Iterator[GovernanceEvent]:
        """Give the events."""
        del settings, stop
        self._ask("tail_source", source_id, limit, follow)
        yield from self.events

    def try_source(self, settings: Settings, source: IngestionSource) -> Iterator[TriedStep]:
        """Give the steps."""
        del settings
        self._ask("try_source", source.id)
        yield from self.steps

    def pull(
        self, settings: Settings, *, once: bool, stop: threading.Event, metrics: Metrics
    ) -> Iterable[str]:
        """Tell what is left."""
        del settings, metrics
        self._ask("pull", once, stop.is_set())
        return self.done

    def normalise(
        self, settings: Settings, *, once: bool, stop: threading.Event, metrics: Metrics
    ) -> None:
        """Return."""
        del settings, metrics
        self._ask("normalise", once, stop.is_set())

    def tail_events(
        self, settings: Settings, *, last: int | None, follow: bool, stop: threading.Event
    ) -> Iterator[GovernanceEvent]:
        """Give the events."""
        del settings, stop
        self._ask("tail_events", last, follow)
        yield from self.events

    def records(self, settings: Settings) -> AbstractContextManager[Records]:
        """Give no records."""
        del settings
        self._ask("records")
        return nullcontext(NoRecords())

    def check(self, settings: Settings) -> Iterator[SystemCheck]:
        """Give the checks."""
        del settings
        self._ask("check")
        yield from self.checks


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    code: int
    out: str
    err: str


class Invoke(Protocol):
    """Runs a command line as the console script does: `invoke("events", "tail")`."""

    def __call__(self, *arguments: str) -> Finished: ...
