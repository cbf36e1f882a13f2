"""`sources apply` and `sources list`."""

import json
from typing import BinaryIO

import click

from producer.cli.rooms import ListedSource, Rooms
from producer.cli.sources_file import overlaps, read_sources
from producer.cli.starting import start
from producer.cli.text import columns, moment, printable
from producer.contract.status import Status


@click.group()
def sources() -> None:
    """Ingestion sources: the buckets to read, and the roles to read them with."""


@sources.command()
@click.argument("file", type=click.File("rb"))
@click.pass_obj
def apply(rooms: Rooms, file: BinaryIO) -> None:
    """Create or change the sources of FILE (YAML or JSON; - is standard input).

    Sources that FILE does not name stay as they are.
    """
    settings = start()
    read = read_sources(
        file.read(),
        name=getattr(file, "name", "the file"),
        allow_ambient_credentials=settings.allow_ambient_credentials,
    )
    known = {listed.source.id: listed.source for listed in rooms.list_sources(settings)}
    after = known | {source.id: source for source in read.sources}
    for warning in (*read.notes, *overlaps(after.values())):
        click.echo(f"warning: {printable(warning)}", err=True)
    for applied in rooms.apply_sources(settings, read.sources):
        click.echo(f"{applied.id}: {applied.change}")


@sources.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@click.pass_obj
def list_(rooms: Rooms, *, as_json: bool) -> None:
    """List the sources and their status."""
    found = rooms.list_sources(start())
    if as_json:
        click.echo(
            json.dumps([_as_json(listed) for listed in found], ensure_ascii=False, indent=2)
        )
        return
    rows = (
        (
            listed.source.name,
            listed.source.source_type,
            _status(listed),
            _last_event(listed) or "never",
            listed.source.id,
        )
        for listed in found
    )
    for line in columns(("NAME", "TYPE", "STATUS", "LAST EVENT", "ID"), rows):
        click.echo(line)


def _as_json(listed: ListedSource) -> dict[str, object]:
    """Use the keys of `langwatch ingest list --json`; what is not kept here is null."""
    source, status = listed.source, listed.status
    return {
        "id": source.id,
        "name": source.name,
        "sourceType": source.source_type,
        "description": None,
        "status": _status(listed),
        "lastEventAt": _last_event(listed),
        "createdAt": None,
        "archivedAt": None,
        "organizationId": source.organization_id,
        "healthy": status.healthy if status else None,
        "problem": status.problem if status else None,
    }


def _status(listed: ListedSource) -> str:
    # Discovery follows with its status; what a person set is so at once.
    if listed.source.disabled:
        return Status.DISABLED.value
    if listed.status is None or listed.status.status is Status.DISABLED:
        return Status.AWAITING_FIRST_EVENT.value
    return listed.status.status.value


def _last_event(listed: ListedSource) -> str | None:
    at = listed.status.last_event_at if listed.status else None
    return None if at is None else moment(at)
