"""`sources check`: a source tried as discovery and puller would use it."""

import json

import click

from producer.cli.asking import existing_source
from producer.cli.rooms import Rooms, TriedStep
from producer.cli.starting import start
from producer.cli.text import printable


@click.command()
@click.argument("source_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def check(rooms: Rooms, source_id: str, *, as_json: bool) -> None:
    """Try the source ID step by step, from this machine and with its identity.

    Its role, its bucket's region, the first page of its listing, the first bytes of an object on
    that page. Ends at the first step that fails, and says what to do about it.
    """
    settings = start()
    source = existing_source(rooms, settings, source_id).source
    steps = []
    for step in rooms.try_source(settings, source):
        steps.append(step)
        if not as_json:
            click.echo(_as_text(step))
    is_good = all(step.problem is None for step in steps)
    if as_json:
        told = {
            "source": {"id": source.id, "name": source.name},
            "ok": is_good,
            "steps": [_as_json(step) for step in steps],
        }
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    if not is_good:
        click.get_current_context().exit(1)


def _as_text(step: TriedStep) -> str:
    if step.problem is None:
        return f"ok      {step.step}: {printable(step.answer)}"
    return f"FAILED  {step.step}: {step.problem}: {printable(step.answer)}"


def _as_json(step: TriedStep) -> dict[str, object]:
    return {
        "step": step.step,
        "ok": step.problem is None,
        "problem": step.problem,
        "detail": step.answer,
    }
