"""AUTH_LOG: signing in and out, tokens and passwords."""

from collections.abc import Callable
from typing import Final

from producer.contract.event import EventOutcome
from producer.normaliser.actors import who_acted
from producer.normaliser.envelope import read_timestamp
from producer.normaliser.families.audit_actions import read_action
from producer.normaliser.families.generic import with_ids
from producer.normaliser.ocsf import ACCOUNT_CHANGE, AUTHENTICATION, OTHER, UNKNOWN
from producer.normaliser.privacy import flag
from producer.normaliser.reading import Findings, JsonObject, mapping, required_text, text
from producer.normaliser.rules import Draft, Family, Rule

_LOGON: Final = 1
_LOGOFF: Final = 2
_TICKET: Final = 3
_CREATE: Final = 1
_PASSWORD_RESET: Final = 4


def _sign_in(outcome: EventOutcome) -> Rule:
    return Rule("auth.signin", AUTHENTICATION, _LOGON, outcome)


def _sign_out(outcome: EventOutcome) -> Rule:
    return Rule("auth.signout", AUTHENTICATION, _LOGOFF, outcome)


def _password_reset(outcome: EventOutcome) -> Rule:
    return Rule("auth.action", ACCOUNT_CHANGE, _PASSWORD_RESET, outcome)


def _sign_up(outcome: EventOutcome) -> Rule:
    return Rule("auth.action", ACCOUNT_CHANGE, _CREATE, outcome)


# `login_failed` and `login_failure` are in no list of OpenAI's, but others have seen them.
ACTIONS: Final[dict[str, Rule]] = {
    "signup_success": _sign_up("success"),
    "login_success": _sign_in("success"),
    "native_login_success": _sign_in("success"),
    "logout_success": _sign_out("success"),
    "token_issued": Rule("auth.action", AUTHENTICATION, _TICKET, "success"),
    "token_revoked": Rule("auth.action", AUTHENTICATION, OTHER, "success"),
    "password_reset_initiated": _password_reset("unknown"),
    "password_reset_success": _password_reset("success"),
    "password_reset_error": _password_reset("failure"),
    "password_reset_admin": _password_reset("success"),
    "password_login_invalid_password": _sign_in("failure"),
    "password_login_sentinel_challenge": _sign_in("unknown"),
    "password_login_sentinel_blocked": _sign_in("blocked"),
    "login_failed": _sign_in("failure"),
    "login_failure": _sign_in("failure"),
}

# What an action outside the table says by its last word.
OUTCOMES: Final[dict[str, EventOutcome]] = {
    "success": "success",
    "succeeded": "success",
    "error": "failure",
    "failed": "failure",
    "failure": "failure",
    "blocked": "blocked",
    "denied": "blocked",
}

# What an action outside the table is about: the first of these whose words are in it.
KINDS: Final[dict[str, Callable[[EventOutcome], Rule]]] = {
    "login": _sign_in,
    "signin": _sign_in,
    "logout": _sign_out,
    "signout": _sign_out,
    "signup": _sign_up,
    "password_reset": _password_reset,
}

_NO_ACTION: Final = Rule("auth.action", AUTHENTICATION, UNKNOWN)
# What the two logs tell of both.
_CLASSES: Final = frozenset({AUTHENTICATION, ACCOUNT_CHANGE})
_EVENT_TYPES: Final = frozenset({"auth.action", "auth.signin", "auth.signout"})
_INVALID: Final = "invalid"
_SENTINEL: Final = "sentinel_"


def describe(record: JsonObject, findings: Findings) -> Draft:
    """Say what an AUTH_LOG record tells."""
    data = mapping(record, "action_data", findings)
    action = required_text(data, "action", findings, within="action_data.")
    name = action.lower()
    verdict = name.partition(_SENTINEL)[2]
    if verdict:
        flag(findings, "sentinel", verdict)
    rule = ACTIONS.get(name)
    draft = Draft(
        rule=rule or _by_words(name),
        action=action,
        extra=(
            ("openai_compliance.auth_provider", text(data, "auth_provider_name", findings)),
            ("openai_compliance.role", text(data, "role", findings)),
        ),
    )
    return draft if rule is not None else with_ids(draft, record, findings)


def _by_words(action: str) -> Rule:
    if not action:
        return _NO_ACTION
    words = action.split("_")
    outcome = "failure" if _INVALID in words else OUTCOMES.get(words[-1], "unknown")
    named = next((kind for name, kind in KINDS.items() if set(name.split("_")) <= {*words}), None)
    return named(outcome) if named else _as_audited(words, outcome)


def _as_audited(words: list[str], outcome: EventOutcome) -> Rule:
    """Read an action as AUDIT_LOG has it: both tell of sessions, passwords and second factors."""
    said = words[:-1] if words[-1] in OUTCOMES else words
    rule = read_action("_".join(said)).rule
    if rule.class_uid in _CLASSES and rule.event_type in _EVENT_TYPES:
        return Rule(rule.event_type, rule.class_uid, rule.activity_id, outcome)
    return Rule("auth.action", AUTHENTICATION, OTHER, outcome)


FAMILY: Final = Family(describe=describe, occurred_at=read_timestamp, who=who_acted)
