"""CODEX_LOG and CHATGPT_PLUGIN_SPREADSHEET by hand."""

import pytest

from producer.contract.event import GovernanceEvent
from producer.contract.source import Include
from tests.unit.normaliser.lines import NOTHING, a_record, ocsf_of, own_attributes, the_event


def a_codex_event(
    event_type: str, details: object = None, *, include: Include = NOTHING, **changes: object
) -> GovernanceEvent:
    return the_event(
        a_record(
            "CODEX_LOG",
            event_type=event_type,
            client_id="CODEX_CLI",
            event_details=details,
            **changes,
        ),
        include=include,
    )


@pytest.mark.parametrize(
    ("event_type", "expected", "outcome", "activity"),
    [
        ("PROMPT_SENT", "api.call", "unknown", 99),
        ("PROMPT_RESPONSE_RECEIVED", "api.call", "unknown", 99),
        ("TOOL_CALL_SUGGESTED", "tool.invocation", "unknown", 99),
        ("TOOL_CALL_COMPLETED", "tool.invocation", "success", 99),
        ("TOOL_CALL_FAILED", "tool.invocation", "failure", 99),
        ("TOOL_DECISION", "tool.invocation", "unknown", 99),
        ("APP_MCP_CALL", "tool.invocation", "unknown", 99),
        ("APP_MCP_RESULT", "tool.invocation", "unknown", 99),
        ("APP_MCP_ELICITATION", "tool.invocation", "unknown", 99),
        ("ACCESS_TOKEN_CREATED", "auth.action", "unknown", 1),
        ("ACCESS_TOKEN_REVOKED", "auth.action", "unknown", 4),
        ("ENVIRONMENT_CREATED", "admin.config_change", "unknown", 1),
        ("ENVIRONMENT_UPDATED", "admin.config_change", "unknown", 3),
        ("ENVIRONMENT_DELETED", "admin.config_change", "unknown", 4),
        ("WORKSPACE_UPDATED", "admin.config_change", "unknown", 3),
        ("PLUGIN_CREATED", "admin.config_change", "unknown", 1),
        ("PLUGIN_DELETED", "admin.config_change", "unknown", 4),
        ("PLUGIN_INSTALLED", "admin.config_change", "unknown", 1),
        ("PLUGIN_UNINSTALLED", "admin.config_change", "unknown", 4),
        ("SITE_PROJECT_CREATED", "admin.config_change", "unknown", 1),
        ("SITE_PROJECT_DELETED", "admin.config_change", "unknown", 4),
        ("SITE_VERSION_CREATED", "admin.config_change", "unknown", 1),
        ("SITE_DEPLOYMENT_STARTED", "admin.config_change", "unknown", 99),
        ("SITE_DEPLOYMENT_COMPLETED", "admin.config_change", "unknown", 99),
        ("SOMETHING_NEW", "agent.action", "unknown", 99),
        ("", "agent.action", "unknown", 99),
    ],
)
def test_events_are_mapped(event_type: str, expected: str, outcome: str, activity: int) -> None:
    """Every sub-event by table; an unknown one is generic and keeps its name."""
    event = a_codex_event(event_type)
    told = (event["action"], event["event_type"], event["outcome"])
    assert (event_type, expected, outcome) == told
    assert (6003, activity) == ocsf_of(event)[:2]
    operation = {"api.call": "chat", "tool.invocation": "execute_tool"}.get(expected)
    assert operation == event["attributes"].get("gen_ai.operation.name")


@pytest.mark.parametrize(
    ("details", "outcome"),
    [
        ({"status": "completed"}, "success"),
        ({"status": "success"}, "success"),
        ({"status": "error"}, "failure"),
        ({"status": "failed"}, "failure"),
        ({"status": "in_progress"}, "unknown"),
        ({"status": "success", "error_message": "no"}, "failure"),
        ({"status": "completed", "error_code": 500}, "failure"),
        ({"status": "error", "error_code": "rate_limit_exceeded"}, "failure"),
        ({"status": "success", "error_code": 0}, "success"),
        ({"status": "Completed"}, "success"),
        ({"status": "succeeded"}, "success"),
        ({"status": "failure"}, "failure"),
        ({"status": None}, "unknown"),
    ],
)
def test_status_is_the_outcome_in_every_spelling(details: object, outcome: str) -> None:
    """As documented and as seen; an error speaks louder than a status."""
    assert outcome == a_codex_event("PROMPT_RESPONSE_RECEIVED", details)["outcome"]


