"""CODEX_SECURITY_LOG by hand."""

import pytest

from producer.contract.event import GovernanceEvent
from producer.contract.source import Include
from tests.unit.normaliser.lines import NOTHING, a_record, ocsf_of, own_attributes, the_event


def a_security_event(
    event_type: str, details: object = None, *, include: Include = NOTHING
) -> GovernanceEvent:
    record = a_record(
        "CODEX_SECURITY_LOG",
        event_type=event_type,
        client_id="CODEX_WEB",
        event_details=details,
    )
    return the_event(record, include=include)


@pytest.mark.parametrize(
    ("event_type", "expected", "ocsf"),
    [
        ("SCAN_CONFIGURATION_CREATED", "admin.config_change", (6003, 1, 0)),
        ("SCAN_CONFIGURATION_UPDATED", "admin.config_change", (6003, 3, 0)),
        ("SCAN_FINDING_UPDATED", "agent.action", (2002, 2, 0)),
        ("PROPOSED_PATCH_PR_CREATED", "agent.action", (6003, 1, 0)),
        ("SCAN_ABOLISHED", "agent.action", (6003, 99, 0)),
        ("", "agent.action", (6003, 99, 0)),
    ],
)
def test_events_are_mapped(event_type: str, expected: str, ocsf: tuple[int, int, int]) -> None:
    """Every sub-event by table; an unknown one is generic and keeps its name."""
    event = a_security_event(event_type)
    assert ("CODEX_SECURITY_LOG", event_type, expected, "unknown", "CODEX_WEB", ocsf) == (
        event["family"],
        event["action"],
        event["event_type"],
        event["outcome"],
        event["client"],
        ocsf_of(event),
    )
    assert {} == own_attributes(event)


@pytest.mark.parametrize(
    ("criticality", "severity"),
    [
        ("informational", 1),
        ("info", 1),
        ("low", 2),
        ("medium", 3),
        ("HIGH", 4),
        ("critical", 5),
        ("cosmic", 99),
    ],
)
def test_criticality_is_severity_and_flag(criticality: str, severity: int) -> None:
    """OCSF's own numbers; a name of tomorrow is another severity, and stays as written."""
    event = a_security_event(
        "SCAN_FINDING_UPDATED", {"updated_fields": {"criticality": criticality}}
    )
    assert severity == event["ocsf"]["severity_id"]
    assert {"criticality": criticality} == event["flags"]


def test_a_finding_shows_its_status_and_no_reasons() -> None:
    """A finding that was closed is no outcome; who it is assigned to is an address."""
    details = {
        "finding_id": "hid-1",
        "updated_fields": {
            "status": "wontfix",
            "assignee_user_email": "bob@example.org",
            "resolution_reason": "SECRET",
            "criticality_reason": "SECRET",
            "resolution_reason_updated": True,
        },
    }
    event = a_security_event("SCAN_FINDING_UPDATED", details)
    assert {"kind": "finding", "id": "hid-1", "name": None} == event["target"]
    assert ("unknown", 1, {}) == (event["outcome"], event["ocsf"]["severity_id"], event["flags"])
    assert {"openai_compliance.finding.status": "wontfix"} == own_attributes(event)
    assert [False, False] == [text in repr(event) for text in ("SECRET", "bob@")]
    shown = a_security_event("SCAN_FINDING_UPDATED", details, include=Include(content=True))
    assert {
        "updated_fields": '{"assignee_user_email":"withheld","criticality_reason":"SECRET",'
        '"resolution_reason":"SECRET","resolution_reason_updated":true,"status":"wontfix"}'
    } == shown["content"]


def test_a_scan_shows_what_it_is_set_to_do() -> None:
    """What changed is newer than the snapshot beside it; the repository's address is content."""
    details = {
        "scan_configuration_id": "scfg-1",
        "scan_configuration_fields": {
            "scan_type": "secrets",
            "owner_id": "user-1__11bf645e-d5e8-4478-a70e-e5742ded2436",
            "workspace_id": "ws-1",
            "repo_id": "repo-9",
            "repo_url": "https://github.com/SECRET",
            "environment_id": "env-1",
            "state": "active",
            "lookback_days": 30,
        },
        "updated_fields": {"lookback_days": 60, "project_overview_length": 420},
    }
    event = a_security_event("SCAN_CONFIGURATION_UPDATED", details)
    assert {"kind": "scan_configuration", "id": "scfg-1", "name": None} == event["target"]
    assert {
        "openai_compliance.owner.id": "user-1",
        "openai_compliance.scan.type": "secrets",
        "openai_compliance.scan.state": "active",
        "openai_compliance.scan.lookback_days": "60",
        "openai_compliance.repository.id": "repo-9",
        "openai_compliance.environment.id": "env-1",
    } == own_attributes(event)
    assert "SECRET" not in repr(event)
    shown = a_security_event("SCAN_CONFIGURATION_UPDATED", details, include=Include(content=True))
    assert {"scan_configuration_fields", "updated_fields"} == set(shown["content"] or ())


@pytest.mark.parametrize(
    ("url", "content"), [("https://github.com/o/r/pull/1", True), (None, False)]
)
def test_a_patch_belongs_to_its_finding(url: str | None, *, content: bool) -> None:
    """Its address names a repository, and may be missing."""
    details = {"finding_id": "hid-1", "pr_url": url}
    event = a_security_event("PROPOSED_PATCH_PR_CREATED", details, include=Include(content=True))
    assert {"kind": "finding", "id": "hid-1", "name": None} == event["target"]
    assert ({"pr_url": url} if content else None) == event["content"]


def test_the_details_say_the_event_where_the_record_does_not() -> None:
    """They repeat it."""
    details = {"detail_type": "SCAN_FINDING_UPDATED"}
    assert "SCAN_FINDING_UPDATED" == a_security_event("", details)["action"]


def test_an_address_as_an_owner_is_withheld() -> None:
    """Ids of people are never e-mails."""
    details = {"scan_configuration_fields": {"owner_id": "bob@example.org"}}
    assert "bob@" not in repr(a_security_event("SCAN_CONFIGURATION_CREATED", details))
