"""A customer's bucket to read, and what a person may ask to be done with its objects."""

from enum import StrEnum
from typing import Final

import msgspec

from producer.contract.names import DEFAULT_PREFIX, SOURCE_TYPE


class Include(msgspec.Struct, frozen=True, kw_only=True):
    """What personal data a source lets into its events. Nothing, unless it says so."""

    email: bool = False
    network: bool = False
    content: bool = False


class IngestionSource(msgspec.Struct, frozen=True, kw_only=True):
    """A source as the stage uses it; the outside spellings are read where it comes in."""

    id: str
    organization_id: str
    team_id: str | None = None
    name: str
    source_type: str = SOURCE_TYPE
    disabled: bool = False
    bucket: str
    prefix: str = DEFAULT_PREFIX
    role_arn: str | None = None
    external_id: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    poll_every_seconds: int = 60
    include: Include = Include()

    @property
    def place(self) -> str:
        """The bucket, with the endpoint where it has one of its own: another is another bucket."""
        return self.bucket if self.endpoint_url is None else f"{self.endpoint_url}/{self.bucket}"


# Why a command fails, besides the reasons for which a bucket cannot be listed.
UNKNOWN_SOURCE: Final = "unknown_source"
SOURCE_DISABLED: Final = "source_disabled"


class CommandKind(StrEnum):
    """A retry resumes after the last line that reached raw; a replay repeats the whole version.

    To reconcile is to list the whole prefix now.
    """

    RETRY = "retry"
    REPLAY = "replay"
    RECONCILE = "reconcile"


class SourceCommand(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asks discovery to do with objects of one source."""

    command_id: str
    source_id: str
    kind: CommandKind
    keys: tuple[str, ...] = ()
    from_key: str | None = None
    to_key: str | None = None
    dry_run: bool = False
    requested_by: str
    requested_at: int
