"""`sources health`: what LangWatch asks of a source, and what discovery knows of it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import click

from producer.cli.asking import existing_source
from producer.cli.rooms import ListedSource, Rooms
from producer.cli.source_events import EventCounts
from producer.cli.source_status import is_unhealthy, problem, shown_status
from producer.cli.starting import start
from producer.cli.text import moment, printable, span
from producer.clock import SystemClock
from producer.contract.status import SourceStatus

_MICROSECONDS: Final = 1_000_000


@dataclass(frozen=True, kw_only=True)
class SourceHealth:
    """All that is told of one source, and when that was asked."""

    listed: ListedSource
    events: EventCounts
    # Whether some `pull` process is there to list the source; not known to all who may ask.
    is_pull_running: bool | None
    now: int


@click.command()
@click.argument("source_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def health(rooms: Rooms, source_id: str, *, as_json: bool) -> None:
    """Tell how the source ID is: its events, its last listings, what is behind.

    Events are counted by the time at which they happened, over all that the topic of events
    holds: reading a large one takes its time. The rest is as discovery told it last.
    """
    settings = start()
    listed = existing_source(rooms, settings, source_id)
    now = SystemClock().now()
    told = SourceHealth(
        listed=listed,
        events=rooms.count_events(settings, source_id, now=now),
        is_pull_running=rooms.is_pull_running(settings),
        now=now,
    )
    if as_json:
        click.echo(json.dumps(health_as_json(told), ensure_ascii=False, indent=2))
        return
    for line in health_as_text(told):
        click.echo(line)


def health_as_json(told: SourceHealth) -> dict[str, object]:
    """Use the keys of `langwatch ingest health --json`; what is ours stands beside them."""
    source, events = told.listed.source, told.events
    return {
        "source": {"id": source.id, "name": source.name, "status": shown_status(told.listed)},
        "health": {
            "events24h": events.last_day,
            "events7d": events.last_week,
            "events30d": events.last_month,
            "lastSuccessIso": _moment(events.newest_at),
        },
        "discovery": _discovery_as_json(told),
    }


def health_as_text(told: SourceHealth) -> list[str]:
    """Form the lines of `langwatch ingest health`, and ours beneath them."""
    events = told.events
    rows = [
        ("Status", shown_status(told.listed)),
        ("Events (24h)", str(events.last_day)),
        ("Events (7d)", str(events.last_week)),
        ("Events (30d)", str(events.last_month)),
        ("Last event", _moment(events.newest_at) or "never"),
        *_discovery_rows(told),
    ]
    width = max(len(name) for name, _ in rows) + 1
    return [f"{f'{name}:'.ljust(width)}  {printable(text)}" for name, text in rows]


def _discovery_as_json(told: SourceHealth) -> dict[str, object] | None:
    status = told.listed.status
    if status is None:
        return None
    return {
        "healthy": status.healthy,
        "problem": status.problem,
        "problemDetail": status.problem_detail,
        "failuresInARow": status.failures_in_a_row,
        "listings": status.listings,
        "lastListingAt": _moment(status.last_listing_at),
        "lastWholeListingAt": _moment(status.last_whole_listing_at),
        "lastEventAt": _moment(status.last_event_at),
        "highWaterKey": status.high_water_key,
        "bucket": status.bucket,
        "prefix": status.prefix,
        "listedThrough": status.listed_through,
        "objectsFound": status.objects_found,
        "objectsBehind": status.objects_behind,
        "bytesBehind": status.bytes_behind,
        "secondsBehind": status.seconds_behind,
        "objectsQuarantined": status.objects_quarantined,
        "objectsLate": status.objects_late,
        "lastCommandId": status.last_command_id,
        "lastCommandObjects": status.last_command_objects,
        "lastCommandFailure": status.last_command_failure,
        "updatedAt": moment(status.updated_at),
        "ageSeconds": _age_seconds(told, status),
        "isPullRunning": told.is_pull_running,
    }


def _discovery_rows(told: SourceHealth) -> Iterator[tuple[str, str]]:
    status = told.listed.status
    if status is None:
        yield "Told", f"nothing yet{_of_process(told)}"
        return
    yield "Health", "unhealthy" if is_unhealthy(told.listed) else "healthy"
    yield "Problem", problem(told.listed) or "none"
    yield "Failures in a row", str(status.failures_in_a_row)
    yield "Last listing", _moment(status.last_listing_at) or "never"
    yield "Last whole listing", _moment(status.last_whole_listing_at) or "never"
    yield "High-water key", status.high_water_key or "none"
    yield "Listed through", status.listed_through or "nothing"
    yield "In", _where(told, status)
    yield "Objects found", str(status.objects_found)
    yield "Objects behind", _behind(told, status)
    yield "Objects quarantined", str(status.objects_quarantined)
    yield "Objects late", str(status.objects_late)
    yield "Last command", _last_command(status)
    age = span(_age_seconds(told, status))
    yield "Told", f"{moment(status.updated_at)}, {age} ago{_of_process(told)}"


def _where(told: SourceHealth, status: SourceStatus) -> str:
    """Say what the keys above are of: discovery may not have seen the latest change."""
    source = told.listed.source
    if status.bucket is None:
        return "a bucket that is not told"
    where = f"bucket {status.bucket!r}, prefix {status.prefix!r}"
    if (status.bucket, status.prefix) != (source.place, source.prefix):
        where += ", which is not the source's any more"
    return where


def _last_command(status: SourceStatus) -> str:
    if status.last_command_id is None:
        return "none"
    failure = f", then {status.last_command_failure}" if status.last_command_failure else ""
    return f"{status.last_command_id}: {status.last_command_objects} objects{failure}"


def _behind(told: SourceHealth, status: SourceStatus) -> str:
    if not status.objects_behind:
        return "0"
    # Had the oldest been finished since, a later status would say so.
    seconds = status.seconds_behind + _age_seconds(told, status)
    return (
        f"{status.objects_behind}, {status.bytes_behind} bytes, the oldest for"
        f" {span(seconds)} ({seconds} s)"
    )


def _of_process(told: SourceHealth) -> str:
    """Say so where nobody is there to tell more; that one is there is no news."""
    if told.is_pull_running is False:
        return "; no `openai-compliance pull` is running, so nothing new is told: start one"
    return ""


def _age_seconds(told: SourceHealth, status: SourceStatus) -> int:
    # Clocks of two machines.
    return max(0, told.now - status.updated_at) // _MICROSECONDS


def _moment(at: int | None) -> str | None:
    return None if at is None else moment(at)
