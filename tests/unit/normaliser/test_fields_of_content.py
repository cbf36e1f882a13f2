"""Within content, names of fields tell network data and people, wherever and however they stand.

An object has a field of each name in `shown.yaml`, with a canary in it, and is put into each place
where families have content: as it is, in lists, and as JSON in a text.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from producer.contract.source import Include
from producer.normaliser.contents import written_out
from producer.normaliser.documents import DEPTH_MAX
from producer.normaliser.field_names import meaning_of
from producer.normaliser.normalise import normalise
from tests.golden.reading import read
from tests.unit.normaliser.canaries import FORMS, Json, seen
from tests.unit.normaliser.lines import a_raw_line, a_record
from tests.unit.normaliser.test_canaries import OPTIONS

_NAMES: Final = read(Path(__file__).with_name("shown.yaml"))
NETWORK: Final[list[str]] = _NAMES["fields_of_the_network"]
PEOPLE: Final[list[str]] = _NAMES["fields_of_people"]
OTHERS: Final[list[str]] = _NAMES["other_fields"]
FIELDS: Final = [*NETWORK, *PEOPLE, *OTHERS]

CONTENT: Final = Include(content=True)


def camel(name: str) -> str:
    return re.sub(r"(?<=.)_([a-z0-9])", lambda match: match[1].upper(), name)


SPELLINGS: Final[dict[str, Callable[[str], str]]] = {
    "snake": str,
    "camel": camel,
    "pascal": lambda name: camel(name)[:1].upper() + camel(name)[1:],
    "kebab": lambda name: name.replace("_", "-"),
    "header": lambda name: name.replace("_", "-").title(),
    "capitals": str.upper,
    "words": lambda name: name.replace("_", " "),
    "path": lambda name: f"openai/x.{name}",
}

PLACES: Final[dict[str, Callable[[Json], Json]]] = {
    "object": lambda fields: {"inner": fields},
    "list": lambda fields: [1, [fields]],
    "text": json.dumps,
    "text in a list": lambda fields: [{"type": "text", "text": json.dumps([fields], indent=1)}],
    "text in a text": lambda fields: json.dumps({"body": json.dumps({"inner": fields})}),
    "string of a text": lambda fields: json.dumps(json.dumps(fields)),
    "text with a mark": lambda fields: "\ufeff\r\n " + json.dumps(fields) + "\n",
}

# What is no JSON, or not only: withheld whole.
CUT: Final[dict[str, Callable[[Json], str]]] = {
    "cut": lambda fields: json.dumps(fields)[:-1],
    "cut in a value": lambda fields: json.dumps(fields)[:-9],
    "escaped": lambda fields: json.dumps(json.dumps(fields))[:-1],
    "lines": lambda fields: f"{json.dumps(fields)}\n{json.dumps(fields)}",
    "named": lambda fields: f"Result: {json.dumps(fields)}",
    "fenced": lambda fields: f"```json\n{json.dumps(fields)}\n```",
    "of python": repr,
    "bare": lambda fields: "{" + ", ".join(f"{name}: {fields[name]}" for name in fields) + "}",
}

RECORDS: Final[dict[str, Callable[[Json], Json]]] = {
    "unknown": lambda held: a_record("SOMETHING_NEW", payload={"note": held}),
    "flat": lambda held: {
        "id": "flat-1",
        "type": "completion",
        "created_at": "2026-09-15T10:00:00Z",
        "prompt": held,
    },
    "input": lambda held: a_record("APP_LOG", log_type="request", input={"x": held}),
    "output": lambda held: a_record("APP_LOG", log_type="response", output=[{"x": held}]),
    "arguments": lambda held: a_record(
        "CODEX_LOG", event_type="APP_MCP_CALL", event_details={"arguments": held}
    ),
    "tool input": lambda held: a_record(
        "CODEX_LOG", event_type="TOOL_CALL_COMPLETED", event_details={"tool_input": held}
    ),
    "action data": lambda held: a_record("AUDIT_LOG", action="X", action_data={"note": held}),
}


def told(record: Json, include: Include) -> set[str]:
    """Give the fields whose canaries the event of a record shows."""
    events = normalise(a_raw_line(json.dumps(record).encode(), include=include)).events
    assert events
    return {FIELDS[number] for number in seen(repr(events))}


def fields(spelling: str, form: str = "token") -> dict[str, str]:
    return {SPELLINGS[spelling](name): FORMS[form](number) for number, name in enumerate(FIELDS)}


def allowed(include: Include) -> set[str]:
    if not include.content:
        return set()
    network, people = NETWORK if include.network else (), PEOPLE if include.email else ()
    return {*OTHERS, *network, *people}


@pytest.mark.parametrize("include", OPTIONS, ids=str)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("record", RECORDS)
def test_fields_show_with_their_own_option(record: str, place: str, include: Include) -> None:
    """In every place of every family that has content, and nothing else is lost."""
    assert allowed(include) == told(RECORDS[record](PLACES[place](fields("snake"))), include)


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("form", ["token", "text"])
def test_names_are_the_same_in_every_spelling(form: str, spelling: str) -> None:
    """As words run together, apart, in capitals or behind a path."""
    for place in ("object", "text"):
        held = fields(spelling, form)
        # It is called so and not otherwise: `tool_meta` is something else.
        del held[SPELLINGS[spelling]("_meta")]
        record = RECORDS["unknown"](PLACES[place](held))
        assert set(OTHERS) == told(record, CONTENT)


@pytest.mark.parametrize("name", [*NETWORK, *PEOPLE])
@pytest.mark.parametrize("place", CUT)
def test_what_is_no_json_any_more_is_withheld_whole(place: str, name: str) -> None:
    """A preview that was cut, lines of JSON, a fence: one such name is enough."""
    held = CUT[place]({"query": FORMS["token"](0), name: FORMS["token"](1), "n": "x" * 20})
    record = RECORDS["tool input"](held)
    assert set() == told(record, CONTENT)
    both = Include(email=True, network=True, content=True)
    assert {FIELDS[0], FIELDS[1]} == told(record, both)


@pytest.mark.parametrize("place", CUT)
def test_what_is_no_json_shows_where_nothing_tells_against_it(place: str) -> None:
    """Most of what is cut is harmless."""
    held = CUT[place]({"query": FORMS["token"](0), "note": FORMS["token"](1), "n": "x" * 20})
    assert {FIELDS[0], FIELDS[1]} == told(RECORDS["tool input"](held), CONTENT)


@pytest.mark.parametrize("form", ["email", "undotted", "encoded", "wide", "ipv4", "ipv6"])
@pytest.mark.parametrize("place", ["cut", "of python", "lines"])
def test_values_tell_too_where_json_was_cut(place: str, form: str) -> None:
    """An e-mail or an address in quotes is one, whatever it is called."""
    held = CUT[place]({"query": FORMS[form](0), "n": "x" * 20})
    assert set() == told(RECORDS["tool input"](held), CONTENT)


@pytest.mark.parametrize(
    "held",
    [
        {"user": {"id": "user-1", "name": "Ada"}},
        {"users": [{"name": "Ada"}]},
        {"owner": {"name": {"given": "Ada"}}},
        {"owner": {"first": "Ada"}},
        {"x": {"email": "x", "name": "Ada"}},
        {"created_by": "Ada"},
        {"user": "Ada"},
        {"members": ["Ada", "user-2"]},
        {"author": "Ada Test 2"},
        {"field": "user_name", "value": "Ada"},
        {"name": "User-Agent", "value": "Ada"},
        {"headers": [["User-Agent", "Ada"], ["x-email", "Ada"]]},
        {"headers": [{"key": "x-forwarded-for", "values": ["Ada"]}]},
        {"to": "Ada <a@corp>"},
        {"to": "Ada <a@corp>, Bob <b@corp>; Ada <c@corp>"},
    ],
    ids=json.dumps,
)
def test_names_of_people_are_withheld(held: Json) -> None:
    """Where an object is somebody, its name is a person's; where a field is somebody, its text."""
    assert "Ada" not in written_out(CONTENT, held)
    assert "Ada" not in written_out(CONTENT, {"text": json.dumps(held)})
    assert "Ada" in written_out(Include(email=True, network=True, content=True), held)


