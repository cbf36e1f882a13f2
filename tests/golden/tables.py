"""The tables that the families are declared in, found by walking their modules.

A table is a dictionary under a constant's name. Which of its rows lines lead to is seen by putting
a dictionary in its place that remembers what it was asked for; a table that is gone through from
its beginning is not asked for single rows, so its rows are left to the mutations.
"""

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

import producer.normaliser.families

_ROOM: Final = "producer.normaliser"


@dataclass(frozen=True)
class Constant:
    """A constant of a family's module."""

    module: ModuleType
    name: str
    value: Any

    def __str__(self) -> str:
        return f"{self.module.__name__.removeprefix('producer.normaliser.')}.{self.name}"


def constants() -> list[Constant]:
    """Give the constants of all families' modules, each under the module that made it."""
    return [
        Constant(module, name, value)
        for module in family_modules()
        for name, value in vars(module).items()
        if name in module.__annotations__ and name.isupper()
    ]


def family_modules() -> list[ModuleType]:
    """Give the families' modules, and those beside them that hold tables for several."""
    families = producer.normaliser.families
    names = [
        f"{families.__name__}.{found.name}" for found in pkgutil.iter_modules(families.__path__)
    ]
    beside = [f"{_ROOM}.{name}" for name in ("actors", "ocsf", "outcomes")]
    return [importlib.import_module(name) for name in (*names, *beside)]


def room_modules() -> list[ModuleType]:
    """Give every module of the room that is in use."""
    return [module for name, module in sorted(sys.modules.items()) if name.startswith(_ROOM)]


def tables() -> list[Constant]:
    """Give the constants that are tables."""
    return [constant for constant in constants() if type(constant.value) is dict]


def forget() -> None:
    """Empty what the room remembers of its tables."""
    for module in room_modules():
        for value in list(vars(module).values()):
            if hasattr(value, "cache_clear"):
                value.cache_clear()


@contextmanager
def replaced(old: object, new: object) -> Iterator[None]:
    """Put an object in place of another one wherever the room's modules name it."""
    places = [
        (module, name)
        for module in room_modules()
        for name, value in vars(module).items()
        if value is old
    ]
    forget()
    for module, name in places:
        setattr(module, name, new)
    try:
        yield
    finally:
        for module, name in places:
            setattr(module, name, old)
        forget()


class Remembering(dict[object, object]):
    """A dictionary that remembers which of its rows were asked for."""

    def __init__(self, rows: dict[object, object]) -> None:
        super().__init__(rows)
        self.asked: set[object] = set()
        self.gone_through = False

    def get(self, key: object, default: object = None) -> object:
        """Give a row, and remember that."""
        if key in self:
            self.asked.add(key)
        return super().get(key, default)

    def __getitem__(self, key: object) -> object:
        """Give a row, and remember that."""
        self.asked.add(key)
        return super().__getitem__(key)

    def items(self) -> Any:  # noqa: ANN401
        """Give all rows; none of them was asked for."""
        self.gone_through = True
        return super().items()

    def __iter__(self) -> Iterator[object]:
        """Give all names; none of them was asked for."""
        self.gone_through = True
        return super().__iter__()
