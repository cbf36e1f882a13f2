"""One version of an S3 object on its way through the puller, and what became of it."""

from enum import StrEnum

import msgspec


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A place inside an object version: lines 1 to `line` are accounted for; 0 is the start.

    Of these, `blank_lines` were skipped and `dead_letter_lines` became dead letters; the rest is
    in raw.
    """

    line: int = 0
    blank_lines: int = 0
    dead_letter_lines: int = 0

    @property
    def raw_lines(self) -> int:
        """How many of the lines are in raw."""
        return self.line - self.blank_lines - self.dead_letter_lines


START = Place()


class ObjectVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version to be pulled. Only discovery writes these: the topic of them is the ledger."""

    source_id: str
    bucket: str
    key: str
    etag: str
    version_id: str | None = None
    size_bytes: int
    last_modified: int
    pull_id: str
    attempt: int = 1
    resume_from: Place = START
    replay_id: str | None = None
    discovered_at: int


class Outcome(StrEnum):
    """How an attempt at a version ended."""

    PULLED = "pulled"
    QUARANTINED = "quarantined"
    VANISHED = "vanished"
    SUPERSEDED = "superseded"


class Reason(StrEnum):
    """Why an outcome is what it is, or why a source cannot be listed.

    A closed list, since it labels metrics.

    `MAY_PASS` says which of them discovery tries again by itself.
    """

    EMPTY = "empty"
    TRUNCATED = "truncated"
    CORRUPT = "corrupt"
    COMPRESSED_SIZE_EXCEEDED = "compressed_size_exceeded"
    DECOMPRESSED_SIZE_EXCEEDED = "decompressed_size_exceeded"
    COMPRESSION_RATIO_EXCEEDED = "compression_ratio_exceeded"
    ETAG_CHANGED = "etag_changed"
    OBJECT_GONE = "object_gone"
    SOURCE_REMOVED = "source_removed"
    ARCHIVED = "archived"
    ACCESS_DENIED = "access_denied"
    KEY_DENIED_BY_KMS = "key_denied_by_kms"
    CUSTOMER_KEY_NEEDED = "customer_key_needed"
    ROLE_NOT_ASSUMABLE = "role_not_assumable"
    EXTERNAL_ID_REJECTED = "external_id_rejected"
    AMBIENT_CREDENTIALS_REFUSED = "ambient_credentials_refused"
    ENDPOINT_REFUSED = "endpoint_refused"
    BUCKET_GONE = "bucket_gone"
    DIRECTORY_BUCKET = "directory_bucket"
    WRONG_REGION = "wrong_region"
    CLOCK_SKEW = "clock_skew"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    UNKNOWN_REFUSAL = "unknown_refusal"


MAY_PASS: frozenset[Reason] = frozenset(
    {
        Reason.SOURCE_REMOVED,
        Reason.ARCHIVED,
        Reason.ACCESS_DENIED,
        Reason.KEY_DENIED_BY_KMS,
        Reason.ROLE_NOT_ASSUMABLE,
        Reason.EXTERNAL_ID_REJECTED,
        Reason.AMBIENT_CREDENTIALS_REFUSED,
        Reason.ENDPOINT_REFUSED,
        Reason.BUCKET_GONE,
        Reason.WRONG_REGION,
        Reason.CLOCK_SKEW,
        Reason.THROTTLED,
        Reason.UNAVAILABLE,
    }
)


# What a bucket says of an object and not of itself: a listing may go well beside it.
REFUSES_OBJECTS: frozenset[Reason] = frozenset(
    {
        Reason.ACCESS_DENIED,
        Reason.KEY_DENIED_BY_KMS,
        Reason.CUSTOMER_KEY_NEEDED,
        Reason.THROTTLED,
        Reason.UNAVAILABLE,
        Reason.UNKNOWN_REFUSAL,
    }
)


class LineCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How the lines of a version were accounted for. `lines` is the sum of the other three."""

    raw: int = 0
    blank: int = 0
    dead_letter: int = 0

    @property
    def lines(self) -> int:
        """All lines accounted for."""
        return self.raw + self.blank + self.dead_letter


class ObjectOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one attempt.

    An object is finished when its latest etag and attempt have one.
    """

    source_id: str
    bucket: str
    key: str
    etag: str
    pull_id: str
    attempt: int
    replay_id: str | None = None
    outcome: Outcome
    reason: Reason | None = None
    place: Place
    lines: int
    raw_lines: int
    blank_lines: int
    dead_letter_lines: int
    read_bytes: int
    decompressed_bytes: int
    sha256: str | None = None
    started_at: int
    finished_at: int
