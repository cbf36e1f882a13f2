"""`sources`: `apply` and `list`, and the group of what is asked of one source."""

import json
from typing import BinaryIO

import click

from producer.cli.rooms import ListedSource, Rooms
from producer.cli.source_check import check
from producer.cli.source_health import health
from producer.cli.source_removal import remove
from producer.cli.source_status import is_unhealthy, last_event, problem, shown_status
from producer.cli.source_tail import tail
from producer.cli.sources_file import moves, overlaps, read_sources
from producer.cli.starting import start
from producer.cli.text import columns, printable


@click.group()
def sources() -> None:
    """Ingestion sources: the buckets to read, and the roles to read them with."""


for command in (health, tail, check, remove):
    sources.add_command(command)


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
        allowed_endpoint_hosts=settings.s3.endpoint_hosts,
    )
    known = {listed.source.id: listed.source for listed in rooms.list_sources(settings)}
    after = known | {source.id: source for source in read.sources}
    for warning in (*read.notes, *moves(known, read.sources), *overlaps(after.values())):
        click.echo(f"warning: {printable(warning)}", err=True)
    for applied in rooms.apply_sources(settings, read.sources):
        click.echo(f"{applied.id}: {applied.change}")


@sources.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@click.pass_obj
def list_(rooms: Rooms, *, as_json: bool) -> None:
    """List the sources and their status.

    Those that cannot be listed are named below the columns, on stderr.
    """
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
            shown_status(listed),
            last_event(listed) or "never",
            listed.source.id,
        )
        for listed in found
    )
    for line in columns(("NAME", "TYPE", "STATUS", "LAST EVENT", "ID"), rows):
        click.echo(line)
    for listed in found:
        if is_unhealthy(listed):
            told = f"{listed.source.id}: unhealthy: {problem(listed) or 'no problem is named'}"
            click.echo(told, err=True)


def _as_json(listed: ListedSource) -> dict[str, object]:
    """Use the keys of `langwatch ingest list --json`; what is not kept here is null."""
    source, status = listed.source, listed.status
    return {
        "id": source.id,
        "name": source.name,
        "sourceType": source.source_type,
        "description": None,
        "status": shown_status(listed),
        "lastEventAt": last_event(listed),
        "createdAt": None,
        "archivedAt": None,
        "organizationId": source.organization_id,
        "healthy": status.healthy if status else None,
        "problem": status.problem if status else None,
        "problemDetail": status.problem_detail if status else None,
    }