def test_status_wins_over_the_kind_of_event() -> None:
    """A completed call may have failed."""
    assert "failure" == a_codex_event("TOOL_CALL_COMPLETED", {"status": "error"})["outcome"]


@pytest.mark.parametrize(
    ("decision", "outcome"),
    [
        ("approved", "success"),
        ("approved_for_session", "success"),
        ("denied", "blocked"),
        ("denied_by_policy", "blocked"),
        ("abort", "blocked"),
        ("timed_out", "failure"),
        ("Approved", "success"),
        ("approved-with-amendment", "success"),
        ("aborted", "blocked"),
        ("accept", "success"),
        ("declined", "blocked"),
        ("cancel", "blocked"),
        ("pondered", "unknown"),
    ],
)
def test_decisions_are_outcomes_and_flags(decision: str, outcome: str) -> None:
    """Whether a tool was allowed to run."""
    event = a_codex_event("TOOL_DECISION", {"decision": decision, "tool_name": "shell"})
    assert (outcome, {"decision": decision}) == (event["outcome"], event["flags"])


@pytest.mark.parametrize(
    ("event_type", "details", "target"),
    [
        ("PROMPT_SENT", {"model": "gpt-5.5"}, ("model", "gpt-5.5", None)),
        ("TOOL_CALL_COMPLETED", {"tool_name": "shell", "model": "m"}, ("tool", None, "shell")),
        ("APP_MCP_CALL", {"name": "search"}, ("tool", None, "search")),
        ("ACCESS_TOKEN_CREATED", {"access_token_id": "t-1"}, ("access_token", "t-1", None)),
        ("PLUGIN_INSTALLED", {"plugin_id": "p-1"}, ("plugin", "p-1", None)),
        ("ENVIRONMENT_DELETED", {"environment_id": "e-1"}, ("environment", "e-1", None)),
        (
            "SITE_DEPLOYMENT_STARTED",
            {"project_id": "s-1", "version_id": "v-1", "deployment_id": "d-1"},
            ("site_project", "s-1", None),
        ),
        ("SITE_PROJECT_CREATED", {"site_project_id": "s-1"}, ("site_project", "s-1", None)),
        ("WORKSPACE_UPDATED", {"environment_id": "e-1"}, ("workspace", "ws-1", None)),
        ("SOMETHING_NEW", {"tool_name": "shell"}, ("tool", None, "shell")),
        ("PLUGIN_INSTALLED", {"name": "not a tool"}, None),
    ],
)
def test_targets_are_found(event_type: str, details: object, target: object) -> None:
    """The tool, else the model, else what was changed."""
    found = a_codex_event(event_type, details, workspace_id="ws-1")["target"]
    assert target == (found and (found["kind"], found["id"], found["name"]))


def test_tokens_exclude_cached_and_do_not_count() -> None:
    """Input includes cached on the wire; COSTS is the one that is added up."""
    usage = {
        "input_tokens": 1250,
        "output_tokens": 340,
        "cached_input_tokens": 800,
        "reasoning_output_tokens": 120,
    }
    event = a_codex_event("PROMPT_RESPONSE_RECEIVED", {"token_usage": usage})
    assert {
        "input": 450,
        "cached_input": 800,
        "output": 340,
        "reasoning_output": 120,
        "summable": False,
    } == event["tokens"]


@pytest.mark.parametrize("usage", [None, {}, "many"])
def test_no_usage_is_no_tokens(usage: object) -> None:
    """Missing is null, never 0."""
    event = a_codex_event("PROMPT_RESPONSE_RECEIVED", {"token_usage": usage})
    assert None is event["tokens"]


