"""The process `pull`: discovery and puller in one loop."""

import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from producer.cli.text import moment
from producer.cli.wiring.observing import Observer
from producer.cli.wiring.processes import is_at_end, run
from producer.cli.wiring.surroundings import Surroundings
from producer.clock import SystemClock
from producer.codec.models import Codecs, build_codecs
from producer.codec.raw_lines import RawLineEncoder
from producer.codec.registration import registered_header
from producer.contract.dead_letter import PROCESSOR
from producer.contract.names import is_source_id
from producer.contract.objects import ObjectVersion
from producer.contract.source import IngestionSource
from producer.contract.status import SourceStatus
from producer.discovery.position import PositionPolicy
from producer.discovery.restoring import LedgerPlan
from producer.discovery.retrying import RetryPolicy
from producer.discovery.stage import DiscoveryPlan, DiscoveryStage
from producer.errors import FatalError, OffsetMissingError
from producer.kafka.member import Owned
from producer.kafka.offsets import GroupOffsets
from producer.kafka.partitioning import partition_of
from producer.kafka.progress import GroupProgress
from producer.kafka.stages import Committed
from producer.kafka.tables import ModelTable
from producer.puller.limits import Limits
from producer.puller.pulling import PullingPlan
from producer.puller.stage import PullerCodecs, PullerStage, PullerTopics
from producer.s3.object_store import ObjectStore

# Versions are decoded one at a time and lines come from threads, so batches need not be large.
_BATCH_MESSAGES = 1000


def pull(
    surroundings: Surroundings,
    store: ObjectStore,
    *,
    once: bool,
    stop: threading.Event,
    observer: Observer,
) -> Iterator[str]:
    """Run until told to stop, or once until nothing is left; then say what is left for later."""
    surroundings.administrator.verify(surroundings.plans())
    codecs = build_codecs(surroundings.registry, surroundings.topics)
    sources = _sources(surroundings, codecs, observer)
    statuses = ModelTable(surroundings.whole_topic("source-status"), codecs.source_status.decode)
    sources.restore()
    ended_before = _listings_ended(surroundings, codecs) if once else {}
    started_at = SystemClock().now()
    discovery = _discovery(surroundings, store, codecs, sources, observer)
    puller = _puller(surroundings, store, codecs, sources, observer)

    left: list[str] = []
    problems: dict[str, str] = {}

    def is_done(progress: GroupProgress) -> bool:
        statuses.refresh()
        foreign = {
            source.id: statuses.get(source.id)
            for source in sources.values()
            if not source.disabled and not discovery.owns(source.id)
        }
        if not _is_listed(discovery, foreign, ended_before, since=started_at):
            return False
        if not is_at_end(progress, surroundings, ("sources", "commands", "objects")):
            return False
        left.extend(_left(discovery))
        problems.update(
            (source_id, refusal.reason.value)
            for source_id, refusal in discovery.problems().items()
        )
        return True

    try:
        run(
            surroundings,
            group=surroundings.puller_group,
            stages=(discovery, puller),
            observer=observer,
            batch_messages_max=_BATCH_MESSAGES,
            stop=stop,
            is_done=is_done if once else None,
        )
    finally:
        sources.close()
        statuses.close()
    yield from left
    if problems:
        named = ", ".join(f"{source_id} ({reason})" for source_id, reason in problems.items())
        raise FatalError(
            f"not every source could be listed: {named}; `openai-compliance sources list --json` "
            "tells more, and a later run takes up what this one could not see"
        )


def _is_listed(
    discovery: DiscoveryStage,
    foreign: Mapping[str, SourceStatus | None],
    ended_before: Mapping[str, tuple[int, int]],
    *,
    since: int,
) -> bool:
    """Whether each enabled source was listed once since the start, by whoever owns it."""
    if discovery.unlisted() or discovery.waiting() or discovery.has_untold():
        return False
    return all(
        status is not None
        and _was_listed(status, ended_before.get(status.source_id, (0, 0)), since=since)
        for status in foreign.values()
    )


def _was_listed(status: SourceStatus, before: tuple[int, int], *, since: int) -> bool:
    """Whether a listing that began since has ended, or failed.

    Its time alone would not say so: it may be of a clock that was fast, and a failure of an
    earlier listing, told again. Two that ended since cannot both have begun before.
    """
    if _ended(status) == before:
        return False
    began_since = (status.last_listing_at or 0) >= since
    has_failed = status.failures_in_a_row > 0
    return began_since or has_failed or status.listings > before[0] + 1


def _listings_ended(surroundings: Surroundings, codecs: Codecs) -> dict[str, tuple[int, int]]:
    """How many listings of each source have ended, as told by now."""
    reader = surroundings.whole_topic("source-status")
    try:
        values = [message.value() for message in reader.read_to_stable_end()]
    finally:
        reader.close()
    statuses = [codecs.source_status.decode(value) for value in values if value is not None]
    return {status.source_id: _ended(status) for status in statuses}


def _ended(status: SourceStatus) -> tuple[int, int]:
    return (status.listings, status.failures_in_a_row)


def _left(discovery: DiscoveryStage) -> Iterator[str]:
    for source_id, retries in discovery.retries_later().items():
        for key, due_at in retries:
            yield f"{source_id}: {key!r} will be tried again at {moment(due_at)}"


