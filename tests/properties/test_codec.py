"""Codecs against fastavro as the oracle, and against bytes that nobody wrote."""

import io
from collections.abc import Callable
from typing import Any

import fastavro
import msgspec
from hypothesis import given
from hypothesis import strategies as st

from producer.codec.events import EventDecoder, EventEncoder, EventHead, EventHeadDecoder
from producer.codec.models import ModelCodec
from producer.codec.raw_lines import RawLineDecoder, RawLineEncoder
from producer.codec.schemas import parsed, topic_definitions
from producer.contract.dead_letter import DeadLetter
from producer.contract.objects import ObjectOutcome, ObjectVersion, Outcome, Reason
from producer.contract.raw import RawLine
from producer.contract.source import CommandKind, Include, IngestionSource, SourceCommand
from producer.contract.status import SourceStatus, Status
from producer.errors import SchemaMismatchError
from tests.unit.codec.values import a_registry, body_by_the_oracle, header_of

REGISTRY = a_registry()
HEADERS = {
    topic.schema: header_of(REGISTRY, topic.name, topic.schema) for topic in topic_definitions()
}
LONGS = st.integers(-(2**63), 2**63 - 1)
INTS = st.integers(-(2**31), 2**31 - 1)
# What UTF-8 can write: all but halves of surrogate pairs.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
PRIMITIVES: dict[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": INTS,
    "long": LONGS,
    "string": TEXTS,
    "bytes": st.binary(max_size=30),
}
# Texts that stand for a closed list in the models.
CHOICES: dict[tuple[str, str], st.SearchStrategy[Any]] = {
    ("Failure", "kind"): st.sampled_from(["undecodable", "rule_failed"]),
    ("ObjectOutcome", "outcome"): st.sampled_from([*Outcome]),
    ("ObjectOutcome", "reason"): st.none() | st.sampled_from([*Reason]),
    ("SourceCommand", "kind"): st.sampled_from([*CommandKind]),
    ("SourceStatus", "status"): st.sampled_from([*Status]),
}


