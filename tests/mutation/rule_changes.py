"""Changes to the rules that are code: counts first, then money, models, times, ids and actors."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from sys import modules
from types import ModuleType
from typing import Any, Final

from producer.contract.event import Model, Tokens
from producer.normaliser import actors, identity, models, money, timestamps, tokens
from producer.normaliser.families import codex_log, codex_turn, costs, flat
from producer.normaliser.reading import Findings, JsonObject, NumberText, exact_value
from producer.normaliser.rules import Who
from producer.normaliser.tokens import UNTRUSTED, Count, Counts, read_count, settle
from tests.golden.tables import forget, replaced
from tests.mutation.engine import Mutant

_COUNTING: Final = (codex_log, codex_turn, costs, flat)
_USUAL_NAMES: Final = (("input", "output"), ("cached", "uncached"), ("reasoning_output", "output"))
_FLAT_NAMES: Final = (("prompt", "completion"), ("input", "output"), ("reasoning", "cached"))


def rule_mutants() -> list[Mutant]:
    """Give the mutants of all rules that are code."""
    return [*_conventions(), *_names(), *map(_instead, _REPLACEMENTS), *_constants()]


def _conventions() -> Iterator[Mutant]:
    """Whether input includes cached, and which source is added up, family by family."""
    for module in _COUNTING:
        for option in ("includes_cached", "summable"):

            def settled(
                counts: Counts, *, flipped: str = option, findings: Findings, **options: bool
            ) -> Tokens | None:
                options[flipped] = not options[flipped]
                return settle(counts, findings=findings, **options)

            yield _in_module(f"{module.__name__}: {option} flipped", module, "settle", settled)


def _names() -> Iterator[Mutant]:
    """One count read where another one is."""
    for module in _COUNTING:
        for pair in _FLAT_NAMES if module is flat else _USUAL_NAMES:

            def read(
                usage: JsonObject, name: str, findings: Findings, pair: tuple[str, str] = pair
            ) -> Count:
                return read_count(usage, name.replace(*pair), findings)

            name = f"{module.__name__}: {pair[1]} for {pair[0]}"
            yield _in_module(name, module, "read_count", read)


def _constants() -> Iterator[Mutant]:
    yield _in_module("tokens: no upper limit", tokens, "_LONG_MAX", 2**80)
    yield _in_module("money: credits are dollars", codex_turn, "CREDITS", "USD")
    yield _in_module("money: an estimate is a price", codex_turn, "ESTIMATED", money.REPORTED)
    yield _in_module("money: estimates are in euros", costs, "DOLLARS", "EUR")


def _instead(replacement: tuple[str, Callable[..., Any], Callable[..., Any]]) -> Mutant:
    """Put a function in place of another wherever it is named."""
    name, old, new = replacement

    def made() -> AbstractContextManager[None]:
        return replaced(old, new)

    return Mutant(name, modules[old.__module__], made)


def _in_module(name: str, module: ModuleType, attribute: str, new: object) -> Mutant:
    """Put an object in the place of another in one module alone."""

    @contextmanager
    def made() -> Iterator[None]:
        old = getattr(module, attribute)
        forget()
        setattr(module, attribute, new)
        try:
            yield
        finally:
            setattr(module, attribute, old)
            forget()

    return Mutant(name, module, made)


def _negative_believed(usage: JsonObject, name: str, findings: Findings) -> Count:
    value = usage.get(name)
    return value if type(value) is int and value < 0 else read_count(usage, name, findings)


def _fraction_cut(usage: JsonObject, name: str, findings: Findings) -> Count:
    value = usage.get(name)
    exact = exact_value(value) if type(value) is NumberText else None
    return read_count(usage, name, findings) if exact is None else int(exact)


def _missing_is_zero(usage: JsonObject, name: str, findings: Findings) -> Count:
    return 0 if usage.get(name) is None else read_count(usage, name, findings)


def _untrusted_is_zero(usage: JsonObject, name: str, findings: Findings) -> Count:
    found = read_count(usage, name, findings)
    return 0 if found == UNTRUSTED else found


def _unflagged(usage: JsonObject, name: str, findings: Findings) -> Count:
    del findings
    return read_count(usage, name, Findings())


def _cached_kept(input_: int, cached: int, findings: Findings) -> tuple[int, int]:
    del findings
    return input_, cached


def _cached_clipped(input_: int, cached: int, findings: Findings) -> tuple[int, int]:
    del findings
    return max(input_ - cached, 0), cached


def _cached_below(input_: int, cached: int, findings: Findings) -> tuple[int, int]:
    del findings
    return input_ - cached, cached


def _sum_of_believed(counts: list[Count], name: str, findings: Findings) -> Count:
    del name, findings
    stated = [count for count in counts if count is not None and count >= 0]
    return sum(stated) if stated else None


def _sum_is_zero(counts: list[Count], name: str, findings: Findings) -> Count:
    del name, findings
    return sum(count for count in counts if count is not None)


def _reasoning_outside(counts: Counts, *, findings: Findings, **options: bool) -> Tokens | None:
    if counts.output is not None and counts.reasoning_output is not None:
        counts.output -= counts.reasoning_output
    return settle(counts, findings=findings, **options)


def _reasoning_believed(counts: Counts, *, findings: Findings, **options: bool) -> Tokens | None:
    found = settle(counts, findings=findings, **options)
    if found is not None:
        found["reasoning_output"] = counts.reasoning_output
    return found


def _never_none(counts: Counts, *, findings: Findings, **options: bool) -> Tokens:
    return settle(counts, findings=findings, **options) or {
        "input": None,
        "cached_input": None,
        "output": None,
        "reasoning_output": None,
        "summable": options["summable"],
    }


def _as_float(value: object) -> str | None:
    return str(float(value.text)) if type(value) is NumberText else str(value)


def _as_written(raw: str) -> Model:
    return {"raw": raw, "normalised": raw}


def _never(*arguments: object) -> None:
    del arguments


def _the_same(value: object) -> object:
    return value


def _one_for_all(record: JsonObject) -> str:
    del record
    return "sha256:" + "0" * 64


def _nobody(*arguments: object) -> Who:
    del arguments
    return actors.nobody()


_REPLACEMENTS: Final[tuple[tuple[str, Callable[..., Any], Callable[..., Any]], ...]] = (
    ("tokens: negative counts are believed", read_count, _negative_believed),
    ("tokens: fractions are cut off", read_count, _fraction_cut),
    ("tokens: missing is zero", read_count, _missing_is_zero),
    ("tokens: untrusted is zero", read_count, _untrusted_is_zero),
    ("tokens: untrusted counts leave no flag", read_count, _unflagged),
    ("tokens: 10.0 is no count", tokens._whole, _the_same),
    ("tokens: cached is not taken out", tokens._take_out_cached, _cached_kept),
    ("tokens: cached above input leaves zero", tokens._take_out_cached, _cached_clipped),
    ("tokens: cached above input is believed", tokens._take_out_cached, _cached_below),
    ("tokens: a sum leaves out what is not believed", tokens.add, _sum_of_believed),
    ("tokens: a sum of nothing is zero", tokens.add, _sum_is_zero),
    ("tokens: reasoning is taken out of output", settle, _reasoning_outside),
    ("tokens: reasoning above output is believed", settle, _reasoning_believed),
    ("tokens: no counts are counts of nothing", settle, _never_none),
    ("money: amounts are floats", money.amount_text, _as_float),
    ("models: the pricing name is as written", models.model_of, _as_written),
    ("timestamps: no leap second", timestamps._from_leap_second, _never),
    ("timestamps: no hour of a report", timestamps.end_of_hour, _never),
    ("timestamps: no epochs", timestamps.from_epoch_seconds, _never),
    ("identity: one id for all", identity._hash, _one_for_all),
    ("actors: accounts are no persons", actors.person_id, _the_same),
    ("actors: nobody is the system", actors._nobody, _nobody),
    *(
        (f"actors: no {step}", getattr(actors, step), _never)
        for step in ("_agent", "_api_key", "_external", "_platform", "_reported", "_beside")
    ),
)
