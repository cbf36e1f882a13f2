"""The normaliser as the loop runs it: each raw record becomes something, or the process stops."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.codec.events import EventDecoder, EventEncoder
from producer.codec.models import build_codecs
from producer.codec.raw_lines import RawLineDecoder, RawLineEncoder
from producer.contract.dead_letter import DeadLetter, FailureKind
from producer.errors import SchemaMismatchError
from producer.normaliser.stage import (
    NormalisedCounts,
    NormaliserCodecs,
    NormaliserStage,
    NormaliserTopics,
)
from tests.support.builders import a_raw_line
from tests.support.stages import (
    FROM_THE_START,
    FakeMessage,
    RecordingTransaction,
    transact,
)
from tests.unit.codec.values import TOPIC_NAMES, a_registry, header_of

RAW, NORMALISED = TOPIC_NAMES["raw"], TOPIC_NAMES["normalised"]
DEAD_LETTERS = TOPIC_NAMES["dead-letters"]
GOOD = a_raw_line().line
BAD = b'{"event_id": "secret-of-a-person"'
REGISTRY = a_registry()
HEADER = header_of(REGISTRY, "raw", "RawLine")


class Normaliser:
    """A stage that owns partition 0."""

    def __init__(self, on_committed: Callable[[NormalisedCounts], None] | None = None) -> None:
        self.counts: list[NormalisedCounts] = []
        self.letters = build_codecs(REGISTRY, TOPIC_NAMES).dead_letters
        event = header_of(REGISTRY, "normalised", "GovernanceEvent")
        self.stage = NormaliserStage(
            topics=NormaliserTopics(raw=RAW, normalised=NORMALISED, dead_letters=DEAD_LETTERS),
            codecs=NormaliserCodecs(
                decode_raw=RawLineDecoder(HEADER, registry=REGISTRY).decode,
                encode_event=EventEncoder(event).encode,
                encode_dead_letter=self.letters.encode,
            ),
            partition_of=len,
            on_committed=on_committed or self.counts.append,
        )
        self.stage.acquire(0, FROM_THE_START)
        assert self.stage.is_ready(0)

    def normalise(self, *lines: bytes, commits: bool = True) -> RecordingTransaction:
        """Run lines through one transaction."""
        self.stage.receive(0, [a_record(line, offset) for offset, line in enumerate(lines)])
        return transact(self.stage, commits=commits)

    def letters_in(self, transaction: RecordingTransaction) -> list[DeadLetter]:
        """The dead letters of a transaction."""
        return [self.letters.decode(value) for value in transaction.values(DEAD_LETTERS)]


def a_record(line: bytes, offset: int = 0) -> FakeMessage:
    raw = a_raw_line(line=line, line_number=offset + 1)
    constant: dict[str, Any] = {
        name: getattr(raw, name)
        for name in raw.__struct_fields__
        if name not in {"line", "line_number"}
    }
    value = RawLineEncoder(HEADER, **constant).encode(raw.line_number, raw.line)
    return FakeMessage(topic_name=RAW, offset_number=offset, value_bytes=value)


VALUE = a_record(BAD).value() or b""


def test_event_is_published_under_its_id() -> None:
    """Its partition follows from that key, whatever the object's."""
    (message,) = Normaliser().normalise(GOOD).published

    key = b"openai_compliance:src_acme:evt-1"
    assert (NORMALISED, key, len(key)) == (
        message.topic,
        message.key,
        message.partition,
    )
    event = EventDecoder(REGISTRY).decode(message.value)
    assert ("evt-1", 1, "pull-1") == (
        event["provider_event_id"],
        event["origin"]["line"],
        event["origin"]["pull_id"],
    )


