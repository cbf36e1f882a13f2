"""AUDIT_LOG: what administrators, users and API keys did in a workspace.

Actions are read as words (see `audit_actions`), so that a new `GROUP_RENAME` lands where groups
belong.
"""

from typing import Final

from producer.contract.event import EventOutcome, Target
from producer.contract.source import Include
from producer.normaliser.actors import person_id, who_acted
from producer.normaliser.envelope import read_timestamp
from producer.normaliser.families.audit_actions import read_action
from producer.normaliser.families.generic import ids_beside
from producer.normaliser.privacy import Content, json_text
from producer.normaliser.reading import (
    Findings,
    JsonObject,
    identifier,
    mapping,
    required_text,
    scalar_text,
    text,
)
from producer.normaliser.rules import Draft, Family

RESULTS: Final[dict[str, EventOutcome]] = {
    "SUCCESS": "success",
    "BLOCKED": "blocked",
    "ERROR": "failure",
}

# A rating that is another text could be a comment.
RATINGS: Final = frozenset({"thumbs_up", "thumbs_down"})

# Where the role of a role change is, newest spelling first.
_ROLE_NAMES: Final = ("new_role", "role", "seat_type")


def describe(record: JsonObject, findings: Findings) -> Draft:
    """Say what an AUDIT_LOG record tells."""
    action = required_text(record, "action", findings)
    reading = read_action(action)
    result = text(record, "action_result", findings)
    data = mapping(record, "action_data", findings)
    outcome = RESULTS.get((result or "").upper(), "unknown")
    if outcome == "blocked":
        findings.flags["blocked"] = "action_result"
    _flag_rating(data, findings)
    value = data.get("value")
    target = _target(reading.id_names, data, findings)
    return Draft(
        rule=reading.rule,
        action=action,
        outcome=outcome,
        target=target,
        extra=(
            ("openai_compliance.action_result", result),
            ("openai_compliance.action_privilege", text(record, "action_privilege", findings)),
            ("openai_compliance.role", _role(data, findings)),
            # A switch's value is what the record is about; a text here may be a system prompt.
            ("openai_compliance.value", scalar_text(value) if type(value) is bool else None),
            # A role is given to somebody, a user put into a group.
            *ids_beside(data, None if target is None else target["id"], findings),
        ),
    )


def _flag_rating(data: JsonObject, findings: Findings) -> None:
    """Flag a thumb up or down: of all records, these say what somebody thinks of an answer."""
    rating = text(data, "rating", findings)
    if rating in RATINGS:
        findings.flags["rating"] = rating


def _role(data: JsonObject, findings: Findings) -> str | None:
    for name in _ROLE_NAMES:
        found = text(data, name, findings)
        if found is not None:
            return found
    return None


def _target(id_names: tuple[str, ...], data: JsonObject, findings: Findings) -> Target | None:
    """Find what it was done to: the action's object, else another that is known, else a feature.

    An id of unknown name says nothing, or else a new field would change what an event is about.
    """
    for name in id_names:
        found = identifier(data, name, findings)
        if found is not None:
            return {"kind": name.removesuffix("_id"), "id": person_id(found), "name": None}
    feature = text(data, "feature", findings)
    return None if feature is None else {"kind": "feature", "id": feature, "name": None}


def content(record: JsonObject, include: Include, findings: Findings) -> Content:
    """Give all of `action_data`: which of its fields are texts differs from action to action."""
    data = mapping(record, "action_data", findings)
    return {"action_data": json_text(include, data)} if data else {}


FAMILY: Final = Family(
    describe=describe, occurred_at=read_timestamp, who=who_acted, content=content
)