def _sources(
    surroundings: Surroundings, codecs: Codecs, observer: Observer
) -> ModelTable[IngestionSource]:
    partitions = surroundings.settings.topics.partitions

    def is_in_place(key: bytes, partition: int) -> bool:
        # With an id of another form, objects could not be told from those of another source.
        is_id = is_source_id(key.decode(errors="replace"))
        if is_id and partition_of(key, partitions=partitions) == partition:
            return True
        observer.source_misplaced(key.decode(errors="replace"), partition)
        return False

    return ModelTable(surroundings.whole_topic("sources"), codecs.sources.decode, is_in_place)


def _discovery(
    surroundings: Surroundings,
    store: ObjectStore,
    codecs: Codecs,
    sources: ModelTable[IngestionSource],
    observer: Observer,
) -> DiscoveryStage:
    settings, topics = surroundings.settings, surroundings.topics
    return DiscoveryStage(
        DiscoveryPlan(
            sources_topic=topics["sources"],
            ledger=LedgerPlan(
                objects=topics["objects"],
                outcomes=topics["outcomes"],
                source_status=topics["source-status"],
                commands=topics["commands"],
                partitions=settings.topics.partitions,
                properties=surroundings.table_properties(),
                watermarks=surroundings.watermarks,
                decode_version=codecs.objects.decode,
                decode_outcome=codecs.outcomes.decode,
                decode_status=codecs.source_status.decode,
                decode_command=codecs.commands.decode,
                committed_of_commands=partial(_committed_of_commands, surroundings, observer),
                group=surroundings.puller_group,
                clock=SystemClock(),
                retry=RetryPolicy(
                    first_seconds=settings.discovery.retry_first_seconds,
                    longest_seconds=settings.discovery.retry_longest_seconds,
                ),
                on_restored=lambda messages, seconds: observer.table_restored(
                    "ledger", messages, seconds
                ),
            ),
            sources=sources,
            store=store,
            encode_version=codecs.objects.encode,
            encode_status=codecs.source_status.encode,
            objects_in_flight_max=settings.discovery.objects_in_flight_max,
            listers=settings.discovery.listers,
            position=PositionPolicy(
                lookback_seconds=settings.discovery.lookback_seconds,
                reconcile_seconds=settings.discovery.reconcile_seconds,
            ),
            new_id=lambda: uuid.uuid4().hex,
            clock=SystemClock(),
        ),
        on_published=observer.versions_published,
        on_listed=observer.source_listed,
        on_carried_out=observer.command_carried_out,
    )


def _committed_of_commands(
    surroundings: Surroundings, observer: Observer, partitions: Sequence[int]
) -> dict[int, Committed]:
    """Ask which commands the group has carried out; some may have expired before they were."""
    topic, group = surroundings.topics["commands"], surroundings.puller_group
    offsets = GroupOffsets(surroundings.connection, group)
    try:
        found = offsets.fetch_whole([Owned(topic, partition) for partition in partitions])
    finally:
        offsets.close()
    firsts = surroundings.watermarks.low(list(found))
    for owned, committed in found.items():
        if committed.offset < 0:
            raise OffsetMissingError(
                f"group {group!r} has no offset on partition {owned.partition} of {topic!r}; "
                "set it with Kafka's own tool, to the end unless commands are to be repeated"
            )
        if committed.offset < firsts[owned]:
            observer.commands_expired(owned.partition, firsts[owned] - committed.offset)
            found[owned] = Committed(firsts[owned], "")
    return {owned.partition: committed for owned, committed in found.items()}


def _puller(
    surroundings: Surroundings,
    store: ObjectStore,
    codecs: Codecs,
    sources: ModelTable[IngestionSource],
    observer: Observer,
) -> PullerStage:
    settings, topics, clock = surroundings.settings.puller, surroundings.topics, SystemClock()
    header = registered_header(surroundings.registry, topic_name=topics["raw"], schema="RawLine")

    def encode(
        source: IngestionSource,
        version: ObjectVersion,
        pulled_at: int,
        lines: list[tuple[int, bytes]],
    ) -> list[bytes]:
        return RawLineEncoder(
            header,
            source_id=source.id,
            organization_id=source.organization_id,
            team_id=source.team_id,
            bucket=version.bucket,
            key=version.key,
            etag=version.etag,
            pull_id=version.pull_id,
            replay_id=version.replay_id,
            include=source.include,
            pulled_at=pulled_at,
        ).encode_all(lines)

    return PullerStage(
        topics=PullerTopics(
            objects=topics["objects"],
            raw=topics["raw"],
            outcomes=topics["outcomes"],
            dead_letters=topics["dead-letters"],
        ),
        codecs=PullerCodecs(
            decode_version=codecs.objects.decode,
            encode_outcome=codecs.outcomes.encode,
            encode_dead_letter=codecs.dead_letters.encode,
        ),
        plan=PullingPlan(
            store=store,
            source_of=sources.get,
            encode=encode,
            limits=Limits(
                line_bytes_max=settings.line_bytes_max,
                chunk_lines=settings.chunk_lines,
                chunk_bytes=settings.chunk_bytes,
                chunk_seconds=settings.chunk_seconds,
                compressed_bytes_max=settings.compressed_bytes_max,
                decompressed_bytes_max=settings.decompressed_bytes_max,
                ratio_max=settings.ratio_max,
            ),
            clock=clock,
            processor=PROCESSOR,
        ),
        clock=clock,
        on_committed=observer.pulled,
    )