@pytest.mark.parametrize(
    "held",
    [
        {"agent": {"name": "Ada"}},
        {"owner": "user-Ada"},
        {"author": "assistant", "note": "Ada"},
        {"owner_id": "Ada"},
        {"field": "status", "value": "Ada"},
        {"email_enabled": True, "emails_sent": 5, "note": "Ada"},
        {"user": {"groups": [{"name": "Ada"}]}},
        {"note": "Ada met b@corp today"},
        {"note": "[1] Ada said: my location is not told"},
    ],
    ids=json.dumps,
)
def test_names_of_others_and_sentences_stay(held: Json) -> None:
    """Agents and groups are no people, ids no names, and a sentence is what somebody wrote."""
    assert json.dumps(held, sort_keys=True, separators=(",", ":")) == written_out(CONTENT, held)


@pytest.mark.parametrize("text", ["e-mails@corp", "a@corp b@corp", "a@corp\nb@corp", "a@b; c@d"])
def test_lists_of_emails_are_withheld(text: str) -> None:
    """However they are told apart."""
    assert "@" not in written_out(CONTENT, {"x": text})


@pytest.mark.parametrize("between", [" ", "\n", ", "])
def test_long_lists_are_withheld_to_their_end(between: str) -> None:
    """What is not looked at any more does not show."""
    assert "@" not in written_out(CONTENT, {"x": between.join(["a@b"] * 3000)})


