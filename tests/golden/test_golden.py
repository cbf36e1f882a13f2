"""Every golden case, line by line."""

from typing import Final

import pytest

from tests.golden.cases import Case, Pair, all_cases, all_pairs
from tests.golden.comparing import agrees, differences

# The rows of the reference's table on where documents and live data disagree.
DISAGREEMENTS: Final = frozenset(
    {
        "auth example is no json",
        "auth action_data",
        "client_ip_details",
        "auth client_user_agent",
        "app output",
        "agent model",
        "user id",
        "invite action",
        "role change",
        "codex status",
        "prompt_text on an answer",
        "costs estimated_cost_usd",
        "costs product",
        "ids",
        "event_id in examples",
    }
)


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.id)
def test_a_line_becomes_what_the_reference_says(case: Case) -> None:
    """The whole event is compared, not only what a case is about."""
    found = differences(case)
    if found:
        line = case.raw.line.decode(errors="replace")
        pytest.fail("\n".join((case.why, line, *found)), pytrace=False)


@pytest.mark.parametrize("pair", all_pairs(), ids=lambda pair: pair.id)
def test_two_lines_are_one_event_or_two(pair: Pair) -> None:
    """Deliveries of one record agree on the id, and different records do not."""
    assert agrees(pair), pair.why


def test_every_disagreement_has_a_case() -> None:
    """Where documents and live data disagree, both sides are written down."""
    assert DISAGREEMENTS == {case.topic for case in all_cases() if case.topic is not None}
