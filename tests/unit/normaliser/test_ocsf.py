"""Events stand at places that OCSF has: class by class, for every rule of every family.

The enumerations are those of OCSF 1.1.0, which LangWatch writes; later versions only add to them.
"""

import importlib
import pkgutil
from collections.abc import Iterator
from itertools import product
from types import ModuleType

import pytest

from producer.normaliser import families
from producer.normaliser.families import api_platform_types, audit_actions, auth_log, words
from producer.normaliser.families.catalogue import FAMILIES, OBJECTS
from producer.normaliser.ocsf import place
from producer.normaliser.rules import Draft, Rule

# What every class has.
ALL = {0: "Unknown", 99: "Other"}
CLASSES = {2002, 3001, 3002, 3005, 3006, 6003}
# By class: vulnerability finding, account change, authentication, user access management, group
# management, API activity.
ACTIVITIES: dict[int, dict[int, str]] = {
    2002: ALL | {1: "Create", 2: "Update", 3: "Close"},
    3001: ALL
    | {
        1: "Create",
        2: "Enable",
        3: "Password Change",
        4: "Password Reset",
        5: "Disable",
        6: "Delete",
        7: "Attach Policy",
        8: "Detach Policy",
        9: "Lock",
        10: "MFA Factor Enable",
        11: "MFA Factor Disable",
    },
    3002: ALL
    | {
        1: "Logon",
        2: "Logoff",
        3: "Authentication Ticket",
        4: "Service Ticket Request",
        5: "Service Ticket Renew",
    },
    3005: ALL | {1: "Assign Privileges", 2: "Revoke Privileges"},
    3006: ALL
    | {
        1: "Assign Privileges",
        2: "Revoke Privileges",
        3: "Add User",
        4: "Remove User",
        5: "Delete",
        6: "Create",
    },
    6003: ALL | {1: "Create", 2: "Read", 3: "Update", 4: "Delete"},
}
SEVERITIES = {
    0: "Unknown",
    1: "Informational",
    2: "Low",
    3: "Medium",
    4: "High",
    5: "Critical",
    6: "Fatal",
    99: "Other",
}
STATUSES = {0: "Unknown", 1: "Success", 2: "Failure", 99: "Other"}
OUTCOMES = ("success", "failure", "blocked", "unknown")

MODULES = [
    importlib.import_module(f"{families.__name__}.{found.name}")
    for found in pkgutil.iter_modules(families.__path__)
]


def rules_in(value: object) -> Iterator[Rule]:
    """Give the rules of a constant, however it holds them."""
    if isinstance(value, Rule):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from rules_in(item)
    elif isinstance(value, tuple | list | set | frozenset):
        for item in value:
            yield from rules_in(item)


def rules_of(module: ModuleType) -> list[Rule]:
    """Give the rules of all constants of a module."""
    return [rule for value in vars(module).values() for rule in rules_in(value)]


TABLES = [(module.__name__, rule) for module in MODULES for rule in rules_of(module)]


@pytest.mark.parametrize(("module", "rule"), TABLES)
def test_every_rule_is_at_a_place_that_exists(module: str, rule: Rule) -> None:
    """Class, activity and type are in OCSF's enumerations, whatever the outcome."""
    assert rule.class_uid in CLASSES, module
    assert rule.activity_id in ACTIVITIES[rule.class_uid], module
    types = {uid * 100 + activity for uid in CLASSES for activity in ACTIVITIES[uid]}
    for outcome in OUTCOMES:
        ocsf = place(rule.class_uid, rule.activity_id, outcome, 1)
        assert ocsf["type_uid"] in types, module
        assert ocsf["type_uid"] // 100 == ocsf["class_uid"], module
        assert ocsf["status_id"] in STATUSES, module


def test_every_family_brings_rules() -> None:
    """A family whose rules are not found here would not be tested here."""
    without = {
        family.describe.__module__
        for family in (*FAMILIES.values(), *OBJECTS.values())
        if not rules_of(importlib.import_module(family.describe.__module__))
    }
    # Actions and types that are read as words have their rules made of these tables.
    assert {
        "producer.normaliser.families.api_platform_audit",
        "producer.normaliser.families.audit_log",
    } == without


