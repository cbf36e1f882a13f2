"""CUSTOM_AGENTS_LOG by hand: as documented, and as seen."""

import pytest

from producer.contract.event import GovernanceEvent
from producer.contract.source import Include
from tests.unit.normaliser.lines import NOTHING, a_record, ocsf_of, own_attributes, the_event

WORKSPACE = "11bf645e-d5e8-4478-a70e-e5742ded2436"
RUN = {"agent_id": "agt_1", "version_id": "version-7", "run_id": "thread_1"}
RUN_ATTRIBUTES = {
    "gen_ai.agent.id": "agt_1",
    "gen_ai.conversation.id": "thread_1",
    "openai_compliance.agent.version_id": "version-7",
}


def an_agents_event(
    event_type: str, details: object = None, *, include: Include = NOTHING, **changes: object
) -> GovernanceEvent:
    record = a_record(
        "CUSTOM_AGENTS_LOG",
        event_type=event_type,
        client_id="CHATGPT_WEB",
        event_details=details,
        **changes,
    )
    return the_event(record, include=include)


@pytest.mark.parametrize(
    ("event_type", "expected", "activity", "operation"),
    [
        ("AGENT_CREATED", "admin.config_change", 1, "create_agent"),
        ("AGENT_UPDATED", "admin.config_change", 3, None),
        ("AGENT_PUBLISHED", "admin.config_change", 3, None),
        ("AGENT_DELETED", "admin.config_change", 4, None),
        ("AGENT_RUN_CREATED", "agent.action", 99, "invoke_agent"),
        ("AGENT_RUN_MESSAGE", "agent.action", 99, "invoke_agent"),
        ("AGENT_RUN_COMPLETED", "agent.action", 99, "invoke_agent"),
        ("AGENT_RUN_FAILED", "agent.action", 99, "invoke_agent"),
        ("SKILL_USED", "agent.action", 99, None),
        ("MEMORY_READ", "agent.action", 2, None),
        ("MEMORY_WRITE", "agent.action", 3, None),
        ("MEMORY_DELETE", "agent.action", 4, None),
        ("CONNECTOR_CALL_REQUESTED", "tool.invocation", 99, "execute_tool"),
        ("CONNECTOR_CALL_COMPLETED", "tool.invocation", 99, "execute_tool"),
        ("CONNECTOR_OAUTH_RESOLVED", "auth.action", 99, None),
        ("TRIGGER_CREATED", "admin.config_change", 1, None),
        ("TRIGGER_UPDATED", "admin.config_change", 3, None),
        ("TRIGGER_DELETED", "admin.config_change", 4, None),
        ("AGENT_DREAMT", "agent.action", 99, None),
        ("", "agent.action", 99, None),
    ],
)
def test_events_are_mapped(
    event_type: str, expected: str, activity: int, operation: str | None
) -> None:
    """Every sub-event by table; an unknown one is generic and keeps its name and ids."""
    event = an_agents_event(event_type, RUN)
    assert ("CUSTOM_AGENTS_LOG", event_type, expected, (6003, activity)) == (
        event["family"],
        event["action"],
        event["event_type"],
        ocsf_of(event)[:2],
    )
    assert operation == event["attributes"].get("gen_ai.operation.name")
    outcomes = {"AGENT_RUN_COMPLETED": "success", "AGENT_RUN_FAILED": "failure"}
    assert outcomes.get(event_type, "unknown") == event["outcome"]
    assert ("thread_1", "CHATGPT_WEB", {"kind": "agent", "id": "agt_1", "name": None}) == (
        event["session"],
        event["client"],
        event["target"],
    )


@pytest.mark.parametrize(
    ("event_type", "details", "outcome"),
    [
        ("AGENT_RUN_FAILED", {"failure_message": "SECRET"}, "failure"),
        ("CONNECTOR_CALL_COMPLETED", {"status": "success"}, "success"),
        ("CONNECTOR_CALL_COMPLETED", {"status": "failed"}, "failure"),
        ("CONNECTOR_CALL_COMPLETED", {"status": "pending"}, "unknown"),
    ],
)
def test_outcomes_are_stated(event_type: str, details: object, outcome: str) -> None:
    """By the event where it says so, by the status where there is one."""
    event = an_agents_event(event_type, details)
    assert outcome == event["outcome"]
    assert "SECRET" not in repr(event)


