"""The place inside an object that rides in the metadata of a committed offset.

Laws of this file:

1. An offset N with a place means: the record at N is being pulled, and its lines up to the
   place are in raw. An offset without a place means: everything before it is finished.
2. The place is believed only if the record at N is the one it was written for. Compaction may
   have removed that record; then what was half read is `superseded`, and the metadata alone must
   suffice to say so.
3. Metadata that does not parse stops the process: to guess a place loses lines or repeats them.
"""

import json
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from producer.contract.objects import ObjectOutcome, ObjectVersion, Outcome, Place, Reason
from producer.errors import PlaceUnreadableError

_VERSION = 1
# What brokers keep of an offset's metadata by default (`offset.metadata.max.bytes`). A key of
# 1,024 bytes is 3,072 when quoted; source id, etag and ids are bounded, so the rest stays below
# the other thousand.
METADATA_BYTES_MAX = 4096
_QUOTED = ("bucket", "key", "etag")
_UNREADABLE = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RecursionError,
    msgspec.ValidationError,
)


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far one attempt at one version got, with all that its outcome would need."""

    source_id: str
    bucket: str
    key: str
    etag: str
    pull_id: str
    attempt: int
    replay_id: str | None
    place: Place
    started_at: int

    def is_of(self, version: ObjectVersion) -> bool:
        """Whether it was written for this very attempt."""
        return (self.source_id, self.key, self.etag, self.pull_id, self.attempt) == (
            version.source_id,
            version.key,
            version.etag,
            version.pull_id,
            version.attempt,
        )


def progress_of(version: ObjectVersion, *, place: Place, started_at: int) -> Progress:
    """Build the progress of an attempt."""
    return Progress(
        source_id=version.source_id,
        bucket=version.bucket,
        key=version.key,
        etag=version.etag,
        pull_id=version.pull_id,
        attempt=version.attempt,
        replay_id=version.replay_id,
        place=place,
        started_at=started_at,
    )


def to_metadata(progress: Progress) -> str:
    """Write progress as the metadata of an offset: JSON in ASCII, at most 4,096 bytes."""
    fields = msgspec.to_builtins(progress)
    # Quoted rather than escaped: a control character costs three bytes instead of six.
    for name in _QUOTED:
        fields[name] = quote(fields[name], safe="/")
    metadata = json.dumps({"v": _VERSION} | fields, separators=(",", ":"))
    assert len(metadata) <= METADATA_BYTES_MAX
    return metadata


def from_metadata(metadata: str) -> Progress | None:
    """Read progress back; `None` where the offset carries none."""
    if not metadata:
        return None
    try:
        fields: dict[str, Any] = json.loads(metadata)
        is_known = fields.pop("v") == _VERSION
        for name in _QUOTED:
            fields[name] = unquote(fields[name], errors="strict")
        progress = msgspec.convert(fields, Progress)
    except _UNREADABLE as raised:
        raise _unreadable() from raised
    if not is_known:
        raise _unreadable()
    return progress


def _unreadable() -> PlaceUnreadableError:
    return PlaceUnreadableError(
        "the metadata of a committed offset is not a place that this version can read; was the "
        "group used by a newer version or by another program? go on with that one, or reset the "
        "offset by hand"
    )


def superseded(progress: Progress, *, finished_at: int) -> ObjectOutcome:
    """Say what became of a version whose record was gone when it was to be gone on with."""
    return ObjectOutcome(
        source_id=progress.source_id,
        bucket=progress.bucket,
        key=progress.key,
        etag=progress.etag,
        pull_id=progress.pull_id,
        attempt=progress.attempt,
        replay_id=progress.replay_id,
        outcome=Outcome.SUPERSEDED,
        reason=Reason.ETAG_CHANGED,
        place=progress.place,
        lines=progress.place.line,
        raw_lines=progress.place.raw_lines,
        blank_lines=progress.place.blank_lines,
        dead_letter_lines=progress.place.dead_letter_lines,
        read_bytes=0,
        decompressed_bytes=0,
        started_at=progress.started_at,
        finished_at=finished_at,
    )
