"""`pull`."""

import click

from producer.cli.rooms import Rooms
from producer.cli.starting import running, start


@click.command()
@click.option("--once", is_flag=True, help="Return when nothing is left for the whole group.")
@click.pass_obj
def pull(rooms: Rooms, *, once: bool) -> None:
    """Run discovery and puller: list the buckets, and stream the lines of their objects.

    Stops cleanly on SIGINT and SIGTERM. Start several to share the work, each with an instance
    name of its own.
    """
    settings = start()
    with running("pull", settings) as process:
        for left in rooms.pull(settings, once=once, stop=process.stop, metrics=process.metrics):
            click.echo(left)
