"""CONVERSATION_MESSAGE by hand."""

import pytest

from producer.contract.source import Include
from tests.unit.normaliser.lines import (
    Record,
    a_record,
    ocsf_of,
    own_attributes,
    the_event,
)

USER_MESSAGE: Record = {
    "previous_message_id": "",
    "message": {
        "id": "msg-123",
        "author": {"type": "user", "client_type": "desktop_web"},
        "content": {
            "type": "text",
            "value": "SECRET",
            "annotations": [{"type": "url_citation", "urls": ["https://example.com", "a@b.c"]}],
        },
        "files": [{"id": "file-1", "name": "plan.pdf"}, {"id": "file-2", "name": "sums.xlsx"}],
    },
    "conversation": {
        "id": "convo-456",
        "title": "TITLE",
        "gpt_id": "g-1",
        "gpt_name": "Helper",
        "project_id": "p-1",
        "project_name": "Plan",
        "created_at": None,
        "is_pinned": False,
        "is_temporary_chat": True,
        "mode": "work",
    },
}


def test_a_message_of_a_user() -> None:
    """The conversation is the target; nothing of the text shows."""
    event = the_event(a_record("CONVERSATION_MESSAGE", **USER_MESSAGE))
    assert ("api.call", "user", "unknown") == (
        event["event_type"],
        event["action"],
        event["outcome"],
    )
    assert {"kind": "conversation", "id": "convo-456", "name": None} == event["target"]
    assert ("convo-456", None, "desktop_web") == (
        event["conversation"],
        event["session"],
        event["client"],
    )
    assert (None, None, None, None) == (
        event["model"],
        event["tokens"],
        event["cost"],
        event["content"],
    )
    assert (6003, 99, 0) == ocsf_of(event)
    assert {
        "gen_ai.operation.name": "chat",
        "gen_ai.conversation.id": "convo-456",
        "openai_compliance.message.id": "msg-123",
        "openai_compliance.file.ids": "file-1,file-2",
        "openai_compliance.gpt.id": "g-1",
        "openai_compliance.project.id": "p-1",
        "openai_compliance.conversation.mode": "work",
        "openai_compliance.conversation.temporary": "true",
    } == own_attributes(event)


def test_a_message_of_the_assistant() -> None:
    """The model is the target, as written and with its pricing name; tokens stay null."""
    message = {
        "id": "m2",
        "author": {
            "type": "assistant",
            "model": "gpt-5-6-thinking",
            "tools_used": ["browser", "python"],
            "skills_used": ["skill-1"],
        },
        "content": {"type": "quotation", "file_id": "file-1", "file_name": "NAME"},
    }
    event = the_event(
        a_record(
            "CONVERSATION_MESSAGE",
            previous_message_id="m1",
            message=message,
            conversation={"id": "c1"},
        )
    )
    assert {"kind": "model", "id": "gpt-5-6-thinking", "name": None} == event["target"]
    assert {"raw": "gpt-5-6-thinking", "normalised": "gpt-5.6-thinking"} == event["model"]
    assert None is event["tokens"]
    assert {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-5-6-thinking",
        "gen_ai.response.model": "gpt-5-6-thinking",
        "gen_ai.conversation.id": "c1",
        "gen_ai.response.id": "m2",
        "openai_compliance.message.id": "m2",
        "openai_compliance.message.previous_id": "m1",
        "openai_compliance.file.ids": "file-1",
        "openai_compliance.tools": "browser,python",
        "openai_compliance.skill.ids": "skill-1",
    } == own_attributes(event)


@pytest.mark.parametrize(
    ("author", "event_type", "operation"),
    [
        ({"type": "user"}, "api.call", "chat"),
        ({"type": "assistant"}, "api.call", "chat"),
        ({"type": "tool"}, "tool.invocation", "execute_tool"),
        ({"type": "oracle"}, "agent.action", None),
        ({}, "agent.action", None),
        (None, "agent.action", None),
    ],
)
def test_authors_are_actions(author: object, event_type: str, operation: str | None) -> None:
    """Known authors by table; another one is generic."""
    event = the_event(a_record("CONVERSATION_MESSAGE", message={"author": author}))
    assert (event_type, "unknown", (6003, 99, 0)) == (
        event["event_type"],
        event["outcome"],
        ocsf_of(event),
    )
    assert operation == event["attributes"].get("gen_ai.operation.name")


def test_content_shows_where_it_is_included() -> None:
    """Text, names and files, without addresses."""
    event = the_event(
        a_record("CONVERSATION_MESSAGE", **USER_MESSAGE), include=Include(content=True)
    )
    assert {
        "title": "TITLE",
        "gpt_name": "Helper",
        "project_name": "Plan",
        "text": "SECRET",
        "file_names": "plan.pdf, sums.xlsx",
        "annotations": '[{"type":"url_citation","urls":["https://example.com","withheld"]}]',
    } == event["content"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            {"type": "quotation", "quote": "Q", "file_name": "f.txt"},
            {"quote": "Q", "quoted_file_name": "f.txt"},
        ),
        ({"type": "user_instructions", "value": "I"}, {"text": "I"}),
        ({"type": "text", "value": None}, None),
        ({"type": "text"}, None),
        (None, None),
    ],
)
def test_content_comes_in_kinds(content: object, expected: object) -> None:
    """Each kind has its own fields, all of which may be missing."""
    record = a_record("CONVERSATION_MESSAGE", message={"content": content})
    assert expected == the_event(record, include=Include(content=True))["content"]


def test_authors_are_read_in_any_case() -> None:
    """The action stays as it is written."""
    for kind in ("assistant", "Assistant"):
        message = {"id": "msg-1", "author": {"type": kind, "model": "gpt-5-5"}}
        event = the_event(a_record("CONVERSATION_MESSAGE", message=message))
        assert (kind, "api.call") == (event["action"], event["event_type"])
        assert {"gen_ai.response.model": "gpt-5-5", "gen_ai.response.id": "msg-1"}.items() <= (
            event["attributes"].items()
        )
