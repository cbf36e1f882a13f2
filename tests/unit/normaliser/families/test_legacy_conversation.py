"""Conversations with their messages inside: one event a message."""

import json
from typing import Any

import pytest

from producer.contract.dead_letter import FailureKind
from producer.contract.source import Include
from producer.normaliser.normalise import Normalised, normalise
from tests.unit.normaliser.lines import (
    EVERYTHING,
    TEN_O_CLOCK,
    Record,
    a_raw_line,
    a_record,
    own_attributes,
    the_event,
    the_failures,
)

MESSAGE: Record = {"id": "m-1", "created_at": 1_789_466_400.25, "author": {"role": "user"}}
CREATED: float = 1_789_466_400
ACTIVE: float = 1_789_466_460.5


def a_conversation(*messages: object, **changes: object) -> Record:
    """Build a conversation around messages."""
    record: Record = {
        "object": "compliance.workspace.conversation",
        "id": "c-1",
        "workspace_id": "ws-1",
        "user_id": "user-1",
        "user_email": "a@example.org",
        "created_at": CREATED,
        "last_active_at": ACTIVE,
        "title": "TITLE",
        "messages": {"object": "list", "data": list(messages)},
    }
    return {name: value for name, value in {**record, **changes}.items() if value is not ...}


def normalised(record: Record, include: Include = EVERYTHING) -> Normalised:
    """Normalise a record."""
    return normalise(a_raw_line(json.dumps(record).encode(), include=include))


@pytest.mark.parametrize(
    ("role", "event_type", "operation"),
    [
        ("user", "api.call", "chat"),
        ("assistant", "api.call", "chat"),
        ("tool", "tool.invocation", "execute_tool"),
        ("system", "agent.action", None),
    ],
)
def test_each_message_is_an_event(role: str, event_type: str, operation: str | None) -> None:
    """With its own id, time and role, and its conversation's user."""
    author = {"role": role, "tool_name": "browser" if role == "tool" else None}
    message = {**MESSAGE, "id": "m-2", "author": author, "gpt_id": "g-1", "project_id": "p-1"}
    events = normalised(a_conversation(MESSAGE, message)).events
    assert [("m-1", "user", 0), ("m-2", role, 1)] == [
        (event["provider_event_id"], event["action"], event["origin"]["index"]) for event in events
    ]
    event = events[1]
    assert (event_type, "compliance.workspace.conversation", "user-1", "c-1") == (
        event["event_type"],
        event["family"],
        event["actor"]["id"],
        event["conversation"],
    )
    assert TEN_O_CLOCK + 250_000 == event["occurred_at"]
    assert {"kind": "conversation", "id": "c-1", "name": None} == event["target"]
    expected = {
        "gen_ai.operation.name": operation,
        "gen_ai.conversation.id": "c-1",
        "gen_ai.tool.name": author["tool_name"],
        "gen_ai.response.id": "m-2" if role == "assistant" else None,
        "openai_compliance.message.id": "m-2",
        "openai_compliance.gpt.id": "g-1",
        "openai_compliance.project.id": "p-1",
    }
    assert {name: value for name, value in expected.items() if value} == own_attributes(event)


@pytest.mark.parametrize(
    ("time", "changes", "expected", "flags"),
    [
        (CREATED + 1, {}, TEN_O_CLOCK + 1_000_000, {}),
        (None, {}, TEN_O_CLOCK, {"approximate.occurred_at": "the conversation's created_at"}),
        (
            None,
            {"created_at": None},
            TEN_O_CLOCK + 60_500_000,
            {"approximate.occurred_at": "the conversation's last_active_at"},
        ),
    ],
)
def test_a_message_without_a_time_has_its_conversations(
    time: object, changes: Record, expected: int, flags: Record
) -> None:
    """The one that every export repeats, and the flag says so; never now."""
    event = the_event(a_conversation({**MESSAGE, "created_at": time}, **changes))
    assert (expected, flags) == (event["occurred_at"], event["flags"])


def test_a_message_with_the_time_of_its_conversation_does_not_change_with_it() -> None:
    """The next export has another title, more messages and a later `last_active_at`."""
    message = {**MESSAGE, "created_at": None}
    one = normalised(a_conversation(message), Include()).events
    two = normalised(
        a_conversation(message, MESSAGE, last_active_at=ACTIVE + 9, title="NEW"), Include()
    ).events
    assert one[0] == two[0]


@pytest.mark.parametrize("missing", [None, "", " ", ...])
def test_a_message_without_an_id_has_a_hash(missing: object) -> None:
    """Of itself and its conversation's id; two messages and two conversations differ."""
    message = {
        name: value for name, value in {**MESSAGE, "id": missing}.items() if value is not ...
    }
    found = [
        normalised(record).events[0]["provider_event_id"]
        for record in (
            a_conversation(message),
            a_conversation(message, MESSAGE, title="NEW", last_active_at=0),
            a_conversation({**message, "parent_id": "m-0"}),
            a_conversation(message, id="c-2"),
        )
    ]
    assert all(one.startswith("sha256:") for one in found)
    assert found[0] == found[1]
    assert 3 == len(set(found))


