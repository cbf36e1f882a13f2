"""The judge of broken runs shares no mistake with what it judges."""

import ast
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "path",
    [
        "tests/faults/checker.py",
        "tests/faults/evidence.py",
        "tests/faults/journal.py",
        "tests/support/topic_reading.py",
        "tests/support/waiting.py",
    ],
)
def test_judge_imports_nothing_of_the_package(path: str) -> None:
    """Nor anything of the tests but what is in this list."""
    imported = {
        name
        for node in ast.walk(ast.parse((_ROOT / path).read_text()))
        for name in _names(node)
        if name.split(".")[0] in {"producer", "tests"}
    }
    assert imported <= {
        "tests.faults",
        "tests.faults.journal",
        "tests.faults.evidence",
        "tests.support.topic_reading",
        "tests.support.waiting",
    }


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []
