"""A raw record in, events and dead letters out."""

import json
from importlib.metadata import version
from io import BytesIO
from pathlib import Path

import fastavro
import pytest

from producer.contract.dead_letter import DeadLetter, Failure, FailureKind
from producer.normaliser.normalise import dead_letters, normalise
from tests.unit.normaliser.lines import (
    EVERYTHING,
    TEN_O_CLOCK,
    a_raw_line,
    a_record,
    the_event,
    the_failures,
)

ROOT = Path(__file__).parents[3]
SAMPLES = sorted((ROOT / "tests" / "samples").rglob("*.jsonl"))
SAMPLE_LINES = [
    pytest.param(line, id=f"{path.parent.name}/{path.name}:{number}")
    for path in SAMPLES
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1)
    if line.strip()
]
WITHOUT_A_TIME = {
    "urnammu/auth_and_audit.jsonl:4",
    "urnammu/conversation_message.jsonl:5",
}
SCHEMA_TEXT = (ROOT / "schemas" / "GovernanceEvent.avsc").read_text()
# Without the logical types, times are read as the integers that were written.
EVENT_SCHEMA = fastavro.parse_schema(
    json.loads(
        SCHEMA_TEXT,
        object_hook=lambda node: {k: v for k, v in node.items() if k != "logicalType"},
    )
)
FIELDS = [field["name"] for field in json.loads(SCHEMA_TEXT)["fields"]]


WHOLE_EVENT = {
    "event_id": "openai_compliance:src_acme:evt-1",
    "origin": {
        "bucket": "acme-compliance",
        "key": "compliance/a.jsonl",
        "etag": "etag-1",
        "line": 7,
        "index": 0,
        "pull_id": "pull-1",
        "replay_id": None,
    },
    "provider_event_id": "evt-1",
    "organization_id": "org_acme",
    "team_id": "team-1",
    "source_id": "src_acme",
    "source_type": "openai_compliance",
    "occurred_at": TEN_O_CLOCK,
    "ingested_at": 1_800_000_000_000_000,
    "event_type": "api.call",
    "family": "CODEX_LOG",
    "action": "PROMPT_RESPONSE_RECEIVED",
    "actor": {"kind": "user", "id": "user-1", "email": None, "on_behalf_of": None},
    "target": {"kind": "model", "id": "gpt-5-5", "name": None},
    "outcome": "success",
    "model": {"raw": "gpt-5-5", "normalised": "gpt-5.5"},
    "tokens": {
        "input": 70,
        "cached_input": 30,
        "output": 40,
        "reasoning_output": 10,
        "summable": False,
    },
    "cost": None,
    "flags": {},
    "conversation": None,
    "session": "session-1",
    "client": "CODEX_CLI",
    "network": None,
    "content": None,
    "ocsf": {
        "class_uid": 6003,
        "activity_id": 99,
        "type_uid": 600399,
        "severity_id": 1,
        "status_id": 1,
    },
    "attributes": {
        "langwatch.origin.kind": "ingestion_source",
        "langwatch.ingestion_source.id": "src_acme",
        "langwatch.ingestion_source.organization_id": "org_acme",
        "langwatch.ingestion_source.source_type": "openai_compliance",
        "gen_ai.provider.name": "openai",
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-5-5",
        "gen_ai.response.model": "gpt-5-5",
        "gen_ai.usage.input_tokens": "70",
        "gen_ai.usage.cache_read.input_tokens": "30",
        "gen_ai.usage.output_tokens": "40",
        "gen_ai.usage.reasoning.output_tokens": "10",
        "openai_compliance.principal.id": "ws-1",
        "openai_compliance.principal.type": "CHATGPT_WORKSPACE",
        "gen_ai.conversation.id": "session-1",
        "openai_compliance.turn.id": "turn-1",
    },
}


def test_a_whole_event() -> None:
    """Every field of an event, from a record that has most of them."""
    record = a_record(
        "CODEX_LOG",
        event_type="PROMPT_RESPONSE_RECEIVED",
        client_id="CODEX_CLI",
        event_details={
            "session_id": "session-1",
            "turn_id": "turn-1",
            "response_text": "secret",
            "status": "completed",
            "model": "gpt-5-5",
            "token_usage": {
                "input_tokens": 100,
                "output_tokens": 40,
                "cached_input_tokens": 30,
                "reasoning_output_tokens": 10,
            },
        },
    )
    (event,) = normalise(a_raw_line(json.dumps(record).encode(), team_id="team-1")).events
    assert WHOLE_EVENT == event


