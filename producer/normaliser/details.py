"""The details of a record by table: ids and enumerations as attributes, all else as content."""

from typing import Final

from producer.contract.event import Target
from producer.contract.source import Include
from producer.normaliser.privacy import Content, json_text
from producer.normaliser.reading import Findings, JsonObject, identifier, scalar_text

Attributes = tuple[tuple[str, str | None], ...]

_EMPTY: Final = ("{}", "[]")


def attributes_by(table: dict[str, str], details: JsonObject, findings: Findings) -> Attributes:
    """Give an attribute for each field of a table from field to attribute."""
    return tuple(
        (attribute, identifier(details, field, findings))
        for field, attribute in table.items()
        if field in details
    )


def switch(details: JsonObject, name: str) -> str | None:
    """Give the boolean at `name` as text."""
    value = details.get(name)
    return scalar_text(value) if type(value) is bool else None


def target_by(table: dict[str, str], details: JsonObject, findings: Findings) -> Target | None:
    """Give what it was done to by a table from field to kind: the first id that is there."""
    for field, kind in table.items():
        found = identifier(details, field, findings)
        if found is not None:
            return {"kind": kind, "id": found, "name": None}
    return None


def content_of(names: tuple[str, ...], details: JsonObject, include: Include) -> Content:
    """Give the named fields as content: texts as they are, objects and lists written out."""
    found = {name: _written(details.get(name), include) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _written(value: object, include: Include) -> str | None:
    if type(value) is dict or type(value) is list:
        written = json_text(include, value)
        return None if written in _EMPTY else written
    return scalar_text(value)
