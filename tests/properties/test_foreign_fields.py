"""Fields that other families know, but a record's own does not, never change an event.

Which names a family reads is seen by having it read all its golden cases from records that
remember what they were asked for. All other names that any family reads are then put into each
golden record, at the top, with values as the other families have them, and into the objects that
all records have.
"""

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.normaliser.documents import decode_record
from producer.normaliser.families import flat, ids, listing
from producer.normaliser.families.catalogue import FAMILIES, OBJECTS, OWN_FIELDS, family_of
from producer.normaliser.normalise import normalise
from producer.normaliser.reading import Findings
from producer.normaliser.rules import Family
from tests.golden.cases import Case, all_cases
from tests.unit.normaliser.lines import NOTHING, a_raw_line

Json: TypeAlias = Any
Record: TypeAlias = dict[str, Any]

# Values with which other families' records have these fields.
_TELLING: Final[Record] = {
    "created_at": "2026-01-01T00:00:00Z",
    "timestamp": "2026-01-01T00:00:00Z",
    "last_active_at": 1700000000.5,
    "effective_at": 1700000000,
    "start_time": 1700000000,
    "has_more": True,
    "data": [{"id": "audit_log-1", "type": "user.added", "effective_at": 1700000000}],
    "messages": {"data": [{"id": "m-1", "author": {"role": "user"}}]},
    "usage": {"prompt_tokens": 5, "completion_tokens": 6},
    "tokens": {"input": 5, "output": 6},
    "user": {"id": "user-other", "email": "other@example.com"},
    "payload": {"day": "2026-01-01", "hour": 1, "model": "gpt-4o", "identity": {"user_id": "u-1"}},
    "object": "list",
    "id": "other-1",
    "prompt_tokens": 5,
    "completion_tokens": 6,
    "content_classification": {"violence": True},
    "cost": {"usd": 1},
}
# Names that catalogues look for and no family reads.
_LOOKED_FOR: Final = frozenset({"has_more", "data", "messages", "object"})
_OTHER: Final = "other"
_OTHER_VALUES: Final[tuple[Json, ...]] = ({"id": "x-1"}, [{"id": "x-1"}], 7, False, None, "")
_SESSIONS: Final = frozenset({"session", "run", "thread", "agent"})
_A_HASH: Final = re.compile(r"sha256:[0-9a-f]{64}")


