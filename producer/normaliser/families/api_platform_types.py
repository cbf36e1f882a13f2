"""The types of the API platform's audit log, read as words (see `words`).

The last verb in the past tense is what was done, else a verb at the end; the words in front of it
name the object. Nearly no type says how it went. A dot means no more than a `_`, which copies of
the log may have in its place.
"""

from functools import lru_cache
from typing import Final

import msgspec

from producer.contract.event import EventOutcome, EventType
from producer.normaliser import ocsf
from producer.normaliser.families.audit_targets import Place, places_of
from producer.normaliser.families.words import (
    CLASSES,
    SIGNING,
    VERBS,
    event_type_of,
    one_object,
    present,
    words_of,
)
from producer.normaliser.ocsf import OTHER, READ
from producer.normaliser.rules import Rule

_PAST: Final = "ED"

# What a type says of how it went, behind what was done.
OUTCOMES: Final[dict[str, EventOutcome]] = {"SUCCEEDED": "success", "FAILED": "failure"}

# The objects without a class of their own, and what events theirs are. The first whose words are
# in a type is its object, before those that have a class: limits of users are no users.
OBJECTS: Final[dict[str, EventType]] = {
    "POLICY": "admin.config_change",
    "LIMIT": "admin.config_change",
    "SETTING": "admin.config_change",
    "ADS_ACCOUNT": "admin.config_change",
    "API_KEY": "auth.action",
    "TOKEN": "auth.action",
    "SECRET": "auth.action",
    "CREDENTIAL": "auth.action",
}
# The objects of a class, in the order in which their words are looked for.
WITH_A_CLASS: Final = (
    "PASSWORD_RESET",
    "PASSWORD",
    "MFA",
    "ROLE_ASSIGNMENT",
    "USER_ROLE",
    "ROLE",
    "INVITE",
    "GROUP_USER",
    "GROUP",
    "SESSION_REVOCATION",
    "SESSION",
    "USER",
)

_NO_TYPE: Final = Rule("agent.action", ocsf.API_ACTIVITY, ocsf.UNKNOWN)
_OTHER_TYPE: Final = Rule("agent.action", ocsf.API_ACTIVITY, OTHER)

# Objects of a tenant are the same objects.
_TENANT: Final = "TENANT"
_TYPES_CACHED: Final = 1024
_CACHED_LENGTH_MAX: Final = 128


class Reading(msgspec.Struct, frozen=True):
    """What a type says: its rule, the kind of its object, and where details may name that."""

    rule: Rule
    kind: str
    places: tuple[Place, ...]


def read_type(name: str) -> Reading:
    """Read a type by its words."""
    return _cached(name) if len(name) <= _CACHED_LENGTH_MAX else _read_type(name)


def _read_type(name: str) -> Reading:
    words = words_of(name)
    if words[:1] == [_TENANT]:
        words = words[1:]
    outcome = OUTCOMES.get(words[-1]) if words else None
    noun, verb = _words(words if outcome is None else words[:-1])
    rule = _rule(noun, verb, outcome or "unknown", says_how=outcome is not None)
    return Reading(rule, (noun or verb).lower(), places_of(noun, "", rule.class_uid))


_cached = lru_cache(maxsize=_TYPES_CACHED)(_read_type)


def _words(words: list[str]) -> tuple[str, str]:
    """Take a type apart: its object and its verb in the present, if it has one."""
    last = len(words) - 1
    past = [place for place, word in enumerate(words) if present(word)]
    if past:
        return "_".join(words[: past[-1]]), present(words[past[-1]])
    if words and (words[last] in VERBS or words[last].endswith(_PAST)):
        return "_".join(words[:last]), words[last]
    return "_".join(words), ""


def _rule(noun: str, verb: str, outcome: EventOutcome, *, says_how: bool) -> Rule:
    if not noun and not verb:
        return _NO_TYPE
    activity = VERBS.get(verb, OTHER)
    if activity == READ:
        return Rule("api.call", ocsf.API_ACTIVITY, READ, outcome)
    one = f"_{one_object(noun)}_"
    plain = next((kind for name, kind in OBJECTS.items() if f"_{name}_" in one), None)
    if plain is not None:
        return Rule(plain, ocsf.API_ACTIVITY, activity, outcome)
    name = verb if verb in SIGNING else _with_a_class(one)
    if name is not None:
        found = CLASSES[name]
        activity = found.activities.get(verb, found.other)
        return Rule(event_type_of(found, activity), found.class_uid, activity, outcome)
    if verb not in VERBS and not says_how:
        return _OTHER_TYPE
    return Rule("admin.config_change", ocsf.API_ACTIVITY, activity, outcome)


def _with_a_class(one: str) -> str | None:
    return next((name for name in WITH_A_CLASS if f"_{name}_" in one), None)
