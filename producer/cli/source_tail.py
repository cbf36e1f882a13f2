"""`sources tail`: one source's events, as `langwatch ingest tail` shows them."""

from decimal import Decimal

import click

from producer.cli.asking import existing_source
from producer.cli.events import event_as_json, print_each, target_as_text, tokens_as_text
from producer.cli.rooms import Rooms
from producer.cli.starting import start, stopped_by_signals
from producer.cli.text import moment, printable
from producer.contract.event import Cost, GovernanceEvent, Tokens

_CREDITS = "CREDITS"
_DOLLARS = "USD"


@click.command()
@click.argument("source_id", metavar="ID")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="How many events to begin with.",
)
@click.option("--follow", is_flag=True, help="Go on with events as they come, until interrupted.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@click.pass_obj
def tail(rooms: Rooms, source_id: str, *, limit: int, follow: bool, as_json: bool) -> None:
    """Print the events of the source ID: the newest that happened, the newest first.

    With --follow in the order in which they arrive, the last one last, whenever they happened.
    There `langwatch ingest tail` goes by the time of the event: it shows only what happened after
    the newest event that it has shown, so an object that is delivered an hour later does not
    appear. Here it does.

    Reads the whole topic of events: a large one takes its time. Times in JSON are microseconds
    since the epoch.
    """
    settings = start()
    existing_source(rooms, settings, source_id)
    form = event_as_json if as_json else event_of_source_as_text
    with stopped_by_signals() as stop:
        print_each(
            map(
                form, rooms.tail_source(settings, source_id, limit=limit, follow=follow, stop=stop)
            )
        )


def event_of_source_as_text(event: GovernanceEvent) -> str:
    """Form `<time>  <event type>  <action> → <target>  <cost>  <in>/<out> tok`."""
    parts = (
        moment(event["occurred_at"]),
        event["event_type"],
        f"{event['action']}{target_as_text(event['target'])}",
        _cost(event["cost"]),
        tokens_as_text(event["tokens"]) if _has_any(event["tokens"]) else "",
    )
    return "  ".join(printable(part) for part in parts if part)


def _cost(cost: Cost | None) -> str:
    """Show money as it is stated: what is not in dollars is never shown as if it were."""
    if cost is None or Decimal(cost["amount"]) <= 0:
        return ""
    if cost["currency"] == _DOLLARS:
        return f"${Decimal(cost['amount']):.4f}"
    unit = "credits" if cost["currency"] == _CREDITS else cost["currency"]
    return f"{cost['amount']} {unit}"


def _has_any(tokens: Tokens | None) -> bool:
    return tokens is not None and any((tokens["input"], tokens["output"]))
