"""How a source stands, in the words that people and LangWatch use for it."""

from producer.cli.rooms import ListedSource
from producer.cli.text import moment, printable
from producer.contract.status import Status


def shown_status(listed: ListedSource) -> str:
    """Give one of the three states that LangWatch stores."""
    # Discovery follows with its status; what a person set is so at once.
    if listed.source.disabled:
        return Status.DISABLED.value
    if listed.status is None or listed.status.status is Status.DISABLED:
        return Status.AWAITING_FIRST_EVENT.value
    return listed.status.status.value


def last_event(listed: ListedSource) -> str | None:
    """Tell when an object with lines last finished."""
    at = listed.status.last_event_at if listed.status else None
    return None if at is None else moment(at)


def is_unhealthy(listed: ListedSource) -> bool:
    """Whether the source cannot be listed; one that nobody lists now has no such trouble."""
    return not listed.source.disabled and listed.status is not None and not listed.status.healthy


def problem(listed: ListedSource) -> str | None:
    """Name what ended the last listing, or keeps objects from being read, and what to do."""
    status = listed.status
    if status is None or status.problem is None:
        return None
    return f"{status.problem}: {printable(status.problem_detail or 'no more is known')}"
