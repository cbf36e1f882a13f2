"""Defects to be seeded into a watched process: what the schedules must catch.

Each is a patch from outside that takes away one thing which the promise rests on. `DESIGN.md` says
of each which schedule catches it.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from confluent_kafka import OFFSET_INVALID, Producer

from producer.deduplicator import decision
from producer.deduplicator import stage as deduplicator
from producer.kafka import clients, tables, watched
from producer.kafka.loop import TransactionalLoop
from producer.kafka.member import GroupMember, Owned
from producer.kafka.tables import Watermarks
from producer.kafka.transactions import Transaction
from producer.normaliser.stage import NormaliserStage
from producer.puller.stage import PullerStage

Patched = Any  # what stands in the place of another is called as that was


def _put(place: object, name: str, build: Callable[[Patched], Patched]) -> None:
    """Replace something of the project by what `build` makes of it."""
    original = getattr(place, name)
    setattr(place, name, build(original))


def _no_require_stable() -> None:
    """Consume without `read_committed`: that alone makes the client ask for stable offsets."""

    def build(original: Patched) -> Patched:
        def initialise(
            member: GroupMember, properties: dict[str, Any], topic: str, *, partitions: int
        ) -> None:
            stale = properties | {"isolation.level": "read_uncommitted"}
            original(member, stale, topic, partitions=partitions)

        return initialise

    _put(GroupMember, "__init__", build)


_properties: dict[GroupMember, dict[str, Any]] = {}


def _remember_properties() -> None:
    def build(original: Patched) -> Patched:
        def initialise(
            member: GroupMember, properties: dict[str, Any], topic: str, *, partitions: int
        ) -> None:
            original(member, properties, topic, partitions=partitions)
            _properties[member] = properties

        return initialise

    _put(GroupMember, "__init__", build)


def _cached_group_metadata() -> None:
    """Keep what was said of the group at first."""
    first: dict[GroupMember, Patched] = {}

    def build(original: Patched) -> Patched:
        def metadata(member: GroupMember) -> Patched:
            if member not in first:
                first[member] = original(member)
            return first[member]

        return metadata

    _put(GroupMember, "metadata", build)


def _no_group_metadata() -> None:
    """Name the group alone, as one who is no member does."""

    def build(_: Patched) -> Patched:
        def metadata(member: GroupMember) -> Patched:
            return clients.open_consumer(_properties[member]).consumer_group_metadata()

        return metadata

    _put(GroupMember, "metadata", build)
    _remember_properties()


def _offsets_from_position() -> None:
    """Commit what was fetched, not what was done."""
    received: dict[tuple[str, int], int] = {}

    def build_receive(original: Patched) -> Patched:
        def receive(stage: PullerStage, partition: int, messages: Patched) -> None:
            received[stage.topic, partition] = messages[-1].offset() + 1
            original(stage, partition, messages)

        return receive

    def build_advance(original: Patched) -> Patched:
        def advance(transaction: Transaction, topic: str, partition: int, **told: Patched) -> None:
            position = received.get((topic, partition))
            changed = told if position is None else {"offset": position}
            original(transaction, topic, partition, **changed)

        return advance

    _put(PullerStage, "receive", build_receive)
    _put(Transaction, "advance", build_advance)


def _store_before_commit() -> None:
    """Remember ids before their events are known to be published."""

    def build(original: Patched) -> Patched:
        def contribute(stage: deduplicator.DeduplicatorStage, transaction: Transaction) -> None:
            original(stage, transaction)
            for held in stage._partitions.values():
                if held.overlay:
                    held.store.write(held.overlay, checkpoint=None)

        return contribute

    _put(deduplicator.DeduplicatorStage, "contribute", build)


def _no_rewind() -> None:
    """Go on behind what an aborted transaction held."""

    def build(_: Patched) -> Patched:
        def start_over(loop: TransactionalLoop) -> None:
            for owned in loop._partitions:
                _go_on_behind(loop, owned)

        return start_over

    _put(TransactionalLoop, "_start_over", build)


def _rewind_of_one_partition() -> None:
    """Go back in one partition, and go on in the others."""

    def build(original: Patched) -> Patched:
        def start_over(loop: TransactionalLoop) -> None:
            whole = loop._partitions
            first = next(iter(whole), None)
            for owned in whole:
                if owned != first:
                    _go_on_behind(loop, owned)
            loop._partitions = {first: whole[first]} if first else {}
            original(loop)
            loop._partitions = whole | loop._partitions
            loop._membership.resume([owned for owned in whole if owned != first])

        return start_over

    _put(TransactionalLoop, "_start_over", build)


def _go_on_behind(loop: TransactionalLoop, owned: Owned) -> None:
    """Take what was received for done."""
    stage, partition = loop._stages[owned.topic], loop._partitions[owned]
    partition.committed = partition.received
    if isinstance(stage, NormaliserStage):
        stage._inboxes[owned.partition] = []
    elif isinstance(stage, deduplicator.DeduplicatorStage):
        held = stage._partitions[owned.partition]
        held.inbox, held.overlay = [], {}


def _no_hygiene() -> None:
    """Trust a producer whatever happened to it."""
    _put(watched.WatchedProducer, "distrust", lambda _: lambda *_: None)


def _restore_to_stable_end() -> None:
    """Take what a reader can reach for all there is."""
    _put(Watermarks, "high", lambda _: Watermarks.stable)


def _ends_that_no_leader_told() -> None:
    """Take for an end what the client gives where a leader has not answered."""
    _put(tables, "_NONE_SINCE", lambda _: OFFSET_INVALID)


def _same_place_passes() -> None:
    """Let an object that was put back pass as if that had been asked for."""

    def build(original: Patched) -> Patched:
        def judge(owner: Patched, claim: decision.Claim, **told: int) -> decision.Verdict:
            verdict: decision.Verdict = original(owner, claim._replace(is_replay=True), **told)
            return verdict

        return judge

    _put(deduplicator, "judge", build)


def _outcome_after_last_chunk() -> None:
    """Commit an object's last lines, and its outcome in the next transaction."""
    late: list[tuple[int, int, Patched]] = []

    def build(original: Patched) -> Patched:
        def publish(
            stage: PullerStage,
            transaction: Transaction,
            partition: int,
            held: Patched,
            piece: Patched,
        ) -> None:
            if piece.outcome is not None and piece.raw:
                late.append((partition, piece.offset + 1, piece.outcome))
                piece = replace(piece, outcome=None, progress=None)
            original(stage, transaction, partition, held, piece)

        return publish

    def build_contribute(original: Patched) -> Patched:
        def contribute(stage: PullerStage, transaction: Transaction) -> None:
            due, late[:] = list(late), []
            for partition, offset, outcome in due:
                transaction.advance(stage.topic, partition, offset=offset)
                stage._publish_outcome(transaction, partition, outcome)
            original(stage, transaction)

        return contribute

    _put(PullerStage, "_publish", build)
    _put(PullerStage, "contribute", build_contribute)
    _put(PullerStage, "has_work", lambda original: lambda stage: bool(late) or original(stage))


