"""The ledger of a source, read for a person."""

from collections.abc import Iterator

from producer.cli.rooms import KnownObject
from producer.cli.wiring.surroundings import Surroundings
from producer.codec.models import build_codecs
from producer.contract.objects import MAY_PASS, ObjectOutcome, ObjectVersion
from producer.discovery.ledger import in_order
from producer.discovery.retrying import RetryPolicy


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
