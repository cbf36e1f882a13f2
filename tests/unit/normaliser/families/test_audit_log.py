"""AUDIT_LOG by hand: actions by their words, results, targets and roles."""

import json

import pytest

from producer.contract.source import Include
from tests.unit.normaliser.lines import a_record, ocsf_of, own_attributes, the_event


@pytest.mark.parametrize(
    ("action", "event_type", "class_uid", "activity"),
    [
        ("WORKSPACE_TOGGLE_FEATURE", "admin.config_change", 6003, 3),
        ("APP_CREATE", "admin.config_change", 6003, 1),
        ("APP_UPDATE_NAME", "admin.config_change", 6003, 3),
        ("APP_DELETE", "admin.config_change", 6003, 4),
        ("DOMAIN_CHECK", "admin.config_change", 6003, 2),
        ("SAML_CREATE_CONNECTION", "admin.config_change", 6003, 1),
        ("CUSTOM_GPT_REMOVE_THIRD_PARTY_FOR_WORKSPACE", "admin.config_change", 6003, 4),
        ("GROUP_CREATE", "admin.config_change", 3006, 6),
        ("GROUP_EDIT", "admin.config_change", 3006, 99),
        ("GROUP_ADD_USERS", "admin.config_change", 3006, 3),
        ("GROUP_REMOVE_USER", "admin.config_change", 3006, 4),
        ("GROUP_DELETE", "admin.config_change", 3006, 5),
        ("GROUP_RENAME", "admin.config_change", 3006, 99),
        ("GROUP_FROBNICATE", "admin.config_change", 3006, 99),
        ("INVITE_USERS", "admin.config_change", 3001, 1),
        ("INVITE_SEND", "admin.config_change", 3001, 1),
        ("INVITE_DELETE", "admin.config_change", 3001, 6),
        ("INVITE_USER_REQUEST", "admin.config_change", 3001, 99),
        ("INVITE_ACCEPT", "admin.config_change", 3001, 99),
        ("INVITE_ACCEPT_ALL", "admin.config_change", 3001, 99),
        ("INVITE_UPDATE", "admin.config_change", 3001, 99),
        ("INVITE_SET_AUTO_ACCEPT_JOIN_REQUESTS", "admin.config_change", 6003, 3),
        ("INVITE_SET_ALLOW_EXTERNAL_DOMAINS", "admin.config_change", 6003, 3),
        ("USER_DELETE", "admin.config_change", 3001, 6),
        ("USER_CREATE", "admin.config_change", 3001, 1),
        ("INVITE_CREATE", "admin.config_change", 3001, 1),
        ("USER_ROLE_UPDATE", "admin.config_change", 3005, 1),
        ("USER_ROLE_ASSIGN", "admin.config_change", 3005, 1),
        ("USER_ROLE_REMOVE", "admin.config_change", 3005, 2),
        ("USER_ROLE_UPDATED", "admin.config_change", 3005, 1),
        ("UPDATE_WORKSPACE_USER", "admin.config_change", 3001, 99),
        ("ROLE_CREATE", "admin.config_change", 3005, 99),
        ("ROLE_ASSIGN", "admin.config_change", 3005, 1),
        ("ROLE_UNASSIGN", "admin.config_change", 3005, 2),
        ("ROLE_SET_PLUGIN_PERMISSIONS", "admin.config_change", 3005, 99),
        ("USER_LOGGED_OUT_BY_ADMIN", "auth.signout", 3002, 2),
        ("SESSION_LOGOUT_ALL", "auth.signout", 3002, 2),
        ("SESSION_REVOKE", "auth.signout", 3002, 2),
        ("PERSONAL_ACCESS_TOKEN_CREATE", "auth.action", 6003, 1),
        ("PERSONAL_ACCESS_TOKEN_REVOKE", "auth.action", 6003, 4),
        ("CONVERSATION_DELETE", "agent.action", 6003, 4),
        ("CONVERSATION_SHARE", "agent.action", 6003, 3),
        ("CONVERSATION_VIEW_OF_SHARED", "agent.action", 6003, 2),
        ("CONVERSATION_MESSAGE_RATING", "agent.action", 6003, 1),
        ("CONVERSATION_MESSAGE_RATING_DELETE", "agent.action", 6003, 4),
        ("FILE_DOWNLOAD", "agent.action", 6003, 2),
        ("WORKSPACE_POLICY_ACKNOWLEDGEMENT", "agent.action", 6003, 1),
        ("SKILL_WORKSPACE_ACCESS", "admin.config_change", 6003, 3),
        ("SKILL_CREATE", "admin.config_change", 6003, 1),
        ("PROJECT_UPDATE_SHARING", "admin.config_change", 6003, 3),
        ("LIST_WORKSPACE_LOG_FILES", "api.call", 6003, 2),
        ("DOWNLOAD_WORKSPACE_LOG_FILE", "api.call", 6003, 2),
        ("GET_USER_FILE", "api.call", 6003, 2),
        ("EXPORT_WORKSPACE_SKILL", "api.call", 6003, 2),
        ("LIST_WORKSPACE_DIRECTORY_GROUP_USERS", "api.call", 6003, 2),
        ("DELETE_CONVERSATION", "admin.config_change", 6003, 4),
        ("ISOLATE_GPT", "admin.config_change", 6003, 3),
        ("UNPUBLISH_CUSTOM_AGENT", "admin.config_change", 6003, 3),
        ("ADD_WORKSPACE_DIRECTORY_GROUP_USER", "admin.config_change", 3006, 3),
        ("DELETE_WORKSPACE_DIRECTORY_GROUP_USER", "admin.config_change", 3006, 4),
        ("SOMETHING_NEW", "agent.action", 6003, 99),
        ("", "agent.action", 6003, 0),
        ("GROUP_" + "X" * 100 + "_ADD", "admin.config_change", 6003, 1),
    ],
)
def test_actions_are_read_as_words(
    action: str, event_type: str, class_uid: int, activity: int
) -> None:
    """By verb and object, so that an action of tomorrow lands where its object belongs."""
    event = the_event(a_record("AUDIT_LOG", action=action))
    assert (action, event_type) == (event["action"], event["event_type"])
    assert (class_uid, activity, 0) == ocsf_of(event)


