"""How an event looks in a terminal."""

import json
import subprocess
import sys

import pytest

from producer.cli.events import event_as_json, event_as_text
from producer.contract.event import GovernanceEvent, Target, Tokens


def an_event(
    *, target: Target | None = None, tokens: Tokens | None = None, action: str = "created"
) -> GovernanceEvent:
    """Give an event of 2026-01-02."""
    return {
        "event_id": "openai_compliance:src_1:e1",
        "origin": {
            "bucket": "b",
            "key": "k",
            "etag": "e",
            "line": 1,
            "index": 0,
            "pull_id": "p",
            "replay_id": None,
        },
        "provider_event_id": "e1",
        "organization_id": "org_1",
        "team_id": None,
        "source_id": "src_1",
        "source_type": "openai_compliance",
        "occurred_at": 1_767_323_045_678_901,
        "ingested_at": 1_767_323_045_678_901,
        "event_type": "api.call",
        "family": "CONVERSATION_MESSAGE",
        "action": action,
        "actor": {"kind": "user", "id": "user-1", "email": None, "on_behalf_of": None},
        "target": target,
        "outcome": "success",
        "model": None,
        "tokens": tokens,
        "cost": None,
        "flags": {},
        "conversation": None,
        "session": None,
        "client": None,
        "network": None,
        "content": None,
        "ocsf": {
            "class_uid": 1,
            "activity_id": 1,
            "type_uid": 1,
            "severity_id": 1,
            "status_id": 1,
        },
        "attributes": {"ä": "→"},
    }


def the_tokens(given: int | None, made: int | None) -> Tokens:
    """Give token counts."""
    return {
        "input": given,
        "cached_input": 5,
        "output": made,
        "reasoning_output": None,
        "summable": True,
    }


def test_event_as_text_says_who_did_what_to_what() -> None:
    """A line has time, type, deed and tokens."""
    event = an_event(
        target={"kind": "conversation", "id": "conv-1", "name": None}, tokens=the_tokens(12, 34)
    )
    expected = "2026-01-02T03:04:05.678Z  api.call  user-1 created → conv-1  12/34 tok"
    assert expected == event_as_text(event)


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (None, ""),
        (the_tokens(None, None), ""),
        (the_tokens(0, 7), "  0/7 tok"),
        (the_tokens(None, 7), "  ?/7 tok"),
    ],
)
def test_event_as_text_tells_unknown_tokens_from_none(
    tokens: Tokens | None, expected: str
) -> None:
    """A count that is not stated is a question mark, never 0; without any there is no part."""
    text = event_as_text(an_event(tokens=tokens))
    assert f"2026-01-02T03:04:05.678Z  api.call  user-1 created{expected}" == text


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({"kind": "file", "id": "f", "name": "n"}, " → n"),
        ({"kind": "file", "id": None, "name": None}, " → file"),
    ],
)
def test_event_as_text_names_a_target_as_well_as_it_can(target: Target, expected: str) -> None:
    """A name is better than an id, and an id better than a kind."""
    assert event_as_text(an_event(target=target)).endswith(f"created{expected}")


def test_event_as_text_is_harmless() -> None:
    """Control characters that a customer wrote do not reach the terminal."""
    assert "\x1b" not in event_as_text(an_event(action="\x1b[2J\n"))
    assert event_as_text(an_event(action="\x1b[2J\n")).endswith("user-1 �[2J�")


def test_event_as_json_is_the_whole_event_on_one_line() -> None:
    """JSON holds every field, as it is."""
    event = an_event(action="a\nb", tokens=the_tokens(1, None))
    text = event_as_json(event)
    assert event == json.loads(text)
    assert "\n" not in text
    assert "→" in text


def test_events_tail_ends_quietly_when_its_reader_has_enough() -> None:
    """A reader that goes away, as `head` does, is no failure."""
    program = (
        "import itertools, os, sys;"
        "from producer.cli.main import run;"
        "from tests.unit.cli.recording import ENVIRONMENT, RecordingRooms;"
        "from tests.unit.cli.test_events import an_event;"
        "os.environ.update(ENVIRONMENT);"
        "rooms = RecordingRooms(events=itertools.repeat(an_event()));"
        "sys.exit(run(['events', 'tail'], rooms=rooms))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("2026-01-02")
        process.stdout.close()
        assert "" == process.stderr.read()
        assert 0 == process.wait(30)
