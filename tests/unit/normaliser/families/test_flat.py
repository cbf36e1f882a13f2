"""The flat shape by hand, in all its spellings."""

import pytest

from producer.contract.dead_letter import FailureKind
from producer.contract.source import Include
from tests.unit.normaliser.lines import (
    TEN_O_CLOCK,
    Record,
    own_attributes,
    the_event,
    the_failures,
)


def a_flat_record(**changes: object) -> Record:
    record = {"id": "flat-1", "type": "completion", "created_at": "2026-09-15T10:00:00Z"}
    return {name: value for name, value in {**record, **changes}.items() if value is not ...}


def test_a_flat_record_as_langwatch_reads_it() -> None:
    """Object, type, user, model, tokens and cost at the top."""
    event = the_event(
        a_flat_record(
            object="audit_log",
            user={"id": "user-1", "email": "a@example.org"},
            model="gpt-5-5",
            tokens={"input": 100, "output": 40},
            cost={"usd": 0.5},
        )
    )
    assert ("flat-1", "completion", "completion", "api.call", TEN_O_CLOCK) == (
        event["provider_event_id"],
        event["family"],
        event["action"],
        event["event_type"],
        event["occurred_at"],
    )
    assert {"kind": "user", "id": "user-1", "email": None, "on_behalf_of": None} == event["actor"]
    assert {"kind": "model", "id": "gpt-5-5", "name": None} == event["target"]
    assert {
        "input": 100,
        "cached_input": None,
        "output": 40,
        "reasoning_output": None,
        "summable": True,
    } == event["tokens"]
    assert {
        "amount": "0.5",
        "currency": "USD",
        "basis": "provider_reported",
        "estimated_usd": None,
    } == event["cost"]
    assert "chat" == own_attributes(event)["gen_ai.operation.name"]


@pytest.mark.parametrize(
    "changes",
    [
        {"id": ..., "event_id": "flat-1"},
        {"type": ..., "event_type": "completion"},
        {"created_at": ..., "timestamp": "2026-09-15T10:00:00Z"},
    ],
)
def test_spellings_of_the_envelope(changes: Record) -> None:
    """Id, type and time have two names each."""
    event = the_event(a_flat_record(**changes))
    assert ("flat-1", "completion", "completion", TEN_O_CLOCK) == (
        event["provider_event_id"],
        event["family"],
        event["action"],
        event["occurred_at"],
    )


@pytest.mark.parametrize(
    ("changes", "kind", "id_"),
    [
        ({"user_id": "user-1"}, "user", "user-1"),
        ({"user_id": "user-1__11bf645e"}, "user", "user-1"),
        ({"user": {"id": "user-1"}, "user_id": "user-2"}, "user", "user-1"),
        ({"user": {"email": "a@example.org"}, "user_id": "user-2"}, "user", "user-2"),
        ({"user": {"email": "a@example.org"}}, "user", "unknown"),
        ({"user_id": "a@example.org"}, "user", "unknown"),
        ({"user": "user-1"}, "user", "user-1"),
        ({"actor": "user-1"}, "user", "user-1"),
        ({}, "unknown", "system"),
    ],
)
def test_spellings_of_the_user(changes: Record, kind: str, id_: str) -> None:
    """The id, never the e-mail."""
    event = the_event(a_flat_record(**changes))
    assert (kind, id_, None) == (
        event["actor"]["kind"],
        event["actor"]["id"],
        event["actor"]["email"],
    )


def test_the_email_shows_where_it_is_included() -> None:
    """Beside the id."""
    record = a_flat_record(user={"id": "user-1", "email": "a@example.org"})
    assert "a@example.org" == the_event(record, include=Include(email=True))["actor"]["email"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"usage": {"prompt_tokens": 10, "completion_tokens": 4}}, (10, None, 4, None)),
        ({"prompt_tokens": 10, "completion_tokens": 4}, (10, None, 4, None)),
        ({"usage": {"input_tokens": 10, "output_tokens": 4}}, (10, None, 4, None)),
        ({"tokens": {"input": 10}}, (10, None, None, None)),
        ({"tokens": {"input": 10, "cached": 3}}, (7, 3, None, None)),
        ({"prompt_tokens": 10, "cached_tokens": 3}, (7, 3, None, None)),
        (
            {
                "usage": {
                    "prompt_tokens": 10,
                    "prompt_tokens_details": {"cached_tokens": 3},
                    "completion_tokens": 4,
                    "completion_tokens_details": {"reasoning_tokens": 2},
                }
            },
            (7, 3, 4, 2),
        ),
        (
            {"usage": {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 9}}},
            (0, 9, None, None),
        ),
        ({"usage": {}}, None),
        ({"model": "gpt-5"}, None),
    ],
)
def test_spellings_of_the_tokens(changes: Record, expected: object) -> None:
    """Prompt tokens include cached ones: where a cached count is given, it is taken out."""
    tokens = the_event(a_flat_record(**changes))["tokens"]
    assert expected == (tokens and tuple(tokens.values())[:4])


