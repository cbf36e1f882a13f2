"""The puller driven as the loop would."""

from typing import NamedTuple

import msgspec

from producer.contract.dead_letter import DeadLetter
from producer.contract.objects import ObjectOutcome, ObjectVersion, Place
from producer.errors import SchemaMismatchError
from producer.kafka.stages import Committed
from producer.puller.limits import Limits
from producer.puller.progress import progress_of, to_metadata
from producer.puller.stage import Pulled, PullerCodecs, PullerStage, PullerTopics
from tests.support.builders import NOW, a_source
from tests.support.stages import (
    FROM_THE_START,
    FakeClock,
    FakeMessage,
    RecordingTransaction,
    has_work_after_a_tick,
    transact,
)
from tests.support.waiting import eventually
from tests.unit.puller.pullers import LIMITS, WatchedStore, a_plan

OBJECTS, RAW, OUTCOMES, DEAD_LETTERS = "objects", "raw", "outcomes", "dead-letters"
CONTENT = b"one\n\ntwo\n" + b"x" * 40 + b"\nthree\nfour\nfive\n"


class Log(NamedTuple):
    """What committed transactions left."""

    raw: list[bytes]
    outcomes: list[ObjectOutcome]
    dead_letters: list[DeadLetter]
    committed: dict[int, Committed]


class Puller:
    """A stage, and the hand that the loop would lay on it."""

    def __init__(self, store: WatchedStore, *, limits: Limits = LIMITS) -> None:
        self.pulled: list[Pulled] = []
        self.known = {"src_acme": a_source()}
        self.clock = FakeClock()
        self.log = Log([], [], [], {})
        self.stage = PullerStage(
            topics=PullerTopics(
                objects=OBJECTS, raw=RAW, outcomes=OUTCOMES, dead_letters=DEAD_LETTERS
            ),
            codecs=PullerCodecs(
                decode_version=decode_version,
                encode_outcome=msgspec.json.encode,
                encode_dead_letter=msgspec.json.encode,
            ),
            plan=a_plan(store, source_of=lambda name: self.known.get(name), limits=limits),  # noqa: PLW0108 - looked up when asked
            clock=self.clock,
            on_committed=self.pulled.append,
        )

    def acquire(self, committed: Committed | None = None, partition: int = 0) -> None:
        """Give a partition at an offset, or where the log says that it stands."""
        at = committed or self.log.committed.get(partition, FROM_THE_START)
        self.stage.acquire(partition, at)
        assert self.stage.is_ready(partition)

    def transact_next(self, *, commits: bool = True) -> RecordingTransaction:
        """Wait until there is work, and run one transaction."""
        eventually(lambda: has_work_after_a_tick(self.stage), every_seconds=0.001)
        transaction = transact(self.stage, commits=commits)
        if commits:
            self.land(transaction)
        return transaction

    def land(self, transaction: RecordingTransaction) -> None:
        """Let what was published, and the offsets, be what the broker holds."""
        log = self.log
        log.raw.extend(transaction.values(RAW))
        decode_outcome = msgspec.json.Decoder(ObjectOutcome).decode
        log.outcomes.extend(map(decode_outcome, transaction.values(OUTCOMES)))
        decode_letter = msgspec.json.Decoder(DeadLetter).decode
        log.dead_letters.extend(map(decode_letter, transaction.values(DEAD_LETTERS)))
        for (topic, partition), (offset, metadata) in transaction.offsets.items():
            assert OBJECTS == topic
            log.committed[partition] = Committed(offset, metadata)

    def pull_all(self, partition: int = 0) -> None:
        """Transact until nothing received is left."""
        while not self.stage.is_drained(partition):
            self.transact_next()


def decode_version(value: bytes) -> ObjectVersion:
    if not value.startswith(b"{"):
        raise SchemaMismatchError("a value starts with another byte")
    return msgspec.json.decode(value, type=ObjectVersion)


def a_record(version: ObjectVersion | None, offset: int = 0) -> FakeMessage:
    return FakeMessage(
        topic_name=OBJECTS,
        offset_number=offset,
        key_bytes=b"src_acme/k1",
        value_bytes=None if version is None else msgspec.json.encode(version),
    )


def half_read(version: ObjectVersion, offset: int) -> Committed:
    place = Place(line=3, blank_lines=1)
    progress = progress_of(version, place=place, started_at=NOW - 9)
    return Committed(offset, to_metadata(progress))
