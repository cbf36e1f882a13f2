"""CODEX_SECURITY_LOG: what scans are set to do, and what becomes of what they find."""

from typing import Final

from producer.contract.source import Include
from producer.normaliser.actors import person_at, who_acted
from producer.normaliser.details import attributes_by, content_of, target_by
from producer.normaliser.envelope import read_timestamp
from producer.normaliser.families.generic import with_ids
from producer.normaliser.ocsf import (
    API_ACTIVITY,
    CREATE,
    INFORMATIONAL,
    OTHER,
    UPDATE,
    VULNERABILITY_FINDING,
)
from producer.normaliser.privacy import Content, flag
from producer.normaliser.reading import Findings, JsonObject, mapping, required_text, text
from producer.normaliser.rules import Draft, Family, Rule

_FINDING_UPDATE: Final = 2

EVENTS: Final[dict[str, Rule]] = {
    "SCAN_CONFIGURATION_CREATED": Rule("admin.config_change", API_ACTIVITY, CREATE),
    "SCAN_CONFIGURATION_UPDATED": Rule("admin.config_change", API_ACTIVITY, UPDATE),
    "SCAN_FINDING_UPDATED": Rule("agent.action", VULNERABILITY_FINDING, _FINDING_UPDATE),
    "PROPOSED_PATCH_PR_CREATED": Rule("agent.action", API_ACTIVITY, CREATE),
}
_OTHER_EVENT: Final = Rule("agent.action", API_ACTIVITY, OTHER)

# OCSF's severities by the names that findings use, in lower case.
SEVERITIES: Final = {
    "informational": INFORMATIONAL,
    "info": INFORMATIONAL,
    "low": 2,
    "medium": 3,
    "high": 4,
    "critical": 5,
}
_OTHER_SEVERITY: Final = 99

TARGETS: Final = {"finding_id": "finding", "scan_configuration_id": "scan_configuration"}

CONFIGURATION_ATTRIBUTES: Final = {
    "scan_type": "openai_compliance.scan.type",
    "state": "openai_compliance.scan.state",
    "lookback_days": "openai_compliance.scan.lookback_days",
    "repo_id": "openai_compliance.repository.id",
    "environment_id": "openai_compliance.environment.id",
}

_CONTENT: Final = ("scan_configuration_fields", "updated_fields", "pr_url")


def describe(record: JsonObject, findings: Findings) -> Draft:
    """Say what a CODEX_SECURITY_LOG record tells."""
    details = mapping(record, "event_details", findings)
    event = required_text(record, "event_type", findings)
    event = event or text(details, "detail_type", findings) or ""
    updated = mapping(details, "updated_fields", findings)
    configuration = {**mapping(details, "scan_configuration_fields", findings), **updated}
    draft = Draft(
        rule=EVENTS.get(event.upper(), _OTHER_EVENT),
        action=event,
        severity_id=_severity(updated, findings),
        target=target_by(TARGETS, details, findings),
        client=text(record, "client_id", findings),
        extra=(
            ("openai_compliance.finding.status", text(updated, "status", findings)),
            ("openai_compliance.owner.id", person_at(configuration, "owner_id", findings)),
            *attributes_by(CONFIGURATION_ATTRIBUTES, configuration, findings),
        ),
    )
    return with_ids(draft, record, findings) if draft.rule is _OTHER_EVENT else draft


def _severity(updated: JsonObject, findings: Findings) -> int:
    """Read how critical a finding became; one that keeps its criticality does not say it."""
    criticality = text(updated, "criticality", findings)
    if criticality is None:
        return INFORMATIONAL
    flag(findings, "criticality", criticality)
    return SEVERITIES.get(criticality.lower(), _OTHER_SEVERITY)


def content(record: JsonObject, include: Include, findings: Findings) -> Content:
    """Give settings, reasons and addresses of repositories."""
    return content_of(_CONTENT, mapping(record, "event_details", findings), include)


FAMILY: Final = Family(
    describe=describe, occurred_at=read_timestamp, who=who_acted, content=content
)
