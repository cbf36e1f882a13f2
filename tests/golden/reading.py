"""YAML as the golden cases are written in it: the types of JSON, and nothing that YAML adds.

A plain `yes`, `12:30` or `2026-09-15` is the text that it looks like. A number with a fraction or
an exponent stays as written, so that `0.10` is `0.10` in the record as well. A key that is written
twice is an error.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import yaml

Node = Any

REST: Final = "..."


class Written:
    """A JSON number with a fraction or an exponent, as written."""

    def __init__(self, text: str) -> None:
        self.text = text


class _Loader(yaml.CSafeLoader):
    """Reads plain scalars as JSON would."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def mapping(self, node: yaml.MappingNode) -> dict[str, Node]:
        found: dict[str, Node] = {}
        for name_node, value_node in node.value:
            name = self.construct_object(name_node, deep=True)
            if not isinstance(name, str) or name in found:
                raise ValueError(f"the key {name!r} is no text or is twice{name_node.start_mark}")
            found[name] = self.construct_object(value_node, deep=True)
        return found


def _written(loader: _Loader, node: yaml.ScalarNode) -> Written:
    return Written(str(loader.construct_scalar(node)))


_TAG: Final = "tag:yaml.org,2002:"
_Loader.add_implicit_resolver(f"{_TAG}bool", re.compile(r"true|false"), ["t", "f"])
_Loader.add_implicit_resolver(f"{_TAG}null", re.compile(r"null"), ["n"])
_Loader.add_implicit_resolver(
    f"{_TAG}int", re.compile(r"-?(?:0|[1-9][0-9]*)\Z"), list("-0123456789")
)
_Loader.add_implicit_resolver(
    f"{_TAG}float",
    re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?\Z"),
    list("-0123456789"),
)
_Loader.add_constructor(f"{_TAG}float", _written)
_Loader.add_constructor(f"{_TAG}map", _Loader.mapping)


def read(path: Path) -> dict[str, Node]:
    """Read one file."""
    loader = _Loader(path.read_text(encoding="utf-8"))
    try:
        found = loader.get_single_data()
    finally:
        loader.dispose()
    assert isinstance(found, dict), path
    return found


def line_of(record: Node) -> str:
    """Write a record as the line that carries it, numbers as written."""
    if isinstance(record, Written):
        return record.text
    if isinstance(record, dict):
        return _braced(f"{json.dumps(name)}:{line_of(value)}" for name, value in record.items())
    if isinstance(record, list):
        return f"[{','.join(map(line_of, record))}]"
    return json.dumps(record, ensure_ascii=False)


def _braced(fields: Iterable[str]) -> str:
    return "{" + ",".join(fields) + "}"


def filled_in(template: Node, values: dict[str, Node]) -> Node:
    """Put a row's values where a text is `$` and the name of its column, and nothing else.

    Under the name `...` a column holds fields of the object itself.
    """
    if isinstance(template, dict):
        fields = {name: filled_in(value, values) for name, value in template.items()}
        return {**fields, **rest} if (rest := fields.pop(REST, None)) else fields
    if isinstance(template, list):
        return [filled_in(item, values) for item in template]
    if isinstance(template, str) and template.startswith("$") and template[1:] in values:
        return values[template[1:]]
    return template
