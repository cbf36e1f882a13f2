"""CODEX_LOG and CHATGPT_PLUGIN_SPREADSHEET: prompts, answers and tools of single turns.

Counts here include cached input, as everywhere in OpenAI's API, and are told again by COSTS: they
are not summable (see `tokens`).
"""

from typing import Final

from producer.contract.event import EventOutcome, Target, Tokens
from producer.contract.source import Include
from producer.normaliser.actors import agent_attributes, person_at, who_acted
from producer.normaliser.details import Attributes, attributes_by, content_of, target_by
from producer.normaliser.envelope import read_timestamp
from producer.normaliser.families.generic import with_ids
from producer.normaliser.ocsf import API_ACTIVITY, CREATE, DELETE, OTHER, UPDATE
from producer.normaliser.outcomes import stated_outcome
from producer.normaliser.privacy import Content, flag
from producer.normaliser.reading import (
    Findings,
    JsonObject,
    identifier,
    mapping,
    required_text,
    text,
)
from producer.normaliser.rules import Draft, Family, Rule
from producer.normaliser.tokens import Counts, read_count, settle


def _setting(activity: int) -> Rule:
    return Rule("admin.config_change", API_ACTIVITY, activity)


def _tool(outcome: EventOutcome = "unknown") -> Rule:
    return Rule("tool.invocation", API_ACTIVITY, OTHER, outcome, operation="execute_tool")


_PROMPT: Final = Rule("api.call", API_ACTIVITY, OTHER, operation="chat")

EVENTS: Final[dict[str, Rule]] = {
    "PROMPT_SENT": _PROMPT,
    "PROMPT_RESPONSE_RECEIVED": _PROMPT,
    "TOOL_CALL_SUGGESTED": _tool(),
    "TOOL_CALL_COMPLETED": _tool("success"),
    "TOOL_CALL_FAILED": _tool("failure"),
    "TOOL_DECISION": _tool(),
    "APP_MCP_CALL": _tool(),
    "APP_MCP_RESULT": _tool(),
    "APP_MCP_ELICITATION": _tool(),
    "ACCESS_TOKEN_CREATED": Rule("auth.action", API_ACTIVITY, CREATE),
    "ACCESS_TOKEN_REVOKED": Rule("auth.action", API_ACTIVITY, DELETE),
    "ENVIRONMENT_CREATED": _setting(CREATE),
    "ENVIRONMENT_UPDATED": _setting(UPDATE),
    "ENVIRONMENT_DELETED": _setting(DELETE),
    "WORKSPACE_UPDATED": _setting(UPDATE),
    "PLUGIN_CREATED": _setting(CREATE),
    "PLUGIN_DELETED": _setting(DELETE),
    "PLUGIN_INSTALLED": _setting(CREATE),
    "PLUGIN_UNINSTALLED": _setting(DELETE),
    "SITE_PROJECT_CREATED": _setting(CREATE),
    "SITE_PROJECT_DELETED": _setting(DELETE),
    "SITE_VERSION_CREATED": _setting(CREATE),
    "SITE_DEPLOYMENT_STARTED": _setting(OTHER),
    "SITE_DEPLOYMENT_COMPLETED": _setting(OTHER),
}
_OTHER_EVENT: Final = Rule("agent.action", API_ACTIVITY, OTHER)

# A decision's beginning, for it goes on: `approved_for_session`. The first three are documented.
DECISIONS: Final[dict[str, EventOutcome]] = {
    "approved": "success",
    "denied": "blocked",
    "abort": "blocked",
    "timed_out": "failure",
    "accept": "success",
    "decline": "blocked",
    "cancel": "blocked",
}

# What an event was done to where it is neither a tool nor a model: the first id that is there.
TARGETS: Final = {
    "access_token_id": "access_token",
    "plugin_id": "plugin",
    "project_id": "site_project",
    "site_project_id": "site_project",
    "environment_id": "environment",
}
# A prompt is a part of its conversation, wherever that is.
PROMPT_TARGETS: Final = {"session_id": "conversation", "environment_id": "environment"}

ATTRIBUTES: Final = {
    "tool_type": "gen_ai.tool.type",
    "service_tier": "openai.request.service_tier",
    "error_code": "error.type",
    "reasoning_effort": "openai_compliance.reasoning_effort",
    "turn_id": "openai_compliance.turn.id",
    "call_id": "openai_compliance.call.id",
    "environment_id": "openai_compliance.environment.id",
    "elicitation_type": "openai_compliance.elicitation.type",
    "phase": "openai_compliance.elicitation.phase",
    "expires_at": "openai_compliance.expires_at",
    "plugin_release_id": "openai_compliance.plugin.release_id",
    "plugin_version": "openai_compliance.plugin.version",
    "plugin_scope": "openai_compliance.plugin.scope",
    "version_id": "openai_compliance.site.version_id",
    "version_number": "openai_compliance.site.version_number",
    "deployment_id": "openai_compliance.site.deployment_id",
    "environment_revision": "openai_compliance.site.environment_revision",
}

# Who made a token or a plugin need not be who acts on it.
CREATORS: Final = ("created_by_user_id", "plugin_creator_account_user_id")