@pytest.mark.parametrize(
    ("activity", "verbs"),
    [
        (1, "CREATE ADD INSTALL UPLOAD"),
        (2, "LIST GET EXPORT DOWNLOAD VIEW CHECK"),
        (3, "UPDATE EDIT RENAME SET TOGGLE CHANGE ALLOW DISALLOW APPROVE ACTIVATE"),
        (3, "DEACTIVATE PUBLISH UNPUBLISH ISOLATE SHARE UNSHARE ASSIGN UNASSIGN"),
        (3, "ENABLE DISABLE SUSPEND ARCHIVE RESTORE TRANSFER ROTATE"),
        (4, "DELETE REMOVE REVOKE UNINSTALL"),
        (99, "ACCEPT SEND"),
    ],
)
def test_every_verb_has_its_activity(activity: int, verbs: str) -> None:
    """On an object without a class of its own, wherever the verb stands."""
    for verb in verbs.split():
        for action in (f"WIDGET_{verb}", f"{verb}_WIDGET"):
            event = the_event(a_record("AUDIT_LOG", action=action))
            assert (action, 6003, activity, 0) == (action, *ocsf_of(event))


@pytest.mark.parametrize(
    ("result", "outcome", "status", "flags"),
    [
        ("SUCCESS", "success", 1, {}),
        ("BLOCKED", "blocked", 2, {"blocked": "action_result"}),
        ("ERROR", "failure", 2, {}),
        ("PENDING", "unknown", 0, {}),
        (..., "unknown", 0, {}),
    ],
)
def test_results_are_outcomes(
    result: object, outcome: str, status: int, flags: dict[str, str]
) -> None:
    """A block is flagged; a missing result is not a success."""
    event = the_event(a_record("AUDIT_LOG", action="GROUP_CREATE", action_result=result))
    assert (outcome, status, flags) == (event["outcome"], ocsf_of(event)[2], event["flags"])


