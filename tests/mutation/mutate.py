"""Change every rule, one at a time, and tell which changes no golden case notices.

    python -m tests.mutation.mutate

Ends with 1 if a change was not noticed.
"""

import sys
from time import monotonic

import click

from tests.mutation.engine import Mutant, failing_cases, survivors
from tests.mutation.flips import table_mutants
from tests.mutation.rule_changes import rule_mutants


def all_mutants() -> list[Mutant]:
    """Give every change, in an order that does not change."""
    return [*table_mutants(), *rule_mutants()]


@click.command()
def main() -> None:
    """Change every rule, one at a time, and tell which changes no golden case notices."""
    failing = failing_cases()
    if failing:
        raise click.ClickException(f"these cases fail without any change: {', '.join(failing)}")
    started = monotonic()
    mutants = all_mutants()
    left = survivors(mutants)
    for name in left:
        click.echo(f"not noticed: {name}")
    seconds = monotonic() - started
    click.echo(f"{len(mutants)} changes, {len(left)} not noticed, {seconds:.1f} s")
    sys.exit(1 if left else 0)


if __name__ == "__main__":
    main()
