"""Figures that tests measure: printed at the end, summed where several tell of one thing."""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import pytest

_PROPERTY = "figures"


class Figures(Protocol):
    """Takes figures under a title; those of one title are summed over all tests."""

    def __call__(self, title: str, counted: Mapping[str, float]) -> None: ...


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    """Give a way to tell figures, which the end of the tests shows."""

    def tell(title: str, counted: Mapping[str, float]) -> None:
        # Properties of a test's report come through from whichever process ran it.
        request.node.user_properties.append((_PROPERTY, (title, dict(counted))))

    return tell


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = itertools.chain.from_iterable(terminalreporter.stats.values())
    sums: dict[str, Counter[str]] = {}
    for title, counted in itertools.chain.from_iterable(map(_told, reports)):
        sums.setdefault(title, Counter()).update(counted)
    if sums:
        terminalreporter.section("figures")
    for title, summed in sums.items():
        terminalreporter.write_line(f"{title}:")
        for what, number in summed.items():
            terminalreporter.write_line(f"  {what}: {number:,.10g}")


def _told(report: object) -> Iterator[tuple[str, dict[str, Any]]]:
    # Of the three reports of a test, the one that is there in each case.
    if isinstance(report, pytest.TestReport) and report.when == "call":
        for name, told in report.user_properties:
            if name == _PROPERTY and isinstance(told, tuple | list):
                title, counted = told
                yield title, counted
