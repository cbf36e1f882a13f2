"""The types of the API platform's audit log, read as words.

So a new type lands where its object belongs: the last verb in the past tense is what was done, and
the words in front of it name the object. Nearly no type says how it went. A dot means no more than
a `_`, which copies of the log may have in its place.
"""

from functools import lru_cache
from typing import Final

import msgspec

from producer.contract.event import EventOutcome, EventType
from producer.normaliser import ocsf
from producer.normaliser.ocsf import CREATE, DELETE, OTHER, READ, UPDATE
from producer.normaliser.rules import Rule

# The verbs; the number is the activity of class 6003.
VERBS: Final[dict[str, int]] = {
    "CREATED": CREATE,
    "ADDED": CREATE,
    "REGISTERED": CREATE,
    "PROVISIONED": CREATE,
    "ISSUED": CREATE,
    "LOOKED": READ,
    "UPDATED": UPDATE,
    "UPSERTED": UPDATE,
    "ACTIVATED": UPDATE,
    "DEACTIVATED": UPDATE,
    "ENABLED": UPDATE,
    "DISABLED": UPDATE,
    "ARCHIVED": UPDATE,
    "ATTACHED": UPDATE,
    "DETACHED": UPDATE,
    "BOUND": UPDATE,
    "UNBOUND": UPDATE,
    "MIGRATED": UPDATE,
    "DELETED": DELETE,
    "REMOVED": DELETE,
    "REVOKED": DELETE,
    "SENT": OTHER,
    "INVITED": OTHER,
    "ACCEPTED": OTHER,
    "DECLINED": OTHER,
    "STARTED": OTHER,
    "REQUESTED": OTHER,
    "RESOLVED": OTHER,
    "COMPLETED": OTHER,
    "SUCCEEDED": OTHER,
    "FAILED": OTHER,
}
_PAST: Final = "ED"

OUTCOMES: Final[dict[str, EventOutcome]] = {"SUCCEEDED": "success", "FAILED": "failure"}


class Object(msgspec.Struct, frozen=True):
    """What an object's events are: the activity of each verb in its class, and of all others.

    Without activities, they are those of the verbs.
    """

    event_type: EventType
    class_uid: int
    activities: dict[str, int] | None = None
    other: int = OTHER


_SETTING: Final = Object("admin.config_change", ocsf.API_ACTIVITY)
_CREDENTIAL: Final = Object("auth.action", ocsf.API_ACTIVITY)


def _account(**activities: int) -> Object:
    return Object("admin.config_change", ocsf.ACCOUNT_CHANGE, activities)


def _access(**activities: int) -> Object:
    return Object("admin.config_change", ocsf.USER_ACCESS, activities)


def _group(**activities: int) -> Object:
    return Object("admin.config_change", ocsf.GROUP_MANAGEMENT, activities)


# The first of these whose words are in a type is its object: limits of users are no users.
OBJECTS: Final[dict[str, Object]] = {
    "POLICY": _SETTING,
    "LIMIT": _SETTING,
    "SETTINGS": _SETTING,
    "ADS_ACCOUNT": _SETTING,
    "API_KEY": _CREDENTIAL,
    "TOKEN": _CREDENTIAL,
    "ROLE_ASSIGNMENT": _access(CREATED=1, DELETED=2),
    "ROLE": _access(BOUND=1, UNBOUND=2, ASSIGNED=1, UNASSIGNED=2),
    "INVITE": _account(SENT=1, DELETED=6),
    "GROUP_MEMBER": _group(ADDED=3, REMOVED=4),
    "GROUP": _group(CREATED=6, DELETED=5),
    "SERVICE_ACCOUNT": _account(CREATED=1, DELETED=6),
    "MEMBERSHIP": _account(REVOKED=6),
    "USER": _account(ADDED=1, INVITED=1, SUSPENDED=5, DELETED=6, REMOVED=6),
    "LOGIN": Object("auth.signin", ocsf.AUTHENTICATION, {}, other=1),
    "LOGOUT": Object("auth.signout", ocsf.AUTHENTICATION, {}, other=2),
    "SESSION_REVOCATION": Object("auth.signout", ocsf.AUTHENTICATION, {}, other=2),
}

_NO_TYPE: Final = Rule("agent.action", ocsf.API_ACTIVITY, ocsf.UNKNOWN)
_OTHER_TYPE: Final = Rule("agent.action", ocsf.API_ACTIVITY, OTHER)

# Objects of a tenant are the same objects.
_TENANT: Final = "TENANT"
_TYPES_CACHED: Final = 1024
_CACHED_LENGTH_MAX: Final = 128


class Reading(msgspec.Struct, frozen=True):
    """What a type says: its rule, and the kind of its object."""

    rule: Rule
    kind: str


def read_type(name: str) -> Reading:
    """Read a type by its words."""
    return _cached(name) if len(name) <= _CACHED_LENGTH_MAX else _read_type(name)


def _read_type(name: str) -> Reading:
    noun, verb = _words(name)
    return Reading(_rule(noun, verb), noun.lower())


_cached = lru_cache(maxsize=_TYPES_CACHED)(_read_type)


def _words(name: str) -> tuple[str, str]:
    """Take a type apart: its object and its verb, if it has one."""
    words = [word for word in name.upper().replace(".", "_").split("_") if word]
    if words[:1] == [_TENANT]:
        words = words[1:]
    verbs = [place for place, word in enumerate(words) if word in VERBS]
    if not verbs and words and words[-1].endswith(_PAST):
        verbs = [len(words) - 1]
    if not verbs:
        return "_".join(words), ""
    return "_".join(words[: verbs[-1]]), words[verbs[-1]]


def _rule(noun: str, verb: str) -> Rule:
    if not noun and not verb:
        return _NO_TYPE
    activity = VERBS.get(verb, OTHER)
    if activity == READ:
        return Rule("api.call", ocsf.API_ACTIVITY, READ)
    found = next((one for words, one in OBJECTS.items() if f"_{words}_" in f"_{noun}_"), None)
    if found is None and verb not in VERBS:
        return _OTHER_TYPE
    found = found or _SETTING
    if found.activities is not None:
        activity = found.activities.get(verb, found.other)
    return Rule(found.event_type, found.class_uid, activity, OUTCOMES.get(verb, "unknown"))
