"""APP_AUTH_LOG: people connecting their accounts with apps, and taking them back."""

from typing import Final

from producer.normaliser.actors import who_acted
from producer.normaliser.details import target_by
from producer.normaliser.envelope import read_timestamp
from producer.normaliser.families.generic import with_ids
from producer.normaliser.ocsf import OTHER, UNKNOWN, USER_ACCESS
from producer.normaliser.reading import Findings, JsonObject, identifier, required_text
from producer.normaliser.rules import Draft, Family, Rule

_ASSIGN: Final = 1
_REVOKE: Final = 2

ACTIONS: Final[dict[str, Rule]] = {
    "link": Rule("auth.action", USER_ACCESS, _ASSIGN),
    "unlink": Rule("auth.action", USER_ACCESS, _REVOKE),
    "": Rule("auth.action", USER_ACCESS, UNKNOWN),
}
_OTHER_ACTION: Final = Rule("auth.action", USER_ACCESS, OTHER)

# An app that was removed before its link has no id any more.
TARGETS: Final = {"app_id": "app", "link_id": "link"}


def describe(record: JsonObject, findings: Findings) -> Draft:
    """Say what an APP_AUTH_LOG record tells."""
    action = required_text(record, "action", findings)
    draft = Draft(
        rule=ACTIONS.get(action.lower(), _OTHER_ACTION),
        action=action,
        target=target_by(TARGETS, record, findings),
        extra=(("openai_compliance.link.id", identifier(record, "link_id", findings)),),
    )
    return with_ids(draft, record, findings) if draft.rule is _OTHER_ACTION else draft


FAMILY: Final = Family(describe=describe, occurred_at=read_timestamp, who=who_acted)