def test_ids_and_tiers_are_attributes() -> None:
    """What an analyst joins by is there under its name."""
    details = {
        "session_id": "s-1",
        "tool_name": "shell",
        "tool_type": "function",
        "tool_call_id": "call-1",
        "call_id": "request-1",
        "turn_id": "t-1",
        "environment_id": "e-1",
        "service_tier": "flex",
        "reasoning_effort": "high",
        "error_code": 7,
    }
    agent = {"type": "custom", "id": "agt_1", "name": "SECRET"}
    event = a_codex_event("TOOL_CALL_FAILED", details, agent=agent)
    assert ("s-1", "CODEX_CLI") == (event["session"], event["client"])
    assert "SECRET" not in repr(event)
    assert {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.conversation.id": "s-1",
        "gen_ai.tool.name": "shell",
        "gen_ai.tool.call.id": "call-1",
        "gen_ai.tool.type": "function",
        "gen_ai.agent.id": "agt_1",
        "openai_compliance.agent.type": "custom",
        "openai_compliance.call.id": "request-1",
        "openai.request.service_tier": "flex",
        "openai_compliance.reasoning_effort": "high",
        "openai_compliance.turn.id": "t-1",
        "openai_compliance.environment.id": "e-1",
        "error.type": "7",
    } == own_attributes(event)


@pytest.mark.parametrize(
    ("event_type", "details", "attributes"),
    [
        (
            "APP_MCP_CALL",
            {"call_id": "c-1", "name": "search", "tool_meta": {"connector_id": "conn_1"}},
            {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": "search",
                "gen_ai.tool.call.id": "c-1",
                "openai_compliance.call.id": "c-1",
                "openai_compliance.connector.id": "conn_1",
            },
        ),
        (
            "APP_MCP_ELICITATION",
            {"elicitation_type": "form", "phase": "requested", "url": "SECRET"},
            {
                "gen_ai.operation.name": "execute_tool",
                "openai_compliance.elicitation.type": "form",
                "openai_compliance.elicitation.phase": "requested",
            },
        ),
        (
            "ACCESS_TOKEN_CREATED",
            {
                "access_token_id": "t-1",
                "access_token_name": "SECRET",
                "created_by_user_id": "user-9",
                "expires_at": "2026-10-09T10:10:00Z",
            },
            {
                "openai_compliance.creator.id": "user-9",
                "openai_compliance.expires_at": "2026-10-09T10:10:00Z",
            },
        ),
        (
            "PLUGIN_INSTALLED",
            {
                "plugin_release_id": "r-1",
                "plugin_version": "1.2.0",
                "plugin_name": "SECRET",
                "plugin_display_name": "SECRET",
                "marketplace_name": "SECRET",
                "plugin_scope": "USER",
                "plugin_creator_account_user_id": "user-9__ws",
            },
            {
                "openai_compliance.plugin.release_id": "r-1",
                "openai_compliance.plugin.version": "1.2.0",
                "openai_compliance.plugin.scope": "USER",
                "openai_compliance.creator.id": "user-9",
            },
        ),
        (
            "SITE_DEPLOYMENT_COMPLETED",
            {
                "version_id": "v-1",
                "version_number": 3,
                "deployment_id": "d-1",
                "site_url": "SECRET",
                "slug": "SECRET",
            },
            {
                "openai_compliance.site.version_id": "v-1",
                "openai_compliance.site.version_number": "3",
                "openai_compliance.site.deployment_id": "d-1",
            },
        ),
        ("ACCESS_TOKEN_REVOKED", {"created_by_user_id": "SECRET@example.org"}, {}),
        (
            "TOOL_CALL_COMPLETED",
            {"call_id": "request-1"},
            {
                "gen_ai.operation.name": "execute_tool",
                "openai_compliance.call.id": "request-1",
            },
        ),
    ],
)
def test_what_was_changed_shows_by_id(
    event_type: str, details: object, attributes: dict[str, str]
) -> None:
    """Ids, kinds and versions; names and addresses are content."""
    event = a_codex_event(event_type, details)
    assert attributes == own_attributes(event)
    assert "SECRET" not in repr(event)


