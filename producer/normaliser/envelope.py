"""The envelope that all families share, and the event put together."""

from typing import Final

from producer.contract.dead_letter import Failure, FailureKind
from producer.contract.event import Actor, GovernanceEvent, Target
from producer.contract.names import SOURCE_TYPE, event_id
from producer.contract.raw import RawLine
from producer.normaliser import ocsf, privacy
from producer.normaliser.attributes import attributes_of
from producer.normaliser.identity import provider_event_id
from producer.normaliser.models import model_of
from producer.normaliser.reading import Findings, JsonObject, required_text
from producer.normaliser.rules import Draft, Family, Who
from producer.normaliser.timestamps import from_epoch_seconds, from_rfc3339

_NO_INSTANT: Final = 0


def read_timestamp(record: JsonObject, findings: Findings) -> int:
    """Read the time of an enveloped record."""
    return instant(record, "timestamp", findings)


def instant(record: JsonObject, name: str, findings: Findings) -> int:
    """Read the RFC 3339 time at `name`; anything else refuses the record."""
    value = record.get(name)
    if type(value) is str:
        found = from_rfc3339(value)
        if found is not None:
            return found
        findings.refuse(FailureKind.RULE_FAILED, name, "is not a time of RFC 3339")
    elif value is None:
        findings.refuse(FailureKind.SCHEMA_VIOLATION, name, "is missing")
    else:
        findings.refuse(FailureKind.SCHEMA_VIOLATION, name, "is not a string")
    return _NO_INSTANT


def epoch_instant(record: JsonObject, name: str, findings: Findings, *, within: str = "") -> int:
    """Read the epoch seconds at `name`; anything else refuses the record.

    `within` is the path of the object, with a dot behind it.
    """
    found = from_epoch_seconds(record.get(name))
    if found is None:
        message = "is not a number of epoch seconds"
        findings.refuse(FailureKind.RULE_FAILED, within + name, message)
        return _NO_INSTANT
    return found


def to_event(
    raw: RawLine, record: JsonObject, family: Family, *, index: int
) -> GovernanceEvent | tuple[Failure, ...]:
    """Give the event of a record, or every reason why there is none."""
    findings = Findings()
    identified = record if family.identified is None else family.identified(record)
    provider_id = provider_event_id(identified, family.id_names, findings)
    occurred_at = family.occurred_at(record, findings)
    name = _type_name(record, family, findings)
    draft = family.describe(record, findings)
    who = family.who(record, findings)
    if findings.failures:
        return tuple(findings.failures)
    outcome = draft.outcome or draft.rule.outcome
    rule = draft.rule
    return {
        "event_id": event_id(source_id=raw.source_id, provider_event_id=provider_id),
        "origin": {
            "bucket": raw.bucket,
            "key": raw.key,
            "etag": raw.etag,
            "line": raw.line_number,
            "index": index,
            "pull_id": raw.pull_id,
            "replay_id": raw.replay_id,
        },
        "provider_event_id": provider_id,
        "organization_id": raw.organization_id,
        "team_id": raw.team_id,
        "source_id": raw.source_id,
        "source_type": SOURCE_TYPE,
        "occurred_at": occurred_at,
        "ingested_at": raw.pulled_at,
        "event_type": rule.event_type,
        "family": name,
        "action": draft.action,
        "actor": _actor(raw, who),
        "target": _target(raw, draft, findings),
        "outcome": outcome,
        "model": None if draft.model is None else model_of(draft.model),
        "tokens": draft.tokens,
        "cost": draft.cost,
        "flags": _flags(raw, findings),
        "conversation": _shown(raw, draft.conversation),
        "session": _shown(raw, draft.session),
        "client": _shown(raw, draft.client),
        "network": privacy.network(raw.include, family.network, record, findings),
        "content": privacy.content(raw.include, family.content, record, findings),
        "ocsf": ocsf.place(rule.class_uid, rule.activity_id, outcome, draft.severity_id),
        "attributes": attributes_of(raw, draft, who),
    }


def _type_name(record: JsonObject, family: Family, findings: Findings) -> str:
    for name in family.type_names:
        found = required_text(record, name, findings)
        if found:
            return found
    return family.name


def _flags(raw: RawLine, findings: Findings) -> dict[str, str]:
    return {
        name: privacy.without_address(raw.include, value) for name, value in findings.flags.items()
    }


def _shown(raw: RawLine, value: str | None) -> str | None:
    return None if value is None else privacy.without_address(raw.include, value)


def _actor(raw: RawLine, who: Who) -> Actor:
    return {
        "kind": who.kind,
        "id": who.id,
        "email": privacy.email(raw.include, who.email),
        "on_behalf_of": who.on_behalf_of,
    }


def _target(raw: RawLine, draft: Draft, findings: Findings) -> Target | None:
    """Give the target; an id in the form of an e-mail only where the source includes those."""
    target = draft.target
    if target is None or target["id"] is None or raw.include.email:
        return target
    if not privacy.is_email(target["id"]):
        return target
    findings.flags["withheld.target"] = "its id has the form of an e-mail"
    return {"kind": target["kind"], "id": None, "name": target["name"]}
