"""What the commands ask for, done with real clients."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from functools import partial

from producer.cli.rooms import (
    AppliedSource,
    CommandEnd,
    KnownObject,
    ListedSource,
    Records,
    SystemCheck,
    TriedStep,
)
from producer.cli.source_events import EventCounts
from producer.cli.wiring.commands import carry_out
from producer.cli.wiring.normalise import normalise
from producer.cli.wiring.object_stores import object_store, trial
from producer.cli.wiring.objects import known_objects
from producer.cli.wiring.observing import Observer
from producer.cli.wiring.pull import pull
from producer.cli.wiring.records import published_records
from producer.cli.wiring.sources import count_events, remove_source, tail_source, try_source
from producer.cli.wiring.surroundings import Surroundings
from producer.codec.events import EventDecoder
from producer.codec.models import build_codecs
from producer.codec.registration import register_all, subject_of
from producer.contract.event import GovernanceEvent
from producer.contract.source import IngestionSource, SourceCommand
from producer.errors import ProducerError
from producer.kafka import configuration
from producer.kafka.publishing import Outgoing, publish
from producer.kafka.stages import Message
from producer.kafka.tables import ModelTable
from producer.s3.s3_object_store import S3ObjectStore
from producer.settings import Settings
from producer.telemetry.metrics import Metrics


class SystemRooms:
    """The rooms behind the commands."""

    def apply_topics(self, settings: Settings) -> Iterable[str]:
        """Create topics, register schemas, commit first offsets; tell each thing done."""
        surroundings = Surroundings(settings)
        # Asked first: a registry that does not answer must not leave topics without schemas.
        surroundings.registry.compatibility(subject_of(surroundings.topics["raw"]))
        for name in surroundings.administrator.apply(surroundings.plans()):
            yield f"created topic {name!r}"
        yield from register_all(surroundings.registry, surroundings.topics)
        for group, plans in (
            (surroundings.puller_group, surroundings.plans_read_by_puller()),
            (surroundings.normaliser_group, surroundings.plans_read_by_normaliser()),
        ):
            done = surroundings.administrator.commit_first_offsets(group, plans)
            if done:
                yield f"committed the first offsets of group {group!r} on {len(done)} partitions"

    def apply_sources(
        self, settings: Settings, sources: Sequence[IngestionSource]
    ) -> Iterable[AppliedSource]:
        """Publish the sources that are new or changed."""
        surroundings = Surroundings(settings)
        surroundings.administrator.verify(surroundings.plans())
        codecs = build_codecs(surroundings.registry, surroundings.topics)
        known = {listed.source.id: listed.source for listed in self.list_sources(settings)}
        changed = [source for source in sources if known.get(source.id) != source]
        publish(
            configuration.plain_publisher(settings.kafka, client_id=surroundings.client_id),
            [
                Outgoing(
                    surroundings.topics["sources"],
                    source.id.encode(),
                    codecs.sources.encode(source),
                )
                for source in changed
            ],
        )
        return [
            AppliedSource(
                id=source.id,
                change="unchanged"
                if source not in changed
                else "changed"
                if source.id in known
                else "created",
            )
            for source in sources
        ]

    def list_sources(self, settings: Settings) -> Sequence[ListedSource]:
        """Read all sources and what discovery says about them."""
        surroundings = Surroundings(settings)
        surroundings.administrator.verify(surroundings.plans())
        codecs = build_codecs(surroundings.registry, surroundings.topics)
        sources = ModelTable(surroundings.whole_topic("sources"), codecs.sources.decode)
        statuses = ModelTable(
            surroundings.whole_topic("source-status"), codecs.source_status.decode
        )
        try:
            sources.restore()
            statuses.restore()
            return [
                ListedSource(source=source, status=statuses.get(source.id))
                for source in sorted(sources.values(), key=lambda source: source.id)
            ]
        finally:
            sources.close()
            statuses.close()

    def list_objects(self, settings: Settings, source_id: str) -> Sequence[KnownObject]:
        """Read what is known of a source's objects."""
        return known_objects(Surroundings(settings), source_id)

    def carry_out(
        self,
        settings: Settings,
        command: SourceCommand,
        *,
        timeout_seconds: float,
        stop: threading.Event,
    ) -> CommandEnd:
        """Put a command to discovery."""
        return carry_out(
            Surroundings(settings), command, timeout_seconds=timeout_seconds, stop=stop
        )

    def remove_source(self, settings: Settings, source_id: str) -> None:
        """Publish that a source is no more."""
        remove_source(Surroundings(settings), source_id)

    def count_events(self, settings: Settings, source_id: str, *, now: int) -> EventCounts:
        """Count a source's events."""
        return count_events(Surroundings(settings), source_id, now=now)

    def is_pull_running(self, settings: Settings) -> bool | None:
        """Ask whether the puller's group has members."""
        surroundings = Surroundings(settings)
        return surroundings.administrator.has_members(surroundings.puller_group)

    def tail_source(
        self,
        settings: Settings,
        source_id: str,
        *,
        limit: int,
        follow: bool,
        stop: threading.Event,
    ) -> Iterator[GovernanceEvent]:
        """Read a source's last events."""
        return tail_source(
            Surroundings(settings), source_id, limit=limit, follow=follow, stop=stop
        )

    def try_source(self, settings: Settings, source: IngestionSource) -> Iterator[TriedStep]:
        """Try a source step by step."""
        with closing(object_store(settings)) as store, closing(trial(settings)) as identity:
            yield from try_source(source, store=store, trial=identity)

    def pull(
        self, settings: Settings, *, once: bool, stop: threading.Event, metrics: Metrics
    ) -> Iterable[str]:
        """Run discovery and puller."""
        return pull(
            Surroundings(settings),
            object_store(settings),
            once=once,
            stop=stop,
            observer=Observer(metrics),
        )

    def normalise(
        self, settings: Settings, *, once: bool, stop: threading.Event, metrics: Metrics
    ) -> None:
        """Run normaliser and deduplicator."""
        normalise(Surroundings(settings), once=once, stop=stop, observer=Observer(metrics))

    def tail_events(
        self, settings: Settings, *, last: int | None, follow: bool, stop: threading.Event
    ) -> Iterator[GovernanceEvent]:
        """Read governance events."""
        surroundings = Surroundings(settings)
        surroundings.administrator.verify(surroundings.plans())
        decoder = EventDecoder(surroundings.registry)
        reader = surroundings.whole_topic("events")
        try:
            until_end = reader.read_to_stable_end(stop.is_set)
            messages = until_end if last is None else _last_of_each(until_end, last)
            for message in messages:
                yield decoder.decode(message.value() or b"")
            while follow and not stop.is_set():
                for message in reader.poll(timeout_seconds=0.2):
                    yield decoder.decode(message.value() or b"")
        finally:
            reader.close()

    def records(self, settings: Settings) -> AbstractContextManager[Records]:
        """Read back what the stages publish."""
        return published_records(Surroundings(settings))

    def check(self, settings: Settings) -> Iterator[SystemCheck]:
        """Try Kafka, the topics, the groups, the registry, and each source's bucket."""
        surroundings = Surroundings(settings)
        yield _tried("kafka", lambda: f"cluster {surroundings.administrator.cluster_id()}")
        yield _tried("topics", lambda: _verified(surroundings))
        yield _tried("schema registry", lambda: _registered(surroundings))
        try:
            listed = self.list_sources(settings)
        except ProducerError as error:
            yield SystemCheck(system="sources", answer="", problem=str(error))
            return
        store = object_store(settings)
        for each in listed:
            yield _tried(f"source {each.source.id}", partial(_listable, store, each.source))


def _last_of_each(messages: Iterable[Message], last: int) -> Iterator[Message]:
    """Keep the last few of each partition, by partition."""
    kept: dict[int, deque[Message]] = {}
    for message in messages:
        kept.setdefault(message.partition(), deque(maxlen=last)).append(message)
    for partition in sorted(kept):
        yield from kept[partition]


def _tried(system: str, attempt: Callable[[], str]) -> SystemCheck:
    try:
        return SystemCheck(system=system, answer=attempt())
    except ProducerError as error:
        return SystemCheck(system=system, answer="", problem=str(error))


def _verified(surroundings: Surroundings) -> str:
    plans = surroundings.plans()
    surroundings.administrator.verify(plans)
    return f"{len(plans)} topics are as planned"


def _registered(surroundings: Surroundings) -> str:
    build_codecs(surroundings.registry, surroundings.topics)
    return "all schemas are registered"


def _listable(store: S3ObjectStore, source: IngestionSource) -> str:
    page = next(iter(store.list_pages(source)), None)
    return f"{len(page.objects) if page else 0} objects on the first page"
