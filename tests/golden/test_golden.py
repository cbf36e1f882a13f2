"""Every golden case, line by line."""

import pytest

from tests.golden.cases import Case, Pair, all_cases, all_pairs
from tests.golden.comparing import agrees, differences


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
