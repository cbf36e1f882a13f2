"""Every row of every table of the families, changed to something else that is valid.

A rule's event type, class, activity, outcome and operation are flipped one at a time; a name that
a table gives becomes another name; an entry of a list is left out.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import cache
from inspect import unwrap
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final, get_args

import msgspec

from producer.contract.event import EventOutcome, EventType
from producer.normaliser import ocsf
from producer.normaliser.families import conversation_message, flat, generic
from producer.normaliser.rules import Family, Rule
from tests.golden.tables import Constant, constants, replaced, room_modules
from tests.mutation.engine import Mutant

_USUAL: Final = conversation_message.FAMILY

Flip = tuple[str, Any]

_CLASSES: Final = (
    ocsf.VULNERABILITY_FINDING,
    ocsf.ACCOUNT_CHANGE,
    ocsf.AUTHENTICATION,
    ocsf.USER_ACCESS,
    ocsf.GROUP_MANAGEMENT,
    ocsf.API_ACTIVITY,
)
_CHOICES: Final[tuple[tuple[object, ...], ...]] = (
    get_args(EventType),
    get_args(EventOutcome),
    _CLASSES,
)
_KINDS: Final = (dict, tuple, frozenset, msgspec.Struct)

# Whose change cannot show, and why.
EQUIVALENT: Final[dict[str, str]] = {
    r"families\.audit_actions\.ACTIONS\[.*\]\.outcome": (
        "the result that a record states always wins"
    ),
    r"families\.words\.CLASSES\['(SESSION|SESSION_REVOCATION|LOGIN|LOGOUT)'\]\.event_type": (
        "what authentications are follows from their activity"
    ),
    r"families\.words\.VERBS\['LOG(IN|OUT)'\]": "they are classes of their own",
    r"families\.words\.PAST\['RESENT'\]": "no object knows what it is to be sent again",
    r"families\.(api_platform_audit|legacy_conversation)\.FAMILY\.type_names": (
        "asked for by name only for records without an object"
    ),
    r"families\.catalogue\.OBJECTS\[.*\]\.(type_names|name)": "both are the object's name",
    r"families\.listing\.FAMILY\.(id|type)_names": "a page without records is refused anyway",
}


def table_mutants() -> list[Mutant]:
    """Give the mutants of all tables, but for those whose change cannot show."""
    return [
        mutant
        for constant in constants()
        if isinstance(constant.value, _KINDS) and _is_asked_for(constant)
        for mutant in _mutants(constant)
        if not any(re.match(pattern, mutant.name) for pattern in EQUIVALENT)
    ]


def _is_asked_for(constant: Constant) -> bool:
    """Whether a function names a constant; else it was used up when its module was made."""
    room = constant.module.__name__.rpartition(".")[2]
    return any(
        constant.name in names
        and (room in names or vars(module).get(constant.name) is constant.value)
        for module, names in _named()
    )


@cache
def _named() -> list[tuple[ModuleType, frozenset[str]]]:
    """Give for each function of the room the names in it."""
    return [
        (module, frozenset(code.co_names))
        for module in room_modules()
        for value in map(unwrap, filter(callable, vars(module).values()))
        if isinstance(value, FunctionType) and value.__module__ == module.__name__
        for code in _codes(value.__code__)
    ]


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _codes(inner)


def _mutants(constant: Constant) -> Iterator[Mutant]:
    for label, flipped in _flips(constant.value):

        def made(
            old: object = constant.value, new: object = flipped
        ) -> AbstractContextManager[None]:
            return replaced(old, new)

        yield Mutant(f"{constant}{label}", constant.module, made)


def _flips(value: object) -> Iterator[Flip]:
    """Give what a value could be instead; nothing, if it is of no kind that says something."""
    for kind, flips in _FLIPS:
        if isinstance(value, kind):
            yield from flips(value)
            return
    if callable(value):
        yield ": another rule", _another_rule


def _struct_flips(value: msgspec.Struct) -> Iterator[Flip]:
    for name in value.__struct_fields__:
        field = getattr(value, name)
        flips = [(": chat", "chat")] if name == "operation" and field is None else _flips(field)
        for label, flipped in flips:
            yield f".{name}{label}", msgspec.structs.replace(value, **{name: flipped})


def _family_flips(value: Family) -> Iterator[Flip]:
    """Put another family in its place, and flip what a family reads otherwise than most."""
    yield ": another family", flat.FAMILY if value is generic.FAMILY else generic.FAMILY
    for name in ("network", "id_names", "type_names", "name"):
        field = getattr(value, name)
        if field is not getattr(_USUAL, name):
            for label, flipped in _flips(field):
                yield f".{name}{label}", msgspec.structs.replace(value, **{name: flipped})


def _dict_flips(value: dict[object, object]) -> Iterator[Flip]:
    for key, row in value.items():
        for label, flipped in _flips(row):
            yield f"[{key!r}]{label}", {**value, key: flipped}


def _tuple_flips(value: tuple[object, ...]) -> Iterator[Flip]:
    for place, item in enumerate(value):
        before, behind = value[:place], value[place + 1 :]
        if not isinstance(item, int | dict):
            yield f" without {item!r}", (*before, *behind)
        if not isinstance(item, str):
            for label, flipped in _flips(item):
                yield f"[{place}]{label}", (*before, flipped, *behind)


def _set_flips(value: frozenset[str]) -> Iterator[Flip]:
    for item in sorted(value):
        yield f" without {item!r}", value - {item}


def _scalar_flips(value: str | int) -> Iterator[Flip]:
    """Give the next one of what a value is one of; else another name, or another activity."""
    for choices in _CHOICES:
        if value in choices:
            other = choices[(choices.index(value) + 1) % len(choices)]
            yield f": {other}", other
            return
    if isinstance(value, str):
        yield ": another name", f"{value}_flipped"
    else:
        other = ocsf.UNKNOWN if value == ocsf.OTHER else ocsf.OTHER
        yield f": {other}", other


def _another_rule(outcome: EventOutcome) -> Rule:
    return Rule("agent.action", ocsf.API_ACTIVITY, ocsf.UNKNOWN, outcome)


_FLIPS: Final[tuple[tuple[type, Callable[[Any], Iterator[Flip]]], ...]] = (
    (Family, _family_flips),
    (msgspec.Struct, _struct_flips),
    (dict, _dict_flips),
    (tuple, _tuple_flips),
    (frozenset, _set_flips),
    (str, _scalar_flips),
    (int, _scalar_flips),
)
