"""COSTS: hourly usage and spend of one identity on one product, surface, client and model.

The counting source of every surface (see `tokens`): it alone tells of all of them. Input comes
without cached. Credits stay credits; dollars are given only where the row states them.
"""

from typing import Final

from producer.contract.dead_letter import FailureKind
from producer.contract.event import Cost, Target, Tokens
from producer.normaliser.actors import who_is_reported
from producer.normaliser.envelope import read_timestamp
from producer.normaliser.money import DOLLARS, REPORTED, read_amount, total_text
from producer.normaliser.ocsf import API_ACTIVITY, OTHER
from producer.normaliser.reading import (
    Findings,
    JsonObject,
    identifier,
    mapping,
    objects,
    text,
)
from producer.normaliser.rules import Draft, Family, Rule
from producer.normaliser.timestamps import end_of_hour
from producer.normaliser.tokens import Count, Counts, add, read_count, settle

# The family has no actions: the constant is its type.
ACTION: Final = "COSTS"
_REPORT: Final = Rule("usage.report", API_ACTIVITY, OTHER)

_KINDS: Final = ("text", "audio", "image")
_HOUR_LAST: Final = 23


def occurred_at(record: JsonObject, findings: Findings) -> int:
    """Read the time; a row without one is stamped as all are: with the last second of its hour."""
    payload = mapping(record, "payload", findings)
    day = payload.get("day")
    if record.get("timestamp") not in (None, "") or day is None:
        return read_timestamp(record, findings)
    hour = payload.get("hour")
    if hour is None:
        hour = _HOUR_LAST
    if type(hour) is not int or not 0 <= hour <= _HOUR_LAST:
        findings.refuse(FailureKind.RULE_FAILED, "payload.hour", "is not an hour from 0 to 23")
        hour = _HOUR_LAST
    found = end_of_hour(day, hour) if type(day) is str else None
    if found is None:
        findings.refuse(FailureKind.RULE_FAILED, "payload.day", "is not a day as YYYY-MM-DD")
    return found or 0


def describe(record: JsonObject, findings: Findings) -> Draft:
    """Say what a COSTS record tells."""
    payload = mapping(record, "payload", findings)
    measures = mapping(payload, "measures", findings)
    usage = mapping(measures, "usage", findings)
    model = text(payload, "model", findings)
    product = text(payload, "product", findings)
    billing = objects(measures, "billing", findings)
    return Draft(
        rule=_REPORT,
        action=ACTION,
        target=_target(model, product),
        model=model,
        answered=True,
        tokens=_tokens(usage, findings),
        cost=_cost(billing, findings),
        client=text(payload, "client", findings),
        extra=(
            ("openai.request.service_tier", text(payload, "service_tier", findings)),
            ("openai_compliance.reasoning_effort", text(payload, "reasoning", findings)),
            ("openai_compliance.product", product),
            ("openai_compliance.surface", text(payload, "surface", findings)),
            ("openai_compliance.skus", _skus(billing, findings)),
            ("openai_compliance.group.ids", _group_ids(payload, findings)),
            ("openai_compliance.usage.total_tokens", _total_tokens(usage, findings)),
        ),
    )


def _target(model: str | None, product: str | None) -> Target | None:
    if model is not None:
        return {"kind": "model", "id": model, "name": None}
    return None if product is None else {"kind": "product", "id": product, "name": None}


def _tokens(usage: JsonObject, findings: Findings) -> Tokens | None:
    if not usage:
        return None
    counts = Counts(
        input_=_add_kinds(usage, "input_tokens", findings),
        cached_input=_add_kinds(usage, "cached_input_tokens", findings),
        output=_add_kinds(usage, "output_tokens", findings),
        reasoning_output=_add_kinds(usage, "reasoning_output_tokens", findings),
    )
    return settle(counts, includes_cached=False, summable=True, findings=findings)


def _add_kinds(usage: JsonObject, name: str, findings: Findings) -> Count:
    counts = [read_count(usage, f"{kind}_{name}", findings) for kind in _KINDS]
    return add(counts, name, findings)


def _total_tokens(usage: JsonObject, findings: Findings) -> str | None:
    """Give the total, for the rows that tell no more than that."""
    total = _add_kinds(usage, "total_tokens", findings) if usage else None
    return str(total) if total is not None and total >= 0 else None


def _cost(billing: list[JsonObject], findings: Findings) -> Cost | None:
    """Add up the items of a row. Units do not add: of several, each total is a flag."""
    amounts: dict[str, list[str]] = {}
    estimates: list[str] = []
    for item in billing:
        cost = mapping(item, "cost", findings)
        amount = read_amount(cost, "value", findings)
        unit = text(cost, "unit", findings)
        if amount is None or unit is None:
            findings.flags["untrusted.cost"] = "an item states no amount with a unit"
            return None
        amounts.setdefault(unit.upper(), []).append(amount)
        estimate = mapping(item, "estimated_cost_usd", findings)
        dollars = read_amount(estimate, "value", findings)
        if dollars is not None and (text(estimate, "unit", findings) or "").upper() == DOLLARS:
            estimates.append(dollars)
    if len(amounts) != 1:
        for unit in sorted(amounts):
            findings.flags[f"cost.{unit}"] = total_text(amounts[unit])
        return None
    ((unit, stated),) = amounts.items()
    return {
        "amount": total_text(stated),
        "currency": unit,
        "basis": REPORTED,
        # The sum of some of the estimates would be no estimate of the whole.
        "estimated_usd": total_text(estimates) if len(estimates) == len(billing) else None,
    }


def _skus(billing: list[JsonObject], findings: Findings) -> str | None:
    found = (text(item, "sku", findings) for item in billing)
    return ",".join(sorted({sku for sku in found if sku is not None})) or None


def _group_ids(payload: JsonObject, findings: Findings) -> str | None:
    groups = objects(mapping(payload, "identity", findings), "groups", findings)
    found = (identifier(group, "id", findings) for group in groups)
    return ",".join(sorted({group for group in found if group is not None})) or None


FAMILY: Final = Family(describe=describe, occurred_at=occurred_at, who=who_is_reported)
