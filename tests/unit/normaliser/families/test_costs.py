"""COSTS by hand."""

import json
from typing import Any

import pytest

from producer.contract.dead_letter import FailureKind
from producer.contract.event import GovernanceEvent
from producer.normaliser.normalise import normalise
from tests.unit.normaliser.lines import (
    TEN_O_CLOCK,
    a_raw_line,
    a_record,
    own_attributes,
    the_event,
    the_failures,
)

HOUR = 3_600_000_000
LAST_SECOND = HOUR - 1_000_000
SYSTEM = {"type": "SYSTEM", "id": "costs_compliance"}


WHOLE_PAYLOAD: dict[str, Any] = {
    "day": "2026-09-15",
    "hour": 9,
    "organization_id": "org-1",
    "identity": {
        "user_id": "user-X__11bf645e-d5e8-4478-a70e-e5742ded2436",
        "email": "a@example.com",
        "name": "SECRET NAME",
        "groups": [{"id": "g-2", "name": "SECRET GROUP"}, {"id": "g-1", "name": None}],
    },
    "product": "codex",
    "surface": "ide",
    "client": "cli",
    "model": "gpt-5-5",
    "service_tier": "default",
    "reasoning": "high",
    "measures": {
        "usage": {
            "text_input_tokens": 1000,
            "text_cached_input_tokens": 90000,
            "text_output_tokens": 500,
            "audio_input_tokens": 10,
            "image_output_tokens": 1,
        },
        "billing": [
            {
                "sku": "SkuA",
                "quantity": {"value": 91500, "unit": "tokens"},
                "cost": {"value": 10.50, "unit": "CREDITS"},
                "estimated_cost_usd": {"value": 0.42, "unit": "USD"},
            }
        ],
    },
}


def a_row(payload: dict[str, Any], **changes: object) -> GovernanceEvent:
    return the_event(a_record("COSTS", actor=SYSTEM, payload=payload, **changes))


def an_item(value: object, unit: str, estimate: object = ...) -> dict[str, object]:
    item: dict[str, object] = {"sku": "s", "cost": {"value": value, "unit": unit}}
    if estimate is not ...:
        item["estimated_cost_usd"] = estimate
    return item


def test_a_row() -> None:
    """The counting source: detailed tokens without cached, a cost, an identity."""
    event = a_row(WHOLE_PAYLOAD)
    assert ("usage.report", "COSTS", "cli") == (
        event["event_type"],
        event["action"],
        event["client"],
    )
    assert {"kind": "user", "id": "user-X", "email": None, "on_behalf_of": None} == event["actor"]
    assert {"kind": "model", "id": "gpt-5-5", "name": None} == event["target"]
    assert {"raw": "gpt-5-5", "normalised": "gpt-5.5"} == event["model"]
    assert {
        "input": 1010,
        "cached_input": 90000,
        "output": 501,
        "reasoning_output": None,
        "summable": True,
    } == event["tokens"]
    assert {
        "amount": "10.5",
        "currency": "CREDITS",
        "basis": "provider_reported",
        "estimated_usd": "0.42",
    } == event["cost"]
    assert {
        "gen_ai.request.model": "gpt-5-5",
        "gen_ai.response.model": "gpt-5-5",
        "gen_ai.usage.input_tokens": "1010",
        "gen_ai.usage.cache_read.input_tokens": "90000",
        "gen_ai.usage.output_tokens": "501",
        "openai_compliance.actor.account_id": "user-X__11bf645e-d5e8-4478-a70e-e5742ded2436",
        "openai.request.service_tier": "default",
        "openai_compliance.reasoning_effort": "high",
        "openai_compliance.product": "codex",
        "openai_compliance.surface": "ide",
        "openai_compliance.skus": "SkuA",
        "openai_compliance.group.ids": "g-1,g-2",
    } == own_attributes(event)
    assert "SECRET" not in repr(event)


def test_the_amount_is_the_text_of_the_line() -> None:
    """A trailing zero and a digit beyond a float's precision survive."""
    amount = "0.10000000000000000555000"
    billing = f'{{"billing":[{{"cost":{{"value":{amount},"unit":"USD"}}}}]}}'
    record = json.dumps(a_record("COSTS", payload={"measures": "HERE"}))
    line = record.replace('"HERE"', billing)
    cost = normalise(a_raw_line(line.encode())).events[0]["cost"]
    assert cost is not None
    assert amount == cost["amount"]


@pytest.mark.parametrize(
    ("payload", "after_ten"),
    [
        ({"day": "2026-09-15", "hour": 10}, LAST_SECOND),
        ({"day": "2026-09-15", "hour": 0}, -10 * HOUR + LAST_SECOND),
    ],
)
@pytest.mark.parametrize("timestamp", [..., None, ""])
def test_a_row_without_a_time_has_the_last_second_of_its_hour(
    payload: dict[str, object], after_ten: int, timestamp: object
) -> None:
    """Redeliveries agree, and so do rows with and without a time."""
    assert TEN_O_CLOCK + after_ten == a_row(payload, timestamp=timestamp)["occurred_at"]


def test_the_time_of_the_row_wins() -> None:
    """The day and hour are only a fallback."""
    assert TEN_O_CLOCK == a_row({"day": "2026-09-14", "hour": 3})["occurred_at"]


