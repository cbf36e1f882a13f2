"""The table of settings in README.md is the settings."""

import re
from pathlib import Path

from producer.settings import descriptions, environment_names

README = Path(__file__).resolve().parents[2] / "README.md"
_CELL = re.compile(r"(?<!\\)\|")


def the_rows() -> list[list[str]]:
    """Give the cells of the rows that begin with a setting, code marks taken away."""
    lines = README.read_text(encoding="utf-8").splitlines()
    rows = [_CELL.split(line.strip().strip("|")) for line in lines if line.startswith("|")]
    cells = [[cell.strip() for cell in row] for row in rows]
    return [row for row in cells if re.fullmatch(r"`OPENAI_COMPLIANCE_\w+`", row[0])]


def test_readme_lists_every_setting_once() -> None:
    """Each setting has one row, and each row is a setting."""
    names = [row[0].strip("`") for row in the_rows()]
    assert sorted(environment_names()) == sorted(names)


def test_readme_tells_the_defaults() -> None:
    """The second column is the default: `code`, or empty where there is none, or a description."""
    documented = {row[0].strip("`"): row[1].strip("`") for row in the_rows()}
    assert {each.name: each.default for each in descriptions()} == documented


def test_readme_names_no_setting_that_does_not_exist() -> None:
    """Neither in prose nor in an example does README.md name another variable of ours."""
    text = README.read_text(encoding="utf-8")
    named = set(re.findall(r"OPENAI_COMPLIANCE_[A-Z0-9_]*[A-Z0-9]", text))
    levels = {name.rpartition("__")[0] for name in environment_names()}
    assert set() == named - environment_names() - levels
