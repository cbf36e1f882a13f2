"""`objects list`, `retry`, `replay`, `reconcile`: what became of each object, and asking again."""

import json
from collections.abc import Iterable, Sequence
from typing import Final

import click

from producer.cli.asking import a_command, enabled_source, existing_source, what_to_do
from producer.cli.rooms import KnownObject, ObjectState, Rooms
from producer.cli.starting import start, stopped_by_signals
from producer.cli.text import columns, moment, printable
from producer.contract.source import CommandKind, SourceCommand
from producer.errors import FatalError
from producer.settings import Settings

_PATIENCE_SECONDS: Final = 60
_HEADER: Final = ("KEY", "STATE", "ATTEMPT", "LINES", "BYTES", "REASON", "ENDED", "NEXT ATTEMPT")


class _Key(click.ParamType[str]):
    """An object's key, which is UTF-8: what is given as other bytes names none."""

    name = "key"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            value.encode()
        except UnicodeEncodeError:
            self.fail("is not UTF-8, as all keys are", param, ctx)
        return value


_KEY: Final = _Key()
_source = click.option("--source", "source_id", required=True, help="The source's id.")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_dry_run = click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
_timeout = click.option(
    "--timeout",
    "timeout_seconds",
    type=click.IntRange(min=1),
    default=_PATIENCE_SECONDS,
    show_default=True,
    help="Seconds to wait for a `pull` process to get on with it.",
)


@click.group()
def objects() -> None:
    """The objects of a source: what became of each, and having them pulled again."""


@objects.command("list")
@_source
@click.option(
    "--state",
    type=click.Choice([state.value for state in ObjectState]),
    help="Only those that stand so.",
)
@_json
@click.pass_obj
def list_(rooms: Rooms, source_id: str, *, state: str | None, as_json: bool) -> None:
    """List the objects that discovery has found, in the order of their keys."""
    settings = start()
    existing_source(rooms, settings, source_id)
    found = [
        each
        for each in rooms.list_objects(settings, source_id)
        if state is None or each.state.value == state
    ]
    _show(found, as_json=as_json)


@objects.command()
@_source
@click.option(
    "--key", "keys", type=_KEY, multiple=True, help="An object's key; more than once for several."
)
@_dry_run
@_json
@_timeout
@click.pass_obj
def retry(  # noqa: PLR0913 - one argument an option
    rooms: Rooms,
    source_id: str,
    keys: Sequence[str],
    *,
    dry_run: bool,
    as_json: bool,
    timeout_seconds: int,
) -> None:
    """Try quarantined objects once more, now, whatever the reason was.

    Goes on behind the last line that reached raw, so that no line is there twice. All that stand
    quarantined, unless keys are named.
    """
    settings = start()
    enabled_source(rooms, settings, source_id)
    command = a_command(CommandKind.RETRY, source_id, keys=tuple(dict.fromkeys(keys)))

    def is_meant(each: KnownObject) -> bool:
        if keys:
            return each.version.key in keys and each.has_failed
        return each.state is ObjectState.QUARANTINED

    before = {each.version.key: each for each in rooms.list_objects(settings, source_id)}
    _explain_keys(keys, before)
    meant = [each for each in before.values() if is_meant(each)]
    if dry_run or not meant:
        _show(meant, as_json=as_json)
        _say(f"{_objects(len(meant))} would be tried again" if dry_run else "nothing to try again")
        return
    objects = _carry_out(rooms, settings, command, timeout_seconds)

    def is_done(each: KnownObject) -> bool:
        known = before.get(each.version.key)
        return known is not None and is_meant(known) and _attempt(each) != _attempt(known)

    done = [each for each in rooms.list_objects(settings, source_id) if is_done(each)]
    _show(done, as_json=as_json)
    _say(f"{_objects(objects)} of {len(meant)} tried again")


@objects.command()
@_source
@click.option(
    "--from", "from_key", type=_KEY, required=True, help="The first key; need not exist."
)
@click.option("--to", "to_key", type=_KEY, required=True, help="The last key; need not exist.")
@_dry_run
@_json
@_timeout
@click.pass_obj
def replay(  # noqa: PLR0913 - one argument an option
    rooms: Rooms,
    source_id: str,
    from_key: str,
    to_key: str,
    *,
    dry_run: bool,
    as_json: bool,
    timeout_seconds: int,
) -> None:
    """Pull objects once more from their first line, on purpose, under a replay id.

    Those from one key to another, both included, in the order of the keys' UTF-8 bytes, as far as
    they are in the bucket still. Their events are published again, with the same ids and that
    replay id. What is new is pulled as new.
    """
    settings = start()
    enabled_source(rooms, settings, source_id)
    # Python compares by code points, and UTF-8 keeps their order.
    if from_key > to_key:
        raise click.UsageError("--from sorts behind --to, in the order of their UTF-8 bytes")
    known = [
        each
        for each in rooms.list_objects(settings, source_id)
        if from_key <= each.version.key <= to_key
    ]
    if dry_run or not known:
        _show(known, as_json=as_json)
        _say(_replayable(known) if dry_run else "nothing is known in that range")
        return
    command = a_command(CommandKind.REPLAY, source_id, from_key=from_key, to_key=to_key)
    objects = _carry_out(rooms, settings, command, timeout_seconds)
    done = [
        each
        for each in rooms.list_objects(settings, source_id)
        if each.version.replay_id == command.command_id
    ]
    _show(done, as_json=as_json)
    _say(f"{_objects(objects)} of {len(known)} pulled again, replay id {command.command_id}")


