"""Versions of schemas that were in a release stay as they were, and defaults fit for every reader.

`schemas/released.yaml` holds the SHA-256 of each released version's file. Of its bytes, and not of
Avro's canonical form: that leaves out defaults and what times are, and registries compare texts.
"""

import copy
import hashlib
import json
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import fastavro.validation
import pytest
import yaml

from producer.codec.schemas import schemas_directory

HISTORY = schemas_directory() / "history"
NAMES = sorted(path.stem for path in schemas_directory().glob("*.avsc"))

Schema = Any


def released() -> dict[str, dict[str, str]]:
    """Give the pinned versions of each release: `<Name>/<n>` to the hash."""
    text = (schemas_directory() / "released.yaml").read_text("utf-8")
    releases: dict[str, dict[str, str]] = yaml.safe_load(text)
    return releases


def changed(pins: dict[str, str], history: Path) -> list[str]:
    """Name the pinned versions that are gone or are not what they were."""
    files = {pin: history / f"{pin}.avsc" for pin in pins}
    return [
        pin
        for pin, path in files.items()
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != pins[pin]
    ]


def test_released_versions_are_what_they_were() -> None:
    """A topic keeps values of them: a change is a new version, see schemas/README.md."""
    for pins in released().values():
        assert [] == changed(pins, HISTORY)


def test_first_release_pins_every_schema() -> None:
    """Each has a first version, and no version is pinned without the ones before it."""
    pinned = [pin for pins in released().values() for pin in pins]
    assert len(pinned) == len(set(pinned))
    for name in NAMES:
        numbers = [int(pin.partition("/")[2]) for pin in pinned if pin.startswith(f"{name}/")]
        assert list(range(1, len(numbers) + 1)) == numbers


def test_version_of_the_program_is_among_the_releases() -> None:
    """A release whose versions are not pinned could be overwritten."""
    assert version("openai-compliance") in released()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"default": null', '"default" : null'),
        ('"default": {}', '"default": {"a": "b"}'),
        ("timestamp-micros", "timestamp-millis"),
    ],
)
def test_check_finds_an_overwritten_version(old: str, new: str, tmp_path: Path) -> None:
    """Whatever is changed in it: a blank, a default, what a number means; or that it is gone."""
    text = (HISTORY / "GovernanceEvent" / "1.avsc").read_text("utf-8")
    pins = {"GovernanceEvent/1": hashlib.sha256(text.encode()).hexdigest()}
    assert ["GovernanceEvent/1"] == changed(pins, tmp_path)
    (tmp_path / "GovernanceEvent").mkdir()
    path = tmp_path / "GovernanceEvent" / "1.avsc"
    path.write_text(text, "utf-8")
    assert [] == changed(pins, tmp_path)
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    assert ["GovernanceEvent/1"] == changed(pins, tmp_path)


def wrong_defaults(schema: Schema) -> list[str]:
    """Name the fields whose default is no value of their type; of a union, of its first branch.

    Avro 1.12 lets a default be of any branch; readers of older versions fail on such a schema.
    """
    return [
        field["name"]
        for field in fields_of(schema)
        if "default" in field and not fits(field["default"], field["type"])
    ]


def fields_of(schema: Schema) -> Iterator[Schema]:
    """Give the fields of a schema, at every depth."""
    for node in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(node, dict | list):
            yield from fields_of(node)
    if isinstance(schema, dict):
        yield from schema.get("fields", ())


def fits(value: object, type_: Schema) -> bool:
    """Tell whether JSON is a value of a type, as defaults are written."""
    return fastavro.validation.validate(value, first_branches(type_), raise_errors=False)


def first_branches(node: Schema) -> Schema:
    """Give a type whose unions are their first branches."""
    if isinstance(node, dict):
        return {
            name: first_branches(part) if name != "fields" else [*map(first_branches, part)]
            for name, part in node.items()
        }
    return first_branches(node[0]) if isinstance(node, list) else node


@pytest.mark.parametrize("path", sorted(HISTORY.glob("*/*.avsc")), ids=str)
def test_defaults_are_values_of_their_fields(path: Path) -> None:
    """In every version, also those that are not released yet."""
    assert [] == wrong_defaults(json.loads(path.read_text("utf-8")))


@pytest.mark.parametrize(
    ("type_", "default", "is_right"),
    [
        (["null", "string"], None, True),
        (["null", "string"], "x", False),
        (["string", "null"], "x", True),
        (["string", "null"], None, False),
        ("long", "x", False),
        ("long", True, False),
        ("int", 2**31, False),
        ("boolean", False, True),
        ({"type": "long", "logicalType": "timestamp-micros"}, 0, True),
        ({"type": "array", "items": "string"}, [], True),
        ({"type": "array", "items": "string"}, [1], False),
        ({"type": "array", "items": "string"}, None, False),
        ({"type": "map", "values": "string"}, {"a": None}, False),
        ({"type": "record", "name": "I", "fields": [{"name": "a", "type": "long"}]}, {}, False),
    ],
)
def test_check_tells_right_defaults_from_wrong_ones(
    type_: Schema, default: object, *, is_right: bool
) -> None:
    """Within an object of an object too."""
    schema = json.loads((schemas_directory() / "GovernanceEvent.avsc").read_text("utf-8"))
    wrong = copy.deepcopy(schema)
    actor = next(field for field in wrong["fields"] if field["name"] == "actor")
    actor["type"]["fields"].append({"name": "new", "type": type_, "default": default})
    assert ([] if is_right else ["new"]) == wrong_defaults(wrong)
