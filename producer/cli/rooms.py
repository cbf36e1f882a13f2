"""What the commands ask of the rest of the house; the wiring behind it is no concern of theirs."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol, TypeAlias

from producer.cli.source_events import EventCounts
from producer.codec.events import EventHead
from producer.contract.dead_letter import DeadLetter
from producer.contract.event import GovernanceEvent
from producer.contract.objects import ObjectOutcome, ObjectVersion
from producer.contract.raw import RawLine
from producer.contract.source import IngestionSource, SourceCommand
from producer.contract.status import SourceStatus
from producer.settings import Settings
from producer.telemetry.metrics import Metrics


@dataclass(frozen=True, kw_only=True)
class AppliedSource:
    """What `sources apply` did to one source."""

    id: str
    change: Literal["created", "changed", "unchanged"]


@dataclass(frozen=True, kw_only=True)
class ListedSource:
    """A source, and its status where discovery has published one."""

    source: IngestionSource
    status: SourceStatus | None


class ObjectState(StrEnum):
    """How an object stands: the outcome of its latest attempt, or that it has none."""

    UNFINISHED = "unfinished"
    PULLED = "pulled"
    QUARANTINED = "quarantined"
    VANISHED = "vanished"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, kw_only=True)
class KnownObject:
    """An object's latest attempt, its outcome where it has ended, and when the next one is due."""

    version: ObjectVersion
    outcome: ObjectOutcome | None
    retry_at: int | None

    @property
    def state(self) -> ObjectState:
        """How it stands."""
        if self.outcome is None:
            return ObjectState.UNFINISHED
        return ObjectState(self.outcome.outcome.value)

    @property
    def has_failed(self) -> bool:
        """Whether the latest attempt ended in anything but `pulled`."""
        return self.state not in {ObjectState.UNFINISHED, ObjectState.PULLED}


@dataclass(frozen=True, kw_only=True)
class CommandEnd:
    """How a command ended; without a `failure`, well."""

    objects: int
    failure: str | None = None


@dataclass(frozen=True, kw_only=True)
class SystemCheck:
    """How one outside system answered; without a `problem` it is as it should be."""

    system: str
    answer: str
    problem: str | None = None


@dataclass(frozen=True, kw_only=True)
class TriedStep:
    """How one step of using a source ended; without a `problem`, well."""

    step: str
    answer: str
    problem: str | None = None


# A raw line, an object's outcome, a dead letter, a normalised event as far as its head, a
# governance event.
Record: TypeAlias = RawLine | ObjectOutcome | DeadLetter | EventHead | GovernanceEvent


class Records(Protocol):
    """What the stages published from the beginning on, committed records only, each once."""

    def arrived(self, *, timeout_seconds: float) -> Iterable[Record]:
        """Give what has arrived, after waiting for it no longer than that."""
        ...

    def rest(self) -> Iterable[Record]:
        """Give all that is committed now and was not given yet."""
        ...


class Rooms(Protocol):
    """One method a command. Each raises a `ProducerError` where it cannot do what is asked."""

    def apply_topics(self, settings: Settings) -> Iterable[str]:
        """Create and register what is missing; tell each thing done, if any."""
        ...

    def apply_sources(
        self, settings: Settings, sources: Sequence[IngestionSource]
    ) -> Iterable[AppliedSource]:
        """Publish sources; return once they are committed."""
        ...

    def list_sources(self, settings: Settings) -> Sequence[ListedSource]:
        """Read all sources, in the order of their ids."""
        ...

    def list_objects(self, settings: Settings, source_id: str) -> Sequence[KnownObject]:
        """Read what is known of a source's objects, in the order of their keys."""
        ...

    def carry_out(
        self,
        settings: Settings,
        command: SourceCommand,
        *,
        timeout_seconds: float,
        stop: threading.Event,
    ) -> CommandEnd:
        """Put a command to discovery and tell how it ended; raise where that is not known."""
        ...

    def remove_source(self, settings: Settings, source_id: str) -> None:
        """Publish that a source is no more; return once that is committed."""
        ...

    def count_events(self, settings: Settings, source_id: str, *, now: int) -> EventCounts:
        """Count a source's events by the time at which they happened."""
        ...

    def is_pull_running(self, settings: Settings) -> bool | None:
        """Tell whether there is a `pull` process; `None` where that cannot be known."""
        ...

    def tail_source(
        self,
        settings: Settings,
        source_id: str,
        *,
        limit: int,
        follow: bool,
        stop: threading.Event,
    ) -> Iterator[GovernanceEvent]:
        """Read a source's last events, committed ones only, each id once.

        Those that happened last, the newest first. With `follow` those that arrived last, in the
        order of arrival, and then those that arrive until `stop` is set.
        """
        ...

    def try_source(self, settings: Settings, source: IngestionSource) -> Iterator[TriedStep]:
        """Try a source step by step, as discovery and puller use it, up to a step that fails."""
        ...

    def pull(
        self, settings: Settings, *, once: bool, stop: threading.Event, metrics: Metrics
    ) -> Iterable[str]:
        """Run discovery and puller until `stop` is set; with `once`, until nothing is left.

        Tells what is left for later: retries that are due in the future.
        """
        ...

    def normalise(
        self, settings: Settings, *, once: bool, stop: threading.Event, metrics: Metrics
    ) -> None:
        """Run normaliser and deduplicator, as long as `pull` does."""
        ...

    def tail_events(
        self, settings: Settings, *, last: int | None, follow: bool, stop: threading.Event
    ) -> Iterator[GovernanceEvent]:
        """Read governance events, committed ones only.

        Starts `last` messages before the end of each partition, or at the beginning without it.
        Ends at the end as it was at the start, or with `follow` when `stop` is set.
        """
        ...

    def records(self, settings: Settings) -> AbstractContextManager[Records]:
        """Read back what the stages publish, of all topics that lines and events pass."""
        ...

    def check(self, settings: Settings) -> Iterator[SystemCheck]:
        """Try each outside system; one that fails does not keep the next from being tried."""
        ...
