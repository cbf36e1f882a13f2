"""The newest version of each schema reads what every older one wrote: BACKWARD_TRANSITIVE.

`schemas/history/<Name>/<n>.avsc` holds each version, numbered from 1; the last is the newest.
"""

import copy
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastavro
import fastavro.schema
import pytest
from fastavro.read import SchemaResolutionError

from producer.codec.schemas import schemas_directory

NAMES = sorted(path.stem for path in schemas_directory().glob("*.avsc"))
# No union of ours has more branches; a value is written for each.
BRANCHES = 2
PRIMITIVES: dict[str, object] = {
    "null": None,
    "boolean": True,
    "int": 1,
    "long": 1,
    "string": "text",
    "bytes": b"bytes",
}

Schema = Any


def a_datum(schema: Schema, branch: int) -> object:
    """Make a value of a schema that takes this branch of each union."""
    match schema:
        case str():
            return PRIMITIVES[schema]
        case list():
            assert len(schema) <= BRANCHES
            return a_datum(schema[min(branch, len(schema) - 1)], branch)
        case {"type": "record"}:
            return {field["name"]: a_datum(field["type"], branch) for field in schema["fields"]}
        case {"type": "array"}:
            return [a_datum(schema["items"], branch)]
        case {"type": "map"}:
            return {"name": a_datum(schema["values"], branch)}
        case _:
            return a_datum(schema["type"], branch)


def breaks(*, newer: Schema, older: Schema) -> str | None:
    """Tell why the newer schema cannot read values of the older; `None` where it can."""
    reader = fastavro.schema.parse_schema(newer)
    expanded = fastavro.schema.parse_schema(older, expand=True)
    writer = fastavro.schema.parse_schema(older)
    for branch in range(BRANCHES):
        buffer = io.BytesIO()
        fastavro.schemaless_writer(buffer, writer, a_datum(expanded, branch))
        buffer.seek(0)
        try:
            fastavro.schemaless_reader(buffer, writer, reader)
        except SchemaResolutionError as error:
            return str(error)
    return None


def versions_of(name: str) -> list[Path]:
    """List the frozen versions, oldest first."""
    files = (schemas_directory() / "history" / name).glob("*.avsc")
    return sorted(files, key=lambda path: int(path.stem))


def read(path: Path) -> Schema:
    return json.loads(path.read_text("utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_history_ends_with_the_schema_as_it_is(name: str) -> None:
    """Versions are numbered without a gap; a changed schema is added to them as the next."""
    versions = versions_of(name)
    assert list(range(1, len(versions) + 1)) == [int(path.stem) for path in versions]
    assert read(versions[-1]) == read(schemas_directory() / f"{name}.avsc"), (
        f"schemas/{name}.avsc has changed: copy it to "
        f"schemas/history/{name}/{len(versions) + 1}.avsc, see schemas/README.md"
    )


@pytest.mark.parametrize("name", NAMES)
def test_schema_reads_what_every_older_version_wrote(name: str) -> None:
    """A value of each older version resolves with the newest schema."""
    newest = read(schemas_directory() / f"{name}.avsc")
    assert {} == {
        path.name: why
        for path in versions_of(name)
        if (why := breaks(newer=newest, older=read(path)))
    }


def test_history_has_no_orphans() -> None:
    """Each folder of versions belongs to a schema."""
    folders = sorted(path.name for path in (schemas_directory() / "history").iterdir())
    assert NAMES == folders


def _field(schema: Schema, name: str) -> Schema:
    return next(field for field in schema["fields"] if field["name"] == name)


def _add_without_default(schema: Schema) -> None:
    schema["fields"].append({"name": "new", "type": "string"})


def _rename(schema: Schema) -> None:
    _field(schema, "outcome")["name"] = "result"


def _change_the_type(schema: Schema) -> None:
    _field(schema, "outcome")["type"] = "long"


def _take_null_away(schema: Schema) -> None:
    _field(schema, "session")["type"] = "string"
    del _field(schema, "session")["default"]


def _take_a_branch_away(schema: Schema) -> None:
    _field(schema, "tokens")["type"] = "null"


def _add_inside_without_default(schema: Schema) -> None:
    _field(schema, "actor")["type"]["fields"].append({"name": "new", "type": "string"})


@pytest.mark.parametrize(
    "change",
    [
        _add_without_default,
        _rename,
        _change_the_type,
        _take_null_away,
        _take_a_branch_away,
        _add_inside_without_default,
    ],
)
def test_check_finds_each_way_to_break_compatibility(change: Callable[[Schema], None]) -> None:
    """The check of this file is not blind: each of these changes is one that it refuses."""
    older = read(schemas_directory() / "GovernanceEvent.avsc")
    newer = copy.deepcopy(older)
    change(newer)
    assert breaks(newer=newer, older=older) is not None


def test_check_allows_what_keeps_compatibility() -> None:
    """A new field with a default, a field less and a wider number are no breaks."""
    older = read(schemas_directory() / "GovernanceEvent.avsc")
    newer = copy.deepcopy(older)
    newer["fields"].append({"name": "new", "type": ["null", "string"], "default": None})
    newer["fields"].remove(_field(newer, "client"))
    _field(newer, "ocsf")["type"]["fields"][0]["type"] = "long"
    assert breaks(newer=newer, older=older) is None
