"""The puller as a stage of the loop."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from producer.clock import Clock
from producer.contract.dead_letter import DeadLetter
from producer.contract.names import object_message_key
from producer.contract.objects import ObjectOutcome, ObjectVersion
from producer.errors import SchemaMismatchError
from producer.kafka.stages import Committed, Message, unreadable
from producer.kafka.transactions import Transaction
from producer.puller.progress import Progress, from_metadata, superseded, to_metadata
from producer.puller.pulling import PartitionPuller, Piece, PullingPlan, Task
from producer.puller.waiting import WAITING_MAX


@dataclass(frozen=True, kw_only=True)
class PullerTopics:
    """Full names of the topics that the puller reads and writes."""

    objects: str
    raw: str
    outcomes: str
    dead_letters: str


@dataclass(frozen=True, kw_only=True)
class PullerCodecs:
    """How the puller's messages are read and written."""

    decode_version: Callable[[bytes], ObjectVersion]
    encode_outcome: Callable[[ObjectOutcome], bytes]
    encode_dead_letter: Callable[[DeadLetter], bytes]


@dataclass(kw_only=True)
class Pulled:
    """What one committed transaction held, for those who count."""

    outcomes: list[ObjectOutcome] = field(default_factory=list)
    lines: Counter[str] = field(default_factory=Counter)
    read_bytes: int = 0


@dataclass(kw_only=True)
class _Partition:
    """What is held for one partition between `acquire` and `release`."""

    puller: PartitionPuller
    resumed: Progress | None
    committed_offset: int
    waiting: int = 0
    # What the open transaction would finish.
    finishing: int = 0