@pytest.mark.parametrize(
    ("action", "data", "target"),
    [
        ("USER_DELETE", {"user_id": "user-9"}, ("user", "user-9")),
        ("USER_ROLE_UPDATED", {"user_id": "user-9__ws-1", "role": "x"}, ("user", "user-9")),
        ("GROUP_ADD_USERS", {"a_id": "1", "group_id": "g-1"}, ("group", "g-1")),
        ("CUSTOM_GPT_DELETE", {"workspace_id": "w", "gpt_id": "g-1"}, ("gpt", "g-1")),
        ("APP_DELETE", {"b_id": "2", "a_id": 1}, None),
        ("APP_DELETE", {"a_id": "2", "app_id": 1}, ("app", "1")),
        ("WORKSPACE_TOGGLE_FEATURE", {"feature": "deep_research"}, ("feature", "deep_research")),
        ("GROUP_CREATE", {"role": "account-admin"}, None),
        ("GROUP_CREATE", None, None),
    ],
)
def test_targets_are_found(action: str, data: object, target: tuple[str, str] | None) -> None:
    """The id of the action's object, else another known one, else the feature."""
    found = the_event(a_record("AUDIT_LOG", action=action, action_data=data))["target"]
    assert target == (found and (found["kind"], found["id"]))


@pytest.mark.parametrize(
    ("value", "shown"),
    [(False, "false"), ("100", None), (1_789_466_400, None), (None, None), (["a"], None)],
)
def test_details_of_any_type_are_no_failure(value: object, shown: str | None) -> None:
    """Values, limits and epochs come as truth values, texts, numbers and lists."""
    data = {"value": value, "revoked_at": value, "limit": value, "expires_at": value}
    event = the_event(
        a_record("AUDIT_LOG", action="SUBSCRIPTION_SET_OVERAGE_LIMIT", action_data=data)
    )
    assert {} == event["flags"]
    assert shown == own_attributes(event).get("openai_compliance.value")


@pytest.mark.parametrize(
    "data",
    [
        {"new_role": "account-admin"},
        {"role": "account-admin"},
        {"seat_type": "account-admin"},
        {"new_role": "account-admin", "role": "standard-user"},
    ],
)
def test_roles_are_found_in_every_spelling(data: object) -> None:
    """As documented and as seen later."""
    event = the_event(a_record("AUDIT_LOG", action="USER_ROLE_UPDATED", action_data=data))
    assert {"openai_compliance.role": "account-admin"} == own_attributes(event)


def test_switches_show_their_value_and_texts_do_not() -> None:
    """A value may be a truth value or a system prompt."""
    switch = {"feature": "deep_research", "value": True}
    prompt = {"value": "you are a secret agent"}
    assert {"openai_compliance.value": "true"} == own_attributes(
        the_event(a_record("AUDIT_LOG", action="WORKSPACE_TOGGLE_FEATURE", action_data=switch))
    )
    event = the_event(
        a_record("AUDIT_LOG", action="WORKSPACE_SET_SYSTEM_INSTRUCTION", action_data=prompt)
    )
    assert {} == own_attributes(event)


def test_content_is_the_action_data_without_addresses() -> None:
    """Content alone does not bring e-mails; both do."""
    data = {"z": 2**70, "addresses": ["new@x.org"], "limit": 1.50, "text": "call a@b.c now"}
    record = a_record("AUDIT_LOG", action="INVITE_USERS", action_data=data)
    without = the_event(record, include=Include(content=True))["content"]
    both = the_event(record, include=Include(content=True, email=True))["content"]
    assert without is not None
    assert both is not None
    assert {**data, "addresses": ["withheld"]} == json.loads(without["action_data"])
    assert data == json.loads(both["action_data"])


def test_a_target_in_the_form_of_an_email_is_withheld() -> None:
    """Unless the source includes e-mails."""
    record = a_record("AUDIT_LOG", action="USER_DELETE", action_data={"user_id": "a@x.org"})
    event = the_event(record)
    assert {"kind": "user", "id": None, "name": None} == event["target"]
    assert {"withheld.target": "its id has the form of an e-mail"} == event["flags"]
    assert {"kind": "user", "id": "a@x.org", "name": None} == the_event(
        record, include=Include(email=True)
    )["target"]
