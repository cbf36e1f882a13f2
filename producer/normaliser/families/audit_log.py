"""AUDIT_LOG: what administrators, users and API keys did in a workspace.

Actions are read as words, so that a new `GROUP_RENAME` lands where groups belong: its verb is the
first word that is one, and the words in front of it name the object. API keys' actions have the
verb in front (`DELETE_CONVERSATION`), all others behind (`CONVERSATION_DELETE`); as the last word
it may be in the past tense (`USER_ROLE_UPDATED`).
"""

from functools import lru_cache
from typing import Final

import msgspec

from producer.contract.event import EventOutcome, EventType, Target
from producer.contract.source import Include
from producer.normaliser import ocsf
from producer.normaliser.actors import person_id, who_acted
from producer.normaliser.envelope import read_timestamp
from producer.normaliser.ocsf import CREATE, DELETE, OTHER, READ, UPDATE
from producer.normaliser.privacy import Content, json_text
from producer.normaliser.reading import (
    Findings,
    JsonObject,
    identifier,
    mapping,
    required_text,
    scalar_text,
    text,
)
from producer.normaliser.rules import Draft, Family, Rule

# The first of these words in an action is its verb; the number is the activity of class 6003.
VERBS: Final[dict[str, int]] = {
    "CREATE": CREATE,
    "ADD": CREATE,
    "INSTALL": CREATE,
    "UPLOAD": CREATE,
    "LIST": READ,
    "GET": READ,
    "EXPORT": READ,
    "DOWNLOAD": READ,
    "VIEW": READ,
    "CHECK": READ,
    "DELETE": DELETE,
    "REMOVE": DELETE,
    "REVOKE": DELETE,
    "UNINSTALL": DELETE,
    "UPDATE": UPDATE,
    "EDIT": UPDATE,
    "RENAME": UPDATE,
    "SET": UPDATE,
    "TOGGLE": UPDATE,
    "CHANGE": UPDATE,
    "ALLOW": UPDATE,
    "DISALLOW": UPDATE,
    "APPROVE": UPDATE,
    "ACTIVATE": UPDATE,
    "DEACTIVATE": UPDATE,
    "ENABLE": UPDATE,
    "DISABLE": UPDATE,
    "SUSPEND": UPDATE,
    "ARCHIVE": UPDATE,
    "RESTORE": UPDATE,
    "TRANSFER": UPDATE,
    "ROTATE": UPDATE,
    "PUBLISH": UPDATE,
    "UNPUBLISH": UPDATE,
    "ISOLATE": UPDATE,
    "SHARE": UPDATE,
    "UNSHARE": UPDATE,
    "ASSIGN": UPDATE,
    "UNASSIGN": UPDATE,
    "ACCEPT": OTHER,
    "SEND": OTHER,
}

# The objects that have a class of their own in OCSF: the activity of each verb, and of all others.
# An object's last words count: the user of a workspace is a user, the user of a group is not.
CLASSES: Final[dict[str, tuple[int, dict[str, int]]]] = {
    "GROUP": (ocsf.GROUP_MANAGEMENT, {"CREATE": 6, "DELETE": 5, "ADD": 3, "REMOVE": 4}),
    "GROUP_USER": (ocsf.GROUP_MANAGEMENT, {"ADD": 3, "DELETE": 4, "REMOVE": 4}),
    "USER": (
        ocsf.ACCOUNT_CHANGE,
        {
            "CREATE": 1,
            "ADD": 1,
            "ENABLE": 2,
            "ACTIVATE": 2,
            "DISABLE": 5,
            "DEACTIVATE": 5,
            "SUSPEND": 5,
            "DELETE": 6,
            "REMOVE": 6,
        },
    ),
    # Who has a role, and what a role allows: both change what people may do.
    "USER_ROLE": (ocsf.USER_ACCESS, {"UPDATE": 1, "ASSIGN": 1, "REMOVE": 2}),
    "ROLE": (ocsf.USER_ACCESS, {"ASSIGN": 1, "UNASSIGN": 2}),
    "INVITE": (ocsf.ACCOUNT_CHANGE, {"SEND": 1, "CREATE": 1, "DELETE": 6}),
}

