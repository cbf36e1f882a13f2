"""The normaliser is total, deterministic, and blind to how JSON is written."""

import json
import random
from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias

import fastavro
from hypothesis import given
from hypothesis import strategies as st

from producer.contract.event import GovernanceEvent
from producer.contract.source import Include
from producer.normaliser.documents import decode_record
from producer.normaliser.normalise import Normalised, dead_letters, normalise
from tests.golden.cases import all_cases
from tests.unit.normaliser.lines import EVERYTHING, NOTHING, a_raw_line

# Any value that JSON has.
Json: TypeAlias = Any

ROOT = Path(__file__).parents[2]
SCHEMA = fastavro.parse_schema(json.loads((ROOT / "schemas" / "GovernanceEvent.avsc").read_text()))
SAMPLE_LINES = [
    line
    for path in sorted((ROOT / "tests" / "samples").rglob("*.jsonl"))
    for line in path.read_bytes().split(b"\n")
    if line
]
SAMPLE_RECORDS: list[dict[str, Any]] = [json.loads(line) for line in SAMPLE_LINES]
# One golden case a rule: together they reach all of them.
GOLDEN_LINES = [case.raw.line for case in all_cases() if case.raw.include == NOTHING]
GOLDEN_RECORDS: list[dict[str, Any]] = [
    record
    for record in map(decode_record, GOLDEN_LINES)
    if record is not None and "NumberText" not in repr(record)
]

known_lines = st.sampled_from(SAMPLE_LINES) | st.sampled_from(GOLDEN_LINES)
known_records = st.sampled_from(SAMPLE_RECORDS) | st.sampled_from(GOLDEN_RECORDS)
texts = st.text(max_size=8) | st.sampled_from(
    ["2026-09-15T10:00:00Z", "2026-09-15", "a@b.c", "user-1__ws", "AUTH_LOG", "completed", "\x00"]
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-3, max_value=3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def paths_of(value: Json, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Give the path of everything inside a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found = [path] if path else []
    if isinstance(value, dict | list):
        for name, item in items:
            found += (
                paths_of(item, (*path, name)) if isinstance(item, dict | list) else [(*path, name)]
            )
    return found


@st.composite
def spoilt_records(draw: st.DrawFn) -> dict[str, Any]:
    """A sample in which some values are others, or gone: near enough to reach every rule."""
    record: dict[str, Any] = json.loads(json.dumps(draw(known_records)))
    for _ in range(draw(st.integers(0, 3))):
        paths = paths_of(record)
        if not paths:
            break
        *parents, last = draw(st.sampled_from(paths))
        holder: Json = record
        for name in parents:
            holder = holder[name]
        if draw(st.booleans()):
            holder[last] = draw(values)
        else:
            del holder[last]
    return record


def shuffled(value: Json, rng: random.Random) -> Json:
    if isinstance(value, dict):
        items = [(name, shuffled(item, rng)) for name, item in value.items()]
        rng.shuffle(items)
        return dict(items)
    return [shuffled(item, rng) for item in value] if isinstance(value, list) else value


def encoded(event: GovernanceEvent) -> bytes:
    buffer = BytesIO()
    fastavro.schemaless_writer(buffer, SCHEMA, event)
    return buffer.getvalue()


def check_alone(payload: bytes) -> bool:
    """Whether a part that was written out again is refused by itself too."""
    return bool(normalise(a_raw_line(payload)).failures)


def check(line: bytes, include: Include = EVERYTHING) -> Normalised:
    """Normalise a line, and hold what came of it against what holds for all lines."""
    raw = a_raw_line(line, include=include)
    normalised = normalise(raw)
    assert normalised.events or normalised.failures
    assert normalised == normalise(raw)
    for event in normalised.events:
        assert encoded(event)
        assert event["provider_event_id"].strip()
        assert "@" not in event["actor"]["id"]
    for letter in dead_letters(raw, normalised):
        assert letter.failures
        assert letter.payload is not None
        assert letter.payload in line or check_alone(letter.payload)
    indexes = [event["origin"]["index"] for event in normalised.events]
    indexes += [refused.index or 0 for refused in normalised.failures]
    assert sorted(indexes) == list(range(len(indexes)))
    return normalised


@given(st.binary(max_size=200))
def test_any_bytes_become_something(line: bytes) -> None:
    """Never an exception, never silence."""
    check(line)


@given(known_lines, st.data())
def test_any_damage_to_a_line_becomes_something(line: bytes, data: st.DataObject) -> None:
    """Bytes cut out, put in and doubled."""
    start = data.draw(st.integers(0, len(line)))
    end = data.draw(st.integers(start, len(line)))
    inserted = data.draw(st.binary(max_size=8) | st.sampled_from([line, b"{", b'"', b"\\ud83d"]))
    check(line[:start] + inserted + line[end:])


@given(values)
def test_any_json_becomes_something(value: Json) -> None:
    """Whatever its type and shape."""
    check(json.dumps(value).encode())


@given(spoilt_records())
def test_any_record_becomes_something(record: dict[str, Any]) -> None:
    """Fields of other types, fields that are gone."""
    check(json.dumps(record).encode())


@given(spoilt_records(), st.randoms(use_true_random=False), st.sampled_from([None, 0, 1, 7]))
def test_how_json_is_written_changes_nothing(
    record: dict[str, Any], rng: random.Random, indent: int | None
) -> None:
    """Neither key order nor white space nor escapes change an event, down to its bytes."""
    one = check(json.dumps(record).encode())
    other_text = json.dumps(shuffled(record, rng), indent=indent, ensure_ascii=False)
    two = check(other_text.encode())
    assert [encoded(event) for event in one.events] == [encoded(event) for event in two.events]
    assert [refused.failures for refused in one.failures] == [
        refused.failures for refused in two.failures
    ]


@given(known_records, st.dictionaries(texts.map("zz_".__add__), values))
def test_unknown_fields_change_nothing(record: dict[str, Any], unknown: dict[str, Any]) -> None:
    """A field that no rule knows is not in the event; without an id, it is in the hash of it."""
    one = normalise(a_raw_line(json.dumps(record).encode()))
    if any(event["provider_event_id"].startswith("sha256:") for event in one.events):
        return
    two = normalise(a_raw_line(json.dumps(record | unknown).encode()))
    assert one.events == two.events


@given(st.lists(st.sampled_from(SAMPLE_LINES), min_size=2, max_size=5), st.text(" \t", max_size=3))
def test_documents_on_one_line_are_those_of_several_lines(
    lines: list[bytes], between: str
) -> None:
    """Only the index in the line differs."""
    together = check(between.encode().join(lines))
    apart = [normalise(a_raw_line(line, include=EVERYTHING)) for line in lines]
    assert [
        {**event, "origin": {**event["origin"], "index": index}}
        for index, normalised in enumerate(apart)
        for event in normalised.events
    ] == list(together.events)
    assert [refused.failures for normalised in apart for refused in normalised.failures] == [
        refused.failures for refused in together.failures
    ]


@given(
    st.lists(scalars.map(json.dumps) | st.sampled_from(["oops", ",", "{bad}", "[1]"]), max_size=4),
    st.sampled_from(SAMPLE_LINES),
)
def test_what_stands_in_front_takes_no_record_with_it(before: list[str], line: bytes) -> None:
    """A document that ends, or words that are none, cost the record behind them nothing."""
    alone = normalise(a_raw_line(line, include=EVERYTHING))
    together = check(" ".join([*before, ""]).encode() + line)
    assert [{**event, "origin": {}} for event in alone.events] == [
        {**event, "origin": {}} for event in together.events
    ]
