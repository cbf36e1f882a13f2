"""Whether the golden cases notice that a rule was changed.

A mutant is one change, made in memory. It is noticed if some case does not hold any more; those
whose lines run through the changed module are asked first.
"""

import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from types import FrameType, ModuleType

from producer.normaliser.normalise import normalise
from tests.golden.cases import Case, all_cases, all_pairs
from tests.golden.comparing import agrees, holds
from tests.golden.tables import forget


@dataclass(frozen=True)
class Mutant:
    """One change: what it is called, where it is, and how it is made and taken back."""

    name: str
    module: ModuleType
    made: Callable[[], AbstractContextManager[None]]


def survivors(mutants: Iterable[Mutant]) -> list[str]:
    """Give the names of the mutants that no case notices."""
    assert [] == failing_cases(), "a case that never holds would notice everything"
    return [mutant.name for mutant in mutants if survives(mutant)]


def failing_cases() -> list[str]:
    """Give the names of the cases that do not hold as things are."""
    return [case.id for case in all_cases() if not _holds(case)]


def survives(mutant: Mutant) -> bool:
    """Whether all cases hold in spite of a change."""
    with mutant.made():
        return all(_holds(case) for case in _in_order(mutant.module)) and _pairs_agree()


def _holds(case: Case) -> bool:
    try:
        return holds(case)
    except Exception:  # noqa: BLE001  # a change that breaks the program is noticed
        return False


def _pairs_agree() -> bool:
    return all(agrees(pair) for pair in all_pairs())


@cache
def _in_order(module: ModuleType) -> tuple[Case, ...]:
    """Give all cases, first those whose lines run through a module."""
    assert module.__file__ is not None
    through = _routes()
    return tuple(sorted(all_cases(), key=lambda case: module.__file__ not in through[case.id]))


@cache
def _routes() -> dict[str, frozenset[str]]:
    """Tell for each case the files whose functions its line runs through."""
    return {case.id: _route(case) for case in all_cases()}


def _route(case: Case) -> frozenset[str]:
    files: set[str] = set()

    def note(frame: FrameType, event: str, argument: object) -> None:
        del event, argument
        files.add(frame.f_code.co_filename)

    forget()
    before = sys.getprofile()
    sys.setprofile(note)
    try:
        normalise(case.raw)
    finally:
        sys.setprofile(before)
    return frozenset(files)
