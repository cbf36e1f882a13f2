"""`sources remove`."""

import json
import sys

import click

from producer.cli.asking import existing_source
from producer.cli.rooms import ListedSource, Rooms
from producer.cli.starting import start
from producer.cli.text import printable


@click.command()
@click.argument("source_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def remove(rooms: Rooms, source_id: str, *, yes: bool, as_json: bool) -> None:
    """Remove the source ID, after asking. What is known of its objects is kept.

    `status: disabled` and `sources apply` only stop its discovery: what is queued is still pulled
    then.
    """
    settings = start()
    listed = existing_source(rooms, settings, source_id)
    for line in _consequences(listed):
        # What is on stdout can be piped on.
        click.echo(line, err=True)
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError(
                f"source {source_id!r} was not removed: there is no terminal to ask at;"
                " say --yes to remove it without being asked"
            )
        if not click.confirm("Remove it?", err=True):
            click.echo(f"source {source_id!r} was not removed", err=True)
            click.get_current_context().exit(1)
    rooms.remove_source(settings, source_id)
    click.echo(
        json.dumps({"id": source_id, "change": "removed"}) if as_json else f"{source_id}: removed"
    )


def _consequences(listed: ListedSource) -> list[str]:
    source, status = listed.source, listed.status
    where = f"{printable(source.name)}, bucket {source.bucket!r}, prefix {source.prefix!r}"
    behind = status.objects_behind if status else 0
    queued = f" ({behind} when that was last told)" if behind else ""
    return [
        f"removing source {source.id!r}: {where}",
        "- it is not listed any more, nor shown by `sources list`",
        f"- what is queued and not pulled yet{queued} ends as quarantined: source_removed",
        "- what is known of its objects, and all that was published, is kept: created again under",
        "  this id it goes on where it was, and what ended as source_removed is tried again",
    ]
