"""Who did it, by the order of fallbacks."""

import pytest

from producer.contract.event import Actor
from producer.contract.source import Include
from tests.unit.normaliser.lines import NOTHING, Record, a_record, own_attributes, the_event

WORKSPACE = "11bf645e-d5e8-4478-a70e-e5742ded2436"


def actor_of(actor: object, *, include: Include = NOTHING, **changes: object) -> Actor:
    return the_event(a_record("SOME_LOG", actor=actor, **changes), include=include)["actor"]


def an_actor(kind: str, id_: str, **changes: str) -> Actor:
    actor: Actor = {"kind": kind, "id": id_, "email": None, "on_behalf_of": None}
    return {**actor, **changes}  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        ({"type": "ACCOUNT_USER", "user_id": "user-X"}, an_actor("user", "user-X")),
        (
            {"type": "ACCOUNT_USER", "user_id": f"user-X__{WORKSPACE}"},
            an_actor("user", "user-X"),
        ),
        ({"type": "ACCOUNT_USER", "user_id": "a__b"}, an_actor("user", "a__b")),
        (
            {"type": "ACCOUNT_USER", "user_id": f"account__1__{WORKSPACE}"},
            an_actor("user", "account__1"),
        ),
        (
            {"type": "API_KEY", "redacted_id": "sk-...abcd"},
            an_actor("api_key", "api_key:sk-...abcd"),
        ),
        (
            {
                "type": "EXTERNAL_COLLABORATION_USER",
                "provider": "slack",
                "provider_user_id": "U1",
            },
            an_actor("external_user", "external:slack:U1"),
        ),
        (
            {
                "type": "AGENT",
                "id": "agt_1",
                "agent_runtime": {"delegator": {"type": "ACCOUNT_USER", "user_id": "user-D"}},
            },
            an_actor("user", "user-D", on_behalf_of="user-D"),
        ),
        (
            {
                "type": "AGENT",
                "id": "agt_1",
                "agent_runtime": {"delegator": {"type": "API_KEY", "redacted_id": "sk-...abcd"}},
            },
            an_actor("api_key", "api_key:sk-...abcd", on_behalf_of="api_key:sk-...abcd"),
        ),
        (
            {
                "type": "AGENT",
                "id": "agt_1",
                "agent_runtime": {"delegator": {"provider": "slack", "provider_user_id": "U1"}},
            },
            an_actor("external_user", "external:slack:U1", on_behalf_of="external:slack:U1"),
        ),
        (
            {
                "type": "AGENT",
                "id": "agt_1",
                "agent_runtime": {"delegator": {"user_email": "a@example.org"}},
            },
            an_actor("agent", "agt_1", on_behalf_of="unknown"),
        ),
        (
            {"type": "AGENT", "agent_runtime": {"delegator": {"user_email": "a@example.org"}}},
            an_actor("user", "unknown", on_behalf_of="unknown"),
        ),
        ({"type": "AGENT", "id": "agt_1", "agent_runtime": {}}, an_actor("agent", "agt_1")),
        ({"type": "AGENT"}, an_actor("unknown", "system")),
        ({"type": "AGENT", "id": "agt_1"}, an_actor("agent", "agt_1")),
        (
            {"type": "API_KEY", "redacted_id": "sk-...abcd", "user_email": "a@example.org"},
            an_actor("api_key", "api_key:sk-...abcd"),
        ),
        ({"redacted_id": "sk-...abcd"}, an_actor("api_key", "api_key:sk-...abcd")),
        ({"provider_user_id": "U1"}, an_actor("external_user", "external:unknown:U1")),
        ({"user_id": "user-X"}, an_actor("user", "user-X")),
        ({"type": "SYSTEM", "id": "costs_compliance"}, an_actor("system", "system")),
        ({"type": "ROBOT", "id": "r-1"}, an_actor("unknown", "r-1")),
        ({"type": "ROBOT"}, an_actor("unknown", "system")),
        ({"type": "ACCOUNT_USER"}, an_actor("unknown", "system")),
        (None, an_actor("unknown", "system")),
        (["user-1"], an_actor("unknown", "system")),
        (
            {"type": "session", "session": {"user": {"id": "user-S", "email": "s@example.org"}}},
            an_actor("user", "user-S"),
        ),
        ({"type": "api_key", "api_key": {"id": "key_1"}}, an_actor("api_key", "api_key:key_1")),
    ],
)
def test_actors_fall_back_in_order(actor: object, expected: Actor) -> None:
    """User, delegator, agent, key, external collaborator, system."""
    assert expected == actor_of(actor)


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        ({"user_id": "user-1", "email": "a@example.com"}, an_actor("user", "user-1")),
        ({"user_id": "user-1", "agent": {"id": "agt_1"}}, an_actor("user", "user-1")),
        ({"agent": {"id": "agt_1"}}, an_actor("agent", "agt_1")),
        ({}, an_actor("system", "system")),
    ],
)
def test_reports_are_about_their_identity(identity: Record, expected: Actor) -> None:
    """The system reports; who used it is in the identity."""
    system = {"type": "SYSTEM", "id": "costs_compliance"}
    assert expected == actor_of(system, payload={"identity": identity})


