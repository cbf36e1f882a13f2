"""CUSTOM_AGENTS_LOG: agents of a workspace, from their making to what they do in their runs.

The records are silent about tokens. An agent acts for its delegator (see `actors`); what was
acted on is the agent that the details name.
"""

from typing import Final

from producer.contract.event import EventType
from producer.contract.source import Include
from producer.normaliser.actors import agent_attributes, person_at, who_acted
from producer.normaliser.details import (
    Attributes,
    attributes_by,
    content_of,
    switch,
    target_by,
)
from producer.normaliser.envelope import read_timestamp
from producer.normaliser.families.generic import with_ids
from producer.normaliser.ocsf import API_ACTIVITY, CREATE, DELETE, OTHER, READ, UPDATE
from producer.normaliser.outcomes import stated_outcome
from producer.normaliser.privacy import Content
from producer.normaliser.reading import (
    Findings,
    JsonObject,
    identifier,
    mapping,
    required_text,
    text,
)
from producer.normaliser.rules import Draft, Family, Rule


def _setting(activity: int, operation: str | None = None) -> Rule:
    return Rule("admin.config_change", API_ACTIVITY, activity, operation=operation)


def _doing(activity: int, event_type: EventType = "agent.action") -> Rule:
    return Rule(event_type, API_ACTIVITY, activity)


_RUN: Final = Rule("agent.action", API_ACTIVITY, OTHER, operation="invoke_agent")
_CALL: Final = Rule("tool.invocation", API_ACTIVITY, OTHER, operation="execute_tool")

EVENTS: Final[dict[str, Rule]] = {
    "AGENT_CREATED": _setting(CREATE, operation="create_agent"),
    "AGENT_UPDATED": _setting(UPDATE),
    "AGENT_PUBLISHED": _setting(UPDATE),
    "AGENT_DELETED": _setting(DELETE),
    "AGENT_RUN_CREATED": _RUN,
    "AGENT_RUN_MESSAGE": _RUN,
    # Only runs that succeeded are completed.
    "AGENT_RUN_COMPLETED": Rule(
        "agent.action", API_ACTIVITY, OTHER, "success", operation="invoke_agent"
    ),
    "AGENT_RUN_FAILED": Rule(
        "agent.action", API_ACTIVITY, OTHER, "failure", operation="invoke_agent"
    ),
    "SKILL_USED": _doing(OTHER),
    "MEMORY_READ": _doing(READ),
    "MEMORY_WRITE": _doing(UPDATE),
    "MEMORY_DELETE": _doing(DELETE),
    "CONNECTOR_CALL_REQUESTED": _CALL,
    "CONNECTOR_CALL_COMPLETED": _CALL,
    "CONNECTOR_OAUTH_RESOLVED": _doing(OTHER, "auth.action"),
    "TRIGGER_CREATED": _setting(CREATE),
    "TRIGGER_UPDATED": _setting(UPDATE),
    "TRIGGER_DELETED": _setting(DELETE),
}
_OTHER_EVENT: Final = _doing(OTHER)

TARGETS: Final = {
    "agent_id": "agent",
    "trigger_id": "trigger",
    "connector_id": "connector",
    "conversation_id": "conversation",
}

ATTRIBUTES: Final = {
    "tool_call_id": "gen_ai.tool.call.id",
    "version_id": "openai_compliance.agent.version_id",
    "message_id": "openai_compliance.message.id",
    "phase": "openai_compliance.message.phase",
    "connector_id": "openai_compliance.connector.id",
    "link_id": "openai_compliance.link.id",
    "interaction_id": "openai_compliance.interaction.id",
    "elicitation_type": "openai_compliance.elicitation.type",
    "skill_id": "openai_compliance.skill.id",
    "skill_type": "openai_compliance.skill.type",
    "access_method": "openai_compliance.memory.access_method",
    "trigger_id": "openai_compliance.trigger.id",
    "trigger_type": "openai_compliance.trigger.type",
    "publish_type": "openai_compliance.publish_type",
}

INVOKER_ATTRIBUTES: Final = {
    "type": "openai_compliance.invoker.type",
    "connector_id": "openai_compliance.connector.id",
    "schedule_id": "openai_compliance.schedule.id",
}

_CONTENT: Final = (
    "agent_fields",
    "text",
    "failure_message",
    "delete_reason",
    "save_source",
    "release_name",
    "release_description",
    "skill_name",
    "memory_path",
    "connector_name",
    "trigger_fields",
)
_INVOKER_CONTENT: Final = ("user_message_text", "webhook_name", "case_name")


def describe(record: JsonObject, findings: Findings) -> Draft:
    """Say what a CUSTOM_AGENTS_LOG record tells."""
    details = mapping(record, "event_details", findings)
    event = required_text(record, "event_type", findings)
    event = event or text(details, "detail_type", findings) or ""
    fields = mapping(details, "agent_fields", findings)
    settings = mapping(fields, "model_spec", findings)
    draft = Draft(
        rule=EVENTS.get(event.upper(), _OTHER_EVENT),
        action=event,
        outcome=stated_outcome(details, findings),
        target=target_by(TARGETS, details, findings),
        model=text(fields, "model", findings) or text(settings, "name", findings),
        conversation=identifier(details, "conversation_id", findings),
        session=identifier(details, "run_id", findings),
        client=text(record, "client_id", findings),
        tool=text(details, "action_name", findings),
        extra=(
            *agent_attributes(record, identifier(details, "agent_id", findings), findings),
            (
                "openai_compliance.reasoning_effort",
                text(settings, "reasoning_effort", findings),
            ),
            *attributes_by(ATTRIBUTES, details, findings),
            *_invoker(mapping(details, "invoker", findings), findings),
            *_trigger(mapping(details, "trigger_fields", findings), findings),
        ),
    )
    return with_ids(draft, record, findings) if draft.rule is _OTHER_EVENT else draft


def _invoker(invoker: JsonObject, findings: Findings) -> Attributes:
    """Tell what started a run: who or what, by kind and id."""
    if not invoker:
        return ()
    initiator = mapping(invoker, "initiator", findings)
    return (
        *attributes_by(INVOKER_ATTRIBUTES, invoker, findings),
        ("openai_compliance.invoker.shared", switch(invoker, "is_shared_invocation")),
        ("openai_compliance.initiator.kind", text(initiator, "kind", findings)),
        ("openai_compliance.initiator.id", person_at(initiator, "id", findings)),
        ("openai_compliance.initiator.user_id", person_at(initiator, "auth_user_id", findings)),
    )


def _trigger(fields: JsonObject, findings: Findings) -> Attributes:
    if not fields:
        return ()
    return (
        ("openai_compliance.connector.id", identifier(fields, "connector_id", findings)),
        ("openai_compliance.link.id", identifier(fields, "link_id", findings)),
        ("openai_compliance.trigger.enabled", switch(fields, "enabled")),
    )


def content(record: JsonObject, include: Include, findings: Findings) -> Content:
    """Give prompts, instructions, messages and names, and which memory was touched."""
    details = mapping(record, "event_details", findings)
    invoker = mapping(details, "invoker", findings)
    initiator = mapping(invoker, "initiator", findings)
    names = {
        "agent_name": text(mapping(record, "actor", findings), "name", findings),
        "initiator_name": text(initiator, "display_name", findings),
    }
    return {
        **content_of(_CONTENT, details, include),
        **content_of(_INVOKER_CONTENT, invoker, include),
        **{name: value for name, value in names.items() if value is not None},
    }


FAMILY: Final = Family(
    describe=describe, occurred_at=read_timestamp, who=who_acted, content=content
)
