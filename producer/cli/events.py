"""`events tail`, and how an event looks in a terminal."""

import json
import os
import sys
from collections.abc import Iterable
from typing import Final

import click

from producer.cli.rooms import Rooms
from producer.cli.starting import start, stopped_by_signals
from producer.cli.text import moment, printable
from producer.contract.event import GovernanceEvent, Target, Tokens

# As `tail` does with lines; of each partition, since only there is an order.
_LAST: Final = 10


@click.group()
def events() -> None:
    """Governance events."""


@events.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@click.option(
    "--from-beginning", is_flag=True, help="Start at the oldest event, not near the end."
)
@click.option("--follow", is_flag=True, help="Go on with events as they come, until interrupted.")
@click.pass_obj
def tail(rooms: Rooms, *, as_json: bool, from_beginning: bool, follow: bool) -> None:
    """Print governance events, decoded; the last ten of each partition unless told otherwise.

    Ends at the end unless it follows. Times in JSON are microseconds since the epoch.
    """
    settings = start()
    form = event_as_json if as_json else event_as_text
    last = None if from_beginning else _LAST
    with stopped_by_signals() as stop:
        print_each(map(form, rooms.tail_events(settings, last=last, follow=follow, stop=stop)))


def print_each(lines: Iterable[str]) -> None:
    """Print lines as they come, for as long as somebody reads them."""
    for line in lines:
        try:
            click.echo(line)
        except BrokenPipeError:
            # The reader has enough, as `head` has. The interpreter would flush once more.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return


def event_as_json(event: GovernanceEvent) -> str:
    """Form one line of JSON with every field of the event."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def event_as_text(event: GovernanceEvent) -> str:
    """Form `<time>  <event type>  <actor> <action> → <target>  <in>/<out> tok`."""
    deed = f"{event['actor']['id']} {event['action']}{target_as_text(event['target'])}"
    parts = (
        moment(event["occurred_at"]),
        event["event_type"],
        deed,
        tokens_as_text(event["tokens"]),
    )
    return "  ".join(printable(part) for part in parts if part)


def target_as_text(target: Target | None) -> str:
    """Form ` → <target>`, named as well as it can be; nothing without one."""
    if target is None:
        return ""
    return f" → {target['name'] or target['id'] or target['kind']}"


def tokens_as_text(tokens: Tokens | None) -> str:
    """Form `<in>/<out> tok`; a count that is not stated is unknown, and not 0."""
    if tokens is None or (tokens["input"] is None and tokens["output"] is None):
        return ""
    counts = (tokens["input"], tokens["output"])
    return "/".join("?" if count is None else str(count) for count in counts) + " tok"
