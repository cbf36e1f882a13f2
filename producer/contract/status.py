"""What discovery tells about a source."""

from enum import StrEnum

import msgspec

from producer.contract.names import SOURCE_TYPE

# LangWatch calls a source unhealthy after this many failed runs in a row.
UNHEALTHY_AFTER_FAILURES_IN_A_ROW = 3


class Status(StrEnum):
    """The three states that LangWatch stores; health is a thing of its own."""

    AWAITING_FIRST_EVENT = "awaiting_first_event"
    ACTIVE = "active"
    DISABLED = "disabled"


class SourceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one source, as last published by the process that owns it."""

    source_id: str
    organization_id: str
    name: str
    source_type: str = SOURCE_TYPE
    status: Status
    healthy: bool
    problem: str | None = None
    problem_detail: str | None = None
    failures_in_a_row: int = 0
    listings: int = 0
    last_listing_at: int | None = None
    last_whole_listing_at: int | None = None
    last_event_at: int | None = None
    high_water_key: str | None = None
    # What the key lies in, and the highest that a finished listing of it got to.
    bucket: str | None = None
    prefix: str | None = None
    listed_through: str | None = None
    objects_found: int = 0
    objects_behind: int = 0
    bytes_behind: int = 0
    seconds_behind: int = 0
    objects_quarantined: int = 0
    objects_late: int = 0
    # What a person asked for last that has ended, how many objects it published, and why it ended
    # before it was carried out whole, where it did.
    last_command_id: str | None = None
    last_command_objects: int = 0
    last_command_failure: str | None = None
    updated_at: int
