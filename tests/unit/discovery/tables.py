"""Ledger tables over a scripted reader: topics, plans and messages."""

import threading
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import pytest

from producer.contract.names import object_message_key
from producer.contract.objects import ObjectOutcome, ObjectVersion
from producer.contract.status import SourceStatus
from producer.discovery.restoring import LedgerPlan
from tests.support.stages import FakeClock, FakeMessage, FakeWatermarks, ScriptedReader

OBJECTS, OUTCOMES, STATUS = "objects", "outcomes", "source-status"
PARTITIONS = 2
Record = ObjectVersion | ObjectOutcome | SourceStatus


def a_message(record: Record) -> FakeMessage:
    """Build the message that carries a record."""
    if isinstance(record, SourceStatus):
        topic, key = STATUS, record.source_id
    else:
        topic = OBJECTS if isinstance(record, ObjectVersion) else OUTCOMES
        key = object_message_key(source_id=record.source_id, key=record.key)
    return FakeMessage(
        topic_name=topic, key_bytes=key.encode(), value_bytes=msgspec.json.encode(record)
    )


def a_tombstone(record: Record) -> FakeMessage:
    """Build the message that removes a record."""
    message = a_message(record)
    return FakeMessage(
        topic_name=message.topic_name, key_bytes=message.key_bytes, value_bytes=None
    )


def a_ledger_plan(
    clock: FakeClock, on_restored: Callable[[int, float], None] = lambda *_: None
) -> LedgerPlan:
    """Build a plan over two partitions."""
    return LedgerPlan(
        objects=OBJECTS,
        outcomes=OUTCOMES,
        source_status=STATUS,
        partitions=PARTITIONS,
        properties={},
        watermarks=FakeWatermarks().as_watermarks(),
        decode_version=msgspec.json.Decoder(ObjectVersion).decode,
        decode_outcome=msgspec.json.Decoder(ObjectOutcome).decode,
        decode_status=msgspec.json.Decoder(SourceStatus).decode,
        clock=clock,
        on_restored=on_restored,
    )


class ScriptedTopics:
    """Stands for the class of table readers: each new reader brings the topics as they are now.

    Later records are brought to all readers that are open.
    """

    def __init__(self) -> None:
        self.records: list[FakeMessage] = []
        self.readers: list[ScriptedReader] = []
        self.is_pending = False
        self.raises: BaseException | None = None
        self._lock = threading.Lock()

    def publish(self, *records: Record | FakeMessage) -> None:
        """Let records lie in the topics from now on."""
        messages = [each if isinstance(each, FakeMessage) else a_message(each) for each in records]
        with self._lock:
            self.records += messages
            for reader in self.readers:
                reader.bring(*messages)

    def __call__(self, **_: Any) -> ScriptedReader:  # noqa: ANN401 - what the real one takes
        with self._lock:
            reader = ScriptedReader(self.records)
            reader.is_pending, reader.raises = self.is_pending, self.raises
            self.readers.append(reader)
            return reader


def scripted(monkeypatch: pytest.MonkeyPatch, records: Iterable[Record] = ()) -> ScriptedTopics:
    """Let ledger tables read scripted topics."""
    topics = ScriptedTopics()
    topics.publish(*records)
    monkeypatch.setattr("producer.discovery.restoring.TableReader", topics)
    return topics
