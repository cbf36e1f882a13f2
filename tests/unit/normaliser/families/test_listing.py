"""Answers to listings, saved as lines."""

import json

import pytest

from producer.normaliser.normalise import normalise
from tests.unit.normaliser.lines import Record, a_raw_line, a_record, the_failures

A_BUCKET = {"object": "bucket", "start_time": 1_789_466_400, "results": []}
A_LOG_FILE = {
    "id": "eclf_1",
    "event_type": "AUTH_LOG",
    "end_time": "2026-09-15T10:10:00Z",
    "file_name": "AUTH_LOG_2026-09-15T10:10:00+00:00.jsonl",
}


@pytest.mark.parametrize(
    "page",
    [{"object": "list", "first_id": "a", "last_id": "b"}, {"has_more": True}, {"has_more": None}],
)
def test_each_item_is_an_event(page: Record) -> None:
    """Of its own family, under its own index."""
    items = [a_record("AUTH_LOG", event_id="one"), A_BUCKET, a_record("COSTS", event_id="two")]
    normalised = normalise(a_raw_line(json.dumps({**page, "data": items}).encode()))
    assert () == normalised.failures
    assert [("AUTH_LOG", 0), ("bucket", 1), ("COSTS", 2)] == [
        (event["family"], event["origin"]["index"]) for event in normalised.events
    ]


def test_items_that_are_no_records_are_dead_letters_of_their_own() -> None:
    """The others still become events; one log file among records hides none of them."""
    items = [7, a_record("AUTH_LOG"), A_LOG_FILE, a_record("AUTH_LOG", timestamp=None)]
    line = json.dumps({"object": "list", "data": items})
    normalised = normalise(a_raw_line(line.encode()))
    assert [1] == [event["origin"]["index"] for event in normalised.events]
    assert [(0, None, 7), (2, "created_at", A_LOG_FILE), (3, "timestamp", items[3])] == [
        (refused.index, refused.failures[0].field, json.loads(refused.payload))
        for refused in normalised.failures
    ]


@pytest.mark.parametrize("items", [[], [A_LOG_FILE], [A_LOG_FILE, A_LOG_FILE]])
def test_a_page_without_records_is_one_dead_letter(items: list[Record]) -> None:
    """Log files that are named are not what happened."""
    failures = the_failures({"data": items, "has_more": False, "last_end_time": None})
    assert [("data", "lists no records")] == [(one.field, one.message) for one in failures]


def test_a_page_inside_a_page_is_opened() -> None:
    """As deep as the parser goes, and numbered over the line."""
    page: Record = a_record("AUTH_LOG")
    for _ in range(45):
        page = {"object": "list", "data": [page, A_BUCKET]}
    events = normalise(a_raw_line(json.dumps(page).encode())).events
    assert list(range(46)) == [event["origin"]["index"] for event in events]


def test_a_record_with_a_list_is_no_page() -> None:
    """What has a type or an envelope is a record, whatever it lists."""
    for record in (
        {**a_record("NEW_LOG"), "data": [1], "has_more": True},
        {"type": "chat", "created_at": "2026-09-15T10:00:00Z", "data": [1], "object": "list"},
    ):
        (event,) = normalise(a_raw_line(json.dumps(record).encode())).events
        assert record["type"] == event["family"]
