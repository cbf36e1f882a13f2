"""Each scenario has tests, and each test that is named for one is there."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from tests.scenarios.catalogue.finding import FINDING
from tests.scenarios.catalogue.lines import LINES
from tests.scenarios.catalogue.operating import OPERATING
from tests.scenarios.catalogue.reading import READING
from tests.scenarios.catalogue.scenario import Scenario

ROOT: Final = Path(__file__).parents[2]
CATALOGUE: Final[dict[str, Scenario]] = {**FINDING, **READING, **LINES, **OPERATING}
# L8 and the other C are about the registry, transactions and processes, and have suites of their
# own.
WANTED: Final = {"D": range(1, 22), "R": range(1, 18), "L": range(1, 8), "C": range(7, 13)}


def test_every_scenario_is_in_the_catalogue() -> None:
    """Once, in its order, and none that nobody knows."""
    wanted = [f"{letter}{number}" for letter, numbers in WANTED.items() for number in numbers]
    assert wanted == list(CATALOGUE)


def test_every_scenario_says_what_holds_and_names_tests() -> None:
    """In a sentence; a part that does not apply takes no test from the others."""
    told = [each.holds for each in CATALOGUE.values()]
    told += [each.not_applicable for each in CATALOGUE.values() if each.not_applicable]
    assert [] == [text for text in told if not text.endswith(".")]
    assert [] == [name for name, each in CATALOGUE.items() if not each.tests]
    assert [] == [name for name, each in CATALOGUE.items() if len({*each.tests}) < len(each.tests)]


def test_every_test_that_is_named_exists() -> None:
    """A test that is renamed or removed is missed here."""
    named = {test for each in CATALOGUE.values() for test in each.tests}
    assert [] == sorted(test for test in named if not _exists(*test.split("::")))
    assert not _exists("tests/scenarios/test_catalogue.py", "test_that_is_not_there")
    assert not _exists("tests/scenarios/test_that_is_not_there.py", "test_any")


def test_every_program_that_measures_exists() -> None:
    """It shows the figures that no test of some seconds can."""
    named = [each.measured_by for each in CATALOGUE.values() if each.measured_by]
    assert [] == [path for path in named if not (ROOT / path).is_file()]


def test_every_scenario_test_is_in_the_catalogue() -> None:
    """What was written for a scenario says for which."""
    named = {test for each in CATALOGUE.values() for test in each.tests}
    here = Path(__file__)
    written = {
        f"{path.relative_to(ROOT)}::{name}"
        for path in here.parent.glob("test_*.py")
        if path != here
        for name in _names(path)
        if name.startswith("test_")
    }
    assert set() == written - named


def _exists(path: str, name: str) -> bool:
    return (ROOT / path).is_file() and name in _names(ROOT / path)


@cache
def _names(path: Path) -> frozenset[str]:
    return frozenset(_defined(ast.parse(path.read_text())))


def _defined(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            # A machine of Hypothesis is a test by the name that it is given.
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