@objects.command()
@_source
@_timeout
@click.pass_obj
def reconcile(rooms: Rooms, source_id: str, *, timeout_seconds: int) -> None:
    """List the whole prefix now, rather than when it is time.

    Finds what sorts below the keys that polls list. `sources health` tells when the listing ended
    and how many objects were late.
    """
    settings = start()
    enabled_source(rooms, settings, source_id)
    _carry_out(rooms, settings, a_command(CommandKind.RECONCILE, source_id), timeout_seconds)
    _say("the whole prefix is listed next")


def _carry_out(
    rooms: Rooms, settings: Settings, command: SourceCommand, timeout_seconds: int
) -> int:
    """Have a command carried out; give how many objects it published."""
    with stopped_by_signals() as stop:
        end = rooms.carry_out(settings, command, timeout_seconds=timeout_seconds, stop=stop)
    if end.failure is not None:
        raise FatalError(
            f"{command.kind.value} {command.command_id} of source {command.source_id!r} ended"
            f" after {_objects(end.objects)}: {end.failure};"
            f" {what_to_do(command, end.failure)}"
        )
    return end.objects


def _attempt(each: KnownObject) -> tuple[str, int]:
    return (each.version.pull_id, each.version.attempt)


def _explain_keys(keys: Iterable[str], known: dict[str, KnownObject]) -> None:
    """Say of each key that is named and will not be tried why it will not."""
    for key in keys:
        each = known.get(key)
        if each is None:
            _say(f"{printable(key)}: is not known; discovery has not found it")
        elif not each.has_failed:
            told = "is on its way" if each.outcome is None else "was pulled; `replay` pulls again"
            _say(f"{printable(key)}: {told}")


def _replayable(known: Sequence[KnownObject]) -> str:
    lines = sum(each.outcome.lines for each in known if each.outcome is not None)
    size = sum(each.version.size_bytes for each in known)
    return (
        f"{_objects(len(known))} would be pulled again, {size} bytes as stored, {lines} lines as"
        " counted before; as far as they are in the bucket still"
    )


def _objects(number: int) -> str:
    return f"{number} object" if number == 1 else f"{number} objects"


def _say(text: str) -> None:
    # What is on stdout can be piped on.
    click.echo(text, err=True)


def _show(found: Sequence[KnownObject], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([_as_json(each) for each in found], ensure_ascii=False, indent=2))
        return
    for line in columns(_HEADER, map(_as_row, found)):
        click.echo(line)


def _as_row(each: KnownObject) -> tuple[str, ...]:
    version, outcome = each.version, each.outcome
    return (
        version.key,
        each.state.value,
        str(version.attempt),
        "" if outcome is None else str(outcome.lines),
        str(version.size_bytes),
        outcome.reason.value if outcome and outcome.reason else "",
        _shown(outcome.finished_at if outcome else None),
        _shown(each.retry_at),
    )


def _shown(at: int | None) -> str:
    return "" if at is None else moment(at)


def _told(at: int | None) -> str | None:
    return None if at is None else moment(at)


def _as_json(each: KnownObject) -> dict[str, object]:
    version, outcome = each.version, each.outcome
    return {
        "key": version.key,
        "bucket": version.bucket,
        "etag": version.etag,
        "state": each.state.value,
        "reason": outcome.reason.value if outcome and outcome.reason else None,
        "attempt": version.attempt,
        "pull_id": version.pull_id,
        "replay_id": version.replay_id,
        "size_bytes": version.size_bytes,
        "last_modified": _told(version.last_modified),
        "discovered_at": _told(version.discovered_at),
        "finished_at": _told(outcome.finished_at if outcome else None),
        "retry_at": _told(each.retry_at),
        "lines": outcome.lines if outcome else None,
        "raw_lines": outcome.raw_lines if outcome else None,
        "blank_lines": outcome.blank_lines if outcome else None,
        "dead_letter_lines": outcome.dead_letter_lines if outcome else None,
        "sha256": outcome.sha256 if outcome else None,
    }
