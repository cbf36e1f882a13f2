"""APP_LOG: what a conversation asked of an app, and what the app answered.

Nothing ties a request to its response but the app, the conversation and the time.
"""

from typing import Final

from producer.contract.event import EventOutcome, Target
from producer.contract.source import Include
from producer.normaliser.actors import who_acted
from producer.normaliser.details import content_of
from producer.normaliser.envelope import read_timestamp
from producer.normaliser.families.generic import with_ids
from producer.normaliser.ocsf import API_ACTIVITY, OTHER
from producer.normaliser.privacy import Content, NetworkPlace
from producer.normaliser.reading import (
    Findings,
    JsonObject,
    identifier,
    mapping,
    objects,
    required_text,
    text,
)
from producer.normaliser.rules import Draft, Family, Rule

_CALL: Final = Rule("tool.invocation", API_ACTIVITY, OTHER, operation="execute_tool")

PHASES: Final[dict[str, Rule]] = {"request": _CALL, "response": _CALL}
_OTHER_PHASE: Final = Rule("agent.action", API_ACTIVITY, OTHER)


# Calls of MCP servers say here who asks, and from where; nothing says by which address.
META: Final = NetworkPlace(
    path=("input", "_meta"),
    ip=None,
    user_agent="openai/userAgent",
    details="openai/userLocation",
)


def describe(record: JsonObject, findings: Findings) -> Draft:
    """Say what an APP_LOG record tells."""
    phase = required_text(record, "log_type", findings)
    conversation = identifier(record, "conversation_id", findings)
    answers = [mapping(item, "response", findings) for item in objects(record, "output", findings)]
    draft = Draft(
        rule=PHASES.get(phase.lower(), _OTHER_PHASE),
        action=phase,
        outcome=_outcome(answers, findings),
        target=_target(record, conversation, findings),
        conversation=conversation,
        tool=_first(answers, "action_name", findings),
        extra=(
            ("openai_compliance.app.type", text(record, "app_type", findings)),
            ("openai_compliance.connector.id", _first(answers, "connector_id", findings)),
        ),
    )
    return with_ids(draft, record, findings) if draft.rule is _OTHER_PHASE else draft


def _target(record: JsonObject, conversation: str | None, findings: Findings) -> Target | None:
    """Give the app; its name is a product's."""
    app = identifier(record, "app_id", findings)
    name = text(record, "app_name", findings)
    if app is not None or name is not None:
        return {"kind": "app", "id": app, "name": name}
    if conversation is not None:
        return {"kind": "conversation", "id": conversation, "name": None}
    return None


def _outcome(answers: list[JsonObject], findings: Findings) -> EventOutcome | None:
    """Read whether MCP servers answered with an error; other apps do not say."""
    stated = [mapping(answer, "result", findings).get("isError") for answer in answers]
    if any(error is True for error in stated):
        return "failure"
    return "success" if any(error is False for error in stated) else None


def _first(answers: list[JsonObject], name: str, findings: Findings) -> str | None:
    for answer in answers:
        found = identifier(answer, name, findings)
        if found is not None:
            return found
    return None


def content(record: JsonObject, include: Include, findings: Findings) -> Content:  # noqa: ARG001
    """Give what went into the app and what came out of it."""
    return content_of(("input", "output"), record, include)


FAMILY: Final = Family(
    describe=describe,
    occurred_at=read_timestamp,
    who=who_acted,
    content=content,
    network_beside=META,
)