def test_the_account_and_the_agent_are_kept_beside_the_person() -> None:
    """What the actor's id leaves out is in the attributes."""
    delegator = {"type": "ACCOUNT_USER", "user_id": f"user-D__{WORKSPACE}"}
    actor = {"type": "AGENT", "id": "agt_1", "agent_runtime": {"delegator": delegator}}
    assert {
        "gen_ai.agent.id": "agt_1",
        "openai_compliance.actor.account_id": f"user-D__{WORKSPACE}",
    } == own_attributes(the_event(a_record("SOME_LOG", actor=actor)))


@pytest.mark.parametrize("actor", [..., None])
def test_a_user_beside_the_actor_counts_where_there_is_no_actor(actor: object) -> None:
    """A record of the legacy interface names its user at the top."""
    record = a_record("SOME_LOG", actor=actor, user_id="user-7", user_email="a@example.org")
    assert an_actor("user", "user-7") == the_event(record)["actor"]


@pytest.mark.parametrize(
    ("actor", "id_"),
    [
        ({"type": "ACCOUNT_USER", "user_id": "alice@example.org"}, "unknown"),
        ({"type": "API_KEY", "redacted_id": "alice@example.org"}, "api_key:unknown"),
        ({"type": "AGENT", "id": "alice@example.org"}, "unknown"),
        ({"type": "ROBOT", "id": "alice@example.org"}, "unknown"),
        (
            {
                "type": "EXTERNAL_COLLABORATION_USER",
                "provider": "slack",
                "provider_user_id": "alice@example.org",
            },
            "external:slack:unknown",
        ),
    ],
)
def test_an_email_is_never_the_id(actor: object, id_: str) -> None:
    """An id in the form of an e-mail is withheld, and a flag says so."""
    event = the_event(a_record("SOME_LOG", actor=actor))
    assert id_ == event["actor"]["id"]
    assert {"withheld.actor": "its id has the form of an e-mail"} == event["flags"]
    assert "alice" not in repr(event)


def test_the_email_is_given_where_it_is_included() -> None:
    """The e-mail stays as written, beside the id."""
    include = Include(email=True)
    actor = {"type": "ACCOUNT_USER", "user_id": "user-1", "user_email": "Alice@Example.org"}
    assert an_actor("user", "user-1", email="Alice@Example.org") == actor_of(
        actor, include=include
    )
    as_id = {"type": "ACCOUNT_USER", "user_id": "Alice@Example.org"}
    assert an_actor("user", "unknown", email="Alice@Example.org") == actor_of(
        as_id, include=include
    )
    only_email = {"type": "ACCOUNT_USER", "user_email": "Alice@Example.org"}
    assert an_actor("user", "unknown", email="Alice@Example.org") == actor_of(
        only_email, include=include
    )


@pytest.mark.parametrize("family", ["AUDIT_LOG", "CODEX_LOG", "COSTS"])
def test_user_beside_the_envelope_of_a_known_family_is_nobody(family: str) -> None:
    """A field that the family does not have changes no event; of an unknown one it is a hint."""
    assert an_actor("unknown", "system") == actor_of_family(family, user_id="user-X")
    assert an_actor("user", "user-X") == actor_of_family("SOME_LOG", user_id="user-X")


def actor_of_family(family: str, **changes: object) -> Actor:
    payload = {"day": "2026-09-15", "hour": 1}
    return the_event(a_record(family, actor=None, action="X", payload=payload, **changes))["actor"]
