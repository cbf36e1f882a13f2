"""A deduplicator over scripted topics and a real store: what it publishes lies in a log."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from producer.deduplicator.decision import Verdict, id_digest
from producer.deduplicator.restoring import RestorationPlan
from producer.deduplicator.stage import DeduplicatorStage
from producer.deduplicator.store import IdStore
from producer.kafka.member import Owned
from tests.support.builders import an_origin
from tests.support.stages import (
    FROM_THE_START,
    FakeClock,
    FakeMessage,
    FakeWatermarks,
    RecordingTransaction,
    ScriptedReader,
    transact,
)
from tests.support.waiting import eventually

EVENTS, NORMALISED = "governance-events", "normalised"
WINDOW_SECONDS = 35 * 86_400


class ScriptedEvents:
    """The partitions of events, and the class of readers of them."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.watermarks = FakeWatermarks()
        self.readers: list[ScriptedReader] = []
        self.starts: list[int] = []
        self.is_pending = False
        self.raises: BaseException | None = None
        self._logs: dict[int, list[FakeMessage]] = {}

    def log(self, partition: int = 0) -> list[FakeMessage]:
        """All that lies in a partition."""
        return self._logs.setdefault(partition, [])

    def append(self, key: bytes, value: bytes, *, partition: int = 0) -> None:
        """Let an event lie in a partition, published now."""
        log = self.log(partition)
        log.append(
            FakeMessage(
                topic_name=EVENTS,
                partition_index=partition,
                offset_number=len(log),
                key_bytes=key,
                value_bytes=value,
                published_at=self.clock.now() // 1000,
            )
        )
        self.watermarks.ends[Owned(EVENTS, partition)] = len(log)

    def __call__(self, *, starts: Mapping[Owned, int], **_: Any) -> ScriptedReader:  # noqa: ANN401 - what the real one takes
        ((owned, start),) = starts.items()
        reader = ScriptedReader(self.log(owned.partition)[start:], position=start)
        reader.is_pending, reader.raises = self.is_pending, self.raises
        self.readers.append(reader)
        self.starts.append(start)
        return reader


class Deduplicator:
    """A stage, and the hand that the loop would lay on it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, directory: Path) -> None:
        self.clock = FakeClock()
        self.events = ScriptedEvents(self.clock)
        self.directory = directory
        self.counts: Counter[Verdict] = Counter()
        self.restored: list[tuple[int, int]] = []
        self._offset = 0
        monkeypatch.setattr("producer.deduplicator.restoring.TableReader", self.events)
        self.stage = DeduplicatorStage(
            topic=NORMALISED,
            plan=RestorationPlan(
                topic=EVENTS,
                properties={},
                watermarks=self.events.watermarks.as_watermarks(),
                window=WINDOW_SECONDS * 1000,
                origin_of=msgspec.json.decode,
                clock=self.clock,
                on_restored=lambda partition, events, _: self.restored.append((partition, events)),
            ),
            open_store=self._open,
            translate_header=lambda value: value + b" ",
            clock=self.clock,
            on_committed=self.counts.update,
        )

    def acquire(self, partition: int = 0) -> None:
        """Give a partition, and wait until it is ready."""
        self.stage.acquire(partition, FROM_THE_START)
        eventually(lambda: self.stage.is_ready(partition), every_seconds=0.002)

    def take_up_again(self) -> None:
        """Lose the partition and get it back, as after anything but a clean commit."""
        self.stage.release(0)
        self.acquire()

    def judge(self, *messages: FakeMessage, partition: int = 0) -> list[bytes]:
        """Run messages through a transaction that is committed; give what was published."""
        self.stage.receive(partition, messages)
        transaction = transact(self.stage)
        self.land(transaction)
        return transaction.values(EVENTS)

    def land(self, transaction: RecordingTransaction) -> None:
        """Let what a transaction published lie in the topic."""
        for message in transaction.published:
            self.events.append(message.key, message.value, partition=message.partition)

    def message(self, event: str = "evt-1", **origin: Any) -> FakeMessage:  # noqa: ANN401 - any field's value
        """Build the next message of the normaliser."""
        self._offset += 1
        return FakeMessage(
            topic_name=NORMALISED,
            offset_number=self._offset,
            key_bytes=event.encode(),
            value_bytes=value_of(**origin),
        )

    def knows(self, event: str) -> bool:
        """Whether the store, which must be released, holds an id."""
        store = self._open(0)
        try:
            return store.owners([id_digest(event.encode())]) != [None]
        finally:
            store.close()

    def checkpoint(self) -> int | None:
        """How far the store, which must be released, knows the topic."""
        store = self._open(0)
        try:
            return store.checkpoint
        finally:
            store.close()

    def _open(self, partition: int) -> IdStore:
        return IdStore(
            self.directory / f"{partition}",
            identity=f"cluster topic {partition}",
            window_seconds=WINDOW_SECONDS,
        )


def value_of(**origin: Any) -> bytes:  # noqa: ANN401 - any field's value
    """Build a value of which only the origin is looked at."""
    return msgspec.json.encode(an_origin(**origin))
