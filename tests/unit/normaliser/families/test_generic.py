"""Everything that has no rule of its own passes through."""

import json

import pytest

from producer.normaliser.normalise import normalise
from tests.unit.normaliser.lines import (
    TEN_O_CLOCK,
    Record,
    a_raw_line,
    a_record,
    ocsf_of,
    the_event,
    the_failures,
)


@pytest.mark.parametrize(
    ("family", "changes", "action"),
    [
        ("APP_AUTH_LOG", {"app_id": None, "link_id": "l", "action": "unlink"}, "unlink"),
        ("APP_LOG", {"log_type": "request", "input": {"query": "SECRET"}}, "request"),
        (
            "APP_LOG",
            {"log_type": "response", "output": [{"response": {"result": {"content": []}}}]},
            "response",
        ),
        ("CODEX_SECURITY_LOG", {"event_type": "SCAN_FINDING_UPDATED"}, "SCAN_FINDING_UPDATED"),
        (
            "CUSTOM_AGENTS_LOG",
            {
                "event_type": "AGENT_CREATED",
                "event_details": {
                    "agent_fields": {"model_spec": {"name": None, "reasoning_effort": None}}
                },
            },
            "AGENT_CREATED",
        ),
        ("CHATGPT_USER_ANALYTICS", {}, ""),
        ("SOMETHING_NEW", {"action_data": {"action": "did"}}, "did"),
    ],
)
def test_unknown_families_pass_through(family: str, changes: Record, action: str) -> None:
    """Family, action, actor, time and ids are kept; content is not."""
    event = the_event(a_record(family, **changes))
    assert (family, action, "agent.action", "unknown", (6003, 99, 0)) == (
        event["family"],
        event["action"],
        event["event_type"],
        event["outcome"],
        ocsf_of(event),
    )
    assert ("evt-1", "user-1", TEN_O_CLOCK) == (
        event["provider_event_id"],
        event["actor"]["id"],
        event["occurred_at"],
    )
    assert "SECRET" not in repr(event)


@pytest.mark.parametrize(
    ("changes", "ids"),
    [
        ({"conversation_id": "c-1"}, ("c-1", None, None)),
        ({"conversation": {"id": "c-1"}}, ("c-1", None, None)),
        ({"event_details": {"session_id": "s-1"}, "client_id": "x"}, (None, "s-1", "x")),
        ({"event_details": {"run_id": "thread_1"}}, (None, "thread_1", None)),
        ({"run_id": "thread_1"}, (None, "thread_1", None)),
        ({"payload": {"session_id": "s-1"}}, (None, "s-1", None)),
        ({"conversation_id": None, "payload": [1]}, (None, None, None)),
    ],
)
def test_ids_are_found_where_they_usually_are(changes: Record, ids: object) -> None:
    """Conversation, session or run, and client."""
    event = the_event(a_record("SOMETHING_NEW", **changes))
    assert ids == (event["conversation"], event["session"], event["client"])


def test_a_platform_audit_log_passes_through() -> None:
    """Its time is epoch seconds, its type says what was done."""
    event = the_event(
        {
            "object": "organization.audit_log",
            "id": "audit_log-1",
            "type": "api_key.created",
            "effective_at": 1_789_466_400,
            "actor": {"type": "session", "session": {"user": {"id": "user-1"}}},
            "api_key.created": {"id": "key_1"},
        }
    )
    assert ("audit_log-1", "api_key.created", "api_key.created", "user-1", TEN_O_CLOCK) == (
        event["provider_event_id"],
        event["family"],
        event["action"],
        event["actor"]["id"],
        event["occurred_at"],
    )


def test_a_legacy_conversation_passes_through() -> None:
    """Its time is a fraction of epoch seconds."""
    line = b'{"object":"compliance.workspace.conversation","id":"c-1","title":"SECRET",'
    line += b'"created_at":1789466400.25,"user_id":"user-1","user_email":"a@example.org"}'
    (event,) = normalise(a_raw_line(line)).events
    assert ("c-1", "compliance.workspace.conversation", "user-1", TEN_O_CLOCK + 250_000) == (
        event["provider_event_id"],
        event["family"],
        event["actor"]["id"],
        event["occurred_at"],
    )
    assert "SECRET" not in repr(event)


@pytest.mark.parametrize("name", ["effective_at", "start_time"])
def test_an_epoch_that_is_none_is_refused(name: str) -> None:
    """Also for records that have epochs."""
    failures = the_failures({"id": "x", "object": "organization.audit_log", name: "1789466400"})
    assert [name] == [failure.field for failure in failures]


def test_an_answer_to_a_listing_is_a_dead_letter() -> None:
    """It has no time of its own."""
    line = json.dumps({"data": [a_record("AUTH_LOG")], "has_more": False, "last_end_time": None})
    (refused,) = normalise(a_raw_line(line.encode())).failures
    assert ["timestamp"] == [failure.field for failure in refused.failures]
