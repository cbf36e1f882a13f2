"""`normalise`."""

import click

from producer.cli.rooms import Rooms
from producer.cli.starting import running, start


@click.command()
@click.option("--once", is_flag=True, help="Return when nothing is left for the whole group.")
@click.pass_obj
def normalise(rooms: Rooms, *, once: bool) -> None:
    """Run normaliser and deduplicator: make governance events of lines, one for each OpenAI event.

    Stops cleanly on SIGINT and SIGTERM. Start several to share the work, each with an instance
    name of its own.
    """
    settings = start()
    with running("normalise", settings) as process:
        rooms.normalise(settings, once=once, stop=process.stop, metrics=process.metrics)