@pytest.mark.parametrize("messages", [..., None, {}, {"data": []}, {"data": None}, []])
def test_a_conversation_without_messages_is_one_event(messages: object) -> None:
    """It was there, and that is all that can be told."""
    event = the_event(a_conversation(messages=messages))
    assert ("c-1", "compliance.workspace.conversation", "agent.action", TEN_O_CLOCK, {}) == (
        event["provider_event_id"],
        event["action"],
        event["event_type"],
        event["occurred_at"],
        event["flags"],
    )


@pytest.mark.parametrize(
    ("messages", "flag"),
    [("x", "ignored.messages"), ({"data": "x"}, "ignored.data")],
)
def test_messages_that_are_no_list_are_flagged(messages: object, flag: str) -> None:
    """Nothing is left out in silence."""
    assert [flag] == list(the_event(a_conversation(messages=messages))["flags"])


def test_messages_that_fail_are_dead_letters_of_their_own() -> None:
    """With their index, and as lines that would fail alike; the others are events."""
    record = a_conversation(
        {**MESSAGE, "created_at": "2026-09-15T10:00:00Z"},
        MESSAGE,
        "no message",
        {**MESSAGE, "id": ["x"], "author": {"role": 5}},
    )
    found = normalised(record)
    assert [("m-1", 1)] == [
        (event["provider_event_id"], event["origin"]["index"]) for event in found.events
    ]
    assert [
        (0, [(FailureKind.RULE_FAILED, "messages.data.created_at")]),
        (2, [(FailureKind.SCHEMA_VIOLATION, "messages.data")]),
        (
            3,
            [
                (FailureKind.SCHEMA_VIOLATION, "messages.data.id"),
                (FailureKind.SCHEMA_VIOLATION, "messages.data.author.role"),
            ],
        ),
    ] == [
        (refused.index, [(one.kind, one.field) for one in refused.failures])
        for refused in found.failures
    ]
    for refused in found.failures:
        (again,) = normalise(a_raw_line(refused.payload)).failures
        assert (None, refused.failures) == (again.index, again.failures)


def test_the_only_message_is_refused_as_the_whole_line() -> None:
    """Without an index, and with the line's own bytes."""
    record = a_conversation({**MESSAGE, "created_at": True})
    (refused,) = normalised(record).failures
    assert (None, json.dumps(record).encode()) == (refused.index, refused.payload)


def test_no_time_at_all_is_refused() -> None:
    """Of a message with a conversation that has none either."""
    record = a_conversation({**MESSAGE, "created_at": None}, created_at=..., last_active_at=...)
    assert ["created_at"] == [failure.field for failure in the_failures(record)]


def test_a_conversation_is_known_without_its_object() -> None:
    """By its messages, unless it has the envelope of another family."""
    assert 2 == len(normalised(a_conversation(MESSAGE, MESSAGE, object=...)).events)
    unnamed = a_conversation(MESSAGE, MESSAGE, object=...)
    assert 1 == len(normalised({**unnamed, **a_record("NEW")}).events)
    other = a_conversation(MESSAGE, MESSAGE, object="compliance.workspace.thread")
    assert ["compliance.workspace.thread"] == [
        event["family"] for event in normalised(other).events
    ]


def test_several_conversations_on_a_line_are_numbered_together() -> None:
    """Documents, pages and messages alike: an index is never used twice."""
    two = json.dumps(a_conversation(MESSAGE, 5)).encode()
    page = json.dumps({"object": "list", "data": [a_conversation(MESSAGE, MESSAGE)]}).encode()
    found = normalise(a_raw_line(two + b"[]" + page + b'{"cut'))
    assert [0, 3, 4] == [event["origin"]["index"] for event in found.events]
    assert [1, 2, 5] == [refused.index for refused in found.failures]


def test_content_and_addresses_show_only_where_included() -> None:
    """Texts, files and title; a number stays as written."""
    message: Record = {
        **MESSAGE,
        "content": {"type": "text", "value": "TEXT", "annotations": [{"n": 1.50}]},
        "files": {"object": "list", "data": [{"id": "f", "name": "FILE"}, {"id": "g"}]},
    }
    parts: Record = {**MESSAGE, "content": {"value": {"parts": ["PART"]}, "annotations": None}}
    record = a_conversation(message, parts, {**MESSAGE, "content": None})
    hidden = repr(normalised(record, Include()).events)
    for secret in ("TEXT", "FILE", "TITLE", "PART", "example.org"):
        assert secret not in hidden
    shown: list[Any] = [event["content"] for event in normalised(record).events]
    assert [
        {
            "title": "TITLE",
            "text": "TEXT",
            "file_names": "FILE",
            "annotations": '[{"n":1.5}]',
        },
        {"title": "TITLE", "text": '{"parts":["PART"]}'},
        {"title": "TITLE"},
    ] == shown
    assert "a@example.org" == normalised(record).events[0]["actor"]["email"]


def test_roles_are_read_in_any_case() -> None:
    """The action stays as it is written."""
    for role in ("assistant", "Assistant"):
        (event,) = normalised(a_conversation({**MESSAGE, "author": {"role": role}})).events
        assert (role, "api.call") == (event["action"], event["event_type"])
        assert "m-1" == event["attributes"]["gen_ai.response.id"]
