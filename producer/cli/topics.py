"""`topics apply`."""

import click

from producer.cli.rooms import Rooms
from producer.cli.starting import start


@click.group()
def topics() -> None:
    """Topics and their schemas."""


@topics.command()
@click.pass_obj
def apply(rooms: Rooms) -> None:
    """Create the topics, register their schemas, commit the groups' first offsets.

    Does what is missing and nothing else; refuses where what exists disagrees with the settings.
    """
    settings = start()
    is_changed = False
    for done in rooms.apply_topics(settings):
        is_changed = True
        click.echo(done)
    if not is_changed:
        click.echo("nothing to do: all topics, schemas and offsets are as they should be")
