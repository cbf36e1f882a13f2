"""The limits and habits of the house that no linter knows, held over every file of the project."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]

MODULE_LINES_MAX: Final = 400
FUNCTION_LINES_MAX: Final = 70

# Each has a better name here: a stage, a reader, a place or an offset, an object, and so on.
BANNED_WORDS: Final = frozenset(
    {
        "base",
        "blob",
        "common",
        "cursor",
        "handler",
        "manager",
        "normalizer",
        "util",
        "utils",
        "worker",
    }
)
# What follows is spelt in pieces, so that this file does not hold what it looks for.
BANNED_MARKS: Final = re.compile(
    r"\b(?:" + "|".join(("FIX" + "ME", "TO" + "DO", "X" + "XX")) + r")\b"
)
BANNED_HOSTS: Final = re.compile(
    "|".join(
        (
            r"pypi\." + "org",
            r"pythonhosted\." + "org",
            r"repo\d?\." + "maven",
            r"maven\." + "org",
            r"npmjs\." + r"(?:org|com)",
            r"deb\." + r"debian\." + "org",
            r"proxy\.golang\." + "org",
            r"crates\." + "io",
        )
    )
)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def test_modules_are_short() -> None:
    """No module is longer than a person can hold in mind."""
    lengths = {path: len(_text(path).splitlines()) for path in _modules("producer", "tests")}

    assert [] == [f"{path}: {n}" for path, n in lengths.items() if n > MODULE_LINES_MAX]


def test_functions_are_short() -> None:
    """No function is longer than a screen."""
    offences = []
    for path, function in _functions("producer", "tests"):
        assert function.end_lineno is not None
        lines = function.end_lineno - function.lineno + 1
        if lines > FUNCTION_LINES_MAX:
            offences.append(f"{path}:{function.lineno} {function.name}: {lines}")

    assert [] == offences


def test_modules_say_what_lives_there() -> None:
    """Every module opens with a docstring."""
    assert [] == [
        str(path) for path in _modules("producer", "tests") if not ast.get_docstring(_tree(path))
    ]


def test_tests_say_what_they_hold() -> None:
    """Every test has a docstring of one sentence that names the behaviour."""
    offences = []
    for path, function in _functions("tests"):
        if function.name.startswith("test"):
            first, *_ = (ast.get_docstring(function) or "").splitlines() or [""]
            if not first.endswith("."):
                offences.append(f"{path}:{function.lineno} {function.name}")

    assert [] == offences


def test_names_use_the_words_of_the_house() -> None:
    """What the package names itself avoids the words that have a better one."""
    offences = [
        f"{path}:{line} {name}"
        for path in _modules("producer")
        for line, name in (*_path_names(path), *_defined_names(_tree(path)))
        if not BANNED_WORDS.isdisjoint(_words(name))
    ]

    assert [] == offences


def test_names_are_split_into_words() -> None:
    """Words are found in every spelling of a name, and only whole words count."""
    assert ["http", "worker"] == _words("HTTPWorkers")
    assert ["blob", "reader"] == _words("_blob_reader")
    assert ["database", "commonality"] == _words("database_commonality")


def test_nothing_is_printed() -> None:
    """Only the command line speaks, and it does so through click."""
    offences = [
        f"{path}:{node.lineno}"
        for path in _modules("producer", "tests")
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]

    assert [] == offences


def test_nothing_is_left_for_later() -> None:
    """No file marks a thing as unfinished."""
    assert [] == list(_lines_with(BANNED_MARKS))


def test_no_file_names_a_package_index() -> None:
    """Where packages come from is the reader's machine's business."""
    assert [] == list(_lines_with(BANNED_HOSTS))


def test_system_tests_know_only_the_outside() -> None:
    """A system test that imported the package could not prove that it works from outside."""
    offences = [
        f"{path}: {name}"
        for path in _modules("tests/system")
        for node in ast.walk(_tree(path))
        for name in _imported(node)
        if name.split(".")[0] == "producer"
    ]

    assert [] == offences


@cache
def _files() -> tuple[Path, ...]:
    """All files that are, or are about to be, under version control."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    paths = sorted({Path(name) for name in listed.stdout.split("\0") if name})
    found = tuple(path for path in paths if (ROOT / path).is_file())
    assert found, "version control lists no file"
    return found


def _modules(*folders: str) -> list[Path]:
    return [
        path
        for path in _files()
        if path.suffix == ".py" and any(path.is_relative_to(folder) for folder in folders)
    ]


@cache
def _text(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(_text(path))


def _functions(*folders: str) -> Iterator[tuple[Path, Function]]:
    for path in _modules(*folders):
        for node in ast.walk(_tree(path)):
            if isinstance(node, Function):
                yield path, node


def _lines_with(pattern: re.Pattern[str]) -> Iterator[str]:
    for path in _files():
        for number, line in enumerate(_text(path).splitlines(), start=1):
            if pattern.search(line):
                yield f"{path}:{number}"


def _path_names(path: Path) -> list[tuple[int, str]]:
    return [(0, part) for part in path.with_suffix("").parts]


def _defined_names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Give the names that a module makes itself; those that it only uses are others' choice."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.lineno, node.name
            case ast.arg():
                yield node.lineno, node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.lineno, node.id
            case ast.Attribute(ctx=ast.Store()):
                yield node.lineno, node.attr
            case ast.alias(asname=str(name)):
                yield node.lineno, name
            case _:
                pass


def _words(name: str) -> list[str]:
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)
    return [_singular(word.lower()) for word in words]


def _singular(word: str) -> str:
    return word[:-1] if word.endswith("s") and word[:-1] in BANNED_WORDS else word


def _imported(node: ast.AST) -> list[str]:
    match node:
        case ast.Import():
            return [alias.name for alias in node.names]
        case ast.ImportFrom(module=str(module)):
            return [module]
        case _:
            return []
