"""Governance events, whole and in part."""

import json
from typing import cast

import pytest

from producer.codec import avro
from producer.codec.events import (
    EventDecoder,
    EventEncoder,
    EventHead,
    EventHeadDecoder,
    event_headers,
)
from producer.contract.event import GovernanceEvent
from producer.errors import FatalError, SchemaMismatchError
from tests.unit.codec.registries import InMemorySchemaRegistry
from tests.unit.codec.values import (
    TOPIC_NAMES,
    a_registry,
    body_by_the_oracle,
    example,
    header_of,
    schema_text_of,
)


def an_event() -> GovernanceEvent:
    return cast("GovernanceEvent", example("GovernanceEvent"))


def an_older_schema(lacking: str) -> str:
    schema = json.loads(schema_text_of("GovernanceEvent"))
    schema["fields"] = [field for field in schema["fields"] if field["name"] != lacking]
    return json.dumps(schema)


def test_event_is_written_as_the_oracle_writes_it_and_read_whole_and_in_part() -> None:
    """The header and the body are the registry's and fastavro's; the head is the event's."""
    registry, event = a_registry(), an_event()
    header = header_of(registry, "normalised", "GovernanceEvent")
    value = EventEncoder(header).encode(event)
    assert header + body_by_the_oracle("GovernanceEvent", event) == value
    assert event == EventDecoder(registry).decode(value)
    head = EventHead(event_id=event["event_id"], origin=event["origin"])
    assert head == EventHeadDecoder(registry).decode(value)


def test_encode_refuses_an_event_that_does_not_fit_without_quoting_it() -> None:
    """A number beyond 64 bits is fatal, and is not told."""
    event = an_event()
    event["occurred_at"] = 2**63
    with pytest.raises(FatalError, match="GovernanceEvent") as raised:
        EventEncoder(b"\0\0\0\0\1").encode(event)
    assert str(2**63) not in str(raised.value)


def test_head_is_read_though_the_rest_is_not_there() -> None:
    """Nothing behind the origin is looked at."""
    registry, event = a_registry(), an_event()
    header = header_of(registry, "normalised", "GovernanceEvent")
    value = EventEncoder(header).encode(event)
    decoder = EventHeadDecoder(registry)
    # The provider's id follows the origin.
    end = value.index(b"evt-2", value.index(event["origin"]["pull_id"].encode())) - 1
    assert event["origin"] == decoder.decode(value[:end]).origin
    with pytest.raises(SchemaMismatchError, match="does not decode"):
        decoder.decode(value[: end - 1])


def test_decoders_ask_the_registry_once_for_each_id() -> None:
    """Two values of one id cost one request for each decoder."""
    registry = a_registry()
    value = EventEncoder(header_of(registry, "events", "GovernanceEvent")).encode(an_event())
    registry.requests.clear()
    for decoder in (EventDecoder(registry), EventHeadDecoder(registry)):
        decoder.decode(value)
        decoder.decode(value)
    assert 2 == len(registry.requests)


def test_head_of_our_own_version_needs_no_registry() -> None:
    """Nor does the header under which it is passed on: who runs goes on while it is down."""
    registry = a_registry(an_id_for_each_subject=True)
    headers = [header_of(registry, name, "GovernanceEvent") for name in ("normalised", "events")]
    ids = [int.from_bytes(header[1:], "big") for header in headers]
    decoder = EventHeadDecoder(registry, our_ids=ids)
    translated = event_headers(registry, TOPIC_NAMES)
    registry.requests.clear()
    event = an_event()
    for header in headers:
        head = decoder.decode(EventEncoder(header).encode(event))
        assert EventHead(event_id=event["event_id"], origin=event["origin"]) == head
    assert headers[1] == translated.translate_header(ids[0])
    assert [] == registry.requests


def test_decoders_resolve_an_older_writer() -> None:
    """An event of an older version gets our default for what it lacks; its head is the same."""
    registry, event = a_registry(), an_event()
    older_id = registry.register("older-value", an_older_schema(lacking="attributes"))
    event["attributes"] = {}
    body = body_by_the_oracle("GovernanceEvent", event)
    # `attributes` is the last field, and one byte where it is empty.
    value = b"\0" + older_id.to_bytes(4, "big") + body[:-1]
    assert event == EventDecoder(registry).decode(value)
    assert event["event_id"] == EventHeadDecoder(registry).decode(value).event_id


def test_head_of_an_older_writer_has_our_defaults() -> None:
    """An origin of an older version gets our default for what it lacks."""
    registry, event = a_registry(), an_event()
    older = json.loads(schema_text_of("GovernanceEvent"))
    origin = older["fields"][1]["type"]
    origin["fields"] = [field for field in origin["fields"] if field["name"] != "replay_id"]
    schema_id = registry.register("older-value", json.dumps(older))
    header = b"\0" + schema_id.to_bytes(4, "big")
    value = avro.encode(header, avro.parse(json.dumps(older)), event)
    assert event["origin"] == EventHeadDecoder(registry).decode(value).origin


def test_head_of_a_schema_that_does_not_begin_with_it_is_refused() -> None:
    """A version that breaks the law of the first two fields is never half read."""
    registry = a_registry()
    schema = json.loads(schema_text_of("GovernanceEvent"))
    schema["fields"].append(schema["fields"].pop(0))
    schema_id = registry.register("broken-value", json.dumps(schema))
    value = b"\0" + schema_id.to_bytes(4, "big")
    with pytest.raises(SchemaMismatchError, match=r"begins with \('origin', 'provider_event_id'"):
        EventHeadDecoder(registry).decode(value)


@pytest.mark.parametrize("an_id_for_each_subject", [False, True])
def test_header_is_translated_to_that_of_the_topic_written_to(
    an_id_for_each_subject: bool,  # noqa: FBT001 - a parameter
) -> None:
    """The header is that of the same schema under the other subject, same id or not."""
    registry = a_registry(an_id_for_each_subject=an_id_for_each_subject)
    read_from = header_of(registry, "normalised", "GovernanceEvent")
    written_to = header_of(registry, "events", "GovernanceEvent")
    assert an_id_for_each_subject == (read_from != written_to)
    headers = event_headers(registry, TOPIC_NAMES)
    assert written_to == headers.translate_header(int.from_bytes(read_from[1:], "big"))


def test_header_of_another_version_is_asked_for_once() -> None:
    """An older one is looked up under the subject written to, at the first event of it."""
    registry = a_registry()
    headers = event_headers(registry, TOPIC_NAMES)
    older = an_older_schema(lacking="attributes")
    schema_id = registry.register("test-events-value", older)
    registry.requests.clear()
    expected = b"\0" + schema_id.to_bytes(4, "big")
    assert [expected] * 2 == [headers.translate_header(schema_id) for _ in range(2)]
    assert [f"schema_by_id {schema_id}", "find_id test-events-value"] == registry.requests


def test_header_of_a_schema_that_the_other_subject_lacks_is_refused() -> None:
    """A version that is registered on one side only is not passed on under a wrong id."""
    registry = a_registry()
    headers = event_headers(registry, TOPIC_NAMES)
    schema_id = registry.register("test-normalised-value", an_older_schema(lacking="attributes"))
    with pytest.raises(SchemaMismatchError, match=r"'test-events-value'; run .*topics apply"):
        headers.translate_header(schema_id)


def test_event_headers_refuses_to_start_unregistered() -> None:
    """A missing schema of the topic written to stops the start."""
    with pytest.raises(SchemaMismatchError, match="'test-events-value'; run"):
        event_headers(InMemorySchemaRegistry(), TOPIC_NAMES)
