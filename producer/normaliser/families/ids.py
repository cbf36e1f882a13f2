"""Ids by the names of their fields: which fields of an object are ids, and of what.

A field `<kind>_id` is an id of that kind, and so is `<words>_<kind>_id`: whatever `deleted_` says
of a `user_id`, it is one. `<kind>_ids` is a list of them, and `_before` is what was before.

Laws:
- A field of no known kind is no id: a new field must not change an event.
- A name is made of small letters, digits and `_`, as the provider's are. It becomes the name of an
  attribute, so it must hold nobody's words.
- An event has so many ids at most; how many are beyond that is flagged.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

import msgspec

from producer.normaliser.actors import person_id
from producer.normaliser.reading import Findings, JsonObject, identifier

# What the provider's ids are of, by the last words of their names.
KINDS: Final = frozenset(
    {
        "access_token",
        "agent",
        "api_key",
        "app",
        "assignee",
        "automation",
        "call",
        "canvas",
        "certificate",
        "connector",
        "context",
        "conversation",
        "credential",
        "deployment",
        "domain",
        "environment",
        "file",
        "finding",
        "gizmo",
        "gpt",
        "group",
        "interaction",
        "invite",
        "link",
        "memory",
        "message",
        "organization",
        "owner",
        "plugin",
        "project",
        "recording",
        "release",
        "repo",
        "request",
        "resource",
        "response",
        "role",
        "room",
        "run",
        "scan_configuration",
        "schedule",
        "scope",
        "service_account",
        "session",
        "site",
        "skill",
        "task",
        "textdoc",
        "thread",
        "trigger",
        "turn",
        "user",
        "version",
        "workspace",
    }
)

# The ids whose attributes are not called as they are.
ATTRIBUTES: Final[dict[str, str]] = {
    "previous_message_id": "openai_compliance.message.previous_id",
    "repo_id": "openai_compliance.repository.id",
    "response_id": "gen_ai.response.id",
    "tool_call_id": "gen_ai.tool.call.id",
}

Attributes = tuple[tuple[str, str | None], ...]
# What an id is called, and the object and the field where it is.
IdPlace = tuple[str, JsonObject, str]

# The longest documented name has 43 characters.
_NAME_LENGTH_MAX: Final = 64
_NAME: Final = re.compile(r"([a-z][a-z0-9_]*)_(ids?(?:_before)?)")
_LISTS: Final = ("_ids", "_ids_before")
_NAMES_CACHED: Final = 4096
# A record has a handful.
IDS_MAX: Final = 100


class Name(msgspec.Struct, frozen=True):
    """The name of a field that holds an id or several: what it says, and of what kind."""

    words: str
    kind: str
    ending: str


def kind_of(words: str) -> str | None:
    """Give the known kind that a name ends in: `user` for `deleted_user`."""
    last = words.rsplit("_", 2)
    for kind in ("_".join(last[-2:]), last[-1]):
        if kind in KINDS:
            return kind
    return None


def read_name(name: str) -> Name | None:
    """Read a field's name; `None` if it does not hold ids of a known kind."""
    return _read_name(name) if "_id" in name and len(name) <= _NAME_LENGTH_MAX else None


@lru_cache(maxsize=_NAMES_CACHED)
def _read_name(name: str) -> Name | None:
    found = _NAME.fullmatch(name)
    kind = None if found is None else kind_of(found[1])
    return None if found is None or kind is None else Name(found[1], kind, found[2])


def ids_in(values: JsonObject, findings: Findings) -> dict[str, str]:
    """Give the ids of an object by their fields' names, in an order that does not depend on it.

    Those of a list stand between commas.
    """
    return read_ids(places_in(values), findings)


def places_in(values: JsonObject) -> Iterator[IdPlace]:
    """Give the places of an object's own ids."""
    return ((name, values, name) for name in sorted(filter(read_name, values)))


def read_ids(places: Iterable[IdPlace], findings: Findings) -> dict[str, str]:
    """Read the ids at places, of each name the first."""
    found: dict[str, str | None] = {}
    left = set()
    for name, values, field in places:
        if found.get(name) is not None:
            continue
        if name in found or len(found) < IDS_MAX:
            found[name] = _id_at(values, field, findings)
        else:
            left.add(name)
    if left:
        findings.flags["ids_left_out"] = str(len(left))
    return {name: value for name, value in found.items() if value is not None}


def _id_at(values: JsonObject, field: str, findings: Findings) -> str | None:
    if not field.endswith(_LISTS):
        found = identifier(values, field, findings)
        return None if found is None else person_id(found)
    told = values.get(field)
    listed = told if type(told) is list else [told]
    items = [item for item in listed if item not in (None, "")]
    # Commas stand between the ids of a list, so none can be in one.
    ids = [
        person_id(str(item)) for item in items if type(item) in (str, int) and "," not in str(item)
    ]
    if len(ids) < len(items):
        findings.flags[f"ignored.{field}"] = "items that are no ids"
    return ",".join(ids) or None


def attributes_of(found: dict[str, str]) -> Attributes:
    """Give ids as attributes: `openai_compliance.deleted_user.id`."""
    return tuple((_attribute(name), value) for name, value in found.items())


def _attribute(name: str) -> str:
    said = read_name(name)
    named = ATTRIBUTES.get(name)
    if named is not None or said is None:
        return named or name
    return f"openai_compliance.{said.words}.{said.ending}"
