"""Token counts under one convention: input without cached, reasoning inside output.

Laws: not stated is null, never 0. A count that cannot be right is not trusted: null and a flag.

`summable` is true for one counting source of each surface, so that adding up never counts a turn
twice. COSTS reports every product, surface and client of an organisation, hour by hour; what
CODEX_LOG, CODEX_TURN and CHATGPT_PLUGIN_SPREADSHEET tell of single turns is in those hours again.
Which of them a tenant delivers cannot be known from one record, so the rule must not depend on it:
COSTS counts, the others explain. The flat shape takes the place of the families instead of
standing beside them, so it counts as well, unless its type is that of a family.
"""

from typing import Final, Self

from producer.contract.event import Tokens
from producer.normaliser.reading import Findings, JsonObject, NumberText, exact_value

# Beside a real count or none: one that is stated and not believed.
UNTRUSTED: Final = -1

Count = int | None

_LONG_MAX: Final = 2**63 - 1


def read_count(usage: JsonObject, name: str, findings: Findings) -> Count:
    """Give the count at `name`, none, or `UNTRUSTED`."""
    value = usage.get(name)
    if value is None:
        return None
    if type(value) is NumberText:
        value = _whole(value)
    if type(value) is int and 0 <= value <= _LONG_MAX:
        return value
    findings.flags[f"untrusted.{name}"] = _reason(value)
    return UNTRUSTED


def _whole(number: NumberText) -> int | NumberText:
    """Read `100.0` and `1e3` as the whole numbers that they are."""
    exact = exact_value(number)
    if exact is None or exact != exact.to_integral_value():
        return number
    return int(exact)


def _reason(value: object) -> str:
    if type(value) is int:
        return "negative" if value < 0 else "out of range"
    if type(value) is not NumberText:
        return "not a number"
    return "out of range" if value.text.removeprefix("-").isdigit() else "fractional"


def add(counts: list[Count], name: str, findings: Findings) -> Count:
    """Add up what is stated; one count that is not trusted spoils the sum called `name`."""
    stated = [count for count in counts if count is not None]
    if not stated:
        return None
    total = sum(stated)
    if UNTRUSTED in stated:
        return UNTRUSTED
    if total > _LONG_MAX:
        findings.flags[f"untrusted.{name}"] = _reason(total)
        return UNTRUSTED
    return total


class Counts:
    """The four counts of a record, as stated."""

    __slots__ = ("cached_input", "input", "output", "reasoning_output")

    def __init__(
        self, *, input_: Count, cached_input: Count, output: Count, reasoning_output: Count
    ) -> None:
        self.input = input_
        self.cached_input = cached_input
        self.output = output
        self.reasoning_output = reasoning_output

    @classmethod
    def of_nothing_trusted(cls) -> Self:
        """Give counts of which none is whole."""
        return cls(
            input_=UNTRUSTED,
            cached_input=UNTRUSTED,
            output=UNTRUSTED,
            reasoning_output=UNTRUSTED,
        )

    def are_stated(self) -> bool:
        """Whether a record states any of them."""
        return any(
            count is not None
            for count in (self.input, self.cached_input, self.output, self.reasoning_output)
        )


def settle(
    counts: Counts, *, includes_cached: bool, summable: bool, findings: Findings
) -> Tokens | None:
    """Bring stated counts under the convention; `None` where a record states none at all."""
    input_, cached = counts.input, counts.cached_input
    output, reasoning = counts.output, counts.reasoning_output
    if not counts.are_stated():
        return None
    if includes_cached and cached is not None and input_ is not None:
        input_, cached = _take_out_cached(input_, cached, findings)
    if reasoning is not None and output is not None and reasoning > output >= 0:
        findings.flags["untrusted.reasoning_output_tokens"] = "above output"
        reasoning = UNTRUSTED
    return {
        "input": _trusted(input_),
        "cached_input": _trusted(cached),
        "output": _trusted(output),
        "reasoning_output": _trusted(reasoning),
        "summable": summable,
    }


def _take_out_cached(input_: int, cached: int, findings: Findings) -> tuple[int, int]:
    if UNTRUSTED in (input_, cached):
        return UNTRUSTED, cached
    if cached > input_:
        findings.flags["untrusted.cached_input_tokens"] = "above input"
        return UNTRUSTED, UNTRUSTED
    return input_ - cached, cached


def _trusted(count: Count) -> int | None:
    return None if count == UNTRUSTED else count