@pytest.mark.parametrize(
    ("timestamp", "payload", "expected"),
    [
        ("garbage", {"day": "2026-09-15", "hour": 1}, [(FailureKind.RULE_FAILED, "timestamp")]),
        (0, {"day": "2026-09-15", "hour": 1}, [(FailureKind.SCHEMA_VIOLATION, "timestamp")]),
        (..., {}, [(FailureKind.SCHEMA_VIOLATION, "timestamp")]),
        (..., None, [(FailureKind.SCHEMA_VIOLATION, "timestamp")]),
        (..., {"hour": 1}, [(FailureKind.RULE_FAILED, "payload.day")]),
        (..., {"day": "2026-02-30", "hour": 1}, [(FailureKind.RULE_FAILED, "payload.day")]),
        (..., {"day": 20260915, "hour": 1}, [(FailureKind.RULE_FAILED, "payload.day")]),
        (..., {"day": "2026-09-15", "hour": 24}, [(FailureKind.RULE_FAILED, "payload.hour")]),
        (..., {"day": "2026-09-15", "hour": True}, [(FailureKind.RULE_FAILED, "payload.hour")]),
        (
            ...,
            {"day": "x", "hour": "1"},
            [(FailureKind.RULE_FAILED, "payload.hour"), (FailureKind.RULE_FAILED, "payload.day")],
        ),
    ],
)
def test_a_time_that_cannot_be_read_is_refused(
    timestamp: object, payload: object, expected: object
) -> None:
    """Every wrong field is named."""
    failures = the_failures(a_record("COSTS", timestamp=timestamp, payload=payload))
    assert expected == [(failure.kind, failure.field) for failure in failures]


@pytest.mark.parametrize(
    ("billing", "expected", "flags"),
    [
        ([an_item(10, "CREDITS")], ("10", "CREDITS", None), {}),
        ([an_item(10, "CREDITS", None)], ("10", "CREDITS", None), {}),
        ([an_item(5, "USD")], ("5", "USD", None), {}),
        ([an_item(0.1, "USD"), an_item(0.2, "USD")], ("0.3", "USD", None), {}),
        (
            [an_item(1, "CREDITS", {"value": 0.1, "unit": "USD"}), an_item(2, "CREDITS")],
            ("3", "CREDITS", None),
            {},
        ),
        (
            [
                an_item(1, "CREDITS", {"value": 0.1, "unit": "USD"}),
                an_item(2, "CREDITS", {"value": 0.2, "unit": "USD"}),
            ],
            ("3", "CREDITS", "0.3"),
            {},
        ),
        (
            [an_item(1, "CREDITS", {"value": 0.1, "unit": "EUR"})],
            ("1", "CREDITS", None),
            {},
        ),
        (
            [an_item(2, "USD"), an_item(10, "CREDITS")],
            None,
            {"cost.CREDITS": "10", "cost.USD": "2"},
        ),
        (
            [an_item(2, "USD"), {"sku": "s"}],
            None,
            {
                "untrusted.cost": "1 of 2 items state no amount with a unit",
                "partial.cost.USD": "2",
            },
        ),
        (
            [an_item("many", "USD")],
            None,
            {
                "untrusted.value": "not an amount",
                "untrusted.cost": "1 of 1 items state no amount with a unit",
            },
        ),
        ([], None, {}),
        (None, None, {}),
    ],
)
def test_costs_keep_their_unit(billing: object, expected: object, flags: dict[str, str]) -> None:
    """Credits never become dollars, units never add, and a part is never called the whole."""
    event = a_row({"measures": {"billing": billing}})
    cost = event["cost"]
    assert expected == (cost and (cost["amount"], cost["currency"], cost["estimated_usd"]))
    assert flags == event["flags"]


@pytest.mark.parametrize("product", ["codex", "ChatGPT", "chatgpt", "Work"])
def test_the_product_stays_as_written(product: str) -> None:
    """It is free text, and the target of a row without a model."""
    event = a_row({"product": product})
    assert {"kind": "product", "id": product, "name": None} == event["target"]
    assert product == own_attributes(event)["openai_compliance.product"]


@pytest.mark.parametrize(
    ("usage", "tokens", "total"),
    [
        ({"text_total_tokens": 70, "image_total_tokens": 5}, None, "75"),
        ({}, None, None),
        (None, None, None),
        ({"text_output_tokens": 0}, (None, None, 0, None, True), None),
        ({"text_input_tokens": 5, "audio_input_tokens": -1}, (None, None, None, None, True), None),
    ],
)
def test_usage_is_what_the_row_states(usage: object, tokens: object, total: object) -> None:
    """A row may state details, only a total, or nothing."""
    event = a_row({"measures": {"usage": usage}})
    found = event["tokens"]
    assert tokens == (found and tuple(found.values()))
    assert total == own_attributes(event).get("openai_compliance.usage.total_tokens")


def test_a_row_without_envelope_is_still_a_row() -> None:
    """Some have neither principal nor actor."""
    row = {"event_id": "evt-A", "type": "COSTS", "payload": {"day": "2026-09-15", "hour": 10}}
    event = the_event(row)
    assert ("COSTS", TEN_O_CLOCK + LAST_SECOND) == (event["family"], event["occurred_at"])