class PullerStage:
    """Publishes one object a partition at a time, in chunks, with the place in the offset."""

    def __init__(
        self,
        *,
        topics: PullerTopics,
        codecs: PullerCodecs,
        plan: PullingPlan,
        clock: Clock,
        on_committed: Callable[[Pulled], None],
    ) -> None:
        self.topic = topics.objects
        self._topics = topics
        self._codecs = codecs
        self._plan = plan
        self._clock = clock
        self._on_committed = on_committed
        self._partitions: dict[int, _Partition] = {}
        # Outcomes of half-read versions whose record compaction removed, by partition, and the
        # offset at which the partition goes on.
        self._superseded: dict[int, tuple[ObjectOutcome, int]] = {}
        self._pulled = Pulled()

    def acquire(self, partition: int, committed: Committed) -> None:
        """Begin where the last owner left off, inside an object perhaps."""
        # First, since it may raise: a thread once begun must be cancelled.
        resumed = from_metadata(committed.metadata)
        self._partitions[partition] = _Partition(
            puller=PartitionPuller(self._plan, partition),
            resumed=resumed,
            committed_offset=committed.offset,
        )

    def is_ready(self, partition: int) -> bool:
        """At once: the offset and its metadata are all that there is to restore."""
        del partition
        return True

    def receive(self, partition: int, messages: Sequence[Message]) -> None:
        """Line the versions up behind the one being pulled."""
        held = self._partitions[partition]
        for message in messages:
            held.waiting += 1
            value = message.value()
            try:
                version = None if value is None else self._codecs.decode_version(value)
            except SchemaMismatchError as error:
                raise unreadable(message, error) from error
            resumed = self._claim_place(partition, held, message.offset(), version)
            if version is None:
                # Nobody of ours writes tombstones here; one stands for nothing to pull.
                held.puller.skip(message.offset())
                continue
            held.puller.submit(Task(offset=message.offset(), version=version, resumed=resumed))

    def wants_more(self, partition: int) -> bool:
        """Whether fewer versions wait than are held in memory."""
        return self._partitions[partition].waiting < WAITING_MAX

    def is_drained(self, partition: int) -> bool:
        """Whether no version is unfinished, nor a place unclaimed."""
        held = self._partitions[partition]
        return not held.waiting and held.resumed is None and partition not in self._superseded

    def tick(self) -> None:
        """Raise what went wrong in a thread, however much the others bring."""
        for held in self._partitions.values():
            held.puller.check()

    def has_work(self) -> bool:
        """Whether a chunk is ready."""
        return bool(self._superseded) or any(
            held.puller.has_piece() for held in self._partitions.values()
        )

    def contribute(self, transaction: Transaction) -> None:
        """Publish what is ready, a chunk's size a partition at most, with the place reached."""
        self._pulled = Pulled()
        for partition, (outcome, offset) in self._superseded.items():
            self._publish_outcome(transaction, partition, outcome)
            transaction.advance(self.topic, partition, offset=offset)
        for partition, held in self._partitions.items():
            held.finishing = 0
            self._publish_ready(transaction, partition, held)

    def committed(self) -> None:
        """Learn what is finished."""
        self._superseded.clear()
        for held in self._partitions.values():
            held.waiting -= held.finishing
            held.finishing = 0
        if self._pulled.outcomes or self._pulled.lines:
            self._on_committed(self._pulled)
        self._pulled = Pulled()

    def release(self, partition: int) -> None:
        """Stop reading; the successor reads again from the committed place."""
        self._superseded.pop(partition, None)
        held = self._partitions.pop(partition, None)
        # Nothing is held of a partition whose place could not be read.
        if held is not None:
            held.puller.cancel()

    def close(self) -> None:
        """Nothing is held for no partition."""

    def _claim_place(
        self, partition: int, held: _Partition, offset: int, version: ObjectVersion | None
    ) -> Progress | None:
        """Believe the place only if this is the record that it was written for."""
        progress, held.resumed = held.resumed, None
        if progress is None:
            return None
        is_at_offset = offset == held.committed_offset
        if is_at_offset and version is not None and progress.is_of(version):
            return progress
        outcome = superseded(progress, finished_at=self._clock.now())
        self._superseded[partition] = (outcome, offset)
        return None

    def _publish_ready(self, transaction: Transaction, partition: int, held: _Partition) -> None:
        limits, lines, size = self._plan.limits, 0, 0
        while lines < limits.chunk_lines and size < limits.chunk_bytes:
            piece = held.puller.take()
            if piece is None:
                return
            lines += len(piece.raw)
            size += sum(map(len, piece.raw))
            self._publish(transaction, partition, held, piece)

    def _publish(
        self, transaction: Transaction, partition: int, held: _Partition, piece: Piece
    ) -> None:
        key = object_message_key(source_id=piece.source_id, key=piece.key).encode()
        # Raw, dead letters and outcomes have the key, and so the partition, of the objects topic.
        transaction.publish_all(
            topic=self._topics.raw, key=key, values=piece.raw, partition=partition
        )
        for letter in piece.dead_letters:
            transaction.publish(
                topic=self._topics.dead_letters,
                key=key,
                value=self._codecs.encode_dead_letter(letter),
                partition=partition,
            )
        if piece.outcome is not None:
            held.finishing += 1
            self._publish_outcome(transaction, partition, piece.outcome)
            transaction.advance(self.topic, partition, offset=piece.offset + 1)
        elif piece.progress is not None:
            transaction.advance(
                self.topic, partition, offset=piece.offset, metadata=to_metadata(piece.progress)
            )
        else:
            held.finishing += 1
            transaction.advance(self.topic, partition, offset=piece.offset + 1)
        self._pulled.lines["raw"] += len(piece.raw)
        self._pulled.lines["blank"] += piece.blank_lines
        self._pulled.lines["dead_letter"] += sum(letter.lines for letter in piece.dead_letters)
        self._pulled.read_bytes += piece.read_bytes

    def _publish_outcome(
        self, transaction: Transaction, partition: int, outcome: ObjectOutcome
    ) -> None:
        key = object_message_key(source_id=outcome.source_id, key=outcome.key).encode()
        transaction.publish(
            topic=self._topics.outcomes,
            key=key,
            value=self._codecs.encode_outcome(outcome),
            partition=partition,
        )
        self._pulled.outcomes.append(outcome)
