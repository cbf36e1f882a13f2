"""Money as records state it: decimal text, never a float, never converted."""

import re
from collections.abc import Iterable
from decimal import Context, Decimal
from typing import Final

from producer.normaliser.reading import Findings, JsonObject, NumberText

CREDITS: Final = "CREDITS"
DOLLARS: Final = "USD"
REPORTED: Final = "provider_reported"
ESTIMATED: Final = "provider_estimated"

# Long enough for any sum of money; short enough that sums of such texts stay exact and small.
_TEXT_LENGTH_MAX: Final = 40
_EXPONENT_MAX: Final = 40
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
_EXACT: Final = Context(prec=200)


def amount_text(value: object) -> str | None:
    """Give an amount exactly as it is written; `None` if it is none that can be trusted."""
    if type(value) is int:
        written = str(value)
    elif type(value) is NumberText:
        written = value.text
    elif type(value) is str:
        written = value
    else:
        return None
    if len(written) > _TEXT_LENGTH_MAX or _DECIMAL.fullmatch(written) is None:
        return None
    return written if abs(Decimal(written).adjusted()) <= _EXPONENT_MAX else None


def total_text(amounts: Iterable[str]) -> str:
    """Add amounts exactly; a single one stays as it is written."""
    first, *others = amounts
    if not others:
        return first
    total = Decimal(first)
    for other in others:
        total = _EXACT.add(total, Decimal(other))
    return f"{total:f}"


def read_amount(values: JsonObject, name: str, findings: Findings) -> str | None:
    """Give the amount at `name`; one that cannot be trusted leaves a flag."""
    value = values.get(name)
    if value is None:
        return None
    found = amount_text(value)
    if found is None:
        findings.flags[f"untrusted.{name}"] = "not an amount"
    return found
