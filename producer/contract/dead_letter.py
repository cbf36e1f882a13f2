"""A line, or a range of lines, that could not become an event, with the failures that say why."""

from enum import StrEnum
from importlib.metadata import version
from typing import Final

import msgspec

# Who gave up on a line, as its dead letter says.
PROCESSOR: Final = f"openai-compliance/{version('openai-compliance')}"

# So many failures of one object are told one by one; those behind them by range, or an object of
# another format would be a flood of dead letters. The lines themselves are in raw, or in the
# bucket.
SINGLE_FAILURES_MAX: Final = 1000


class FailureKind(StrEnum):
    """What sort of thing is wrong with a line.

    An unknown family is no failure: it passes through.
    """

    UNDECODABLE = "undecodable"
    SCHEMA_VIOLATION = "schema_violation"
    RULE_FAILED = "rule_failed"
    TOO_LARGE = "too_large"


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong. The message never holds the record's content."""

    kind: FailureKind
    field: str | None = None
    message: str


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A record of what was not lost: all failures found, the stage, the origin, the bytes."""

    stage: str
    processor: str
    failures: tuple[Failure, ...]
    source_id: str
    organization_id: str
    bucket: str
    key: str
    etag: str
    pull_id: str
    replay_id: str | None = None
    line_number: int
    last_line_number: int
    index: int | None = None
    lines: int
    pulled_at: int
    payload: bytes | None = None
    payload_bytes: int
