"""Rebuilding a partition's ids from `governance-events`, in a thread beside the loop.

Begun only after the partition's stable committed offset was fetched, and read to the high
watermark as it is then (`producer.kafka.tables` says why).
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from producer.clock import Clock
from producer.deduplicator.decision import Owner, claim_of, id_digest, owner_restored
from producer.deduplicator.store import IdStore
from producer.kafka.configuration import Properties
from producer.kafka.member import Owned
from producer.kafka.stages import Message
from producer.kafka.tables import TableReader, Watermarks

_BATCH_EVENTS = 1000


@dataclass(frozen=True, kw_only=True)
class RestorationPlan:
    """What a restoration needs to know, for any partition."""

    topic: str
    properties: Properties
    watermarks: Watermarks
    window: int
    origin_of: Callable[[bytes], Mapping[str, Any]]
    clock: Clock
    on_restored: Callable[[int, int, float], None]


class Restoration:
    """Brings one partition's store up to date. The store is its own until `is_done`."""

    def __init__(
        self, plan: RestorationPlan, partition: int, open_store: Callable[[], IdStore]
    ) -> None:
        self._plan = plan
        self._owned = Owned(plan.topic, partition)
        self._open_store = open_store
        self._cancelled = threading.Event()
        self._raised: BaseException | None = None
        self.store: IdStore | None = None
        self._thread = threading.Thread(target=self._run, name=f"restore-{partition}", daemon=True)
        self._thread.start()

    def is_done(self) -> bool:
        """Whether the store is ready; raises what went wrong in the thread."""
        if self._thread.is_alive():
            return False
        if self._raised is not None:
            raise self._raised
        return True

    def cancel(self) -> None:
        """Stop, and close the store."""
        self._cancelled.set()
        self._thread.join()
        if self.store is not None:
            self.store.close()

    def _run(self) -> None:
        try:
            self._restore()
        except BaseException as raised:  # noqa: BLE001 - handed to the loop, which raises it
            self._raised = raised

    def _restore(self) -> None:
        plan = self._plan
        began = plan.clock.steady()
        self.store = store = self._open_store()
        watermarks = plan.watermarks.unless(self._cancelled.is_set)
        high = watermarks.high([self._owned])[self._owned]
        if (store.checkpoint or 0) > high:
            # The topic is not the one that the store was built from, whatever its name and id say.
            store.start_afresh()
        window_start = plan.clock.now() // 1000 - plan.window
        start = max(
            store.checkpoint or 0,
            watermarks.at_time([self._owned], window_start)[self._owned],
        )
        reader = TableReader(
            properties=plan.properties, watermarks=watermarks, starts={self._owned: start}
        )
        try:
            events = self._read(reader, store)
        finally:
            reader.close()
        if not self._cancelled.is_set():
            plan.on_restored(self._owned.partition, events, plan.clock.steady() - began)

    def _read(self, reader: TableReader, store: IdStore) -> int:
        events = 0
        batch: list[Message] = []
        for message in reader.read_to_high_watermark(self._cancelled.is_set):
            batch.append(message)
            if len(batch) >= _BATCH_EVENTS:
                events += self._remember(store, batch, batch[-1].offset() + 1)
                batch = []
        if not self._cancelled.is_set():
            events += self._remember(store, batch, reader.position(self._owned))
        return events

    def _remember(self, store: IdStore, batch: list[Message], checkpoint: int) -> int:
        """Let the published events claim their ids again, in the order of publishing."""
        digests = [id_digest(message.key() or b"") for message in batch]
        owners: dict[bytes, Owner] = {
            digest: owner
            for digest, owner in zip(digests, store.owners(digests), strict=True)
            if owner is not None
        }
        for digest, message in zip(digests, batch, strict=True):
            claim = claim_of(self._plan.origin_of(message.value() or b""))
            owners[digest] = owner_restored(
                owners.get(digest),
                claim,
                published_at=message.timestamp()[1],
                window=self._plan.window,
            )
        store.write(owners, checkpoint=checkpoint)
        return len(batch)
