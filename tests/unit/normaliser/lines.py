"""Raw records for the tests of the normaliser, and short ways to what becomes of them."""

import json
from typing import Any

from producer.contract.dead_letter import Failure
from producer.contract.event import GovernanceEvent
from producer.contract.raw import RawLine
from producer.contract.source import Include
from producer.normaliser.normalise import normalise

NOTHING = Include()
EVERYTHING = Include(email=True, network=True, content=True)

# 2026-09-15T10:00:00Z
TEN_O_CLOCK = 1_789_466_400_000_000

_OF_ALL = frozenset(
    {
        ("gen_ai.provider.name", "openai"),
        ("openai_compliance.principal.id", "ws-1"),
        ("openai_compliance.principal.type", "CHATGPT_WORKSPACE"),
    }
)

Record = dict[str, Any]


def a_raw_line(line: bytes, *, include: Include = NOTHING, team_id: str | None = None) -> RawLine:
    """Build a raw record around a line."""
    return RawLine(
        source_id="src_acme",
        organization_id="org_acme",
        team_id=team_id,
        bucket="acme-compliance",
        key="compliance/a.jsonl",
        etag="etag-1",
        pull_id="pull-1",
        replay_id=None,
        include=include,
        pulled_at=1_800_000_000_000_000,
        line_number=7,
        line=line,
    )


def a_record(family: str, **changes: object) -> Record:
    """Build a record with the envelope of all families."""
    record: Record = {
        "event_id": "evt-1",
        "type": family,
        "timestamp": "2026-09-15T10:00:00Z",
        "principal": {"id": "ws-1", "type": "CHATGPT_WORKSPACE"},
        "actor": {"type": "ACCOUNT_USER", "user_id": "user-1", "user_email": "Alice@example.org"},
    }
    return {name: value for name, value in {**record, **changes}.items() if value is not ...}


def the_event(record: Record, *, include: Include = NOTHING) -> GovernanceEvent:
    """Give the one event of a record that must become one."""
    normalised = normalise(a_raw_line(json.dumps(record).encode(), include=include))
    assert () == normalised.failures
    (event,) = normalised.events
    return event


def the_failures(record: Record) -> list[Failure]:
    """Give the failures of a record that must be refused."""
    normalised = normalise(a_raw_line(json.dumps(record).encode()))
    assert () == normalised.events
    (refused,) = normalised.failures
    return list(refused.failures)


def own_attributes(event: GovernanceEvent) -> dict[str, str]:
    """Give the attributes that differ from event to event."""
    return {
        name: value
        for name, value in event["attributes"].items()
        if not name.startswith("langwatch.") and (name, value) not in _OF_ALL
    }


def ocsf_of(event: GovernanceEvent) -> tuple[int, int, int]:
    """Give class, activity and status."""
    ocsf = event["ocsf"]
    return ocsf["class_uid"], ocsf["activity_id"], ocsf["status_id"]
