"""The golden cases: what each line must become, written by hand from the reference.

One file a family. A file may open with `given`, what all its records have, and `expected`, what
all its events have, and what `with` adds where a case has one; a case that names one of these
fields has its own in place of it. A case:

    name, why   what it is called and which statement of the reference it holds
    topic       a topic on which documents and live data disagree, where it is about one
    record      the record; `without` names fields of `given` that it lacks
    line        instead of a record: the text of the line
    event       the event; or `events`, if a line gives several or none
    failures    [kind, field] of every failure, for a line (or a part of it) that is refused
    with        the parts of the event that differ where the source includes `email`, `network`,
                `content`, or `all` of them; `all` is the three together unless it says more;
                a list, if the line gives several events
    columns,    a table instead of many cases: `$action` stands for the row's column `action`;
    rows        the first column names the case

Beside its cases a file may have `pairs` of lines, which have the `same` id or not.

What an event does not name is null or empty, a severity is informational, and `type_uid` follows
from class and activity; `<hash>` is any id that the normaliser made itself. The `attributes` come
beside the five that all events of the source have and the two that say whose record it is, which
follow from the record's `principal`; an event of a `line` names its `principal` itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, Final

from producer.contract.raw import RawLine
from producer.contract.source import Include
from tests.golden.reading import filled_in, line_of, read
from tests.unit.normaliser.lines import a_raw_line

Event = dict[str, Any]
Fields = dict[str, Any]

FOLDER: Final = Path(__file__).parent
HASH: Final = "<hash>"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_OPTIONS: Final = ("email", "network", "content")

_ORIGIN_ATTRIBUTES: Final = {
    "langwatch.origin.kind": "ingestion_source",
    "langwatch.ingestion_source.id": "src_acme",
    "langwatch.ingestion_source.organization_id": "org_acme",
    "langwatch.ingestion_source.source_type": "openai_compliance",
    "gen_ai.provider.name": "openai",
}
_OF_THE_LINE: Final[Event] = {
    "organization_id": "org_acme",
    "team_id": None,
    "source_id": "src_acme",
    "source_type": "openai_compliance",
    "ingested_at": 1_800_000_000_000_000,
}
_EMPTY: Final[Event] = {
    "target": None,
    "outcome": "unknown",
    "model": None,
    "tokens": None,
    "cost": None,
    "flags": {},
    "conversation": None,
    "session": None,
    "client": None,
    "network": None,
    "content": None,
    "attributes": {},
}
_EMPTY_PARTS: Final[dict[str, Fields]] = {
    "actor": {"email": None, "on_behalf_of": None},
    "target": {"id": None, "name": None},
    "tokens": {"input": None, "cached_input": None, "output": None, "reasoning_output": None},
    "cost": {"estimated_usd": None},
    "network": {"ip": None, "user_agent": None, "country": None},
    "ocsf": {"severity_id": 1},
}


@dataclass(frozen=True)
class Case:
    """One line under one choice of options, and everything that it must become."""

    id: str
    why: str
    topic: str | None
    raw: RawLine
    events: tuple[Event, ...]
    failures: tuple[tuple[str, str | None], ...] = field(default=())


@dataclass(frozen=True)
class Pair:
    """Two lines, and whether their records are the same one."""

    id: str
    why: str
    lines: tuple[RawLine, RawLine]
    same: bool


def all_pairs() -> tuple[Pair, ...]:
    """Give the pairs of all files."""
    return tuple(
        Pair(
            id=f"{path.stem}/{entry['name']}",
            why=entry["why"],
            lines=(a_raw_line(entry["first"].encode()), a_raw_line(entry["second"].encode())),
            same=entry["same"],
        )
        for path in files()
        for entry in read(path).get("pairs", ())
    )


@cache
def all_cases() -> tuple[Case, ...]:
    """Give the cases of all files."""
    return tuple(chain.from_iterable(cases_of(path.stem) for path in files()))


def files() -> list[Path]:
    """Give the files of all families."""
    return sorted(FOLDER.glob("*.yaml"))


@cache
def cases_of(stem: str) -> tuple[Case, ...]:
    """Give the cases of one file, tables and options written out."""
    written = read(FOLDER / f"{stem}.yaml")
    return tuple(
        case
        for entry in written["cases"]
        for row in _rows(entry)
        for case in _cases(stem, _with_defaults(written, row))
    )


def _rows(entry: Fields) -> Iterator[Fields]:
    columns = entry.get("columns")
    if columns is None:
        yield entry
        return
    template = {name: part for name, part in entry.items() if name not in {"columns", "rows"}}
    for row in entry["rows"]:
        values = dict(zip(columns, row, strict=True))
        yield {
            **filled_in(template, values),
            "name": f"{entry['name']}[{values[columns[0]]}]",
        }


def _with_defaults(written: Fields, entry: Fields) -> Fields:
    given = written.get("given", {})
    expected = written.get("expected", {})
    events = entry.get("events", [entry["event"]] if "event" in entry else [])
    lacks = set(entry.get("without", ()))
    assert lacks <= set(given), f"{entry['name']} lacks what no record has"
    record = {**given, **entry.get("record", {})}
    record = {name: value for name, value in record.items() if name not in lacks}
    return {
        **entry,
        "line": entry.get("line") or line_of(record),
        "events": [{**_of_whom(entry, record), **expected, **event} for event in events],
        "with": {**written.get("with", {}), **entry["with"]} if "with" in entry else {},
    }


def _of_whom(entry: Fields, record: Fields) -> Fields:
    """Say whose record it is, where the case has a record."""
    return {} if "line" in entry else {"principal": record.get("principal")}


def _cases(stem: str, entry: Fields) -> Iterator[Case]:
    differing = entry["with"]
    yield _case(stem, entry, option=None)
    for option in (*_OPTIONS, "all") if differing else ():
        if option in differing or option == "all":
            yield _case(stem, entry, option=option)


def _case(stem: str, entry: Fields, *, option: str | None) -> Case:
    events = entry["events"]
    differing = entry["with"]
    options = _OPTIONS if option == "all" else () if option is None else (option,)
    changes = [differing.get(name, {}) for name in (*options, *(["all"] * (option == "all")))]
    each = [[_of_event(change, index) for change in changes] for index in range(len(events))]
    include = Include(**dict.fromkeys(options, True))
    return Case(
        id=f"{stem}/{entry['name']}" + (f"+{option}" if option else ""),
        why=entry["why"],
        topic=entry.get("topic"),
        raw=a_raw_line(entry["line"].encode(), include=include),
        events=tuple(
            _filled(_merged(event, changes), index=index)
            for index, (event, changes) in enumerate(zip(events, each, strict=True))
        ),
        failures=tuple((kind, name) for kind, name in entry.get("failures", ())),
    )


def _of_event(change: Fields | list[Fields], index: int) -> Fields:
    return change[index] if isinstance(change, list) else change


def _merged(event: Event, changes: list[Fields]) -> Event:
    """Put in what differs; an actor keeps its other fields."""
    merged = dict(event)
    for name, value in (pair for change in changes for pair in change.items()):
        merged[name] = {**merged["actor"], **value} if name == "actor" else value
    return merged


def _filled(event: Event, *, index: int) -> Event:
    """Write an expectation out in full."""
    full = {**_OF_THE_LINE, **_EMPTY, **event}
    place = full.pop("index", index)
    principal = full.pop("principal", None)
    whose = principal.items() if isinstance(principal, dict) else ()
    for name, empty in _EMPTY_PARTS.items():
        if full[name] is not None:
            full[name] = {**empty, **full[name]}
    ocsf = full["ocsf"]
    return {
        **full,
        "event_id": f"openai_compliance:src_acme:{full['provider_event_id']}",
        "origin": {
            "bucket": "acme-compliance",
            "key": "compliance/a.jsonl",
            "etag": "etag-1",
            "line": 7,
            "index": place,
            "pull_id": "pull-1",
            "replay_id": None,
        },
        "occurred_at": _micros(full["occurred_at"]),
        "ocsf": {**ocsf, "type_uid": ocsf["class_uid"] * 100 + ocsf["activity_id"]},
        "attributes": {
            **_ORIGIN_ATTRIBUTES,
            **{f"openai_compliance.principal.{name}": value for name, value in whose},
            **full["attributes"],
        },
    }


def _micros(text: str) -> int:
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)
