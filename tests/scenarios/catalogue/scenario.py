"""One way in which systems that poll S3 lose data, what holds here, and the tests that show it."""

from collections.abc import Callable, Mapping

import msgspec


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """What must hold, with the tests that assert it, named `path::test`.

    A part that does not apply, or that no test of a minute can show, says so: with the reason,
    or with the program that measures it.
    """

    holds: str
    tests: tuple[str, ...]
    not_applicable: str | None = None
    measured_by: str | None = None


Scenarios = Mapping[str, Scenario]


def of(path: str) -> Callable[..., tuple[str, ...]]:
    """Give what names tests of one file."""
    return lambda *names: tuple(f"{path}::{name}" for name in names)
