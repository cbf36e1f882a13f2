"""What commands have in common that concern one source: finding it, and asking discovery."""

import getpass
import socket
import uuid
from difflib import get_close_matches

import click

from producer.cli.rooms import ListedSource, Rooms
from producer.clock import SystemClock
from producer.contract.source import (
    SOURCE_DISABLED,
    UNKNOWN_SOURCE,
    CommandKind,
    SourceCommand,
)
from producer.settings import Settings


def existing_source(rooms: Rooms, settings: Settings, source_id: str) -> ListedSource:
    """Find a source; wrong usage where there is none of that id."""
    known = {listed.source.id: listed for listed in rooms.list_sources(settings)}
    found = known.get(source_id)
    if found is None:
        near = get_close_matches(source_id, known)
        hint = f"; did you mean {', '.join(map(repr, near))}?" if near else ""
        raise click.UsageError(
            f"there is no source {source_id!r}{hint or '; `sources list` shows them'}"
        )
    return found


def enabled_source(rooms: Rooms, settings: Settings, source_id: str) -> ListedSource:
    """Find a source that commands are carried out for; wrong usage where it is disabled."""
    found = existing_source(rooms, settings, source_id)
    if found.source.disabled:
        raise click.UsageError(
            f"source {source_id!r} is disabled, so nothing of it is published; enable it with"
            " `sources apply`, then ask again"
        )
    return found


def what_to_do(command: SourceCommand, failure: str) -> str:
    """Say what to do about a command that ended before it was carried out whole."""
    source_id = command.source_id
    if failure == UNKNOWN_SOURCE:
        return "`sources list` shows what there is; ask again once the source is there"
    if failure == SOURCE_DISABLED:
        return "enable the source with `sources apply`, then ask again"
    return (
        f"`sources check {source_id}` tries what discovery does; ask again once the bucket can be"
        " listed, which repeats what was published"
    )


def a_command(
    kind: CommandKind,
    source_id: str,
    *,
    keys: tuple[str, ...] = (),
    from_key: str | None = None,
    to_key: str | None = None,
) -> SourceCommand:
    """Build a command with an id of its own, which is a replay's id too."""
    return SourceCommand(
        command_id=uuid.uuid4().hex,
        source_id=source_id,
        kind=kind,
        keys=keys,
        from_key=from_key,
        to_key=to_key,
        requested_by=f"{_user()}@{socket.gethostname()}",
        requested_at=SystemClock().now(),
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that no name belongs to.
        return "unknown"
