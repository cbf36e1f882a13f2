"""What makes a record the same when it is delivered again."""

import json

import pytest

from producer.contract.dead_letter import Failure, FailureKind
from producer.normaliser.identity import ID_LENGTH_MAX
from producer.normaliser.normalise import normalise
from tests.unit.normaliser.lines import Record, a_raw_line, a_record, the_event, the_failures


def id_of(record: Record) -> str:
    return the_event(record)["provider_event_id"]


def test_the_providers_id_is_kept() -> None:
    """Verbatim, whatever it looks like."""
    event = the_event(a_record("AUTH_LOG", event_id="msg-123"))
    assert "msg-123" == event["provider_event_id"]
    assert "openai_compliance:src_acme:msg-123" == event["event_id"]


def test_the_id_does_not_depend_on_the_family() -> None:
    """An id that OpenAI's examples use for several families is the same id each time."""
    assert id_of(a_record("AUTH_LOG")) == id_of(a_record("AUDIT_LOG"))


def test_a_number_is_an_id() -> None:
    """An integer stays what it is, as text."""
    assert "17" == id_of(a_record("AUTH_LOG", event_id=17))


@pytest.mark.parametrize("missing", [..., None, "", "  ", False, [], {}])
def test_a_missing_id_is_replaced_by_a_hash(missing: object) -> None:
    """Never empty, and the same for the same record."""
    found = id_of(a_record("AUTH_LOG", event_id=missing))
    assert "sha256:" == found[:7]
    assert 64 == len(found[7:])
    assert found == id_of(a_record("AUTH_LOG", event_id=missing))


def test_the_hash_is_that_of_the_canonical_form() -> None:
    """Key order and white space do not matter; a value does."""
    record = a_record("AUTH_LOG", event_id=..., action_data={"b": 1.50, "a": [1, 2**70]})
    turned = dict(reversed(record.items()))
    one = normalise(a_raw_line(json.dumps(record).encode()))
    two = normalise(a_raw_line(json.dumps(turned, indent=1).replace("\n", " ").encode()))
    other = id_of({**record, "action_data": {"b": 1.51, "a": [1, 2**70]}})
    assert one.events[0]["event_id"] == two.events[0]["event_id"]
    assert one.events[0]["provider_event_id"] != other


@pytest.mark.parametrize("value", [{"a": 1}, {"": None}, [1], [""], True, 1.5])
def test_an_id_of_another_type_is_refused(value: object) -> None:
    """To guess an id would lose or double a record."""
    assert [
        Failure(
            kind=FailureKind.SCHEMA_VIOLATION,
            field="event_id",
            message="is neither a string nor an integer",
        )
    ] == the_failures(a_record("AUTH_LOG", event_id=value))


def test_an_id_beyond_the_limit_is_refused() -> None:
    """The id becomes a message key."""
    assert "x" * ID_LENGTH_MAX == id_of(a_record("AUTH_LOG", event_id="x" * ID_LENGTH_MAX))
    failures = the_failures(a_record("AUTH_LOG", event_id="x" * (ID_LENGTH_MAX + 1)))
    assert [(FailureKind.RULE_FAILED, "event_id")] == [(f.kind, f.field) for f in failures]