@pytest.mark.parametrize(
    ("fields", "model", "effort"),
    [
        ({"model": "gpt-5"}, "gpt-5", None),
        ({"model_spec": {"name": "gpt-5", "reasoning_effort": "medium"}}, "gpt-5", "medium"),
        ({"model_spec": {"name": None, "reasoning_effort": None}}, None, None),
        ({"model_spec": None}, None, None),
        ({}, None, None),
    ],
)
def test_the_model_is_found_in_both_spellings(
    fields: object, model: str | None, effort: str | None
) -> None:
    """As documented and as seen, where all of it may be null; it has not answered anything."""
    event = an_agents_event("AGENT_CREATED", {"agent_id": "agt_1", "agent_fields": fields})
    found = event["model"]
    assert model == (found and found["raw"])
    assert (model, None, effort) == (
        event["attributes"].get("gen_ai.request.model"),
        event["attributes"].get("gen_ai.response.model"),
        event["attributes"].get("openai_compliance.reasoning_effort"),
    )
    assert {} == event["flags"]


def test_a_connector_call_is_a_call_of_a_tool() -> None:
    """Its action is the tool; the connector's own name is a name."""
    details = {
        **RUN,
        "tool_call_id": "call_1",
        "connector_id": "conn_1",
        "connector_name": "SECRET",
        "action_name": "read",
        "link_id": "link-1",
        "requires_elicitation": True,
        "elicitation_type": "approval",
    }
    event = an_agents_event("CONNECTOR_CALL_REQUESTED", details)
    assert {
        **RUN_ATTRIBUTES,
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "read",
        "gen_ai.tool.call.id": "call_1",
        "openai_compliance.connector.id": "conn_1",
        "openai_compliance.link.id": "link-1",
        "openai_compliance.elicitation.type": "approval",
    } == own_attributes(event)
    assert "SECRET" not in repr(event)


def test_a_run_tells_what_started_it() -> None:
    """The initiator by kind and id; what it said is content, and its name is a person's."""
    details = {
        **RUN,
        "conversation_id": "c-1",
        "invoker": {
            "type": "chatgpt",
            "initiator": {
                "kind": "account_user",
                "id": f"user-7__{WORKSPACE}",
                "display_name": "NAME",
                "auth_user_id": "user-7",
            },
            "user_message_text": "TEXT",
            "is_shared_invocation": False,
            "connector_id": None,
            "webhook_name": None,
            "schedule_id": "sch-1",
        },
    }
    event = an_agents_event("AGENT_RUN_CREATED", details)
    assert ("c-1", "thread_1") == (event["conversation"], event["session"])
    assert {
        **RUN_ATTRIBUTES,
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.conversation.id": "c-1",
        "openai_compliance.invoker.type": "chatgpt",
        "openai_compliance.invoker.shared": "false",
        "openai_compliance.initiator.kind": "account_user",
        "openai_compliance.initiator.id": "user-7",
        "openai_compliance.initiator.user_id": "user-7",
        "openai_compliance.schedule.id": "sch-1",
    } == own_attributes(event)
    assert [False, False] == [text in repr(event) for text in ("NAME", "TEXT")]
    shown = an_agents_event("AGENT_RUN_CREATED", details, include=Include(content=True))
    assert {"user_message_text": "TEXT", "initiator_name": "withheld"} == shown["content"]
    both = Include(content=True, email=True)
    shown = an_agents_event("AGENT_RUN_CREATED", details, include=both)
    assert {"user_message_text": "TEXT", "initiator_name": "NAME"} == shown["content"]


def test_a_webhook_tells_its_connector() -> None:
    """Its name is a name."""
    invoker = {"type": "webhook_trigger", "connector_id": "conn_1", "webhook_name": "SECRET"}
    event = an_agents_event("AGENT_RUN_CREATED", {"invoker": invoker})
    assert {
        "gen_ai.operation.name": "invoke_agent",
        "openai_compliance.invoker.type": "webhook_trigger",
        "openai_compliance.connector.id": "conn_1",
    } == own_attributes(event)
    assert "SECRET" not in repr(event)


def test_an_address_as_an_initiator_is_withheld() -> None:
    """Ids of people are never e-mails."""
    initiator = {"kind": "account_user", "id": "a@example.org", "auth_user_id": "a@example.org"}
    event = an_agents_event("AGENT_RUN_CREATED", {"invoker": {"initiator": initiator}})
    assert "a@example.org" not in repr(event)
    reason = "has the form of an e-mail"
    assert {"withheld.id": reason, "withheld.auth_user_id": reason} == event["flags"]


