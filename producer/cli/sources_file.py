"""Reads a sources file: YAML or JSON, as a person writes it or as LangWatch stores it.

A file is `sources:` with a list, a bare list, or one source. It is taken whole or not at all: each
problem of each source is found and told at once, and no message holds a value.
"""

import json
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Final, TypeVar

import yaml
from pydantic import ValidationError

from producer.cli.source_fields import (
    CONTAINERS,
    IGNORED,
    NOTED,
    ContainerFields,
    Fields,
    SourceFields,
    camel_case,
    ingestion_source,
    spellings,
)
from producer.contract.names import is_source_id
from producer.contract.source import IngestionSource
from producer.errors import ConfigurationError
from producer.s3.endpoints import is_allowed
from producer.settings.kinds import variable
from producer.settings.nearest import nearest

_MERGE: Final = "tag:yaml.org,2002:merge"
# A form that was left empty stores an empty text; for the prefix that is a value like any other.
_EMPTY_IS_ABSENT: Final = frozenset(
    {"team_id", "role_arn", "external_id", "region", "endpoint_url"}
)

M = TypeVar("M", bound=Fields)


@dataclass(frozen=True, kw_only=True)
class SourcesFile:
    """The sources of a file, and what its writer should know about them."""

    sources: tuple[IngestionSource, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """What is found while a source is read."""

    where: str
    allow_ambient_credentials: bool
    allowed_endpoint_hosts: Collection[str]
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def refuse(self, problem: str) -> None:
        self.problems.append(f"{self.where}: {problem}")

    def note(self, note: str) -> None:
        self.notes.append(f"{self.where}: {note}")


def read_sources(
    content: bytes,
    *,
    name: str,
    allow_ambient_credentials: bool = False,
    allowed_endpoint_hosts: Collection[str] = (),
) -> SourcesFile:
    """Read the sources of a file; raises `ConfigurationError` with every problem found."""
    rows = _rows(_document(content, name=name), name=name)
    readings = [
        _Reading(
            where=_where(row, number),
            allow_ambient_credentials=allow_ambient_credentials,
            allowed_endpoint_hosts=allowed_endpoint_hosts,
        )
        for number, row in enumerate(rows, start=1)
    ]
    sources = [_source(row, reading) for row, reading in zip(rows, readings, strict=True)]
    problems = [problem for reading in readings for problem in reading.problems]
    good = tuple(source for source in sources if source is not None)
    ids = [source.id for source in good]
    problems += [
        f"source {each!r}: is in the file {ids.count(each)} times"
        for each in sorted(set(ids))
        if ids.count(each) > 1
    ]
    if problems:
        raise ConfigurationError("\n  ".join([f"{name} was not applied:", *problems]))
    notes = tuple(note for reading in readings for note in reading.notes)
    return SourcesFile(sources=good, notes=notes)


def overlaps(sources: Iterable[IngestionSource]) -> list[str]:
    """Warn of enabled sources of one organisation that read the same objects.

    Their events have different ids, so nothing downstream can tell that they are the same.
    """
    ordered = sorted((s for s in sources if not s.disabled), key=lambda source: source.id)
    return [
        f"sources {one.id!r} and {other.id!r} of organization {one.organization_id!r} overlap in"
        f" bucket {one.bucket!r}: their objects would be counted twice; disable one of them"
        for one, other in combinations(ordered, 2)
        if (one.organization_id, one.place) == (other.organization_id, other.place)
        and (one.prefix.startswith(other.prefix) or other.prefix.startswith(one.prefix))
    ]


def moves(
    known: Mapping[str, IngestionSource], sources: Iterable[IngestionSource]
) -> Iterator[str]:
    """Warn of sources that are to read from another place than before."""
    for source in sources:
        before = known.get(source.id, source)
        if (before.place, before.prefix) != (source.place, source.prefix):
            yield (
                f"source {source.id!r} moves to bucket {source.place!r}, prefix"
                f" {source.prefix!r}: its position starts anew with a listing of the whole prefix;"
                " what is known of its objects is kept, so a version with a key and etag that are"
                " known is not pulled again; `openai-compliance objects replay --source"
                f" {source.id} --from KEY --to KEY` pulls such versions again"
            )


def _document(content: bytes, *, name: str) -> object:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{name} is not UTF-8 text (byte {error.start})") from None
    try:
        if text.lstrip().startswith(("{", "[")):
            # YAML reads most JSON, but not tabs; and what begins like JSON may still be YAML.
            try:
                return json.loads(text, object_pairs_hook=_unique)
            except json.JSONDecodeError:
                pass
        return yaml.load(text, Loader=_UniqueKeys)  # noqa: S506 - a safe loader, made stricter
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "its start"
        reason = error.problem or "does not parse"
        raise ConfigurationError(f"{name} is neither YAML nor JSON: {reason} at {place}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = str(error) if isinstance(error, _DuplicateKeyError) else "it does not parse"
        raise ConfigurationError(f"{name} is neither YAML nor JSON: {reason}") from None


class _DuplicateKeyError(ValueError):
    """A mapping has a key twice, of which one would be lost."""

    def __init__(self, key: object) -> None:
        super().__init__(f"{key!r} is set twice in one mapping")


class _UniqueKeys(yaml.SafeLoader):
    """Loads plain values only, and refuses a key that is set twice."""

    def construct_mapping(
        self,
        node: yaml.MappingNode,
        deep: bool = False,  # noqa: FBT001, FBT002 - PyYAML's own
    ) -> dict[Hashable, Any]:
        keys = [
            self.construct_object(key, deep=True) for key, _ in node.value if key.tag != _MERGE
        ]
        _refuse_twice(keys)
        return super().construct_mapping(node, deep)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    _refuse_twice([key for key, _ in pairs])
    return dict(pairs)


def _refuse_twice(keys: list[Any]) -> None:
    for position, key in enumerate(keys):
        if key in keys[:position]:
            raise _DuplicateKeyError(key)


def _rows(document: object, *, name: str) -> list[object]:
    # Three cases: `sources:` with a list, a bare list, one source.
    if isinstance(document, dict) and "sources" in document:
        others = sorted(str(key) for key in document if key != "sources")
        if others:
            raise ConfigurationError(f"{name} has {', '.join(others)} beside 'sources'")
        document = document["sources"]
        if not isinstance(document, list):
            raise ConfigurationError(f"{name} has 'sources' that are not a list")
    if isinstance(document, dict):
        return [document]
    if not isinstance(document, list) or not document:
        raise ConfigurationError(f"{name} holds no sources; see README.md for what one looks like")
    return document


def _where(row: object, number: int) -> str:
    identity = row.get("id") if isinstance(row, dict) else None
    if isinstance(identity, str) and is_source_id(identity):
        return f"source {identity!r}"
    return f"source {number} of the file"


def _source(row: object, reading: _Reading) -> IngestionSource | None:
    if not isinstance(row, dict):
        reading.refuse("is not a mapping of fields")
        return None
    columns = {key: value for key, value in row.items() if key not in CONTAINERS}
    fields = _validated(SourceFields, columns, reading)
    inside = _container(row, reading)
    container = None if inside is None else _validated(ContainerFields, inside, reading)
    if container is not None and container.role_arn is None:
        _check_ambient(reading)
    endpoint = None if container is None else container.endpoint_url
    if endpoint is not None and not is_allowed(endpoint, reading.allowed_endpoint_hosts):
        reading.refuse(
            f"{_is_refused('endpointUrl')}, unless"
            f" {variable('s3', 'allowed_endpoint_hosts')} lists its host"
        )
    if fields is None or container is None or reading.problems:
        return None
    return ingestion_source(fields, container)


def _check_ambient(reading: _Reading) -> None:
    if not reading.allow_ambient_credentials:
        reading.refuse(
            "has no roleArn, so the identity of this program itself would read the bucket;"
            f" give it one, or set {variable('allow_ambient_credentials')}=true"
        )


def _container(row: Mapping[object, object], reading: _Reading) -> dict[object, object] | None:
    """Join the containers; which of them a field is in means nothing."""
    given = {name: row[name] for name in CONTAINERS if row.get(name) is not None}
    wrong = [name for name, content in given.items() if not isinstance(content, dict)]
    if wrong or not given:
        reading.refuse(
            f"{wrong[0]} is not a mapping of fields" if wrong else "payloadConfig is missing"
        )
        return None
    joined: dict[object, object] = {}
    for content in given.values():
        assert isinstance(content, dict)
        for key, value in content.items():
            if key in joined and joined[key] != value:
                reading.refuse(f"{key} has different values in two containers")
            joined[key] = value
    return joined


def _validated(model: type[M], given: Mapping[object, object], reading: _Reading) -> M | None:
    fields = _recognised(model, given, reading)
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        for detail in error.errors(include_input=False, include_url=False):
            message = detail["msg"].removeprefix("Value error, ")
            name = camel_case(str(detail["loc"][0])) if detail["loc"] else ""
            if detail["type"] == "missing":
                reading.refuse(f"{name} is missing")
            else:
                reading.refuse(f"{name}: {message[0].lower()}{message[1:]}" if name else message)
    return None


def _recognised(
    model: type[M], given: Mapping[object, object], reading: _Reading
) -> dict[str, object]:
    """Give what is set under the names of our fields; refuse what is not known."""
    names = spellings(model.model_fields)
    ignored, noted = spellings(IGNORED[model]), spellings(NOTED[model])
    fields: dict[str, object] = {}
    for key, value in given.items():
        field_name = names.get(key) if isinstance(key, str) else None
        if field_name is not None:
            if field_name in fields:
                reading.refuse(f"{camel_case(field_name)} is set in both spellings")
            fields[field_name] = value
        elif key in noted:
            if value:
                reading.note(f"{key} is ignored: {NOTED[model][noted[str(key)]]}")
        elif key not in ignored:
            reading.refuse(_unknown(str(key), model))
    return {
        name: value
        for name, value in fields.items()
        if value is not None and not (value == "" and name in _EMPTY_IS_ABSENT)
    }


def _is_refused(key: str) -> str:
    return (
        f"{key} is refused: a source must not say where requests go;"
        f" {variable('s3', 'endpoint_url')} does"
    )


def _unknown(key: str, model: type[M]) -> str:
    # Four cases: an address; a container's field outside; a source's field inside; a typo.
    if "endpoint" in key.lower() or key.lower().endswith("url"):
        return _is_refused(key)
    columns = spellings(SourceFields.model_fields)
    inside = spellings(ContainerFields.model_fields)
    if model is SourceFields and key in inside:
        return f"{key} belongs into payloadConfig"
    if model is ContainerFields and key in columns:
        return f"{key} belongs beside payloadConfig, not into it"
    names = [*spellings(model.model_fields), *(CONTAINERS if model is SourceFields else ())]
    # In the spelling of whoever wrote it, where that shows.
    style = [name for name in names if ("_" in name) == ("_" in key)]
    found = nearest(key, style) or nearest(key, names)
    hint = f"did you mean {found}" if found else "README.md lists the fields"
    return f"{key} is not a field; {hint}"
