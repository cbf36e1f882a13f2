"""COSTS: hourly usage and spend of one identity on one product, surface, client and model.

Laws:
- The counting source of every surface (see `tokens`): it alone tells of all of them. Input comes
  without cached.
- Credits stay credits; dollars are given only where the row states them.
- A cost is that of the whole row. Where an item states none that can be read, or the items differ
  in their units, there is no one cost: what the items add up to, unit by unit, is in flags.
- A row without a time has that of its hour, or of its day where it tells no hour: money that has
  a day must not be missing for want of an hour. An hour that is none is refused.
"""

import re
from typing import Final

from producer.contract.dead_letter import FailureKind
from producer.contract.event import Cost, Target, Tokens
from producer.normaliser.actors import who_is_reported
from producer.normaliser.envelope import read_timestamp
from producer.normaliser.money import DOLLARS, REPORTED, read_amount, total_text
from producer.normaliser.ocsf import API_ACTIVITY, OTHER
from producer.normaliser.privacy import word_list
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
_DETAILS: Final = ("input_tokens", "cached_input_tokens", "output_tokens")
_HOUR_LAST: Final = 23
_UNIT: Final = re.compile(r"[A-Za-z][A-Za-z_]{0,31}")


def occurred_at(record: JsonObject, findings: Findings) -> int:
    """Read the time; a row without one is stamped as all are: with the last second it tells of."""
    payload = mapping(record, "payload", findings)
    day, hour = payload.get("day"), payload.get("hour")
    if record.get("timestamp") not in (None, "") or (day is None and hour is None):
        return read_timestamp(record, findings)
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
        cost=_cost(measures, billing, findings),
        client=text(payload, "client", findings),
        extra=(
            ("openai.request.service_tier", text(payload, "service_tier", findings)),
            ("openai_compliance.reasoning_effort", text(payload, "reasoning", findings)),
            ("openai_compliance.product", product),
            ("openai_compliance.surface", text(payload, "surface", findings)),
            word_list("openai_compliance.skus", _skus(billing, findings), findings),
            word_list("openai_compliance.group.ids", _group_ids(payload, findings), findings),
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
    if not counts.are_stated():
        return None
    for kind in _KINDS:
        if _has_only_a_total(usage, kind, findings):
            # Which of the counts it belongs to is not known, so that none of them is whole.
            findings.flags[f"untrusted.{kind}_total_tokens"] = "not told apart"
            counts = Counts.of_nothing_trusted()
    return settle(counts, includes_cached=False, summable=True, findings=findings)


def _has_only_a_total(usage: JsonObject, kind: str, findings: Findings) -> bool:
    total = read_count(usage, f"{kind}_total_tokens", findings)
    if not total:
        return False
    return all(usage.get(f"{kind}_{name}") is None for name in _DETAILS)


def _add_kinds(usage: JsonObject, name: str, findings: Findings) -> Count:
    counts = [read_count(usage, f"{kind}_{name}", findings) for kind in _KINDS]
    return add(counts, name, findings)


def _total_tokens(usage: JsonObject, findings: Findings) -> str | None:
    """Give the total, for the rows that tell no more than that."""
    total = _add_kinds(usage, "total_tokens", findings) if usage else None
    return str(total) if total is not None and total >= 0 else None


def _cost(measures: JsonObject, billing: list[JsonObject], findings: Findings) -> Cost | None:
    """Add up the items of a row, all of one unit; else the sum of each unit is a flag."""
    amounts: dict[str, list[str]] = {}
    for item in billing:
        found = _amount(mapping(item, "cost", findings), findings)
        if found is not None:
            amounts.setdefault(found[0], []).append(found[1])
    listed = measures.get("billing")
    items = len(listed) if type(listed) is list else 0
    unread = items - sum(map(len, amounts.values()))
    if unread:
        findings.flags["untrusted.cost"] = f"{unread} of {items} items state no amount with a unit"
    if unread or len(amounts) != 1:
        for unit in sorted(amounts):
            name = f"partial.cost.{unit}" if unread else f"cost.{unit}"
            findings.flags[name] = total_text(amounts[unit])
        return None
    ((unit, stated),) = amounts.items()
    estimates = [_estimate(item, findings) for item in billing]
    known = [estimate for estimate in estimates if estimate is not None]
    return {
        "amount": total_text(stated),
        "currency": unit,
        "basis": REPORTED,
        # The sum of some of the estimates would be no estimate of the whole.
        "estimated_usd": total_text(known) if len(known) == items else None,
    }


def _amount(cost: JsonObject, findings: Findings) -> tuple[str, str] | None:
    """Give unit and amount, if both can be read."""
    amount = read_amount(cost, "value", findings)
    unit = text(cost, "unit", findings)
    if amount is None or unit is None or _UNIT.fullmatch(unit) is None:
        return None
    return unit.upper(), amount


def _estimate(item: JsonObject, findings: Findings) -> str | None:
    """Give what an item's cost was estimated to be in dollars."""
    found = _amount(mapping(item, "estimated_cost_usd", findings), findings)
    return found[1] if found is not None and found[0] == DOLLARS else None


def _skus(billing: list[JsonObject], findings: Findings) -> list[str]:
    found = (text(item, "sku", findings) for item in billing)
    return sorted({sku for sku in found if sku is not None})


def _group_ids(payload: JsonObject, findings: Findings) -> list[str]:
    groups = objects(mapping(payload, "identity", findings), "groups", findings)
    found = (identifier(group, "id", findings) for group in groups)
    return sorted({group for group in found if group is not None})


FAMILY: Final = Family(describe=describe, occurred_at=occurred_at, who=who_is_reported)
