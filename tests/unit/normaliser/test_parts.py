"""From documents to parts, within limits."""

import json

import pytest

from producer.contract.dead_letter import FailureKind
from producer.normaliser import parts
from producer.normaliser.documents import read_documents
from producer.normaliser.normalise import normalise
from producer.normaliser.parts import parts_of
from tests.unit.normaliser.lines import Record, a_raw_line, a_record

MESSAGE: Record = {"id": "m", "created_at": 1, "author": {"role": "user"}}


def a_conversation(count: int, **changes: object) -> Record:
    """Build a conversation of so many messages."""
    record = {"object": "compliance.workspace.conversation", "id": "c", "title": "x" * 1000}
    return {**record, **changes, "messages": {"data": [MESSAGE] * count}}


def test_more_parts_than_a_line_may_have_are_one_dead_letter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It holds all that is left; what comes after it on the line still counts."""
    monkeypatch.setattr(parts, "PARTS_MAX", 4)
    page = {"object": "list", "data": [a_conversation(3), a_conversation(5)]}
    line = json.dumps(page) + json.dumps(a_record("AUTH_LOG"))
    found = normalise(a_raw_line(line.encode()))
    assert [0, 1, 2, 3, 5] == [event["origin"]["index"] for event in found.events]
    (refused,) = found.failures
    (failure,) = refused.failures
    assert (4, FailureKind.TOO_LARGE) == (refused.index, failure.kind)
    assert "the line has more than 4 parts; these are left" == failure.message
    assert 4 == len(json.loads(refused.payload)["messages"]["data"])


def test_items_left_of_a_page_are_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever they are."""
    monkeypatch.setattr(parts, "PARTS_MAX", 1)
    found = parts_of(read_documents(b'{"has_more":true,"data":[1,[2],{}]}'))
    assert [1, {"object": "list", "data": [[2], {}]}] == [part.value for part in found]


def test_what_messages_repeat_is_bounded_for_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long title is not written a million times; each conversation is refused as a whole."""
    monkeypatch.setattr(parts, "REPEATED_BYTES_MAX", 8000)
    one, two = a_conversation(4), a_conversation(5, id="other")
    found = normalise(a_raw_line(json.dumps([one]).encode()[1:-1] + json.dumps(two).encode()))
    assert [0, 1, 2, 3] == [event["origin"]["index"] for event in found.events]
    (refused,) = found.failures
    assert (4, json.dumps(two).encode()) == (refused.index, refused.payload)
    assert [(FailureKind.TOO_LARGE, "its parts would repeat more than 8000 bytes of it")] == [
        (failure.kind, failure.message) for failure in refused.failures
    ]


def test_a_conversation_of_one_message_repeats_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is its own part."""
    monkeypatch.setattr(parts, "REPEATED_BYTES_MAX", 0)
    assert 1 == len(normalise(a_raw_line(json.dumps(a_conversation(1)).encode())).events)


def test_a_part_is_written_as_it_was_read() -> None:
    """Numbers of any size and half of a surrogate pair keep their writing."""
    items = rb'[[1.50,1e2,1180591620717411303424,"\ud83d","a\nb"],0]'
    found = normalise(a_raw_line(b'{"object":"list","data":' + items + b"}"))
    assert [rb'[1.50,1e2,1180591620717411303424,"\\ud83d","a\nb"]', b"0"] == [
        refused.payload for refused in found.failures
    ]
