"""Defects to be seeded into a watched process: what the schedules must catch.

Each is a patch from outside that takes away one thing which the promise rests on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Defect:
    """A thing that is taken away; what it is for is said in `DESIGN.md`."""

    switch_on: Callable[[], None]


DEFECTS: Final[Mapping[str, Defect]] = {}