def values_of(schema: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 - any node of a schema
    """Give any value of a schema."""
    match schema:
        case str():
            return PRIMITIVES[schema]
        case list():
            return st.one_of([values_of(branch) for branch in schema])
        case {"type": "record"}:
            record = schema["name"].rpartition(".")[2]
            return st.fixed_dictionaries(
                {
                    field["name"]: CHOICES.get((record, field["name"]), values_of(field["type"]))
                    for field in schema["fields"]
                }
            )
        case {"type": "array"}:
            return st.lists(values_of(schema["items"]), max_size=3)
        case {"type": "map"}:
            return st.dictionaries(TEXTS, values_of(schema["values"]), max_size=3)
        case _:
            return values_of(schema["type"])


LINES = st.binary(max_size=100) | st.binary(min_size=8180, max_size=8200)
NUMBERS = st.integers(1, 2**63 - 1) | st.integers(1, 20_000)
RAW_LINES = values_of(parsed("RawLine"))
EVENTS = values_of(parsed("GovernanceEvent"))


def an_encoder(fields: dict[str, Any]) -> RawLineEncoder:
    constant = {name: fields[name] for name in fields if name not in ("line_number", "line")}
    return RawLineEncoder(
        HEADERS["RawLine"], **constant | {"include": Include(**fields["include"])}
    )


@given(RAW_LINES, NUMBERS, LINES)
def test_raw_line_encoder_writes_what_the_oracle_writes(
    fields: dict[str, Any], number: int, line: bytes
) -> None:
    """Every raw record is byte for byte that of fastavro, one at a time and in a batch."""
    fields |= {"line_number": number, "line": line}
    expected = HEADERS["RawLine"] + body_by_the_oracle("RawLine", fields)
    encoder = an_encoder(fields)
    assert expected == encoder.encode(number, line)
    assert [expected] * 2 == encoder.encode_all([(number, line)] * 2)


@given(st.lists(st.tuples(RAW_LINES, NUMBERS, LINES), min_size=1, max_size=4), st.data())
def test_raw_line_decoder_reads_what_the_oracle_wrote(
    records: list[tuple[dict[str, Any], int, bytes]], data: st.DataObject
) -> None:
    """Records of some objects in any order are read as written, known beginning or new."""
    decoder = RawLineDecoder(HEADERS["RawLine"], registry=REGISTRY)
    written = [fields | {"line_number": n, "line": line} for fields, n, line in records]
    order = st.lists(st.sampled_from(written), min_size=1, max_size=12)
    for fields in data.draw(order):
        value = HEADERS["RawLine"] + body_by_the_oracle("RawLine", fields)
        expected = msgspec.convert(fields, RawLine, builtin_types=(bytes,))
        assert expected == decoder.decode(value)


@given(RAW_LINES, st.binary(max_size=20), st.integers(0, 200), st.binary(max_size=5))
def test_raw_line_decoder_reads_damaged_bytes_as_the_oracle_does(
    fields: dict[str, Any], line: bytes, start: int, damage: bytes
) -> None:
    """Bytes written over make a mismatch, or what fastavro reads; never another error."""
    decoder = RawLineDecoder(HEADERS["RawLine"], registry=REGISTRY)
    value = an_encoder(fields).encode(1, line)
    decoder.decode(value)
    at = min(start + len(HEADERS["RawLine"]), len(value))
    damaged = value[:at] + damage + value[at + len(damage) :]
    try:
        decoded = decoder.decode(damaged)
    except SchemaMismatchError:
        return
    buffer = io.BytesIO(damaged[len(HEADERS["RawLine"]) :])
    expected = fastavro.schemaless_reader(buffer, parsed("RawLine"), None)
    assert expected == msgspec.to_builtins(decoded, builtin_types=(bytes,))


@given(EVENTS)
def test_event_is_read_as_it_was_written_whole_and_in_part(event: Any) -> None:  # noqa: ANN401
    """Every event comes back; its head is its first two fields."""
    value = EventEncoder(HEADERS["GovernanceEvent"]).encode(event)
    assert event == EventDecoder(REGISTRY).decode(value)
    expected = EventHead(event_id=event["event_id"], origin=event["origin"])
    assert expected == EventHeadDecoder(REGISTRY).decode(value)


@given(st.data())
def test_model_is_read_as_it_was_written(data: st.DataObject) -> None:
    """Every model of every topic comes back, and is written as fastavro writes it."""
    models: list[type[msgspec.Struct]] = [
        DeadLetter,
        IngestionSource,
        ObjectOutcome,
        ObjectVersion,
        SourceCommand,
        SourceStatus,
    ]
    for model in models:
        name = model.__name__
        fields = data.draw(values_of(parsed(name)))
        built = msgspec.convert(fields, model, builtin_types=(bytes,))
        schema_id = int.from_bytes(HEADERS[name][1:], "big")
        codec = ModelCodec(model, schema_id=schema_id, registry=REGISTRY)
        value = codec.encode(built)
        assert HEADERS[name] + body_by_the_oracle(name, fields) == value
        assert built == codec.decode(value)


def decoders() -> list[Callable[[bytes], object]]:
    """Build one of each kind."""
    return [
        RawLineDecoder(HEADERS["RawLine"], registry=REGISTRY).decode,
        EventDecoder(REGISTRY).decode,
        EventHeadDecoder(REGISTRY).decode,
        ModelCodec(DeadLetter, schema_id=1, registry=REGISTRY).decode,
    ]


@given(st.sampled_from(sorted(HEADERS)), st.binary(max_size=200), st.booleans())
def test_any_bytes_are_a_value_or_a_mismatch(schema: str, body: bytes, is_framed: bool) -> None:  # noqa: FBT001
    """No decoder raises anything but a mismatch, whatever lies in the topic."""
    value = HEADERS[schema] + body if is_framed else body
    for decode in decoders():
        try:
            decode(value)
        except SchemaMismatchError:
            continue
