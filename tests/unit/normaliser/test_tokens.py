"""Token counts under one convention."""

import pytest

from producer.normaliser.reading import Findings, NumberText
from producer.normaliser.tokens import UNTRUSTED, Count, Counts, add, read_count, settle


def settled(
    input_: Count = None,
    cached: Count = None,
    output: Count = None,
    *,
    reasoning: Count = None,
    includes_cached: bool = True,
) -> tuple[tuple[int | None, ...] | None, dict[str, str]]:
    findings = Findings()
    counts = Counts(input_=input_, cached_input=cached, output=output, reasoning_output=reasoning)
    found = settle(counts, includes_cached=includes_cached, summable=False, findings=findings)
    if found is None:
        return None, findings.flags
    return (
        found["input"],
        found["cached_input"],
        found["output"],
        found["reasoning_output"],
    ), findings.flags


def test_cached_is_taken_out_where_input_includes_it() -> None:
    """Input is what is priced as input."""
    assert ((450, 800, 340, 120), {}) == settled(1250, 800, 340, reasoning=120)


def test_cached_is_left_where_input_excludes_it() -> None:
    """A family that splits cached off is taken as it is."""
    assert ((100, 2000, 50, None), {}) == settled(100, 2000, 50, includes_cached=False)


def test_all_of_the_input_may_be_cached() -> None:
    """A count may come out as a real 0."""
    assert ((0, 30, None, None), {}) == settled(30, 30)


def test_missing_is_null() -> None:
    """What is not stated is null, never 0, and nothing stated is no tokens at all."""
    assert ((1, None, None, None), {}) == settled(1)
    assert (None, {}) == settled()


def test_cached_above_input_is_not_trusted() -> None:
    """Neither count can be believed."""
    assert (
        (None, None, 5, None),
        {"untrusted.cached_input_tokens": "above input"},
    ) == settled(10, 11, 5)


def test_reasoning_above_output_is_not_trusted() -> None:
    """Reasoning is a part of output."""
    assert (
        (1, None, 5, None),
        {"untrusted.reasoning_output_tokens": "above output"},
    ) == settled(1, None, 5, reasoning=6)


def test_input_is_unknown_where_the_cached_part_is_not_trusted() -> None:
    """Nothing can be taken out of a sum by an amount that is not known."""
    assert ((None, None, 5, None), {}) == settled(10, UNTRUSTED, 5)
    assert ((10, None, 5, None), {}) == settled(10, UNTRUSTED, 5, includes_cached=False)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (-1, "negative"),
        (NumberText("1.5"), "fractional"),
        (NumberText("1e400"), "fractional"),
        (NumberText("1e999999999999999999999"), "fractional"),
        (NumberText("-2.0"), "negative"),
        (2**63, "out of range"),
        ("12", "not a number"),
        (True, "not a number"),
        ([1], "not a number"),
    ],
)
def test_a_count_that_cannot_be_right_is_flagged(value: object, reason: str) -> None:
    """Null and a flag instead of a number that somebody would add up."""
    findings = Findings()
    assert UNTRUSTED == read_count({"input_tokens": value}, "input_tokens", findings)
    assert {"untrusted.input_tokens": reason} == findings.flags


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, 0), (2**63 - 1, 2**63 - 1), (NumberText("100.0"), 100), (NumberText("1e3"), 1000)],
)
def test_whole_numbers_are_counts(value: object, expected: int) -> None:
    """However they are written."""
    findings = Findings()
    assert expected == read_count({"n": value}, "n", findings)
    assert {} == findings.flags


@pytest.mark.parametrize(
    ("counts", "expected", "flags"),
    [
        ([None, None], None, {}),
        ([None, 0], 0, {}),
        ([1, None, 2], 3, {}),
        # Whoever read it has flagged the count itself.
        ([1, UNTRUSTED], UNTRUSTED, {}),
        ([2**63 - 1, 1], UNTRUSTED, {"untrusted.all": "out of range"}),
    ],
)
def test_sums_know_what_is_missing(
    counts: list[Count], expected: Count, flags: dict[str, str]
) -> None:
    """Nothing stated gives nothing; one count that is not trusted spoils the sum."""
    findings = Findings()
    assert expected == add(counts, "all", findings)
    assert flags == findings.flags
