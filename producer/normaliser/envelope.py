"""The envelope that all families share, and the event put together."""

from typing import Final, Literal

import msgspec

from producer.contract.dead_letter import Failure, FailureKind
from producer.contract.event import GovernanceEvent, Target
from producer.contract.names import SOURCE_TYPE, event_id
from producer.contract.raw import RawLine
from producer.contract.source import Include
from producer.normaliser import attributes, ocsf, privacy
from producer.normaliser.forms import are_plain
from producer.normaliser.identity import provider_event_id
from producer.normaliser.models import model_of
from producer.normaliser.outcomes import named_outcome
from producer.normaliser.reading import Findings, JsonObject, required_text
from producer.normaliser.rules import Draft, Family
from producer.normaliser.timestamps import from_epoch_seconds, from_rfc3339

_NO_INSTANT: Final = 0
# Targets whose names are those of products.
_PRODUCTS: Final = frozenset({"app"})
_MODEL: Final = "model"


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
    action = draft.action
    own = attributes.of_the_record(record, draft, who, findings)
    if not are_plain([name, *_words_of(draft), *own.values()]):
        name, draft, own = _screened(raw, name, draft, own, findings=findings)
    rule = draft.rule
    outcome = named_outcome(action, draft.outcome or rule.outcome)
    email = privacy.email(raw.include, who.email, findings)
    places = (family.network, family.network_beside)
    network = privacy.network(raw.include, places, record, findings)
    content = privacy.content(raw.include, family.content, record, findings)
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
        "actor": {
            "kind": who.kind,
            "id": who.id,
            "email": email,
            "on_behalf_of": who.on_behalf_of,
        },
        "target": draft.target,
        "outcome": outcome,
        "model": None if draft.model is None else model_of(draft.model),
        "tokens": draft.tokens,
        "cost": draft.cost,
        "flags": privacy.shown_flags(findings),
        "conversation": draft.conversation,
        "session": draft.session,
        "client": draft.client,
        "network": network,
        "content": content,
        "ocsf": ocsf.place(rule.class_uid, rule.activity_id, outcome, draft.severity_id),
        "attributes": attributes.all_of(raw, own),
    }


def _type_name(record: JsonObject, family: Family, findings: Findings) -> str:
    for name in family.type_names:
        found = required_text(record, name, findings)
        if found:
            return found
    return family.name


def _words_of(draft: Draft) -> list[str]:
    """Give what an event takes over from the record beside its attributes."""
    target = draft.target
    words = [draft.action]
    if target is not None:
        if target["id"] is not None:
            words.append(target["id"])
        if target["name"] is not None:
            is_product = target["kind"] in _PRODUCTS
            words.append(target["name"].replace(" ", "") if is_product else target["name"])
    if draft.client is not None:
        words.append(draft.client)
    if draft.session is not None:
        words.append(draft.session)
    return words


def _screened(
    raw: RawLine, name: str, draft: Draft, own: dict[str, str], *, findings: Findings
) -> tuple[str, Draft, dict[str, str]]:
    """Give family, draft and attributes as the source shows them."""
    include = raw.include
    screened = msgspec.structs.replace(
        draft,
        action=privacy.shown_name(include, "action", draft.action, findings),
        target=_target(include, draft.target, findings),
        model=privacy.shown(include, "model", draft.model, findings),
        conversation=privacy.shown(include, "conversation", draft.conversation, findings),
        session=privacy.shown(include, "session", draft.session, findings),
        client=privacy.shown(include, "client", draft.client, findings),
    )
    family = privacy.shown_name(include, "family", name, findings)
    return family, screened, attributes.shown(raw, own, findings)


def _target(include: Include, target: Target | None, findings: Findings) -> Target | None:
    """Give the target; the name of an app is a product's, and may be of several words."""
    if target is None:
        return None
    return {
        "kind": target["kind"],
        "id": _part(include, target, "id", findings),
        "name": _part(include, target, "name", findings),
    }


def _part(
    include: Include, target: Target, name: Literal["id", "name"], findings: Findings
) -> str | None:
    value = target[name]
    if value is None:
        return None
    label = name == "name" and target["kind"] in _PRODUCTS
    reason = privacy.hidden(include, value, label=label, model=target["kind"] == _MODEL)
    if reason is None:
        return value
    privacy.withhold(findings, "target", f"its {name} {reason}")
    return None
