"""What a run is shown to have done: on stdout, with rich."""

from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from producer.cli.demo.tally import SHOWN_EVENTS_MAX, Law, Tally
from producer.cli.text import moment, printable
from producer.contract.dead_letter import DeadLetter
from producer.contract.event import GovernanceEvent
from producer.contract.objects import Outcome

_OUTCOMES_SHOWN_MAX: Final = 50
# Wide enough that nothing is folded; a terminal has its own width.
_WIDTH: Final = 150
_STYLES: Final = {
    Outcome.PULLED: "green",
    Outcome.QUARANTINED: "yellow",
    Outcome.VANISHED: "yellow",
    Outcome.SUPERSEDED: "yellow",
}


def console_for_output() -> Console:
    """Build the console of a command's own output."""
    console = Console(highlight=False, markup=False, emoji=False)
    return console if console.is_terminal else Console(highlight=False, markup=False, width=_WIDTH)


def show_report(console: Console, tally: Tally, *, prefix: str) -> None:
    """Print the events, what became of each object, the dead letters, the totals and the laws.

    `prefix` begins every object's key, and is left out.
    """
    console.print()
    console.print(_events(tally))
    console.print(_objects(tally, prefix))
    if tally.shown_dead_letters:
        console.print(_dead_letters(tally, prefix))
    console.print(_totals(tally))
    for law in tally.laws():
        console.print(_law(law))


def show_next_steps(console: Console, steps: Iterable[str]) -> None:
    """Print what to try next."""
    console.print()
    console.print(Text("What to try next", style="bold"))
    for step in steps:
        console.print(Text(f"  {printable(step)}"), soft_wrap=True)


def _table(title: str, columns: Sequence[str], *, numbers: Sequence[str] = ()) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim")
    for column in columns:
        # Nothing is cut: what does not fit goes on in the next line.
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    return table


def _events(tally: Tally) -> Table:
    table = _table(
        "Governance events",
        ("occurred", "event type", "action", "actor", "target", "tokens in", "out", "outcome"),
        numbers=("tokens in", "out"),
    )
    for event in sorted(tally.shown, key=lambda event: (event["occurred_at"], event["event_id"])):
        table.add_row(*_event(event))
    if tally.published > len(tally.shown):
        table.caption = f"the first {SHOWN_EVENTS_MAX} that were read, of {tally.published}"
    return table


def _event(event: GovernanceEvent) -> list[Text]:
    target, tokens = event["target"], event["tokens"]
    return _cells(
        moment(event["occurred_at"])[:19],
        event["event_type"],
        event["action"],
        event["actor"]["id"],
        "" if target is None else target["name"] or target["id"] or target["kind"],
        "" if tokens is None else _number(tokens["input"]),
        "" if tokens is None else _number(tokens["output"]),
        event["outcome"],
    )


def _objects(tally: Tally, prefix: str) -> Table:
    table = _table(
        "Objects",
        ("key", "outcome", "reason", "lines", "raw", "blank", "dead letters"),
        numbers=("lines", "raw", "blank", "dead letters"),
    )
    # What is not simply pulled comes first where not all can be shown.
    outcomes = tally.outcomes
    if len(outcomes) > _OUTCOMES_SHOWN_MAX:
        outcomes.sort(key=lambda outcome: outcome.outcome is Outcome.PULLED)
        table.caption = f"{_OUTCOMES_SHOWN_MAX} of {len(outcomes)}"
    for each in outcomes[:_OUTCOMES_SHOWN_MAX]:
        key, outcome, *others = _cells(
            each.key.removeprefix(prefix) or each.key,
            each.outcome.value,
            "" if each.reason is None else each.reason.value,
            str(each.lines),
            str(each.raw_lines),
            str(each.blank_lines),
            str(tally.dead_letter_lines_of(each)),
        )
        outcome.style = _STYLES[each.outcome]
        table.add_row(key, outcome, *others)
    return table


def _dead_letters(tally: Tally, prefix: str) -> Table:
    table = _table("Dead letters", ("key", "line", "stage", "why"), numbers=("line",))
    for letter in tally.shown_dead_letters:
        table.add_row(
            *_cells(
                letter.key.removeprefix(prefix) or letter.key,
                str(letter.line_number),
                letter.stage,
                _why(letter),
            )
        )
    return table


def _why(letter: DeadLetter) -> str:
    """Say all failures; none of them holds the line's content."""
    return "; ".join(
        f"{failure.field} {failure.message}" if failure.field else failure.message
        for failure in letter.failures
    )


def _totals(tally: Tally) -> Table:
    table = _table("Totals, counted from the topics", ("", "count"), numbers=("count",))
    for name, count in (
        ("objects", len(tally.outcomes)),
        ("lines", tally.lines),
        ("raw records", tally.raw),
        ("events", tally.published),
        ("duplicates suppressed", tally.suppressed),
        ("dead letters", sum(tally.dead_letters.values())),
        ("quarantined objects", tally.quarantined),
    ):
        table.add_row(name, str(count))
    return table


def _law(law: Law) -> Text:
    mark = Text("✓ ", style="green") if law.holds else Text("✗ ", style="bold red")
    sign = "=" if law.holds else "≠"
    return mark + Text(f"{law.text}: {law.total} {sign} {' + '.join(map(str, law.parts))}")


def _number(count: int | None) -> str:
    return "" if count is None else str(count)


def _cells(*texts: str) -> list[Text]:
    return [Text(printable(text)) for text in texts]
