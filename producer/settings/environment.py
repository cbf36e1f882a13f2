"""From environment variables to the tree of settings, and back to their names.

This is the only module that reads the process's environment. Pydantic's own reader of environments
is not used: it overlooks a misspelt name at the top, takes any case, and lets a whole level be set
as JSON, so the set of right names would not be closed.
"""

import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from producer.errors import ConfigurationError
from producer.settings.kinds import LEVEL, PREFIX, variable
from producer.settings.nearest import nearest
from producer.settings.tree import Settings

_MASK: Final = "********"
_Path = tuple[str, ...]
_Tree = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class SettingDescription:
    """What the documentation says of one setting."""

    name: str
    default: str
    meaning: str


def process_environment() -> dict[str, str]:
    """Copy the environment of this process, for a process that it starts."""
    return dict(os.environ)


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings. An empty variable counts as not set.

    Raises `ConfigurationError` with every problem found; no message holds a value that was set.
    """
    environment = process_environment() if environment is None else environment
    paths = {variable(*path): path for path, _ in _leaves(Settings)}
    given = {name: text for name, text in environment.items() if name.upper().startswith(PREFIX)}
    problems = [_unknown(name, paths) for name in sorted(given) if name not in paths]
    tree = _tree({paths[name]: text for name, text in given.items() if name in paths and text})
    tree.setdefault("state_directory", _state_directory(environment))
    tree.setdefault("instance", socket.gethostname())
    try:
        settings = Settings.model_validate(tree)
    except ValidationError as error:
        for detail in error.errors(include_input=False, include_url=False):
            problems.extend(_lines(detail))
        # What pydantic raises shows what it was given.
        settings = None
    if problems or settings is None:
        raise ConfigurationError(_message(problems))
    return settings


def environment_names() -> frozenset[str]:
    """Give the names of all variables that are settings."""
    return frozenset(variable(*path) for path, _ in _leaves(Settings))


def descriptions() -> tuple[SettingDescription, ...]:
    """Describe all settings, in the order of the tree."""
    return tuple(
        SettingDescription(
            name=variable(*path), default=_default(field), meaning=field.description or ""
        )
        for path, field in _leaves(Settings)
    )


def masked(settings: Settings) -> dict[str, str]:
    """Show each setting as the process has it, by the name of its variable, secrets masked."""
    return {variable(*path): _shown(_value(settings, path)) for path, _ in _leaves(Settings)}


def _leaves(model: type[BaseModel], above: _Path = ()) -> Iterator[tuple[_Path, FieldInfo]]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _leaves(kind, (*above, name))
        else:
            yield (*above, name), field


def _tree(texts: Mapping[_Path, str]) -> _Tree:
    # Every level exists, so that what is missing is said of the setting and not of its level.
    tree: _Tree = {path[0]: {} for path, _ in _leaves(Settings) if len(path) > 1}
    for path, text in texts.items():
        level = tree
        for name in path[:-1]:
            level = level[name]
        level[path[-1]] = text
    return tree


def _value(settings: Settings, path: _Path) -> object:
    value: object = settings
    for name in path:
        value = getattr(value, name)
    return value


def _shown(value: object) -> str:
    match value:
        case None:
            return ""
        case SecretStr():
            return _MASK
        case bool():
            return str(value).lower()
        case float():
            return f"{value:.15g}"
        case _:
            return str(value)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        extra = field.json_schema_extra
        return str(extra["default"]) if isinstance(extra, dict) else "required"
    return _shown(field.default)


def _state_directory(environment: Mapping[str, str]) -> Path:
    above = environment.get("XDG_STATE_HOME")
    return Path(above or "~/.local/state") / "openai-compliance"


def _unknown(name: str, known: Mapping[str, object]) -> str:
    # Without the prefix, which all names share and which would make them all alike.
    rest = name[len(PREFIX) :]
    found = nearest(rest, (right.removeprefix(PREFIX) for right in known), likeness=0.75)
    if found is None:
        level = nearest(
            rest.split(LEVEL)[0],
            {right.removeprefix(PREFIX).split(LEVEL)[0] for right in known if LEVEL in right},
        )
        found = level and f"{level}{LEVEL}…"
    hint = f"did you mean {PREFIX}{found}" if found else "README.md lists them all"
    return f"{name} is not a setting; {hint}"


def _lines(detail: ErrorDetails) -> list[str]:
    # Two cases: the setting itself is wrong, when pydantic says where; or settings do not hold
    # together, when our own message names them, a line each.
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "value_error" and message.startswith(PREFIX):
        return message.splitlines()
    name = variable(*(str(part) for part in detail["loc"]))
    if detail["type"] == "missing":
        return [f"{name} is required"]
    return [f"{name}: {message[0].lower()}{message[1:]}"]


def _message(problems: list[str]) -> str:
    if len(problems) == 1:
        return problems[0]
    return "\n  ".join([f"{len(problems)} settings are wrong:", *problems])