def test_line_that_is_no_event_is_a_dead_letter() -> None:
    """Under the object's key, in its partition; the good lines beside it pass."""
    normaliser = Normaliser()

    transaction = normaliser.normalise(GOOD, BAD, GOOD)

    assert 2 == len(transaction.values(NORMALISED))
    (letter,) = normaliser.letters_in(transaction)
    assert (2, BAD, FailureKind.UNDECODABLE) == (
        letter.line_number,
        letter.payload,
        letter.failures[0].kind,
    )
    (message,) = [each for each in transaction.published if each.topic == DEAD_LETTERS]
    assert (b"src_acme/compliance/2026-06-01.jsonl.gz", 0) == (message.key, message.partition)
    assert {(RAW, 0): (3, "")} == transaction.offsets


def test_line_of_several_documents_gives_each_its_own() -> None:
    """It counts once, as one with events."""
    normaliser = Normaliser()

    transaction = normaliser.normalise(GOOD + b" " + GOOD + b" [1]")

    assert 2 == len(transaction.values(NORMALISED))
    assert [2] == [letter.index for letter in normaliser.letters_in(transaction)]
    (counts,) = normaliser.counts
    assert (1, 1, 2, 1) == (
        counts.records,
        counts.records_with_events,
        counts.events,
        counts.dead_letters.total(),
    )


def test_transaction_that_was_not_committed_counts_nothing() -> None:
    """Its records go into the next one, and make the same of it, byte for byte."""
    normaliser = Normaliser()

    lost = normaliser.normalise(GOOD, BAD, commits=False)
    assert [] == normaliser.counts
    assert not normaliser.stage.is_drained(0)
    again = transact(normaliser.stage)

    assert lost.published == again.published
    assert [2] == [counts.records for counts in normaliser.counts]
    assert normaliser.stage.is_drained(0)
    assert not normaliser.stage.has_work()


def test_released_partition_publishes_nothing_more() -> None:
    """Whoever has it now reads its records again."""
    normaliser = Normaliser()
    normaliser.stage.receive(0, [a_record(GOOD)])

    normaliser.stage.release(0)

    assert not normaliser.stage.has_work()


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"\x01" + VALUE[1:], id="another magic byte"),
        pytest.param(VALUE[:-1], id="cut off"),
        pytest.param(VALUE + b"x", id="too long"),
        pytest.param(HEADER + b"secret-of-a-person", id="no raw record"),
        pytest.param(b"\0\0\0\xff\xff" + BAD, id="unknown schema"),
        pytest.param(BAD, id="no frame"),
        pytest.param(b"", id="empty"),
        pytest.param(None, id="tombstone"),
    ],
)
def test_value_that_is_no_raw_record_stops_the_process(value: bytes | None) -> None:
    """The puller alone writes there, so this is no bad data; where it lies is told, no content."""
    normaliser = Normaliser()
    bad = FakeMessage(topic_name=RAW, offset_number=7, value_bytes=value)
    normaliser.stage.receive(0, [a_record(GOOD, 6), bad])

    with pytest.raises(SchemaMismatchError, match=f"offset 7 of partition 0 of '{RAW}'") as raised:
        transact(normaliser.stage)

    told = str(raised.value) + str(raised.value.__cause__)
    assert "secret" not in told
    assert [] == normaliser.counts


@given(st.lists(st.binary(min_size=1) | st.just(GOOD) | st.just(BAD), min_size=1, max_size=20))
def test_every_raw_record_is_accounted_for(lines: list[bytes]) -> None:
    """Whatever its bytes are: as one or more events, as dead letters, or as both."""
    normaliser = Normaliser()

    transaction = normaliser.normalise(*lines)

    numbers = {letter.line_number for letter in normaliser.letters_in(transaction)}
    decoder = EventDecoder(REGISTRY)
    numbers |= {
        decoder.decode(value)["origin"]["line"] for value in transaction.values(NORMALISED)
    }
    assert set(range(1, len(lines) + 1)) == numbers
    (counts,) = normaliser.counts
    assert (len(lines), len(transaction.values(NORMALISED))) == (counts.records, counts.events)
    assert len(transaction.values(DEAD_LETTERS)) == counts.dead_letters.total()