def _dead_letter_outside() -> None:
    """Publish dead letters at once, whatever becomes of the transaction."""
    others: list[Producer] = []

    def build(original: Patched) -> Patched:
        def publish(transaction: Transaction, *, topic: str, **told: Patched) -> None:
            if not topic.endswith("dead-letters"):
                original(transaction, topic=topic, **told)
                return
            if not others:
                others.append(Producer({"bootstrap.servers": _brokers_of(transaction)}))
            others[0].produce(topic, told["value"], told["key"], told["partition"])
            others[0].flush()

        return publish

    _put(Transaction, "publish", build)


def _brokers_of(transaction: Transaction) -> str:
    brokers = transaction._producer.list_topics(timeout=10).brokers.values()
    return ",".join(f"{broker.host}:{broker.port}" for broker in brokers)


DEFECTS: Final[Mapping[str, Callable[[], None]]] = {
    "no require_stable": _no_require_stable,
    "cached group metadata": _cached_group_metadata,
    "no group metadata": _no_group_metadata,
    "offsets from position": _offsets_from_position,
    "store before commit": _store_before_commit,
    "no rewind": _no_rewind,
    "rewind of one partition": _rewind_of_one_partition,
    "no hygiene": _no_hygiene,
    "restore to the stable end": _restore_to_stable_end,
    "ends that no leader told": _ends_that_no_leader_told,
    "same place passes": _same_place_passes,
    "outcome after the last chunk": _outcome_after_last_chunk,
    "dead letter outside": _dead_letter_outside,
}
