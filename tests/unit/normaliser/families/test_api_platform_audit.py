"""The audit log of the API platform: times, ids, actors, targets, networks, content."""

import json
from typing import Any

import pytest

from producer.contract.source import Include
from tests.unit.normaliser.lines import (
    TEN_O_CLOCK,
    Record,
    ocsf_of,
    own_attributes,
    the_event,
    the_failures,
)

SESSION: Record = {
    "type": "session",
    "session": {
        "user": {"id": "user-1", "email": "Alice@example.org"},
        "ip_address": "192.0.2.1",
        "user_agent": "AGENT",
        "ja3": "JA3",
        "ip_address_details": {"country": "DE", "city": "CITY", "asn": "AS1"},
    },
}


def a_record(kind: str, details: object = ..., **changes: object) -> Record:
    """Build a record with its details under the name of its type."""
    record: Record = {
        "object": "organization.audit_log",
        "id": "audit_log-1",
        "type": kind,
        "effective_at": 1_789_466_400,
        "actor": SESSION,
        kind: details,
    }
    return {name: value for name, value in {**record, **changes}.items() if value is not ...}


@pytest.mark.parametrize("changes", [{}, {"object": ...}, {"object": ..., "actor": ...}])
def test_a_record_is_known_by_its_object_or_its_shape(changes: Record) -> None:
    """The object's name may be missing, as in the specification's own example."""
    event = the_event(a_record("project.created", {"id": "proj_1"}, **changes))
    assert ("organization.audit_log", "project.created", "audit_log-1", TEN_O_CLOCK) == (
        event["family"],
        event["action"],
        event["provider_event_id"],
        event["occurred_at"],
    )
    assert ("admin.config_change", 6003, 1, 0) == (event["event_type"], *ocsf_of(event))
    assert {"kind": "project", "id": "proj_1", "name": None} == event["target"]
    assert {} == event["flags"]


@pytest.mark.parametrize("time", ["2026-09-15T10:00:00Z", "1789466400", None, True, {}])
def test_a_time_that_is_no_epoch_is_refused(time: object) -> None:
    """There is no other in this log."""
    failures = the_failures(a_record("login.succeeded", effective_at=time))
    assert ["effective_at"] == [failure.field for failure in failures]


@pytest.mark.parametrize(
    ("actor", "kind", "id_", "behalf"),
    [
        (SESSION, "user", "user-1", None),
        ({"type": "session", "session": {"user": {}}}, "unknown", "system", None),
        ({"type": "session", "session": None, "api_key": None}, "unknown", "system", None),
        (None, "unknown", "system", None),
        ({"type": "api_key", "api_key": {"id": "key_1"}}, "api_key", "api_key:key_1", None),
        (
            {
                "type": "api_key",
                "api_key": {"id": "key_1", "type": "user", "user": {"id": "user-2"}},
            },
            "api_key",
            "api_key:key_1",
            "user-2",
        ),
        (
            {"type": "api_key", "api_key": {"id": "key_1", "service_account": {"id": "svc_1"}}},
            "api_key",
            "api_key:key_1",
            "svc_1",
        ),
        (
            {"type": "api_key", "api_key": {"service_account": {"id": "svc_1"}}},
            "service_account",
            "svc_1",
            None,
        ),
        ({"type": "api_key", "api_key": {"user": {"id": "user-2"}}}, "user", "user-2", None),
        (
            {"type": "api_key", "api_key": {"service_account": {"id": "a@b.c"}}},
            "unknown",
            "system",
            None,
        ),
    ],
)
def test_actors_are_people_keys_and_accounts(
    actor: object, kind: str, id_: str, behalf: str | None
) -> None:
    """A key acts on behalf of whose it is; without its id, they are who acted."""
    found = the_event(a_record("project.deleted", actor=actor))["actor"]
    assert {"kind": kind, "id": id_, "email": None, "on_behalf_of": behalf} == found


def test_addresses_show_only_where_included() -> None:
    """Of a session's user and of a key's."""
    key = {"type": "api_key", "api_key": {"id": "k", "user": {"id": "u", "email": "b@x.org"}}}
    include = Include(email=True)
    for actor, address in ((SESSION, "Alice@example.org"), (key, "b@x.org")):
        record = a_record("project.deleted", actor=actor)
        assert None is the_event(record)["actor"]["email"]
        assert address == the_event(record, include=include)["actor"]["email"]


@pytest.mark.parametrize(
    ("kind", "details", "target"),
    [
        ("api_key.created", {"id": "key_1", "data": {}}, ("api_key", "key_1")),
        ("user.deleted", {"id": "user-2__ws-1"}, ("user", "user-2")),
        ("tenant.group.member.added", {"id": 5}, ("group_member", "5")),
        ("certificates.activated", {"certificates": [{"id": "c1"}]}, ("certificate", "c1")),
        (
            "certificates.activated",
            {"certificates": [{"id": "c1"}, {"id": "c2"}]},
            ("certificate", None),
        ),
        (
            "ip_allowlist.config.activated",
            {"configs": [{"id": "i"}]},
            ("ip_allowlist_config", "i"),
        ),
        ("certificates.activated", {"certificates": []}, None),
        ("login.succeeded", ..., None),
        ("tenant.policy.created", None, None),
    ],
)
def test_targets_are_the_ids_of_details(kind: str, details: object, target: object) -> None:
    """Also where a stored form has underscores for the dots."""
    for record in (a_record(kind, details), a_record(kind, **{kind.replace(".", "_"): details})):
        event = the_event(record)
        found = event["target"]
        assert (target, {}) == (found and (found["kind"], found["id"]), event["flags"])