@pytest.mark.parametrize(
    ("event_type", "details", "attributes"),
    [
        (
            "AGENT_RUN_MESSAGE",
            {"message_id": "msg-1", "text": "SECRET", "phase": "commentary"},
            {
                "gen_ai.operation.name": "invoke_agent",
                "openai_compliance.message.id": "msg-1",
                "openai_compliance.message.phase": "commentary",
            },
        ),
        (
            "SKILL_USED",
            {"skill_id": "hsk_1", "skill_name": "SECRET", "skill_type": "uploaded_skill"},
            {
                "openai_compliance.skill.id": "hsk_1",
                "openai_compliance.skill.type": "uploaded_skill",
            },
        ),
        (
            "MEMORY_READ",
            {"memory_path": "SECRET", "access_method": "search"},
            {"openai_compliance.memory.access_method": "search"},
        ),
        (
            "CONNECTOR_OAUTH_RESOLVED",
            {"interaction_id": "i-1", "connector_id": "conn_1"},
            {
                "openai_compliance.interaction.id": "i-1",
                "openai_compliance.connector.id": "conn_1",
            },
        ),
        (
            "AGENT_PUBLISHED",
            {"publish_type": "changes", "release_name": "SECRET"},
            {"openai_compliance.publish_type": "changes"},
        ),
        (
            "TRIGGER_CREATED",
            {
                "trigger_id": "trigger-1",
                "trigger_type": "connector",
                "trigger_fields": {
                    "connector_id": "conn_1",
                    "link_id": "link-1",
                    "webhook_name": "SECRET",
                    "enabled": True,
                    "instructions": "SECRET",
                },
            },
            {
                "openai_compliance.trigger.id": "trigger-1",
                "openai_compliance.trigger.type": "connector",
                "openai_compliance.connector.id": "conn_1",
                "openai_compliance.link.id": "link-1",
                "openai_compliance.trigger.enabled": "true",
            },
        ),
        ("AGENT_DELETED", {"delete_reason": "SECRET"}, {}),
    ],
)
def test_ids_and_kinds_are_attributes(
    event_type: str, details: dict[str, object], attributes: dict[str, str]
) -> None:
    """What an analyst joins by is there; names and texts are not."""
    event = an_agents_event(event_type, {**RUN, **details})
    assert {**RUN_ATTRIBUTES, **attributes} == own_attributes(event)
    assert "SECRET" not in repr(event)


@pytest.mark.parametrize(
    ("details", "target"),
    [
        ({"agent_id": "agt_1", "trigger_id": "t-1"}, ("agent", "agt_1")),
        ({"trigger_id": "t-1", "connector_id": "c-1"}, ("trigger", "t-1")),
        ({"connector_id": "conn_1", "conversation_id": "c-1"}, ("connector", "conn_1")),
        ({"conversation_id": "c-1"}, ("conversation", "c-1")),
        ({}, None),
    ],
)
def test_the_agent_is_the_target(details: object, target: object) -> None:
    """Else what else has an id."""
    found = an_agents_event("TRIGGER_DELETED", details)["target"]
    assert target == (found and (found["kind"], found["id"]))


def test_an_agent_acts_for_its_delegator() -> None:
    """The acting agent stays beside the one that the record is about."""
    actor = {
        "type": "AGENT",
        "id": "harness-1",
        "name": "SECRET",
        "agent_runtime": {"delegator": {"type": "ACCOUNT_USER", "user_id": "user-D"}},
    }
    event = an_agents_event("MEMORY_READ", RUN, actor=actor)
    assert ("user", "user-D", "user-D") == (
        event["actor"]["kind"],
        event["actor"]["id"],
        event["actor"]["on_behalf_of"],
    )
    assert {
        **RUN_ATTRIBUTES,
        "openai_compliance.actor.agent_id": "harness-1",
    } == own_attributes(event)
    assert "SECRET" not in repr(event)
    shown = an_agents_event("MEMORY_READ", RUN, actor=actor, include=Include(content=True))
    assert {"agent_name": "SECRET"} == shown["content"]


def test_content_shows_where_it_is_included() -> None:
    """Texts as they are, settings written out without addresses."""
    details = {
        "agent_fields": {"prompt": "P", "owner": "a@b.c"},
        "text": "T",
        "failure_message": "F",
        "delete_reason": "D",
        "save_source": "S",
        "release_name": "N",
        "release_description": "R",
        "skill_name": "K",
        "memory_path": "M",
        "connector_name": "C",
        "trigger_fields": {"instructions": "I"},
        "invoker": {"webhook_name": "W", "case_name": "B"},
        "version_id": "no content",
    }
    event = an_agents_event("AGENT_CREATED", details, include=Include(content=True))
    assert {
        "agent_fields": '{"owner":"withheld","prompt":"P"}',
        "text": "T",
        "failure_message": "F",
        "delete_reason": "D",
        "save_source": "S",
        "release_name": "N",
        "release_description": "R",
        "skill_name": "K",
        "memory_path": "M",
        "connector_name": "C",
        "trigger_fields": '{"instructions":"I"}',
        "webhook_name": "W",
        "case_name": "B",
    } == event["content"]


def test_the_details_say_the_event_where_the_record_does_not() -> None:
    """They repeat it."""
    assert "SKILL_USED" == an_agents_event("", {"detail_type": "SKILL_USED"})["action"]