_API: Final = ocsf.API_ACTIVITY
_SIGN_OUT: Final = Rule("auth.signout", ocsf.AUTHENTICATION, 2)

# Actions, or objects with their verbs, that are not what their words say.
ACTIONS: Final[dict[str, Rule]] = {
    "USER_LOGGED_OUT_BY_ADMIN": _SIGN_OUT,
    "SESSION_LOGOUT_ALL": _SIGN_OUT,
    "SESSION_REVOKE": _SIGN_OUT,
    "INVITE_USERS": Rule("admin.config_change", ocsf.ACCOUNT_CHANGE, 1),
    # With whatever else follows: how a workspace invites, not an invitation.
    "INVITE_SET": Rule("admin.config_change", _API, UPDATE),
    "CONVERSATION_MESSAGE_RATING": Rule("agent.action", _API, CREATE),
    "SKILL_WORKSPACE_ACCESS": Rule("admin.config_change", _API, UPDATE),
    "WORKSPACE_POLICY_ACKNOWLEDGEMENT": Rule("agent.action", _API, CREATE),
}

# What people do with their own conversations and files is use, not configuration.
IN_USE: Final = frozenset({"CONVERSATION", "CONVERSATION_MESSAGE_RATING", "FILE"})
CREDENTIALS: Final = frozenset({"PERSONAL_ACCESS_TOKEN"})

RESULTS: Final[dict[str, EventOutcome]] = {
    "SUCCESS": "success",
    "BLOCKED": "blocked",
    "ERROR": "failure",
}

# A rating that is another text could be a comment.
RATINGS: Final = frozenset({"thumbs_up", "thumbs_down"})

# Where the role of a role change is, newest spelling first.
_ROLE_NAMES: Final = ("new_role", "role", "seat_type")
# Objects that are about a person rather than what their words say.
OF_PEOPLE: Final = frozenset({"USER_ROLE"})

# Ids of what an action can be about beside its own object, people first.
KNOWN_IDS: Final = (
    "user_id",
    "account_user_id",
    "conversation_id",
    "gpt_id",
    "project_id",
    "app_id",
    "connector_id",
    "agent_id",
    "skill_id",
    "plugin_id",
    "site_id",
    "group_id",
    "role_id",
    "file_id",
    "access_token_id",
    "session_id",
)
_PAST: Final = ("D", "ED")
_ACTIONS_CACHED: Final = 1024
_CACHED_LENGTH_MAX: Final = 64


class Reading(msgspec.Struct, frozen=True):
    """What an action says: its rule, and the fields of `action_data` that may name its object."""

    rule: Rule
    id_names: tuple[str, ...]


def read_action(action: str) -> Reading:
    """Read an action by its words."""
    return _cached(action) if len(action) <= _CACHED_LENGTH_MAX else _read_action(action)


def _read_action(action: str) -> Reading:
    noun, verb, verb_first = _words(action)
    rule = ACTIONS.get(action.upper()) or ACTIONS.get(f"{noun}_{verb}")
    return Reading(rule or _by_words(noun, verb, verb_first=verb_first), _id_names(noun))


def _id_names(noun: str) -> tuple[str, ...]:
    """Name where an object's id may be: `custom_gpt_id`, then `gpt_id`, then what is known."""
    if noun in OF_PEOPLE:
        return KNOWN_IDS
    words = noun.lower().split("_")
    ends = ("_".join(words[start:]) for start in range(len(words)))
    own = (f"{name}_id" for end in ends for name in (end, end.removesuffix("s")) if name)
    return (*dict.fromkeys(own), *KNOWN_IDS)


_cached = lru_cache(maxsize=_ACTIONS_CACHED)(_read_action)


def _words(action: str) -> tuple[str, str, bool]:
    """Take an action apart: its object, its verb, and whether the verb comes first."""
    words = [word for word in action.upper().split("_") if word]
    for place, word in enumerate(words):
        if word in VERBS:
            noun = words[:place] if place else words[1:]
            return "_".join(noun), word, place == 0
    verb = _present(words[-1]) if len(words) > 1 else ""
    return ("_".join(words[:-1]) if verb else words[0] if words else ""), verb, False


