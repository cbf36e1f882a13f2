"""CODEX_TURN: the counts and the price of one turn. Its schema was never published.

Input comes without cached; the turn is told again by COSTS, so it is not summable (see `tokens`).
"""

from typing import Final

from producer.contract.event import Cost, Target, Tokens
from producer.normaliser.actors import agent_attributes, who_acted
from producer.normaliser.details import attributes_by
from producer.normaliser.envelope import read_timestamp
from producer.normaliser.money import CREDITS, DOLLARS, ESTIMATED, REPORTED, read_amount
from producer.normaliser.ocsf import API_ACTIVITY, OTHER
from producer.normaliser.outcomes import stated_outcome
from producer.normaliser.reading import Findings, JsonObject, identifier, mapping, text
from producer.normaliser.rules import Draft, Family, Rule
from producer.normaliser.tokens import Counts, read_count, settle

# The family has no actions: the constant is its type.
ACTION: Final = "CODEX_TURN"

ATTRIBUTES: Final = {
    "turn_id": "openai_compliance.turn.id",
    "environment_id": "openai_compliance.environment.id",
    "error_code": "error.type",
    "service_tier": "openai.request.service_tier",
    "reasoning_effort": "openai_compliance.reasoning_effort",
}

_TURN: Final = Rule("api.call", API_ACTIVITY, OTHER, operation="chat")


def describe(record: JsonObject, findings: Findings) -> Draft:
    """Say what a CODEX_TURN record tells."""
    payload = mapping(record, "payload", findings)
    model = text(payload, "model", findings)
    session = identifier(payload, "session_id", findings)
    session = session or identifier(payload, "thread_id", findings)
    agent = mapping(record, "agent", findings)
    return Draft(
        rule=_TURN,
        action=ACTION,
        outcome=stated_outcome(payload, findings),
        target=_target(model, session),
        model=model,
        answered=True,
        tokens=_tokens(mapping(payload, "token_usage", findings), findings),
        cost=_cost(payload, findings),
        session=session,
        client=text(payload, "product_client_id", findings) or text(record, "client_id", findings),
        extra=(
            *agent_attributes(record, identifier(agent, "id", findings), findings),
            *attributes_by(ATTRIBUTES, payload, findings),
        ),
    )


def _target(model: str | None, session: str | None) -> Target | None:
    if model is not None:
        return {"kind": "model", "id": model, "name": None}
    return None if session is None else {"kind": "conversation", "id": session, "name": None}


def _tokens(usage: JsonObject, findings: Findings) -> Tokens | None:
    if not usage:
        return None
    # Under the other name it would be OpenAI's usual count, which includes cached input.
    whole = usage.get("uncached_input_tokens") is None
    counts = Counts(
        input_=read_count(usage, "input_tokens" if whole else "uncached_input_tokens", findings),
        cached_input=read_count(usage, "cached_input_tokens", findings),
        output=read_count(usage, "output_tokens", findings),
        reasoning_output=read_count(usage, "reasoning_output_tokens", findings),
    )
    return settle(counts, includes_cached=whole, summable=False, findings=findings)


def _cost(payload: JsonObject, findings: Findings) -> Cost | None:
    """Take the stated dollars, else the credits, else the estimate; it stays beside both."""
    stated = read_amount(payload, "cost_usd", findings)
    estimate = read_amount(payload, "estimated_cost_usd", findings)
    spent = read_amount(payload, "credits", findings)
    if stated is not None:
        if spent is not None:
            findings.flags["cost.CREDITS"] = spent
        return _priced(stated, DOLLARS, REPORTED, estimate)
    if spent is not None:
        return _priced(spent, CREDITS, REPORTED, estimate)
    return None if estimate is None else _priced(estimate, DOLLARS, ESTIMATED, estimate)


def _priced(amount: str, currency: str, basis: str, estimate: str | None) -> Cost:
    return {"amount": amount, "currency": currency, "basis": basis, "estimated_usd": estimate}


FAMILY: Final = Family(describe=describe, occurred_at=read_timestamp, who=who_acted)
