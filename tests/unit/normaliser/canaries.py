"""Canaries: strings that tell from which place of a record they came, in the forms of what leaks.

A token could be an id, a text is somebody's words, also one that reads like a list; an e-mail, in
each way to write one, and an address of the network are what they are. Each holds the number of
its place.
"""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

from producer.contract.source import Include
from producer.normaliser.normalise import dead_letters, normalise
from tests.golden.cases import all_cases
from tests.unit.normaliser.lines import a_raw_line

# Any value that JSON has.
Json: TypeAlias = Any
Form: TypeAlias = Callable[[int], str]

SAMPLES: Final = Path(__file__).parents[2] / "samples"

# What a record is cannot be replaced without making it another one, or none.
STRUCTURE: Final = frozenset(
    {"type", "event_type", "timestamp", "day", "unit", "detail_type", "object", "log_type"}
    | {"created_at"}
)

FORMS: Final[dict[str, Form]] = {
    "token": lambda number: f"canary-{number}-x",
    "text": lambda number: f"Said canary-{number}-x, I think.",
    "commas": lambda number: f"Bob,canary-{number}-x,canary-{number}-x, said so",
    "email": lambda number: f"canary-{number}-x@example.org",
    "undotted": lambda number: f"canary-{number}-x@corp",
    "encoded": lambda number: f"canary-{number}-x%40corp",
    "wide": lambda number: f"canary-{number}-x\uff20corp",
    "ipv4": lambda number: f"10.{number // 250}.{number % 250}.77",
    "ipv6": lambda number: f"fd00::{number:x}:7777",
}
_SEEN: Final = re.compile(
    r"canary-(?P<word>\d+)-x|10\.(?P<high>\d+)\.(?P<low>\d+)\.77|fd00::(?P<hex>[0-9a-f]+):7777"
)


@cache
def records() -> tuple[Json, ...]:
    """Give the records of all samples and of all golden cases."""
    lines = [
        line
        for path in sorted(SAMPLES.rglob("*.jsonl"))
        for line in path.read_bytes().splitlines()
    ]
    found = []
    for line in dict.fromkeys([*lines, *(case.raw.line for case in all_cases())]):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            found.append(record)
    return tuple(found)


def with_canaries(value: Json, form: Form, paths: list[str], path: str = "") -> Json:
    """Replace each string by a canary; `paths` holds where each of them stood."""
    if isinstance(value, dict):
        return {
            name: item
            if name in STRUCTURE and isinstance(item, str)
            else with_canaries(item, form, paths, f"{path}.{name}".strip("."))
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [with_canaries(item, form, paths, path) for item in value]
    if isinstance(value, str):
        paths.append(path)
        return form(len(paths) - 1)
    return value


def with_a_key_replaced(value: Json, form: Form, path: str = "") -> Iterator[tuple[str, Json]]:
    """Give a record once for each of its keys, with a canary in the key's place and its text's."""
    if isinstance(value, dict):
        for name, item in value.items():
            here = f"{path}.{name}".strip(".")
            others = {key: other for key, other in value.items() if key != name}
            yield here, {**others, form(0): form(0) if isinstance(item, str) else item}
            for inner, changed in with_a_key_replaced(item, form, here):
                yield inner, {**value, name: changed}
    elif isinstance(value, list):
        for index, item in enumerate(value):
            for inner, changed in with_a_key_replaced(item, form, path):
                yield inner, [*value[:index], changed, *value[index + 1 :]]


def seen(text: str) -> set[int]:
    """Give the numbers of the canaries in a text."""
    found = set()
    for match in _SEEN.finditer(text):
        if match["word"]:
            found.add(int(match["word"]))
        elif match["hex"]:
            found.add(int(match["hex"], 16))
        else:
            found.add(int(match["high"]) * 250 + int(match["low"]))
    return found


def told_of(line: bytes, include: Include) -> str:
    """Give all that is told of a line: its events, and its dead letters without their payload.

    The payload is the line itself, on purpose: a dead letter is there to be repaired.
    """
    raw = a_raw_line(line, include=include)
    normalised = normalise(raw)
    letters = [
        (letter.failures, [repr(getattr(letter, name)) for name in _told_names(letter)])
        for letter in dead_letters(raw, normalised)
    ]
    return repr((normalised.events, letters))


def _told_names(letter: Json) -> list[str]:
    return [name for name in letter.__struct_fields__ if name not in {"payload", "failures"}]


@cache
def shown_paths(form: str, include: Include) -> frozenset[str]:
    """Give the places whose canaries come out again."""
    found: set[str] = set()
    for record in records():
        paths: list[str] = []
        line = json.dumps(with_canaries(record, FORMS[form], paths)).encode()
        found |= {paths[number] for number in seen(told_of(line, include))}
    return frozenset(found)
