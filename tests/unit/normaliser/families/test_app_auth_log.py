"""APP_AUTH_LOG by hand."""

import pytest

from tests.unit.normaliser.lines import Record, a_record, ocsf_of, own_attributes, the_event


@pytest.mark.parametrize(
    ("action", "ocsf"),
    [
        ("link", (3005, 1, 0)),
        ("unlink", (3005, 2, 0)),
        ("refresh", (3005, 99, 0)),
        ("", (3005, 0, 0)),
    ],
)
def test_actions_are_mapped(action: str, ocsf: tuple[int, int, int]) -> None:
    """Connecting assigns access and disconnecting revokes it; another action stays verbatim."""
    event = the_event(a_record("APP_AUTH_LOG", action=action, app_id="conn-1", link_id="link-1"))
    assert ("APP_AUTH_LOG", action, "auth.action", "unknown", ocsf) == (
        event["family"],
        event["action"],
        event["event_type"],
        event["outcome"],
        ocsf_of(event),
    )
    ids = {"openai_compliance.app.id": "conn-1"} if action == "refresh" else {}
    assert {"openai_compliance.link.id": "link-1", **ids} == own_attributes(event)


@pytest.mark.parametrize(
    ("ids", "target"),
    [
        ({"app_id": "conn-1", "link_id": "link-1"}, ("app", "conn-1")),
        ({"app_id": None, "link_id": "link-1"}, ("link", "link-1")),
        ({"app_id": None}, None),
    ],
)
def test_the_app_is_the_target(ids: Record, target: object) -> None:
    """An app that is gone leaves its link."""
    found = the_event(a_record("APP_AUTH_LOG", action="unlink", **ids))["target"]
    assert target == (found and (found["kind"], found["id"]))
