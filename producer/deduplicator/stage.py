"""The deduplicator as a stage of the loop."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from producer.clock import Clock
from producer.deduplicator.decision import (
    Owner,
    Verdict,
    claim_of,
    id_digest,
    judge,
    owner_after,
)
from producer.deduplicator.restoring import Restoration, RestorationPlan
from producer.deduplicator.store import SWEEP_PARTS, IdStore
from producer.errors import BrokerUnavailableError, SchemaMismatchError
from producer.kafka.member import Owned
from producer.kafka.stages import Committed, Message, unreadable
from producer.kafka.transactions import Transaction

# Every so often the store is told how far it knows the topic, so that a restart need not read more
# than this; and a part of it is swept.
_TENDING_SECONDS = 60.0
# A clock that was fast for a while must not make the store forget what it would need then.
_SPARE_MILLISECONDS = 2 * 86_400_000


class _Partition:
    """What is held for one partition between `acquire` and `release`."""

    def __init__(self, restoration: Restoration) -> None:
        self.restoration = restoration
        self.inbox: list[Message] = []
        # Owners that the open transaction would make; known only once it is committed.
        self.overlay: dict[bytes, Owner] = {}
        # The end of the events partition, as asked for after the last commit.
        self.end: int | None = None

    @property
    def store(self) -> IdStore:
        """The restored store."""
        assert self.restoration.store is not None
        return self.restoration.store


class DeduplicatorStage:
    """Passes on the first event of each id, byte for byte but for the schema's id."""

    def __init__(  # noqa: PLR0913 - what it is put together from
        self,
        *,
        topic: str,
        plan: RestorationPlan,
        open_store: Callable[[int], IdStore],
        translate_header: Callable[[bytes], bytes],
        clock: Clock,
        on_committed: Callable[[Mapping[Verdict, int]], None],
    ) -> None:
        self.topic = topic
        self._plan = plan
        self._open_store = open_store
        self._translate_header = translate_header
        self._clock = clock
        self._on_committed = on_committed
        self._partitions: dict[int, _Partition] = {}
        self._verdicts: Counter[Verdict] = Counter()
        self._tended_at = clock.steady()

    def acquire(self, partition: int, committed: Committed) -> None:
        """Begin to restore the partition's ids."""
        del committed
        self._partitions[partition] = _Partition(
            Restoration(self._plan, partition, lambda: self._open_store(partition))
        )

    def is_ready(self, partition: int) -> bool:
        """Whether the ids are restored."""
        return self._partitions[partition].restoration.is_done()

    def receive(self, partition: int, messages: Sequence[Message]) -> None:
        """Keep the messages for the next transaction."""
        self._partitions[partition].inbox.extend(messages)

    def wants_more(self, partition: int) -> bool:
        """Always: each step's messages go into the next transaction."""
        del partition
        return True

    def is_drained(self, partition: int) -> bool:
        """Whether nothing waits for a transaction."""
        return not self._partitions[partition].inbox

    def tick(self) -> None:
        """Nothing goes on beside the loop that would not show in `has_work`."""

    def has_work(self) -> bool:
        """Whether there are messages to judge."""
        return any(held.inbox for held in self._partitions.values())

    def contribute(self, transaction: Transaction) -> None:
        """Judge what was received and publish what passes."""
        self._verdicts.clear()
        for partition, held in self._partitions.items():
            if held.inbox:
                self._judge_all(transaction, partition, held)
                transaction.advance(self.topic, partition, offset=held.inbox[-1].offset() + 1)

    def committed(self) -> None:
        """Remember the new owners: their events are known to be published."""
        for held in self._partitions.values():
            if held.overlay or held.end is not None:
                held.store.write(held.overlay, checkpoint=held.end)
            held.inbox, held.overlay, held.end = [], {}, None
        if self._verdicts:
            self._on_committed(dict(self._verdicts))
            self._verdicts.clear()
        if self._clock.steady() - self._tended_at > _TENDING_SECONDS:
            self._tended_at = self._clock.steady()
            self._sweep()
            self._ask_for_ends()

    def release(self, partition: int) -> None:
        """Forget the partition; its store stays on disk."""
        held = self._partitions.pop(partition)
        held.restoration.cancel()

    def close(self) -> None:
        """Nothing is held for no partition."""

    def _judge_all(self, transaction: Transaction, partition: int, held: _Partition) -> None:
        now, window = self._clock.now() // 1000, self._plan.window
        digests = [id_digest(message.key() or b"") for message in held.inbox]
        known = held.store.owners(digests)
        overlay = held.overlay = {}
        for message, digest, stored in zip(held.inbox, digests, known, strict=True):
            value: Any = message.value() or b""
            try:
                claim = claim_of(self._plan.origin_of(value))
                owner = overlay.get(digest, stored)
                verdict = judge(owner, claim, now=now, window=window)
                self._verdicts[verdict] += 1
                if verdict is Verdict.SUPPRESSED:
                    continue
                passed_on = self._translate_header(value)
            except SchemaMismatchError as error:
                raise unreadable(message, error) from error
            overlay[digest] = owner_after(verdict, owner, claim, now=now)
            transaction.publish(
                topic=self._plan.topic,
                key=message.key() or b"",
                value=passed_on,
                partition=partition,
            )

    def _sweep(self) -> None:
        """Forget old ids in the part whose turn it is; all have had theirs in a day and a half."""
        now = self._clock.now() // 1000
        part = now // round(_TENDING_SECONDS * 1000) % SWEEP_PARTS
        published_before = now - self._plan.window - _SPARE_MILLISECONDS
        for held in self._ready().values():
            held.store.sweep(part, published_before=published_before)

    def _ask_for_ends(self) -> None:
        """Ask how far the topic reaches: checkpoints, once the next commit is known to be one.

        All that lies there is ours or was restored, unless the group went on without us and
        somebody else has published meanwhile. A later commit with an offset of this stage's topic
        proves that it had not; no other does, since each topic has a member of its own.
        """
        ready = self._ready()
        try:
            ends = self._plan.watermarks.once().high(list(ready))
        except BrokerUnavailableError:
            # A restart reads a little more.
            return
        for owned, end in ends.items():
            ready[owned].end = end

    def _ready(self) -> dict[Owned, _Partition]:
        return {
            Owned(self._plan.topic, partition): held
            for partition, held in self._partitions.items()
            if held.restoration.is_done()
        }