def test_the_order_of_two_details_does_not_matter() -> None:
    """Of two keys that are stored as the type, the same one is read."""
    stored = {"api_key.created": {"id": "key_1"}, "api.key_created": {"id": "key_2"}}
    bare = a_record("api_key_created")
    turned = dict(reversed(stored.items()))
    first, second = (the_event({**bare, **details}) for details in (stored, turned))
    assert first["target"] == second["target"]


def test_details_that_matter_are_attributes() -> None:
    """Ids and enumerations: who got what on which resource."""
    assignment = {
        "id": "assignment_1",
        "principal_id": "user-2__ws-1",
        "principal_type": "user",
        "resource_id": "proj_1",
        "resource_type": "api.project",
    }
    event = the_event(
        a_record("role.assignment.created", assignment, project={"id": "proj_1", "name": "NAME"})
    )
    assert {
        "openai_compliance.project.id": "proj_1",
        "openai_compliance.recipient.id": "user-2",
        "openai_compliance.recipient.type": "user",
        "openai_compliance.resource.id": "proj_1",
        "openai_compliance.resource.type": "api.project",
    } == own_attributes(event)
    assert "NAME" not in repr(event)


@pytest.mark.parametrize(
    ("kind", "details", "expected"),
    [
        ("user.updated", {"changes_requested": {"role": "owner"}}, {"role": "owner"}),
        ("invite.sent", {"data": {"role": "reader", "email": "a@b.c"}}, {"role": "reader"}),
        ("api_key.created", {"data": {"scopes": ["a.b", "c"]}}, {"scopes": "a.b,c"}),
        ("api_key.updated", {"changes_requested": {"scopes": ["c"]}}, {"scopes": "c"}),
    ],
)
def test_roles_and_scopes_are_attributes(kind: str, details: Record, expected: Record) -> None:
    """Of what was made and of what was changed."""
    assert {f"openai_compliance.{name}": value for name, value in expected.items()} == (
        own_attributes(the_event(a_record(kind, details)))
    )


def test_a_login_that_failed_says_why_by_its_code() -> None:
    """Its message is a text."""
    event = the_event(a_record("login.failed", {"error_code": "bad", "error_message": "TEXT"}))
    assert ("failure", (3002, 1, 2), {"error.type": "bad"}) == (
        event["outcome"],
        ocsf_of(event),
        own_attributes(event),
    )
    assert "TEXT" not in repr(event)


def test_the_network_is_the_sessions() -> None:
    """Only where included, and nothing finer than a country."""
    record = a_record("login.succeeded")
    assert None is the_event(record)["network"]
    event = the_event(record, include=Include(network=True))
    assert {"ip": "192.0.2.1", "user_agent": "AGENT", "country": "DE"} == event["network"]
    for hidden in ("JA3", "CITY", "AS1"):
        assert hidden not in repr(event)
    bare = a_record("login.succeeded", actor={"type": "session", "session": None})
    assert None is the_event(bare, include=Include(network=True))["network"]


def test_content_is_the_details_without_addresses() -> None:
    """Names and addresses that they hold are content."""
    details = {"id": "inv_1", "data": {"email": "new@x.org", "role": "reader", "note": "NOTE"}}
    record = a_record("invite.sent", details)
    assert None is the_event(record)["content"]
    shown: Any = the_event(record, include=Include(content=True))["content"]
    assert {"id": "inv_1", "data": {"email": "withheld", "role": "reader", "note": "NOTE"}} == (
        json.loads(shown["details"])
    )


@pytest.mark.parametrize("kind", ["actor", "project", "id", "object", "type"])
def test_a_type_called_like_a_field_has_no_details(kind: str) -> None:
    """What all records have is not what was done."""
    record = {**a_record("x"), "project": {"id": "proj_1", "name": "NAME"}, "type": kind}
    event = the_event(record, include=Include(content=True))
    assert (None, None) == (event["target"], event["content"])


def test_an_address_is_no_id() -> None:
    """Wherever it stands."""
    details = {"id": "a@x.org", "principal_id": "b@x.org", "principal_type": "user"}
    event = the_event(a_record("role.assignment.created", details))
    assert "@" not in repr(event)
    assert {"kind": "role_assignment", "id": None, "name": None} == event["target"]


def test_a_type_that_is_no_text_is_refused() -> None:
    """What a record is must be stated."""
    record = {**a_record("x"), "type": ["login.succeeded"]}
    assert ["type"] == [failure.field for failure in the_failures(record)]
