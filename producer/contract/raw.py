"""What the puller publishes for a line: its bytes, untouched, and where they come from."""

import msgspec

from producer.contract.source import Include


class RawLine(msgspec.Struct, frozen=True, kw_only=True):
    """A raw record. All but the last two fields are the same for all lines of a chunk."""

    source_id: str
    organization_id: str
    team_id: str | None = None
    bucket: str
    key: str
    etag: str
    pull_id: str
    replay_id: str | None = None
    include: Include = Include()
    pulled_at: int
    line_number: int
    line: bytes
