"""Events stand at places that OCSF has."""

import pytest

from producer.normaliser.families import (
    audit_log,
    auth_log,
    codex_log,
    codex_turn,
    conversation_message,
    costs,
    generic,
)
from producer.normaliser.ocsf import place
from producer.normaliser.rules import Rule

# The activities of each class in OCSF 1.1.0, which LangWatch writes; later versions only add.
ACTIVITIES = {
    3001: {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 99},
    3002: {0, 1, 2, 3, 4, 5, 99},
    3005: {0, 1, 2, 99},
    3006: {0, 1, 2, 3, 4, 5, 6, 99},
    6003: {0, 1, 2, 3, 4, 99},
}
TABLES: list[tuple[str, Rule]] = [
    *auth_log.ACTIONS.items(),
    *audit_log.ACTIONS.items(),
    *codex_log.EVENTS.items(),
    *conversation_message.AUTHORS.items(),
    ("unknown login", auth_log._by_words("some_login")),
    ("unknown logout", auth_log._by_words("some_logout")),
    ("unknown auth", auth_log._by_words("some_other")),
    ("no auth", auth_log._by_words("")),
    ("no audit", audit_log.read_action("").rule),
    ("author", conversation_message._OTHER_AUTHOR),
    ("codex", codex_log._OTHER_EVENT),
    ("turn", codex_turn._TURN),
    ("costs", costs._REPORT),
    ("generic", generic._GENERIC),
]


@pytest.mark.parametrize(("name", "rule"), TABLES)
def test_every_rule_is_at_a_place_that_exists(name: str, rule: Rule) -> None:
    """Class and activity of each table row are in OCSF's enumerations."""
    assert rule.activity_id in ACTIVITIES[rule.class_uid], name


@pytest.mark.parametrize("noun", [*audit_log.CLASSES, "OTHER_NOUN"])
@pytest.mark.parametrize("verb", [*audit_log.VERBS, "NO_VERB"])
def test_every_audit_action_is_at_a_place_that_exists(noun: str, verb: str) -> None:
    """Whatever object and verb an action joins, in either order."""
    for action in (f"{noun}_{verb}", f"{verb}_{noun}"):
        rule = audit_log.read_action(action).rule
        assert rule.activity_id in ACTIVITIES[rule.class_uid], action


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