class Remembering(dict[str, Any]):
    """A record that remembers which of its fields were asked for, and whether all were."""

    def __init__(self, record: Record) -> None:
        super().__init__(record)
        self.asked: set[str] = set()
        self.gone_through = False

    def get(self, key: str, default: object = None) -> object:
        """Give a field, and remember that."""
        self.asked.add(key)
        return super().get(key, default)

    def __getitem__(self, key: str) -> object:
        """Give a field, and remember that."""
        self.asked.add(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        """Tell whether there is a field, and remember that."""
        self.asked.add(str(key))
        return super().__contains__(key)

    def items(self) -> Any:  # noqa: ANN401
        """Give all fields, and remember that."""
        self.gone_through = True
        return super().items()


@dataclass(frozen=True, eq=False)
class Golden:
    """A golden record that is alone on its line."""

    name: str
    line: str
    record: Record
    family: Family
    gone_through: bool


@cache
def goldens() -> tuple[Golden, ...]:
    """Give the golden records, with their families."""
    return tuple(
        Golden(case.id, line.decode(), json.loads(line), family, read(line, family).gone_through)
        for case, line, family in alone()
    )


def alone() -> Iterator[tuple[Case, bytes, Family]]:
    """Give the lines of one record, whose kind of family reads records."""
    for case in all_cases():
        record = decode_record(case.raw.line)
        if record is not None and case.raw.include == NOTHING:
            family = family_of(record)
            if family is not listing.FAMILY:
                yield case, case.raw.line.strip(b"\xef\xbb\xbf \r"), family


def read(line: bytes, family: Family) -> Remembering:
    """Have a family read a record."""
    decoded = decode_record(line)
    assert decoded is not None
    record = Remembering(decoded)
    findings = Findings()
    family.occurred_at(record, findings)
    family.describe(record, findings)
    family.who(record, findings)
    record.asked |= {*family.id_names, *family.type_names, family.network.path[0]}
    record.asked |= {"principal", "actor"}
    return record


@cache
def names() -> dict[int, set[str]]:
    """Give the names of the fields that each family reads."""
    found: defaultdict[int, set[str]] = defaultdict(set)
    for _, line, family in alone():
        found[id(family)] |= read(line, family).asked
    return found


def foreign(golden: Golden) -> list[str]:
    """Give the names that other families read, and this record's does not."""
    everything = set().union(*names().values(), _LOOKED_FOR)
    own = names()[id(golden.family)]
    if golden.family is flat.FAMILY:
        # A field of its family's is what makes a record of a known type one of it.
        own = own | {*OWN_FIELDS.get(golden.record.get("type", ""), ())}
    if golden.gone_through:
        # What no rule knows keeps its ids, wherever they are and by any of their names.
        own = own | {name for name in everything if is_id(name)}
    return sorted(everything - own)


def is_id(name: str) -> bool:
    """Whether a field may hold an id, or an object that has one."""
    return name.endswith("_id") or ids.kind_of(name) is not None or name in _SESSIONS


def is_named(golden: Golden) -> bool:
    """Whether a record says by its type or object what it is."""
    kind, name = golden.record.get("type"), golden.record.get("object")
    return (isinstance(kind, str) and kind in FAMILIES) or (
        isinstance(name, str) and name in OBJECTS
    )


def became(line: str) -> Json:
    """Give what a line became, but for ids that are hashes of all of it."""
    found = normalise(a_raw_line(line.encode()))
    events = [dict(event) for event in found.events]
    for event in events:
        if _A_HASH.fullmatch(str(event["provider_event_id"])):
            event["provider_event_id"] = event["event_id"] = "a hash"
    return events, [refused.failures for refused in found.failures]


@cache
def alone_became(golden: Golden) -> Json:
    """Give what a golden record becomes by itself."""
    return became(golden.line)


def beside(golden: Golden, extra: Record) -> str:
    """Put fields in front of a record's own, which win."""
    return f"{json.dumps(extra)[:-1]},{golden.line[1:]}" if extra else golden.line


def test_families_read_names() -> None:
    """What was not noticed to be read would not be tested."""
    assert {"action", "action_data", "action_result"} <= set().union(*names().values())
    for golden in goldens():
        if golden.family in FAMILIES.values():
            others = {"usage", "tokens", "created_at", "has_more", "effective_at"}
            assert others <= set(foreign(golden)), golden.name


@pytest.mark.parametrize("value", [_OTHER, *_OTHER_VALUES], ids=repr)
def test_all_names_of_all_other_families_change_nothing(value: Json) -> None:
    """Of a record that says what it is, whatever values the other fields have."""
    changed = []
    telling = _TELLING if value == _OTHER else {}
    for golden in filter(is_named, goldens()):
        extra = {name: telling.get(name, value) for name in foreign(golden)}
        if alone_became(golden) != became(beside(golden, extra)):
            changed.append(golden.name)
    assert [] == changed


def test_names_of_other_families_do_not_make_a_shape() -> None:
    """Of a record that is told by its shape: the names alone, without another shape's objects."""
    changed = []
    for golden in goldens():
        if is_named(golden) or alone_became(golden)[1]:
            continue
        for name in foreign(golden):
            value = _TELLING.get(name, _OTHER)
            told = isinstance(value, dict | list) or name == "object"
            if alone_became(golden) != became(beside(golden, {name: _OTHER if told else value})):
                changed.append(f"{golden.name}: {name}")
    assert [] == changed


@given(st.data())
def test_any_foreign_name_with_any_value_changes_nothing(data: st.DataObject) -> None:
    """Of a record that says what it is, one name at a time."""
    golden = data.draw(st.sampled_from(goldens()).filter(is_named))
    name = data.draw(st.sampled_from(foreign(golden)))
    value = data.draw(st.sampled_from([_TELLING.get(name, _OTHER), *_OTHER_VALUES]))
    assert alone_became(golden) == became(beside(golden, {name: value})), (golden.name, name)


@given(st.data())
def test_unknown_fields_at_any_depth_change_nothing(data: st.DataObject) -> None:
    """In each object of a record, beside what its family reads there."""
    golden = data.draw(st.sampled_from(goldens()).filter(can_be_written))
    record = json.loads(json.dumps(golden.record))
    one = json.dumps(record)
    for holder in holders(record):
        if data.draw(st.booleans()):
            holder["zz_unknown"] = data.draw(st.sampled_from([1, _OTHER, None, {"id": 1}, [{}]]))
    assert became(one) == became(json.dumps(record)), golden.name


def can_be_written(golden: Golden) -> bool:
    """Whether Python writes a record as JSON: not one with a number beyond all floats."""
    return math.inf not in numbers(golden.record)


def numbers(value: Json) -> Iterator[float]:
    """Give all numbers of a value that are no integers."""
    if isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from numbers(item)
    elif isinstance(value, float):
        yield value


def holders(value: Json) -> list[Record]:
    """Give all objects of a value that a family reads by name: not those it takes as they are."""
    if isinstance(value, list):
        return [holder for item in value for holder in holders(item)]
    if not isinstance(value, dict):
        return []
    inner = (item for name, item in value.items() if name not in _TAKEN_WHOLE)
    return [value, *(holder for item in inner for holder in holders(item))]


# What flat records flag is taken over, whatever it is; an id is an id, or empty, or refused.
_TAKEN_WHOLE: Final = frozenset(
    {"content_classification", "classification_flags", "event_id", "flags"}
)
