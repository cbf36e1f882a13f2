"""CODEX_TURN by hand."""

import pytest

from tests.unit.normaliser.lines import a_record, own_attributes, the_event


def test_a_turn() -> None:
    """Input without cached on the wire; stated dollars; not summable."""
    payload = {
        "turn_id": "t1",
        "thread_id": "th-1",
        "product_client_id": "CODEX_IDE_VSCODE",
        "model": "gpt-5",
        "token_usage": {
            "uncached_input_tokens": 100,
            "cached_input_tokens": 200,
            "output_tokens": 50,
        },
        "cost_usd": 0.25,
    }
    event = the_event(a_record("CODEX_TURN", payload=payload))
    assert ("api.call", "CODEX_TURN", "th-1", "CODEX_IDE_VSCODE") == (
        event["event_type"],
        event["action"],
        event["session"],
        event["client"],
    )
    assert {
        "input": 100,
        "cached_input": 200,
        "output": 50,
        "reasoning_output": None,
        "summable": False,
    } == event["tokens"]
    assert {
        "amount": "0.25",
        "currency": "USD",
        "basis": "provider_reported",
        "estimated_usd": None,
    } == event["cost"]
    assert {"kind": "model", "id": "gpt-5", "name": None} == event["target"]
    assert {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-5",
        "gen_ai.response.model": "gpt-5",
        "gen_ai.usage.input_tokens": "100",
        "gen_ai.usage.cache_read.input_tokens": "200",
        "gen_ai.usage.output_tokens": "50",
        "gen_ai.conversation.id": "th-1",
        "openai_compliance.turn.id": "t1",
    } == own_attributes(event)


@pytest.mark.parametrize(
    ("payload", "expected", "flags"),
    [
        (
            {"estimated_cost_usd": 0.1, "credits": 3},
            ("3", "CREDITS", "provider_reported", "0.1"),
            {},
        ),
        ({"estimated_cost_usd": 0.1}, ("0.1", "USD", "provider_estimated", "0.1"), {}),
        ({"credits": 3}, ("3", "CREDITS", "provider_reported", None), {}),
        (
            {"cost_usd": 1, "credits": 3},
            ("1", "USD", "provider_reported", None),
            {"cost.CREDITS": "3"},
        ),
        ({"cost_usd": {"value": 1}}, None, {"untrusted.cost_usd": "not an amount"}),
        ({}, None, {}),
    ],
)
def test_costs_keep_their_currency(
    payload: object, expected: object, flags: dict[str, str]
) -> None:
    """Dollars are stated dollars, credits stay credits, an estimate is called one."""
    event = the_event(a_record("CODEX_TURN", payload=payload))
    cost = event["cost"]
    assert expected == (cost and tuple(cost.values()))
    assert flags == event["flags"]


def test_a_usual_count_includes_cached() -> None:
    """Under the name that the other families use, cached input is taken out."""
    usage = {"input_tokens": 300, "cached_input_tokens": 200, "reasoning_output_tokens": 5}
    event = the_event(a_record("CODEX_TURN", payload={"token_usage": usage}))
    assert {
        "input": 100,
        "cached_input": 200,
        "output": None,
        "reasoning_output": 5,
        "summable": False,
    } == event["tokens"]


def test_what_a_turn_says_beside_its_counts_is_kept() -> None:
    """As in the other family of Codex, whose fields a newer schema may share."""
    payload = {
        "session_id": "s-1",
        "thread_id": "th-1",
        "status": "failed",
        "error_code": "overloaded",
        "environment_id": "e-1",
        "service_tier": "flex",
        "reasoning_effort": "high",
    }
    record = a_record("CODEX_TURN", payload=payload, client_id="CODEX_CLI", agent={"id": "agt_1"})
    event = the_event(record)
    assert ("failure", "s-1", "CODEX_CLI") == (
        event["outcome"],
        event["session"],
        event["client"],
    )
    assert {
        "gen_ai.operation.name": "chat",
        "gen_ai.conversation.id": "s-1",
        "gen_ai.agent.id": "agt_1",
        "error.type": "overloaded",
        "openai.request.service_tier": "flex",
        "openai_compliance.reasoning_effort": "high",
        "openai_compliance.environment.id": "e-1",
    } == own_attributes(event)
