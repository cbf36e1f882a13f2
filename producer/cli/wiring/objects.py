"""The ledger of a source read for a person, and commands put to discovery."""

import threading
from collections.abc import Iterator
from typing import Final

from producer.cli.rooms import KnownObject
from producer.cli.wiring.surroundings import Surroundings
from producer.clock import SystemClock
from producer.codec.models import build_codecs
from producer.contract.objects import MAY_PASS, ObjectOutcome, ObjectVersion
from producer.contract.source import SourceCommand
from producer.discovery.ledger import in_order
from producer.discovery.retrying import RetryPolicy
from producer.errors import FatalError
from producer.kafka import configuration
from producer.kafka.member import Owned
from producer.kafka.offsets import GroupOffsets
from producer.kafka.partitioning import partition_of
from producer.kafka.publishing import Outgoing, publish
from producer.kafka.stages import Committed

_ASK_SECONDS: Final = 0.2


def known_objects(surroundings: Surroundings, source_id: str) -> list[KnownObject]:
    """Read what is known of a source's objects, in the order of their keys."""
    surroundings.administrator.verify(surroundings.plans())
    codecs = build_codecs(surroundings.registry, surroundings.topics)
    outcomes: dict[str, ObjectOutcome] = {}
    for value in _values(surroundings, "outcomes", source_id):
        outcome = codecs.outcomes.decode(value)
        outcomes[outcome.key] = outcome
    versions: dict[str, ObjectVersion] = {}
    for value in _values(surroundings, "objects", source_id):
        version = codecs.objects.decode(value)
        versions[version.key] = version
    policy = _retry_policy(surroundings)
    return [
        _known(versions[key], outcomes.get(key), policy) for key in sorted(versions, key=in_order)
    ]


def carry_out(
    surroundings: Surroundings,
    command: SourceCommand,
    *,
    timeout_seconds: float,
    stop: threading.Event,
) -> None:
    """Put a command to discovery, and return once it is carried out.

    Waits as long as the command gets on. Raises `FatalError` where it does not for so long.
    """
    surroundings.administrator.verify(surroundings.plans())
    codecs = build_codecs(surroundings.registry, surroundings.topics)
    topic, key = surroundings.topics["commands"], command.source_id.encode()
    publish(
        configuration.plain_publisher(
            surroundings.settings.kafka, client_id=surroundings.client_id
        ),
        [Outgoing(topic, key, codecs.commands.encode(command))],
    )
    partitions = surroundings.settings.topics.partitions
    owned = Owned(topic, partition_of(key, partitions=partitions))
    # Others may have asked meanwhile: then theirs is waited for too.
    end = surroundings.watermarks.high([owned])[owned]
    offsets = GroupOffsets(surroundings.connection, surroundings.puller_group)
    try:
        is_done = _wait(offsets, owned, end, timeout_seconds=timeout_seconds, stop=stop)
    finally:
        offsets.close()
    if not is_done:
        raise FatalError(
            f"command {command.command_id} is published but not carried out"
            f" {'yet' if stop.is_set() else f'within {timeout_seconds:.0f} s'}; it will be by the"
            " next `openai-compliance pull` that owns the source, unless the topic's retention"
            " is shorter than that"
        )


def _wait(
    offsets: GroupOffsets,
    owned: Owned,
    end: int,
    *,
    timeout_seconds: float,
    stop: threading.Event,
) -> bool:
    """Whether the group's offset got to the end before it stood still for too long."""
    clock, reached, since = SystemClock(), Committed(-1, ""), 0.0
    while True:
        now_reached = offsets.fetch_whole([owned])[owned]
        if now_reached.offset >= end:
            return True
        if now_reached != reached:
            reached, since = now_reached, clock.steady()
        if stop.is_set() or clock.steady() - since > timeout_seconds:
            return False
        stop.wait(_ASK_SECONDS)


def _values(surroundings: Surroundings, name: str, source_id: str) -> Iterator[bytes]:
    """Give the values of a source's objects, from the beginning of a topic."""
    prefix = f"{source_id}/".encode()
    reader = surroundings.whole_topic(name)
    try:
        for message in reader.read_to_stable_end():
            value = message.value()
            if value is not None and (message.key() or b"").startswith(prefix):
                yield value
    finally:
        reader.close()


def _known(
    version: ObjectVersion, outcome: ObjectOutcome | None, policy: RetryPolicy
) -> KnownObject:
    """Put a version beside the outcome of that very attempt, if it has ended."""
    attempt = (version.etag, version.pull_id, version.attempt)
    if outcome is None or (outcome.etag, outcome.pull_id, outcome.attempt) != attempt:
        return KnownObject(version=version, outcome=None, retry_at=None)
    retry_at = policy.due_at(outcome) if outcome.reason in MAY_PASS else None
    return KnownObject(version=version, outcome=outcome, retry_at=retry_at)


def _retry_policy(surroundings: Surroundings) -> RetryPolicy:
    settings = surroundings.settings.discovery
    return RetryPolicy(
        first_seconds=settings.retry_first_seconds, longest_seconds=settings.retry_longest_seconds
    )
