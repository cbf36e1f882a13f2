"""Valid values of the contract to start from; a test names only what it is about."""

import itertools
from typing import TYPE_CHECKING, Any, cast

from msgspec.structs import replace

from producer.contract.names import event_id
from producer.contract.objects import ObjectOutcome, ObjectVersion, Outcome, Place
from producer.contract.raw import RawLine
from producer.contract.source import IngestionSource
from producer.kafka.partitioning import partition_of
from producer.s3.object_store import ListedObject

if TYPE_CHECKING:
    from producer.contract.event import GovernanceEvent, Origin

# Microseconds since the epoch, and what a test adds to it.
NOW = 1_780_000_000_000_000
SECOND = 1_000_000
DAY = 86_400 * SECOND


def a_source(**changes: Any) -> IngestionSource:  # noqa: ANN401 - any field's value
    """Build an enabled source."""
    source = IngestionSource(
        id="src_acme", organization_id="org_acme", name="Acme", bucket="acme-compliance"
    )
    return replace(source, **changes)


def a_source_id_in(partition: int, *, partitions: int, number: int = 0) -> str:
    """Find a source id that belongs to a partition; the next one for each number."""
    ids = (f"src_{index}" for index in itertools.count())
    fitting = (
        each for each in ids if partition_of(each.encode(), partitions=partitions) == partition
    )
    return next(itertools.islice(fitting, number, None))


def a_listed(**changes: Any) -> ListedObject:  # noqa: ANN401 - any field's value
    """Build an object as a listing tells of it."""
    listed = ListedObject(
        key="compliance/2026-06-01.jsonl.gz", etag="etag-a", size_bytes=100, last_modified=NOW
    )
    return replace(listed, **changes)


def a_version(**changes: Any) -> ObjectVersion:  # noqa: ANN401 - any field's value
    """Build the first attempt at a version."""
    version = ObjectVersion(
        source_id="src_acme",
        bucket="acme-compliance",
        key="compliance/2026-06-01.jsonl.gz",
        etag="etag-a",
        size_bytes=100,
        last_modified=NOW,
        pull_id="pull-1",
        discovered_at=NOW,
    )
    return replace(version, **changes)


def an_outcome(
    version: ObjectVersion | None = None,
    **changes: Any,  # noqa: ANN401 - any field's value
) -> ObjectOutcome:
    """Build the outcome of an attempt that was pulled whole: ten lines, all in raw."""
    of = version or a_version()
    outcome = ObjectOutcome(
        source_id=of.source_id,
        bucket=of.bucket,
        key=of.key,
        etag=of.etag,
        pull_id=of.pull_id,
        attempt=of.attempt,
        replay_id=of.replay_id,
        outcome=Outcome.PULLED,
        place=Place(line=10),
        lines=10,
        raw_lines=10,
        blank_lines=0,
        dead_letter_lines=0,
        read_bytes=100,
        decompressed_bytes=1000,
        started_at=NOW,
        finished_at=NOW,
    )
    return replace(outcome, **changes)


def a_raw_line(**changes: Any) -> RawLine:  # noqa: ANN401 - any field's value
    """Build a raw record of the flat shape."""
    raw = RawLine(
        source_id="src_acme",
        organization_id="org_acme",
        bucket="acme-compliance",
        key="compliance/2026-06-01.jsonl.gz",
        etag="etag-a",
        pull_id="pull-1",
        pulled_at=NOW,
        line_number=1,
        line=b'{"event_id": "evt-1", "type": "login.succeeded",'
        b' "timestamp": "2026-06-01T09:30:00Z", "actor": {"id": "user-1"}}',
    )
    return replace(raw, **changes)


def an_origin(**changes: Any) -> "Origin":  # noqa: ANN401 - any field's value
    """Build the origin of an event."""
    origin: dict[str, Any] = {
        "bucket": "acme-compliance",
        "key": "compliance/2026-06-01.jsonl.gz",
        "etag": "etag-a",
        "line": 1,
        "index": 0,
        "pull_id": "pull-1",
        "replay_id": None,
    }
    return cast("Origin", origin | changes)


def an_event(
    provider_event_id: str = "evt-1",
    *,
    origin: "Origin | None" = None,
    **changes: Any,  # noqa: ANN401 - any field's value
) -> "GovernanceEvent":
    """Build an event that states no more than it must."""
    event: dict[str, Any] = {
        "event_id": event_id(source_id="src_acme", provider_event_id=provider_event_id),
        "origin": origin or an_origin(),
        "provider_event_id": provider_event_id,
        "organization_id": "org_acme",
        "team_id": None,
        "source_id": "src_acme",
        "source_type": "openai_compliance",
        "occurred_at": NOW,
        "ingested_at": NOW,
        "event_type": "auth.signin",
        "family": "AUTH_LOG",
        "action": "login.succeeded",
        "actor": {"kind": "user", "id": "user-1", "email": None, "on_behalf_of": None},
        "target": None,
        "outcome": "success",
        "model": None,
        "tokens": None,
        "cost": None,
        "flags": {},
        "conversation": None,
        "session": None,
        "client": None,
        "network": None,
        "content": None,
        "ocsf": {
            "class_uid": 3002,
            "activity_id": 1,
            "type_uid": 300201,
            "severity_id": 1,
            "status_id": 1,
        },
        "attributes": {},
    }
    return cast("GovernanceEvent", event | changes)
