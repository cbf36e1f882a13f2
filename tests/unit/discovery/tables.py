"""Ledger tables over a scripted reader: topics, plans and messages."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
import pytest

from producer.contract.names import object_message_key
from producer.contract.objects import ObjectOutcome, ObjectVersion
from producer.contract.source import SourceCommand
from producer.contract.status import SourceStatus
from producer.discovery.restoring import LedgerPlan
from producer.discovery.retrying import RetryPolicy
from producer.kafka.member import Owned
from producer.kafka.stages import Committed
from tests.support.stages import (
    FROM_THE_START,
    FakeClock,
    FakeMessage,
    FakeWatermarks,
    ScriptedReader,
)

OBJECTS, OUTCOMES, STATUS, COMMANDS = "objects", "outcomes", "source-status", "commands"
PARTITIONS = 2
CommittedOf = Callable[[Sequence[int]], Mapping[int, Committed]]
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


def from_the_start(partitions: Sequence[int]) -> Mapping[int, Committed]:
    """Let no command be carried out yet."""
    return dict.fromkeys(partitions, FROM_THE_START)


def a_ledger_plan(
    clock: FakeClock,
    on_restored: Callable[[int, float], None] = lambda *_: None,
    committed_of_commands: CommittedOf = from_the_start,
) -> LedgerPlan:
    """Build a plan over two partitions."""
    return LedgerPlan(
        objects=OBJECTS,
        outcomes=OUTCOMES,
        source_status=STATUS,
        commands=COMMANDS,
        partitions=PARTITIONS,
        properties={},
        watermarks=FakeWatermarks().as_watermarks(),
        decode_version=msgspec.json.Decoder(ObjectVersion).decode,
        decode_outcome=msgspec.json.Decoder(ObjectOutcome).decode,
        decode_status=msgspec.json.Decoder(SourceStatus).decode,
        decode_command=msgspec.json.Decoder(SourceCommand).decode,
        committed_of_commands=committed_of_commands,
        group="puller",
        clock=clock,
        retry=RetryPolicy(first_seconds=60, longest_seconds=3600),
        on_restored=on_restored,
    )


class ScriptedTopics:
    """Stands for the class of table readers: each new reader brings its topics as they are now.

    Later records are brought to all readers that are open.
    """

    def __init__(self) -> None:
        self.records: list[FakeMessage] = []
        self._topics: list[tuple[ScriptedReader, set[str]]] = []
        # What a test leaves behind is ended by these.
        self.at_the_end: list[Callable[[], None]] = []
        self.is_pending = False
        self.raises: BaseException | None = None
        self._lock = threading.Lock()

    def publish(self, *records: Record | FakeMessage) -> None:
        """Let records lie in the topics from now on."""
        messages = [each if isinstance(each, FakeMessage) else a_message(each) for each in records]
        with self._lock:
            self.records += messages
            for reader, names in self._topics:
                reader.bring(*_of(names, messages))

    def end_pending(self) -> None:
        """Let the transactions end that readers wait for."""
        with self._lock:
            self.is_pending = False
            for reader in self.readers:
                reader.is_pending = False

    @property
    def readers(self) -> list[ScriptedReader]:
        """All readers that there were, in the order in which they were opened."""
        return [reader for reader, _ in self._topics]

    def __call__(self, *, starts: Mapping[Owned, int], **_: object) -> ScriptedReader:
        with self._lock:
            names = {owned.topic for owned in starts}
            reader = ScriptedReader(_of(names, self.records))
            reader.is_pending, reader.raises = self.is_pending, self.raises
            self._topics.append((reader, names))
            return reader


def _of(names: set[str], messages: Iterable[FakeMessage]) -> list[FakeMessage]:
    return [message for message in messages if message.topic_name in names]


def scripted(monkeypatch: pytest.MonkeyPatch, records: Iterable[Record] = ()) -> ScriptedTopics:
    """Let ledger tables read scripted topics."""
    topics = ScriptedTopics()
    topics.publish(*records)
    monkeypatch.setattr("producer.discovery.restoring.TableReader", topics)
    return topics