def test_a_codex_agent_stands_beside_the_acting_one() -> None:
    """Two agents of a record are not taken for one."""
    actor = {"type": "AGENT", "id": "harness-1"}
    event = a_codex_event("PROMPT_SENT", agent={"id": "agt_1"}, actor=actor)
    assert ("agt_1", "harness-1") == (
        event["attributes"]["gen_ai.agent.id"],
        event["attributes"]["openai_compliance.actor.agent_id"],
    )
    alone = a_codex_event("PROMPT_SENT", agent={"id": "harness-1"}, actor=actor)
    assert "openai_compliance.actor.agent_id" not in alone["attributes"]


def test_the_details_say_the_event_where_the_record_does_not() -> None:
    """They repeat it."""
    assert "PROMPT_SENT" == a_codex_event("", {"detail_type": "PROMPT_SENT"})["action"]


def test_only_an_answer_has_a_response_model() -> None:
    """A prompt was asked of a model; nothing says which one will answer."""
    prompt = own_attributes(a_codex_event("PROMPT_SENT", {"model": "gpt-5.5"}))
    answer = own_attributes(a_codex_event("PROMPT_RESPONSE_RECEIVED", {"model": "gpt-5.5"}))
    assert ("gpt-5.5", None) == (
        prompt["gen_ai.request.model"],
        prompt.get("gen_ai.response.model"),
    )
    assert "gpt-5.5" == answer["gen_ai.response.model"]


def test_content_shows_where_it_is_included() -> None:
    """Prompts may stand on answers too; arguments are written out."""
    details = {
        "prompt_text": "P",
        "response_text": "R",
        "tool_input": "rm",
        "result_preview": "ok",
        "error_message": "no",
        "arguments": {"to": "a@b.c", "n": 1},
    }
    event = a_codex_event("PROMPT_RESPONSE_RECEIVED", details, include=Include(content=True))
    assert {
        "prompt_text": "P",
        "response_text": "R",
        "tool_input": "rm",
        "result_preview": "ok",
        "error_message": "no",
        "arguments": '{"n":1,"to":"withheld"}',
    } == event["content"]
    assert None is a_codex_event("PROMPT_RESPONSE_RECEIVED", details)["content"]


def test_names_and_settings_are_content() -> None:
    """Also what is written out; where the user is needs the other option too."""
    details = {
        "tool_meta": {"connector_id": "conn_1", "_meta": {"openai/userLocation": "CITY"}},
        "arguments": "as text",
        "result_preview": [{"text": "ok"}],
        "url": "U",
        "site_url": "S",
        "slug": "G",
        "access_token_name": "T",
        "plugin_name": "P",
        "plugin_display_name": "D",
        "marketplace_name": "M",
        "environment_fields": {"label": "L"},
        "previous_settings": {"a": 1},
        "current_settings": {"a": 2},
    }
    include = Include(content=True)
    event = a_codex_event("WORKSPACE_UPDATED", details, include=include, agent={"name": "N"})
    assert {
        "tool_meta": '{"connector_id":"conn_1"}',
        "arguments": "as text",
        "result_preview": '[{"text":"ok"}]',
        "url": "U",
        "site_url": "S",
        "slug": "G",
        "access_token_name": "T",
        "plugin_name": "P",
        "plugin_display_name": "D",
        "marketplace_name": "M",
        "environment_fields": '{"label":"L"}',
        "previous_settings": '{"a":1}',
        "current_settings": '{"a":2}',
        "agent_name": "N",
    } == event["content"]


def test_the_spreadsheet_plugin_is_read_alike() -> None:
    """Same details, another family and client."""
    usage = {"input_tokens": 10, "cached_input_tokens": 4, "output_tokens": 1}
    event = the_event(
        a_record(
            "CHATGPT_PLUGIN_SPREADSHEET",
            event_type="PROMPT_RESPONSE_RECEIVED",
            client_id="excel_addin",
            event_details={"model": "gpt-5.5", "token_usage": usage, "environment_id": None},
        )
    )
    assert ("CHATGPT_PLUGIN_SPREADSHEET", "excel_addin") == (event["family"], event["client"])
    assert {
        "input": 6,
        "cached_input": 4,
        "output": 1,
        "reasoning_output": None,
        "summable": False,
    } == event["tokens"]
