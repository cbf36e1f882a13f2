"""Where events stand in OCSF: classes and activities that exist in OCSF 1.1.0 and later."""

from functools import lru_cache
from typing import Final

from producer.contract.event import EventOutcome, Ocsf

VULNERABILITY_FINDING: Final = 2002
ACCOUNT_CHANGE: Final = 3001
AUTHENTICATION: Final = 3002
USER_ACCESS: Final = 3005
GROUP_MANAGEMENT: Final = 3006
API_ACTIVITY: Final = 6003

# The two activities that every class has.
UNKNOWN: Final = 0
OTHER: Final = 99

# API activity, class 6003.
CREATE: Final = 1
READ: Final = 2
UPDATE: Final = 3
DELETE: Final = 4

INFORMATIONAL: Final = 1

_STATUS: Final[dict[EventOutcome, int]] = {
    "success": 1,
    "failure": 2,
    "blocked": 2,
    "unknown": 0,
}


@lru_cache(maxsize=4096)
def place(class_uid: int, activity_id: int, outcome: EventOutcome, severity_id: int) -> Ocsf:
    """Give the place of an event. All events of one place share one dictionary: read only."""
    return {
        "class_uid": class_uid,
        "activity_id": activity_id,
        "type_uid": class_uid * 100 + activity_id,
        "severity_id": severity_id,
        "status_id": _STATUS[outcome],
    }
