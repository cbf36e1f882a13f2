"""How it went, where a record says so: by its name, by its error, else by its status."""

from typing import Final

from producer.contract.event import EventOutcome
from producer.normaliser.reading import Findings, JsonObject, identifier, text

# `completed` and `failed` are documented; the others were seen. In lower case.
STATUSES: Final[dict[str, EventOutcome]] = {
    "completed": "success",
    "success": "success",
    "succeeded": "success",
    "error": "failure",
    "failed": "failure",
    "failure": "failure",
}

# The last word of what is called a failure. Blocking and denying may be what was meant to happen.
FAILED: Final = frozenset({"error", "failed", "failure"})

_NO_ERROR: Final = (None, "0")
_NOT_FAILED: Final = ("success", "unknown")


def named_outcome(name: str, outcome: EventOutcome) -> EventOutcome:
    """Let the name of what was done have the last word: what is called failed did so.

    `TOOL_CALL_FAILED` and `login.failed` are failures, whatever their status is.
    """
    if outcome not in _NOT_FAILED:
        return outcome
    last = name.replace(".", "_").rpartition("_")[2].lower()
    return "failure" if last in FAILED else outcome


def stated_outcome(details: JsonObject, findings: Findings) -> EventOutcome | None:
    """Read what a record says about itself; an error speaks louder than a status.

    A status of unknown meaning is no success, whatever the event is called.
    """
    code = identifier(details, "error_code", findings)
    if code not in _NO_ERROR or text(details, "error_message", findings) is not None:
        return "failure"
    status = text(details, "status", findings)
    return None if status is None else STATUSES.get(status.lower(), "unknown")