@pytest.mark.parametrize(
    ("changes", "flags"),
    [
        (
            {"content_classification": {"violence": True, "score": 0.10, "why": {"code": 7}}},
            {
                "content_classification.score": "0.1",
                "content_classification.violence": "true",
                "content_classification.why.code": "7",
            },
        ),
        (
            {"classification_flags": ["pii", "secrets"]},
            {"classification_flags.pii": "true", "classification_flags.secrets": "true"},
        ),
        ({"flags": [{"name": "pii"}]}, {"flags.0.name": "pii"}),
        ({"flags": "pii"}, {"flags": "pii"}),
        ({"flags": None, "classification_flags": []}, {}),
        ({"flags": {"a.b": "1", "a": {"b": "2"}}}, {"flags.a.b": "1"}),
    ],
)
def test_flags_are_whatever_the_line_carries(changes: Record, flags: Record) -> None:
    """By name and place, in an order that does not depend on the line's."""
    event = the_event(a_flat_record(**changes))
    assert flags == event["flags"]
    assert list(flags) == list(event["flags"])


def test_flags_beyond_the_limit_are_counted() -> None:
    """The first hundred stay; how many do not is told."""
    event = the_event(a_flat_record(flags=[f"flag-{n:03d}" for n in range(103)]))
    assert 101 == len(event["flags"])
    assert "true" == event["flags"]["flags.flag-099"]
    assert "3" == event["flags"]["flags_left_out"]


@pytest.mark.parametrize(
    ("type_", "event_type"),
    [
        ("chat.completion", "api.call"),
        ("message", "api.call"),
        ("tool_call", "tool.invocation"),
        ("function.call", "tool.invocation"),
        ("auth.signin", "auth.signin"),
        ("user_login", "auth.action"),
        ("user_signin", "auth.action"),
        ("oauth_grant", "auth.action"),
        ("admin.config_change", "admin.config_change"),
        ("anything-else", "agent.action"),
    ],
)
def test_types_are_read_by_their_words(type_: str, event_type: str) -> None:
    """Our own names, else LangWatch's words, else generic."""
    event = the_event(a_flat_record(type=type_))
    assert (type_, event_type) == (event["family"], event["event_type"])


def test_an_action_beside_the_type_is_the_action() -> None:
    """The family is the type all the same."""
    event = the_event(a_flat_record(action="dummy_action"))
    assert ("completion", "dummy_action") == (event["family"], event["action"])


def test_the_type_comes_before_the_event_type() -> None:
    """Where a record has both, the type is the family, and the other the action."""
    event = the_event(a_flat_record(event_type="tool_call"))
    assert ("completion", "tool_call", "api.call") == (
        event["family"],
        event["action"],
        event["event_type"],
    )


@pytest.mark.parametrize("envelope", [{"principal": {"id": "ws-1"}}, {"actor": {"id": "x"}}])
def test_half_an_envelope_is_one(envelope: Record) -> None:
    """A record with a principal or an actor is not flat, whatever else it has."""
    record = a_flat_record(type="AUTH_LOG", user_id="user-1", created_at=..., **envelope)
    failures = the_failures(record)
    assert ["timestamp"] == [failure.field for failure in failures]


def test_a_known_type_without_envelope_but_with_a_user_is_flat() -> None:
    """The shape decides, not the name."""
    event = the_event(a_flat_record(type="AUTH_LOG", user_id="user-1"))
    assert ("AUTH_LOG", "AUTH_LOG", "user-1") == (
        event["family"],
        event["action"],
        event["actor"]["id"],
    )


@pytest.mark.parametrize("value", [..., 1_789_466_400, 1789466400.5, "yesterday"])
def test_a_time_that_cannot_be_read_is_refused(value: object) -> None:
    """No epochs here, and no guess."""
    failures = the_failures(a_flat_record(created_at=value))
    assert ["created_at"] == [failure.field for failure in failures]


def test_a_type_that_is_no_text_is_refused_once_and_named() -> None:
    """What a record is must not be guessed."""
    failures = the_failures(a_flat_record(type={"a": 1}))
    assert {(FailureKind.SCHEMA_VIOLATION, "type")} == {(f.kind, f.field) for f in failures}
