"""How an event of one source looks, as `langwatch ingest tail` shows it."""

from typing import Any

import pytest

from producer.cli.source_tail import event_of_source_as_text
from tests.support.builders import an_event

LINE = "2026-05-28T20:26:40.000Z  auth.signin  login.succeeded"


def line(**changes: Any) -> str:  # noqa: ANN401 - any field's value
    """Show an event."""
    return event_of_source_as_text(an_event(**changes))


def the_tokens(given: int | None, made: int | None) -> dict[str, Any]:
    """Give token counts."""
    return {
        "input": given,
        "cached_input": 9,
        "output": made,
        "reasoning_output": 9,
        "summable": True,
    }


def test_line_has_the_parts_of_langwatch() -> None:
    """Time, type, action, target, cost, tokens, and no actor."""
    target = {"kind": "conversation", "id": "conv-1", "name": None}
    cost = {"amount": "0.12346", "currency": "USD", "basis": "x", "estimated_usd": None}
    assert f"{LINE} → conv-1  $0.1235  12/34 tok" == line(
        target=target, cost=cost, tokens=the_tokens(12, 34)
    )


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("1", "USD", "  $1.0000"),
        ("0.00001", "USD", "  $0.0000"),
        ("0", "USD", ""),
        ("-1", "USD", ""),
        ("12.50", "CREDITS", "  12.50 credits"),
        ("3", "EUR", "  3 EUR"),
    ],
)
def test_cost_is_in_dollars_only_where_it_is_stated_so(
    amount: str, currency: str, expected: str
) -> None:
    """Credits are credits, whatever somebody estimates them to be worth; nothing is no cost."""
    cost = {"amount": amount, "currency": currency, "basis": "x", "estimated_usd": "7"}
    assert LINE + expected == line(cost=cost)


@pytest.mark.parametrize(
    ("given", "made", "expected"),
    [
        (None, None, ""),
        (0, 0, ""),
        (0, None, ""),
        (0, 7, "  0/7 tok"),
        (None, 7, "  ?/7 tok"),
    ],
)
def test_tokens_are_shown_where_there_are_any(
    given: int | None, made: int | None, expected: str
) -> None:
    """A count that is not stated is a question mark, never 0."""
    assert LINE + expected == line(tokens=the_tokens(given, made))


def test_line_is_harmless() -> None:
    """Control characters that a customer wrote do not reach the terminal."""
    assert LINE.replace("login.succeeded", "�[2J�") == line(action="\x1b[2J\n")
