"""AUTH_LOG by hand: what is documented and what was seen."""

import json

import pytest

from producer.contract.dead_letter import FailureKind
from producer.contract.source import Include
from producer.normaliser.normalise import normalise
from tests.unit.normaliser.lines import (
    a_raw_line,
    a_record,
    ocsf_of,
    own_attributes,
    the_event,
    the_failures,
)


@pytest.mark.parametrize(
    ("action", "event_type", "outcome", "ocsf"),
    [
        ("signup_success", "auth.action", "success", (3001, 1, 1)),
        ("login_success", "auth.signin", "success", (3002, 1, 1)),
        ("native_login_success", "auth.signin", "success", (3002, 1, 1)),
        ("logout_success", "auth.signout", "success", (3002, 2, 1)),
        ("token_issued", "auth.action", "success", (3002, 3, 1)),
        ("token_revoked", "auth.action", "success", (3002, 99, 1)),
        ("password_reset_initiated", "auth.action", "unknown", (3001, 4, 0)),
        ("password_reset_success", "auth.action", "success", (3001, 4, 1)),
        ("password_reset_error", "auth.action", "failure", (3001, 4, 2)),
        ("password_reset_admin", "auth.action", "success", (3001, 4, 1)),
        ("password_login_invalid_password", "auth.signin", "failure", (3002, 1, 2)),
        ("password_login_sentinel_challenge", "auth.signin", "unknown", (3002, 1, 0)),
        ("password_login_sentinel_blocked", "auth.signin", "blocked", (3002, 1, 2)),
        ("login_failed", "auth.signin", "failure", (3002, 1, 2)),
        ("login_failure", "auth.signin", "failure", (3002, 1, 2)),
        ("sso_login_denied", "auth.signin", "blocked", (3002, 1, 2)),
        ("sso_logout_failed", "auth.signout", "failure", (3002, 2, 2)),
        ("passkey_registered", "auth.action", "unknown", (3002, 99, 0)),
        ("passkey_signin_succeeded", "auth.signin", "success", (3002, 1, 1)),
        ("sso_signout_success", "auth.signout", "success", (3002, 2, 1)),
        ("sso_error", "auth.action", "failure", (3002, 99, 2)),
        ("sso_failure", "auth.action", "failure", (3002, 99, 2)),
        ("sso_blocked", "auth.action", "blocked", (3002, 99, 2)),
        ("signup_failed", "auth.action", "failure", (3001, 1, 2)),
        ("password_reset_denied", "auth.action", "blocked", (3001, 4, 2)),
        ("mfa_reset_success", "auth.action", "success", (3001, 11, 1)),
        ("password_login_invalid_code", "auth.signin", "failure", (3002, 1, 2)),
        ("LOGIN_SUCCEEDED", "auth.signin", "success", (3002, 1, 1)),
        ("", "auth.action", "unknown", (3002, 0, 0)),
    ],
)
def test_actions_are_mapped(
    action: str, event_type: str, outcome: str, ocsf: tuple[int, int, int]
) -> None:
    """The documented actions by table, others by their words; the action stays verbatim."""
    event = the_event(a_record("AUTH_LOG", action_data={"action": action}))
    assert ("AUTH_LOG", action) == (event["family"], event["action"])
    assert (event_type, outcome, ocsf) == (event["event_type"], event["outcome"], ocsf_of(event))
    assert {} == own_attributes(event)


def test_a_record_without_action_data_is_an_event() -> None:
    """Missing detail is no failure."""
    event = the_event(a_record("AUTH_LOG"))
    assert ("", "auth.action", "unknown") == (
        event["action"],
        event["event_type"],
        event["outcome"],
    )


@pytest.mark.parametrize("verdict", ["challenge", "blocked"])
def test_sentinel_is_a_flag(verdict: str) -> None:
    """The nearest thing to a content flag that this family has."""
    action = f"password_login_sentinel_{verdict}"
    event = the_event(a_record("AUTH_LOG", action_data={"action": action}))
    assert {"sentinel": verdict} == event["flags"]


def test_provider_and_role_are_attributes() -> None:
    """Documented records have a provider, live ones a role and no provider."""
    documented = {"action": "login_success", "auth_provider_name": "saml"}
    live = {"action": "login_success", "role": "standard-user"}
    assert {"openai_compliance.auth_provider": "saml"} == own_attributes(
        the_event(a_record("AUTH_LOG", action_data=documented))
    )
    assert {"openai_compliance.role": "standard-user"} == own_attributes(
        the_event(a_record("AUTH_LOG", action_data=live))
    )


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        (
            {"client_ip": "198.51.100.7", "client_user_agent": "UA"},
            {"ip": "198.51.100.7", "user_agent": "UA", "country": None},
        ),
        (
            {"client_ip": "198.51.100.7"},
            {"ip": "198.51.100.7", "user_agent": None, "country": None},
        ),
        (
            {"client_ip": None, "client_user_agent": None, "client_ip_details": {"country": "DE"}},
            {"ip": None, "user_agent": None, "country": "DE"},
        ),
        (
            {
                "client_ip": "198.51.100.7",
                "client_ja3": "",
                "client_ip_details": {"country": "DE", "asn": "AS29518", "city": "Ulm"},
            },
            {"ip": "198.51.100.7", "user_agent": None, "country": "DE"},
        ),
        ({"client_ip": "", "client_ip_details": {"country": "", "asn": ""}}, None),
        ({}, None),
        (None, None),
    ],
)
def test_network_is_what_the_record_has(metadata: object, expected: object) -> None:
    """Nullable, missing and all-empty fields are null."""
    record = a_record("AUTH_LOG", request_metadata=metadata)
    assert expected == the_event(record, include=Include(network=True))["network"]
    assert None is the_event(record)["network"]


def test_the_documented_example_with_its_trailing_comma_is_a_dead_letter() -> None:
    """OpenAI's own example is no JSON."""
    line = json.dumps(a_record("AUTH_LOG"))[:-1] + ",}"
    (refused,) = normalise(a_raw_line(line.encode())).failures
    assert [FailureKind.UNDECODABLE] == [failure.kind for failure in refused.failures]


def test_an_action_that_is_no_text_is_refused() -> None:
    """What a record is must not be guessed."""
    failures = the_failures(a_record("AUTH_LOG", action_data={"action": 5}))
    assert [(FailureKind.SCHEMA_VIOLATION, "action_data.action")] == [
        (failure.kind, failure.field) for failure in failures
    ]
