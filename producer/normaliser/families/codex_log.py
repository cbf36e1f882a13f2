"""CODEX_LOG and CHATGPT_PLUGIN_SPREADSHEET: prompts, answers and tools of single turns.

Counts here include cached input, as everywhere in OpenAI's API, and are told again by COSTS: they
are not summable (see `tokens`).
"""

from typing import Final

from producer.contract.event import EventOutcome, Target, Tokens
from producer.contract.source import Include
from producer.normaliser.actors import person_id, who_acted
from producer.normaliser.envelope import read_timestamp
from producer.normaliser.ocsf import API_ACTIVITY, CREATE, DELETE, OTHER, UPDATE
from producer.normaliser.privacy import Content, json_text
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

# `completed` is documented; the others were seen.
STATUSES: Final[dict[str, EventOutcome]] = {
    "completed": "success",
    "success": "success",
    "succeeded": "success",
    "error": "failure",
    "failed": "failure",
    "failure": "failure",
}

# A decision's first word, for it goes on: `approved_for_session`.
DECISIONS: Final[dict[str, EventOutcome]] = {
    "approved": "success",
    "denied": "blocked",
    "abort": "blocked",
    "timed": "failure",
}

# What an event was done to where it is neither a model nor a tool: the first id that is there.
TARGET_IDS: Final = ("access_token_id", "plugin_id", "site_project_id", "environment_id")

_ANSWER: Final = "PROMPT_RESPONSE_RECEIVED"
_TEXTS: Final = ("prompt_text", "response_text", "tool_input", "result_preview", "error_message")
_OBJECTS: Final = ("arguments", "tool_meta")


def describe(record: JsonObject, findings: Findings) -> Draft:
    """Say what a CODEX_LOG record tells."""
    event = required_text(record, "event_type", findings)
    details = mapping(record, "event_details", findings)
    rule = EVENTS.get(event, _OTHER_EVENT)
    model = text(details, "model", findings)
    tool = _tool_name(rule, details, findings)
    agent = mapping(record, "agent", findings)
    return Draft(
        rule=rule,
        action=event,
        outcome=_outcome(details, findings),
        target=_target(model, tool, details, findings),
        model=model,
        answered=event == _ANSWER,
        tokens=_tokens(mapping(details, "token_usage", findings), findings),
        session=identifier(details, "session_id", findings),
        client=text(record, "client_id", findings),
        tool=tool,
        extra=(
            ("gen_ai.tool.call.id", identifier(details, "tool_call_id", findings)),
            ("gen_ai.tool.type", text(details, "tool_type", findings)),
            ("gen_ai.agent.id", identifier(agent, "id", findings)),
            ("openai.request.service_tier", text(details, "service_tier", findings)),
            ("openai_compliance.reasoning_effort", text(details, "reasoning_effort", findings)),
            ("openai_compliance.turn.id", identifier(details, "turn_id", findings)),
            ("openai_compliance.environment.id", identifier(details, "environment_id", findings)),
            ("error.type", identifier(details, "error_code", findings)),
        ),
    )


def _tool_name(rule: Rule, details: JsonObject, findings: Findings) -> str | None:
    if rule.event_type != "tool.invocation":
        return None
    return text(details, "tool_name", findings) or text(details, "name", findings)


def _outcome(details: JsonObject, findings: Findings) -> EventOutcome | None:
    """Read what a record says about itself; its kind of event speaks where it says nothing."""
    decision = text(details, "decision", findings)
    if decision is not None:
        findings.flags["decision"] = decision
        return DECISIONS.get(decision.partition("_")[0])
    if text(details, "error_message", findings) or identifier(details, "error_code", findings):
        return "failure"
    return STATUSES.get(text(details, "status", findings) or "")


def _target(
    model: str | None, tool: str | None, details: JsonObject, findings: Findings
) -> Target | None:
    if tool is not None:
        return {"kind": "tool", "id": None, "name": tool}
    if model is not None:
        return {"kind": "model", "id": model, "name": None}
    for name in TARGET_IDS:
        found = identifier(details, name, findings)
        if found is not None:
            return {"kind": name.removesuffix("_id"), "id": person_id(found), "name": None}
    return None


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
    """Give prompts, answers, and what went into tools and came out of them."""
    details = mapping(record, "event_details", findings)
    found: Content = {}
    for name in _TEXTS:
        value = text(details, name, findings)
        if value is not None:
            found[name] = value
    for name in _OBJECTS:
        structure = mapping(details, name, findings)
        if structure:
            found[name] = json_text(include, structure)
    return found


FAMILY: Final = Family(
    describe=describe, occurred_at=read_timestamp, who=who_acted, content=content
)
