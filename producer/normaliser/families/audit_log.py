"""AUDIT_LOG: what administrators, users and API keys did in a workspace.

Actions are read as words (see `audit_actions`), so that a new `GROUP_RENAME` lands where groups
belong, and what they were done to by the names of ids (see `audit_targets`).
"""

from typing import Final

from producer.contract.event import EventOutcome
from producer.contract.source import Include
from producer.normaliser.actors import who_acted
from producer.normaliser.envelope import read_timestamp
from producer.normaliser.families.audit_actions import read_action
from producer.normaliser.families.audit_targets import ids_of
from producer.normaliser.families.ids import attributes_of
from producer.normaliser.ocsf import AUTHENTICATION
from producer.normaliser.privacy import Content, json_text
from producer.normaliser.reading import (
    Findings,
    JsonObject,
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
_CLIENT: Final = "client_id"
_FEATURE: Final = "feature"


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
    # A session that somebody signs out of is no conversation.
    talks = reading.rule.class_uid != AUTHENTICATION
    ids = ids_of(data, reading.places, findings, talks=talks)
    return Draft(
        rule=reading.rule,
        action=action,
        outcome=outcome,
        target=ids.target,
        conversation=ids.conversation,
        session=ids.session,
        client=None if ids.field == _CLIENT else text(data, _CLIENT, findings),
        extra=(
            ("openai_compliance.action_result", result),
            ("openai_compliance.action_privilege", text(record, "action_privilege", findings)),
            ("openai_compliance.role", _role(data, findings)),
            # A switch's value is what the record is about; a text here may be a system prompt.
            ("openai_compliance.value", scalar_text(value) if type(value) is bool else None),
            (
                "openai_compliance.feature",
                None if ids.field == _FEATURE else text(data, _FEATURE, findings),
            ),
            # Whom something is shared with: not the principal whose record it is.
            ("openai_compliance.recipient.id", ids.recipient),
            ("openai_compliance.recipient.type", text(data, "principal_type", findings)),
            *attributes_of(ids.beside),
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


def content(record: JsonObject, include: Include, findings: Findings) -> Content:
    """Give all of `action_data`: which of its fields are texts differs from action to action."""
    data = mapping(record, "action_data", findings)
    return {"action_data": json_text(include, data)} if data else {}


FAMILY: Final = Family(
    describe=describe, occurred_at=read_timestamp, who=who_acted, content=content
)
