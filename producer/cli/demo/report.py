"""What a run is shown to have done: on stdout, with rich."""

from collections.abc import Iterable, Sequence
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from producer.cli.demo.tally import SHOWN_EVENTS_MAX, Law, Tally
from producer.cli.text import moment, printable
from producer.contract.dead_letter import DeadLetter
from producer.contract.event import GovernanceEvent, Tokens
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
    tables = [_events(tally), _objects(tally, prefix), _totals(tally)]
    if tally.shown_dead_letters:
        tables.insert(-1, _dead_letters(tally, prefix))
    for table in tables:
        console.print(table)
        console.print()
    for law in tally.laws():
        console.print(_law(law))


def show_next_steps(console: Console, steps: Iterable[str]) -> None:
    """Print what to try next."""
    console.print()
    console.print(Text("What to try next", style="bold"))
    for step in steps:
        console.print(Text(f"  {printable(step)}"), soft_wrap=True)


def _table(
    title: str, columns: Sequence[str], *, whole: Sequence[str] = (), numbers: Sequence[str] = ()
) -> Table:
    """Build a table of which nothing is cut: what does not fit goes on in the next line.

    Columns that are to stay whole leave the folding to the others.
    """
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="dim",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
    )
    for column in columns:
        table.add_column(
            column,
            justify="right" if column in numbers else "left",
            overflow="fold",
            no_wrap=column in whole or column in numbers,
        )
    return table


def _events(tally: Tally) -> Table:
    table = _table(
        "Governance events",
        ("occurred", "event type", "action", "actor", "target", "tokens", "outcome"),
        whole=("occurred", "event type", "outcome"),
        numbers=("tokens",),
    )
    for event in sorted(tally.shown, key=lambda event: (event["occurred_at"], event["event_id"])):
        table.add_row(*_event(event))
    if tally.published > len(tally.shown):
        table.caption = f"the first {SHOWN_EVENTS_MAX} that were read, of {tally.published}"
    return table


def _event(event: GovernanceEvent) -> list[Text]:
    target, tokens = event["target"], event["tokens"]
    return _cells(
        moment(event["occurred_at"])[: len("2026-11-03T08:00:12")].replace("T", " "),
        event["event_type"],
        event["action"],
        event["actor"]["id"],
        "" if target is None else target["name"] or target["id"] or target["kind"],
        "" if tokens is None else _tokens(tokens),
        event["outcome"],
    )


def _objects(tally: Tally, prefix: str) -> Table:
    table = _table(
        "Objects",
        ("key", "outcome", "reason", "lines", "raw", "blank", "dead letters"),
        whole=("outcome", "reason"),
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
    table = _table(
        "Dead letters", ("key", "line", "stage", "why"), whole=("stage",), numbers=("line",)
    )
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
    table = _table("Totals", ("counted from the topics", "count"), numbers=("count",))
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
    mark = ("✓ ", "green") if law.holds else ("✗ ", "bold red")
    sign = "=" if law.holds else "≠"
    parts = " + ".join(map(str, law.parts))
    return Text.assemble(mark, f"{law.text}: {law.total} {sign} {parts}")


def _tokens(tokens: Tokens) -> str:
    """Show input and output; what a line does not state is no zero."""
    counts = (tokens["input"], tokens["output"])
    return "/".join("?" if count is None else str(count) for count in counts)


def _cells(*texts: str) -> list[Text]:
    return [Text(printable(text)) for text in texts]