def _present(word: str) -> str:
    """Give the verb that a word is the past tense of, if it is one."""
    return next((verb for verb in (word.removesuffix(e) for e in _PAST) if verb in VERBS), "")


def _by_words(noun: str, verb: str, *, verb_first: bool) -> Rule:
    if not noun and not verb:
        return Rule("agent.action", _API, ocsf.UNKNOWN)
    activity = VERBS.get(verb, OTHER)
    event_type = _event_type(noun, verb, verb_first=verb_first)
    object_ = _object(noun)
    if object_ is not None and activity != READ:
        class_uid, activities = CLASSES[object_]
        return Rule(event_type, class_uid, activities.get(verb, OTHER))
    return Rule(event_type, _API, activity)


def _object(noun: str) -> str | None:
    """Find the object with a class of its own that a noun, or several of them, are."""
    one = noun.removesuffix("S")
    found = [name for name in CLASSES if one == name or one.endswith(f"_{name}")]
    return max(found, key=len, default=None)


def _event_type(noun: str, verb: str, *, verb_first: bool) -> EventType:
    """Tell what kind of event an action is.

    By key: reading is a call, all else changes a workspace. By people: their credentials, their
    own conversations and files, and what has no known verb; all else changes a workspace.
    """
    if verb_first:
        return "api.call" if VERBS[verb] == READ else "admin.config_change"
    if noun in CREDENTIALS:
        return "auth.action"
    if noun in IN_USE or (not verb and _object(noun) is None):
        return "agent.action"
    return "admin.config_change"


def describe(record: JsonObject, findings: Findings) -> Draft:
    """Say what an AUDIT_LOG record tells."""
    action = required_text(record, "action", findings)
    reading = read_action(action)
    result = text(record, "action_result", findings)
    data = mapping(record, "action_data", findings)
    outcome = RESULTS.get((result or "").upper(), "unknown")
    if outcome == "blocked":
        findings.flags["blocked"] = "action_result"
    _flag_rating(data, findings)
    value = data.get("value")
    return Draft(
        rule=reading.rule,
        action=action,
        outcome=outcome,
        target=_target(reading.id_names, data, findings),
        extra=(
            ("openai_compliance.action_result", result),
            ("openai_compliance.action_privilege", text(record, "action_privilege", findings)),
            ("openai_compliance.role", _role(data, findings)),
            # A switch's value is what the record is about; a text here may be a system prompt.
            ("openai_compliance.value", scalar_text(value) if type(value) is bool else None),
        ),
    )


def _flag_rating(data: JsonObject, findings: Findings) -> None:
    """Flag a thumb up or down: of all records, these say what somebody thinks of an answer."""
    rating = text(data, "rating", findings)
    if rating in RATINGS:
        findings.flags["rating"] = rating


def _role(data: JsonObject, findings: Findings) -> str | None:
    for name in _ROLE_NAMES:
        found = text(data, name, findings)
        if found is not None:
            return found
    return None


def _target(id_names: tuple[str, ...], data: JsonObject, findings: Findings) -> Target | None:
    """Find what it was done to: the action's object, else another that is known, else a feature.

    An id of unknown name says nothing, or else a new field would change what an event is about.
    """
    for name in id_names:
        found = identifier(data, name, findings)
        if found is not None:
            return {"kind": name.removesuffix("_id"), "id": person_id(found), "name": None}
    feature = text(data, "feature", findings)
    return None if feature is None else {"kind": "feature", "id": feature, "name": None}


def content(record: JsonObject, include: Include, findings: Findings) -> Content:
    """Give all of `action_data`: which of its fields are texts differs from action to action."""
    data = mapping(record, "action_data", findings)
    return {"action_data": json_text(include, data)} if data else {}


FAMILY: Final = Family(
    describe=describe, occurred_at=read_timestamp, who=who_acted, content=content
)
