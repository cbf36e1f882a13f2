"""What a line became, held against what it must become, for a person to read."""

import re
from collections.abc import Iterator
from typing import Final

from producer.normaliser.normalise import Normalised, normalise
from tests.golden.cases import HASH, Case, Pair

_MADE_ID: Final = re.compile(r"sha256:[0-9a-f]{64}")
_MISSING: Final = "nothing"


def holds(case: Case) -> bool:
    """Whether a line becomes what it must."""
    became = normalise(case.raw)
    return list(case.failures) == _failures(became) and list(case.events) == _events(became)


def agrees(pair: Pair) -> bool:
    """Whether two lines have the same id exactly if they are the same record."""
    first, second = (normalise(line).events[0]["event_id"] for line in pair.lines)
    return pair.same == (first == second)


def differences(case: Case) -> list[str]:
    """Give each place where line and expectation differ; none if the case holds."""
    became = normalise(case.raw)
    return [
        *_between("failures", list(case.failures), _failures(became)),
        *_between("events", list(case.events), _events(became)),
    ]


def _failures(became: Normalised) -> list[tuple[str, str | None]]:
    return [
        (str(failure.kind), failure.field)
        for refused in became.failures
        for failure in refused.failures
    ]


def _events(became: Normalised) -> list[dict[str, object]]:
    return [_readable(event) for event in became.events]


def _readable(event: object) -> dict[str, object]:
    """Give the event with an id that was made shown as such."""
    assert isinstance(event, dict)
    made = event["provider_event_id"]
    if _MADE_ID.fullmatch(made) is None:
        return event
    return {
        **event,
        "provider_event_id": HASH,
        "event_id": event["event_id"].replace(made, HASH),
    }


def _between(place: str, expected: object, actual: object) -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(actual, dict):
        for name in sorted(expected.keys() | actual.keys()):
            yield from _between(
                f"{place}.{name}", expected.get(name, _MISSING), actual.get(name, _MISSING)
            )
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for index, (one, other) in enumerate(zip(expected, actual, strict=True)):
            yield from _between(f"{place}[{index}]", one, other)
    elif expected != actual or type(expected) is not type(actual):
        yield f"{place}: must be {expected!r}, is {actual!r}"