def test_keys_that_are_emails_stay_apart() -> None:
    """None of two is lost because both are withheld."""
    assert '{"withheld":1,"withheld.1":2}' == written_out(CONTENT, {"a@b": 1, "c@d": 2})


def test_json_in_a_text_loses_what_it_says_twice() -> None:
    """A key that occurs twice has its last value: the first is gone, not shown."""
    assert '{"x":"{\\"a\\":1}"}' == written_out(CONTENT, {"x": '{"a": "b@corp", "a": 1}'})


def test_json_that_is_nested_too_deep_is_withheld() -> None:
    """In brackets and in texts of texts: neither may be a way around."""
    deep = "[" * (DEPTH_MAX - 1) + "]" * (DEPTH_MAX - 1)
    assert '{"x":"withheld"}' == written_out(CONTENT, {"x": deep})
    nested = json.dumps({"ip": "Berlin"})
    for _ in range(6):
        nested = json.dumps([nested])
    assert "Berlin" not in written_out(CONTENT, {"x": nested})
    assert "withheld" in written_out(CONTENT, {"x": nested})


@pytest.mark.parametrize(
    "piece", ['{"', '["', "{a:", '"', "\\", '{"a":', "a@b,", "```", "[", "'x"]
)
def test_long_texts_are_looked_at_once(piece: str) -> None:
    """Looked at in the square of their length, these would take hours."""
    for start in ("", "{", '{"'):
        assert written_out(CONTENT, {"x": start + piece * (500_000 // len(piece))})


@pytest.mark.parametrize(
    "name",
    [
        "IPs",
        "clientIPv4",
        "IPv6",
        "cities",
        "JA3Hash",
        "X-Real-IP",
        "utcOffset",
        "userIps",
        "x." * 99 + "ip",
    ],
)
def test_names_of_network_data_are_found_in_odd_spellings(name: str) -> None:
    """Plurals, versions and capitals that run into the next word."""
    assert meaning_of(name).network


@pytest.mark.parametrize(
    "name",
    ["", "description", "allocation", "capacity", "membership", "ship", "template", "x" * 999],
)
def test_names_that_only_have_the_letters_tell_nothing(name: str) -> None:
    """Words count, and not what stands in them."""
    meaning = meaning_of(name)
    assert (False, False, False) == (meaning.network, meaning.person, meaning.people)
