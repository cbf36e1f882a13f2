"""`check`."""

import click

from producer.cli.rooms import Rooms
from producer.cli.starting import start
from producer.cli.text import columns
from producer.settings import masked


@click.command()
@click.pass_obj
def check(rooms: Rooms) -> None:
    """Show the effective settings, secrets masked, and try each outside system."""
    settings = start()
    for line in columns(("SETTING", "VALUE"), masked(settings).items()):
        click.echo(line)
    click.echo()
    is_good = True
    for result in rooms.check(settings):
        if result.problem is None:
            click.echo(f"ok      {result.system}: {result.answer}")
        else:
            is_good = False
            click.echo(f"FAILED  {result.system}: {result.problem}")
    if not is_good:
        click.get_current_context().exit(1)
