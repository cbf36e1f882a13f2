"""The process `normalise`: normaliser and deduplicator in one loop."""

import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from producer.cli.wiring.observing import Observer
from producer.cli.wiring.processes import is_at_end, run
from producer.cli.wiring.surroundings import Surroundings
from producer.clock import SystemClock
from producer.codec import wire
from producer.codec.events import EventEncoder, EventHeadDecoder, event_headers
from producer.codec.models import build_codecs
from producer.codec.raw_lines import RawLineDecoder
from producer.codec.registration import registered_header, registered_id
from producer.deduplicator.restoring import RestorationPlan
from producer.deduplicator.stage import DeduplicatorStage
from producer.deduplicator.store import IdStore
from producer.kafka.partitioning import partition_of
from producer.normaliser.stage import NormaliserCodecs, NormaliserStage, NormaliserTopics

_SECONDS_A_DAY = 86_400
_MILLISECONDS = 1000


def normalise(
    surroundings: Surroundings, *, once: bool, stop: threading.Event, observer: Observer
) -> None:
    """Run until told to stop, or once until nothing is left."""
    surroundings.administrator.verify(surroundings.plans())
    stages = (_normaliser(surroundings, observer), _deduplicator(surroundings, observer))
    run(
        surroundings,
        group=surroundings.normaliser_group,
        stages=stages,
        observer=observer,
        batch_messages_max=surroundings.settings.normaliser.batch_messages,
        stop=stop,
        is_done=(lambda progress: is_at_end(progress, surroundings, ("raw", "normalised")))
        if once
        else None,
    )


def _normaliser(surroundings: Surroundings, observer: Observer) -> NormaliserStage:
    topics, registry = surroundings.topics, surroundings.registry
    raw = registered_header(registry, topic_name=topics["raw"], schema="RawLine")
    event = registered_header(registry, topic_name=topics["normalised"], schema="GovernanceEvent")
    return NormaliserStage(
        topics=NormaliserTopics(
            raw=topics["raw"],
            normalised=topics["normalised"],
            dead_letters=topics["dead-letters"],
        ),
        codecs=NormaliserCodecs(
            decode_raw=RawLineDecoder(raw, registry=registry).decode,
            encode_event=EventEncoder(event).encode,
            encode_dead_letter=build_codecs(registry, topics).dead_letters.encode,
        ),
        partition_of=partial(partition_of, partitions=surroundings.settings.topics.partitions),
        on_committed=observer.normalised,
    )


def _deduplicator(surroundings: Surroundings, observer: Observer) -> DeduplicatorStage:
    settings, topics, clock = surroundings.settings, surroundings.topics, SystemClock()
    window_seconds = settings.deduplicator.window_days * _SECONDS_A_DAY
    return DeduplicatorStage(
        topic=topics["normalised"],
        plan=RestorationPlan(
            topic=topics["events"],
            properties=surroundings.table_properties(),
            watermarks=surroundings.watermarks,
            window=window_seconds * _MILLISECONDS,
            origin_of=_origin_reader(surroundings),
            clock=clock,
            on_restored=lambda partition, events, seconds: observer.table_restored(
                f"{topics['events']}/{partition}", events, seconds
            ),
        ),
        open_store=_store_opener(surroundings, window_seconds),
        translate_header=_header_translator(surroundings),
        clock=clock,
        on_committed=observer.deduplicated,
    )


def _origin_reader(surroundings: Surroundings) -> Callable[[bytes], Mapping[str, Any]]:
    registry = surroundings.registry
    ids = [
        registered_id(registry, topic_name=surroundings.topics[name], schema="GovernanceEvent")
        for name in ("normalised", "events")
    ]
    head = EventHeadDecoder(registry, our_ids=ids)
    return lambda value: head.decode(value).origin


def _header_translator(surroundings: Surroundings) -> Callable[[bytes], bytes]:
    """Pass an event on under the id that its schema has in the topic of events."""
    headers = event_headers(surroundings.registry, surroundings.topics)
    length = len(wire.header(0))
    return lambda value: headers.translate_header(wire.schema_id(value)) + value[length:]


def _store_opener(surroundings: Surroundings, window_seconds: int) -> Callable[[int], IdStore]:
    """A store belongs to a cluster, a topic as it was created, a partition and a slot."""
    administrator, events = surroundings.administrator, surroundings.topics["events"]
    cluster_id = administrator.cluster_id()
    topic_id = administrator.topic_ids([events])[events]
    settings = surroundings.settings
    directory = Path(settings.state_directory) / settings.instance / surroundings.normaliser_group
    return lambda partition: IdStore(
        directory / f"{partition}",
        identity=f"{cluster_id} {topic_id} {partition}",
        window_seconds=window_seconds,
    )
