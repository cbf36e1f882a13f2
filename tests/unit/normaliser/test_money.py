"""Money as records state it."""

import pytest

from producer.normaliser.money import amount_text, read_amount, total_text
from producer.normaliser.reading import Findings, NumberText


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (10, "10"),
        ("9" * 40, "9" * 40),
        (-3, "-3"),
        (NumberText("0.30"), "0.30"),
        (NumberText("0.1000000000000000055511151231"), "0.1000000000000000055511151231"),
        (NumberText("1E-7"), "1E-7"),
        ("12.50", "12.50"),
    ],
)
def test_amounts_stay_as_written(value: object, expected: str) -> None:
    """No rounding, no reformatting."""
    assert expected == amount_text(value)


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, "", "1,5", "1.", "NaN", "Infinity", "+1", " 1", "\u0663", [1], {"a": 1}),
        *(10**41, NumberText("1e400"), NumberText("1e-999"), NumberText("0." + "1" * 60)),
    ],
)
def test_what_is_no_amount_is_none(value: object) -> None:
    """Neither other types nor numbers beyond any sum of money."""
    assert None is amount_text(value)


def test_an_amount_that_is_not_trusted_is_flagged() -> None:
    """Missing is silent, wrong is not."""
    findings = Findings()
    assert None is read_amount({}, "cost_usd", findings)
    assert {} == findings.flags
    assert None is read_amount({"cost_usd": "free"}, "cost_usd", findings)
    assert {"untrusted.cost_usd": "not an amount"} == findings.flags


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        (["0.10"], "0.10"),
        (["1E-7"], "1E-7"),
        (["0.10", "0.20"], "0.30"),
        (["0.1", "0.2", "1e2"], "100.3"),
        (["1e40", "1e-40"], "1" + "0" * 40 + "." + "0" * 39 + "1"),
    ],
)
def test_totals_are_exact(amounts: list[str], expected: str) -> None:
    """Decimal arithmetic without rounding; one amount alone keeps its spelling."""
    assert expected == total_text(amounts)