NOUNS = sorted(
    {*words.CLASSES, *words.SAME, *audit_actions.CREDENTIALS, *api_platform_types.OBJECTS}
    | {"GROUP_MEMBER", "OTHER_NOUN", ""}
)


@pytest.mark.parametrize("noun", NOUNS)
def test_every_audit_action_is_at_a_place_that_exists(noun: str) -> None:
    """Whatever object and verb an action joins, in either order."""
    for verb in (*words.VERBS, "NO_VERB", "FROBNICATED", ""):
        for action in (f"{noun}_{verb}", f"{verb}_{noun}", f"USER_{verb}_{noun}"):
            rule = audit_actions.read_action(action).rule
            assert rule.activity_id in ACTIVITIES[rule.class_uid], action


@pytest.mark.parametrize("noun", NOUNS)
def test_every_type_of_the_platform_is_at_a_place_that_exists(noun: str) -> None:
    """Whatever object and verb a type joins."""
    for verb in (*words.VERBS, "FROBNICATED", "SUCCEEDED", "NO_VERB", ""):
        rule = api_platform_types.read_type(f"{noun}.{verb}").rule
        assert rule.activity_id in ACTIVITIES[rule.class_uid], (noun, verb)


@pytest.mark.parametrize("name", words.CLASSES)
def test_every_activity_of_an_object_is_one_of_its_class(name: str) -> None:
    """And each verb that an object names is a verb."""
    found = words.CLASSES[name]
    assert {*found.activities.values(), found.other} <= set(ACTIVITIES[found.class_uid])
    assert set(found.activities) <= set(words.VERBS)


def test_verbs_are_verbs() -> None:
    """What the past of a verb is, and which verbs are nouns, is said of verbs alone."""
    assert set(words.PAST.values()) <= set(words.VERBS)
    assert set(words.VERBS) >= audit_actions.NOUNS
    assert words.SIGNING <= set(words.CLASSES)
    assert set(api_platform_types.WITH_A_CLASS) == set(words.CLASSES) - words.SIGNING


@pytest.mark.parametrize(
    "action",
    ["", "x", "some_login", "some_signin_failed", "some_logout", "some_signout", "token_x"],
)
def test_every_unknown_sign_in_is_at_a_place_that_exists(action: str) -> None:
    """Actions outside the table are read as words too."""
    rule = auth_log._by_words(action)
    assert rule.activity_id in ACTIVITIES[rule.class_uid]


def test_every_severity_exists() -> None:
    """Of all tables of severities, and of events that name none."""
    named = {
        number
        for module in MODULES
        for name, value in vars(module).items()
        if "SEVERIT" in name
        for number in (value.values() if isinstance(value, dict) else [value])
    }
    assert {1, 2, 3, 4, 5, 99} == named
    assert named <= set(SEVERITIES)
    rule = Rule("agent.action", 6003, 99)
    assert Draft(rule=rule, action="").severity_id in SEVERITIES


@pytest.mark.parametrize(
    ("outcome", "status"), [("success", 1), ("failure", 2), ("blocked", 2), ("unknown", 0)]
)
def test_status_follows_the_outcome(outcome: str, status: int) -> None:
    """What was blocked did not succeed; what is not known is not guessed."""
    assert {
        "class_uid": 3002,
        "activity_id": 1,
        "type_uid": 300201,
        "severity_id": 1,
        "status_id": status,
    } == place(3002, 1, outcome, 1)


def test_the_type_is_the_class_and_the_activity() -> None:
    """By OCSF's own arithmetic, class by class."""
    found = {
        place(class_uid, activity, "unknown", severity)["type_uid"]
        for class_uid in CLASSES
        for activity, severity in product(ACTIVITIES[class_uid], SEVERITIES)
    }
    assert {200203, 300199, 300205, 300502, 300606, 600304} <= found
    assert sum(len(ACTIVITIES[class_uid]) for class_uid in CLASSES) == len(found)
