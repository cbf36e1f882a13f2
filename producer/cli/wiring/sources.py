"""What is asked of one source, done with real clients: its events, its trial, its removal."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing

from producer.cli.rooms import TriedStep
from producer.cli.source_events import EventCounting, EventCounts, LastEvents
from producer.cli.wiring.surroundings import Surroundings
from producer.clock import SystemClock
from producer.codec.events import EventDecoder
from producer.contract.event import GovernanceEvent
from producer.contract.names import event_id
from producer.contract.objects import ObjectVersion
from producer.contract.source import IngestionSource
from producer.kafka import configuration
from producer.kafka.publishing import Outgoing, publish
from producer.kafka.stages import Message
from producer.s3.object_store import ListedObject, ObjectStore, ObjectStoreRefusedError
from producer.s3.trial import Trial

# Cannot be read before they are restored, which says nothing about the source.
_ARCHIVES = frozenset({"GLACIER", "DEEP_ARCHIVE"})


def remove_source(surroundings: Surroundings, source_id: str) -> None:
    """Publish that a source is no more. What discovery told of it last is kept with its ledger."""
    publish(
        configuration.plain_publisher(
            surroundings.settings.kafka, client_id=surroundings.client_id
        ),
        [Outgoing(surroundings.topics["sources"], source_id.encode(), None)],
    )


def count_events(surroundings: Surroundings, source_id: str, *, now: int) -> EventCounts:
    """Count a source's events by the time at which they happened."""
    decoder = EventDecoder(surroundings.registry)
    counting = EventCounting(now=now)
    with closing(surroundings.whole_topic("events")) as reader:
        for _, _, value in _events_of(source_id, reader.read_to_stable_end()):
            event = decoder.decode(value)
            counting.add(event["event_id"], occurred_at=event["occurred_at"])
    return counting.counts()


def tail_source(
    surroundings: Surroundings, source_id: str, *, limit: int, follow: bool, stop: threading.Event
) -> Iterator[GovernanceEvent]:
    """Read a source's last events.

    Those that happened last, the newest first; with `follow` those that arrived last, in order,
    and then those that arrive.
    """
    surroundings.administrator.verify(surroundings.plans())
    decoder = EventDecoder(surroundings.registry)
    last = LastEvents(limit)
    with closing(surroundings.whole_topic("events")) as reader:
        for key, arrived_at, value in _events_of(
            source_id, reader.read_to_stable_end(stop.is_set)
        ):
            at = arrived_at if follow else decoder.decode(value)["occurred_at"]
            last.add(key, at=at, value=value)
        found = last.values()
        yield from map(decoder.decode, found if follow else reversed(found))
        while follow and not stop.is_set():
            arrived = reader.poll(timeout_seconds=0.2)
            for _, _, value in _events_of(source_id, arrived):
                yield decoder.decode(value)


def try_source(
    source: IngestionSource, *, store: ObjectStore, trial: Trial
) -> Iterator[TriedStep]:
    """Try a source step by step, up to the first that fails."""
    listed: list[ListedObject] = []

    def list_first_page() -> str:
        page = next(iter(store.list_pages(source)), None)
        listed.extend(page.objects if page is not None else ())
        more = "" if page is None or page.is_last else ", and there are more pages"
        return f"{len(listed)} objects on the first page{more}"

    steps: tuple[tuple[str, Callable[[], str]], ...] = (
        ("identity", lambda: trial.identity(source)),
        ("region", lambda: _region(source, trial)),
        ("listing", list_first_page),
        ("reading", lambda: _read_some(source, store, listed)),
    )
    for step, attempt in steps:
        try:
            answer = attempt()
        except ObjectStoreRefusedError as refusal:
            yield TriedStep(step=step, answer=refusal.detail, problem=refusal.reason.value)
            return
        yield TriedStep(step=step, answer=answer)


def _events_of(
    source_id: str, messages: Iterator[Message] | list[Message]
) -> Iterator[tuple[bytes, int, bytes]]:
    """Give key, time of arrival and value of a source's events; others are not decoded."""
    beginning = event_id(source_id=source_id, provider_event_id="").encode()
    for message in messages:
        key, value = message.key(), message.value()
        if key is not None and value is not None and key.startswith(beginning):
            yield key, message.timestamp()[1], value


def _region(source: IngestionSource, trial: Trial) -> str:
    region = trial.region(source)
    if source.region not in {None, region}:
        return f"{region}, though the source says {source.region}"
    return region


def _read_some(source: IngestionSource, store: ObjectStore, listed: list[ListedObject]) -> str:
    """Read as much of one object as comes first."""
    readable = [each for each in listed if each.size_bytes]
    if not readable:
        return "not tried: no object on the first page holds anything"
    found = next((each for each in readable if each.storage_class not in _ARCHIVES), readable[0])
    version = ObjectVersion(
        source_id=source.id,
        bucket=source.bucket,
        key=found.key,
        etag=found.etag,
        version_id=found.version_id,
        size_bytes=found.size_bytes,
        last_modified=found.last_modified,
        pull_id="",
        discovered_at=SystemClock().now(),
    )
    with closing(store.open(source, version)) as body:
        count = len(next(body))
    return f"{count} of {found.size_bytes} bytes of {found.key!r}"