def test_several_documents_have_places_of_their_own() -> None:
    """Good documents are events with their index, the others dead letters with theirs."""
    one = json.dumps(a_record("AUTH_LOG", event_id="one"))
    bad = json.dumps(a_record("AUTH_LOG", event_id="bad", timestamp="nope"))
    two = json.dumps(a_record("AUTH_LOG", event_id="two"))
    raw = a_raw_line(f'{one}{bad} {two} {{"event_id":"cut'.encode())
    normalised = normalise(raw)
    assert [("one", 0), ("two", 2)] == [
        (event["provider_event_id"], event["origin"]["index"]) for event in normalised.events
    ]
    assert [(1, bad.encode()), (3, b'{"event_id":"cut')] == [
        (letter.index, letter.payload) for letter in dead_letters(raw, normalised)
    ]


def test_a_dead_letter_tells_where_from_and_why() -> None:
    """A line that is refused as a whole keeps all its bytes, and no index."""
    raw = a_raw_line(b' {"event_id":"x"} ')
    (letter,) = dead_letters(raw, normalise(raw))
    assert (
        DeadLetter(
            stage="normaliser",
            processor=f"openai-compliance/{version('openai-compliance')}",
            failures=(
                Failure(
                    kind=FailureKind.SCHEMA_VIOLATION, field="created_at", message="is missing"
                ),
            ),
            source_id="src_acme",
            organization_id="org_acme",
            bucket="acme-compliance",
            key="compliance/a.jsonl",
            etag="etag-1",
            pull_id="pull-1",
            replay_id=None,
            line_number=7,
            last_line_number=7,
            index=None,
            lines=1,
            pulled_at=1_800_000_000_000_000,
            payload=b' {"event_id":"x"} ',
            payload_bytes=18,
        )
        == letter
    )


def test_all_failures_are_told() -> None:
    """Not only the first."""
    record = a_record("AUDIT_LOG", event_id=["x"], timestamp=17, action={"a": 1})
    assert [
        (FailureKind.SCHEMA_VIOLATION, "event_id"),
        (FailureKind.SCHEMA_VIOLATION, "timestamp"),
        (FailureKind.SCHEMA_VIOLATION, "action"),
    ] == [(failure.kind, failure.field) for failure in the_failures(record)]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (..., FailureKind.SCHEMA_VIOLATION),
        (None, FailureKind.SCHEMA_VIOLATION),
        (1_789_466_400, FailureKind.SCHEMA_VIOLATION),
        ("", FailureKind.RULE_FAILED),
        ("1789466400", FailureKind.RULE_FAILED),
        ("garbage", FailureKind.RULE_FAILED),
    ],
)
def test_a_time_that_cannot_be_read_is_refused(value: object, kind: FailureKind) -> None:
    """The field is named; the time is never guessed."""
    failures = the_failures(a_record("AUTH_LOG", timestamp=value))
    assert [(kind, "timestamp")] == [(failure.kind, failure.field) for failure in failures]


def test_an_optional_field_of_another_type_is_flagged_and_left_out() -> None:
    """A field that changed its type costs that field, not the record."""
    event = the_event(a_record("CODEX_LOG", client_id=5, event_details=["x"]))
    assert None is event["client"]
    assert {"ignored.client_id": "not a string", "ignored.event_details": "not an object"} == (
        event["flags"]
    )


@pytest.mark.parametrize("line", SAMPLE_LINES)
def test_samples_become_one_event_that_avro_can_write(
    line: bytes, request: pytest.FixtureRequest
) -> None:
    """Each public sample is one event, in the schema's order of fields, or has no time."""
    normalised = normalise(a_raw_line(line, include=EVERYTHING))
    name = request.node.callspec.id
    assert (name in WITHOUT_A_TIME) == (len(normalised.events) == 0)
    assert 1 == len(normalised.events) + len(normalised.failures)
    for event in normalised.events:
        assert FIELDS == list(event)
        assert event == avro_round_trip(event)
    for refused in normalised.failures:
        assert ["timestamp"] == [failure.field for failure in refused.failures]


def avro_round_trip(event: object) -> object:
    """Write an event as Avro and read it again."""
    buffer = BytesIO()
    fastavro.schemaless_writer(buffer, EVENT_SCHEMA, event)
    buffer.seek(0)
    return fastavro.schemaless_reader(buffer, EVENT_SCHEMA, None)