_ANSWER: Final = "PROMPT_RESPONSE_RECEIVED"
_PROMPTS: Final = frozenset({"PROMPT_SENT", _ANSWER})
_WORKSPACE_UPDATED: Final = "WORKSPACE_UPDATED"
_MCP: Final = "APP_MCP_"
_DECISION: Final = "TOOL_DECISION"
_DECIDED: Final = ("decision", "tool_name")

_CONTENT: Final = (
    "prompt_text",
    "response_text",
    "tool_input",
    "arguments",
    "tool_meta",
    "result_preview",
    "error_message",
    "url",
    "site_url",
    "slug",
    "access_token_name",
    "plugin_name",
    "plugin_display_name",
    "marketplace_name",
    "environment_fields",
    "previous_settings",
    "current_settings",
)


def describe(record: JsonObject, findings: Findings) -> Draft:
    """Say what a CODEX_LOG record tells."""
    details = mapping(record, "event_details", findings)
    event = required_text(record, "event_type", findings)
    event = event or text(details, "detail_type", findings) or ""
    name = event.upper()
    if name == _DECISION:
        details = _with_decision(record, details)
    rule = EVENTS.get(name, _OTHER_EVENT)
    model = text(details, "model", findings)
    tool = _tool_name(rule, details, findings)
    draft = Draft(
        rule=rule,
        action=event,
        outcome=_outcome(details, findings),
        target=_target(record, name, model=model, tool=tool, findings=findings),
        model=model,
        answered=name == _ANSWER,
        tokens=_tokens(mapping(details, "token_usage", findings), findings),
        session=identifier(details, "session_id", findings),
        client=text(record, "client_id", findings),
        tool=tool,
        extra=_extra(record, details, event=name, findings=findings),
    )
    return with_ids(draft, record, findings) if draft.rule is _OTHER_EVENT else draft


def _with_decision(record: JsonObject, details: JsonObject) -> JsonObject:
    """Give the details, and what a decision says beside them: it is documented without a place."""
    return {**{name: record[name] for name in _DECIDED if name in record}, **details}


def _extra(
    record: JsonObject, details: JsonObject, *, event: str, findings: Findings
) -> Attributes:
    agent = mapping(record, "agent", findings)
    meta = mapping(details, "tool_meta", findings)
    creators = (person_at(details, name, findings) for name in CREATORS)
    call = identifier(details, "tool_call_id", findings)
    if call is None and event.startswith(_MCP):
        # Calls of MCP servers have only this id; elsewhere it is the request's.
        call = identifier(details, "call_id", findings)
    return (
        ("gen_ai.tool.call.id", call),
        *agent_attributes(record, identifier(agent, "id", findings), findings),
        ("openai_compliance.agent.type", text(agent, "type", findings)),
        ("openai_compliance.connector.id", identifier(meta, "connector_id", findings)),
        ("openai_compliance.resource.id", identifier(meta, "resource_id", findings)),
        ("openai_compliance.creator.id", next((one for one in creators if one), None)),
        *attributes_by(ATTRIBUTES, details, findings),
    )


def _tool_name(rule: Rule, details: JsonObject, findings: Findings) -> str | None:
    if rule.event_type != "tool.invocation":
        return text(details, "tool_name", findings)
    return text(details, "tool_name", findings) or text(details, "name", findings)


def _outcome(details: JsonObject, findings: Findings) -> EventOutcome | None:
    """Read what a record says about itself; its kind of event speaks where it says nothing."""
    decision = text(details, "decision", findings)
    if decision is None:
        return stated_outcome(details, findings)
    flag(findings, "decision", decision)
    stated = decision.lower()
    return next((found for word, found in DECISIONS.items() if stated.startswith(word)), None)


def _target(
    record: JsonObject, event: str, *, model: str | None, tool: str | None, findings: Findings
) -> Target | None:
    if tool is not None:
        return {"kind": "tool", "id": None, "name": tool}
    if model is not None:
        return {"kind": "model", "id": model, "name": None}
    if event == _WORKSPACE_UPDATED:
        return target_by({"workspace_id": "workspace"}, record, findings)
    table = PROMPT_TARGETS if event in _PROMPTS else TARGETS
    return target_by(table, mapping(record, "event_details", findings), findings)


def _tokens(usage: JsonObject, findings: Findings) -> Tokens | None:
    if not usage:
        return None
    counts = Counts(
        input_=read_count(usage, "input_tokens", findings),
        cached_input=read_count(usage, "cached_input_tokens", findings),
        output=read_count(usage, "output_tokens", findings),
        reasoning_output=read_count(usage, "reasoning_output_tokens", findings),
    )
    return settle(counts, includes_cached=True, summable=False, findings=findings)


def content(record: JsonObject, include: Include, findings: Findings) -> Content:
    """Give prompts, answers, names, settings, and what went into tools and came out of them."""
    found = content_of(_CONTENT, mapping(record, "event_details", findings), include)
    agent = text(mapping(record, "agent", findings), "name", findings)
    return found if agent is None else {**found, "agent_name": agent}


FAMILY: Final = Family(
    describe=describe, occurred_at=read_timestamp, who=who_acted, content=content
)
