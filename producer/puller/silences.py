"""Which sources are silent, and how many fetches of theirs run on that nobody waits for any more.

Laws:
- Others wait for a source's next block for `PATIENCE_SECONDS` at most. One that brought none is
  silent from then on, until any fetch of it has brought more bytes than the one that stalled, has
  come to its end, or was answered with a refusal.
- Others do not wait at all for what is begun while its source is silent: it runs on where it costs
  nobody anything. So an outage costs a partition's other sources that patience once.
- While a fetch runs on, its source is refused unasked where others wait, and where nobody does
  once there are `_RUNNING_ON_MAX` of them: so threads are bounded.
"""

import threading
from collections import Counter
from typing import Final

from producer.contract.objects import Reason
from producer.s3.object_store import ObjectStoreRefusedError

PATIENCE_SECONDS: Final = 5.0
_RUNNING_ON_MAX: Final = 4


class Silences:
    """What all partitions of a process know of sources that stall."""

    def __init__(self, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self.patience_seconds = patience_seconds
        self._lock = threading.Lock()
        # How many bytes a fetch had brought when it stalled, by source.
        self._stood_at: dict[str, int] = {}
        self._running_on: Counter[str] = Counter()

    def is_silent(self, source_id: str) -> bool:
        """Whether nothing came of the source since it stalled."""
        return source_id in self._stood_at

    def check(self, source_id: str, *, others_wait: bool) -> None:
        """Refuse to begin another fetch while there are enough that were given up."""
        with self._lock:
            running_on = self._running_on[source_id]
        if running_on >= (1 if others_wait else _RUNNING_ON_MAX):
            what = f"source {source_id!r} is not asked while an earlier request has no answer"
            raise ObjectStoreRefusedError(reason=Reason.UNAVAILABLE, detail=what)

    def note_given_up(self, source_id: str, *, at_byte: int) -> None:
        """Take note that a fetch stalled at a byte, and runs on."""
        with self._lock:
            # Of a silent source nothing was waited for, so where that one stood tells nothing.
            self._stood_at[source_id] = max(at_byte, self._stood_at.get(source_id, 0))
            self._running_on[source_id] += 1

    def note_over(self, source_id: str) -> None:
        """Take note that a fetch that was given up runs on no longer."""
        with self._lock:
            self._running_on[source_id] -= 1
            if not self._running_on[source_id]:
                del self._running_on[source_id]

    def note_brought(self, source_id: str, brought_bytes: int) -> None:
        """Take note of how far a fetch has come."""
        # Without the lock, since mostly nothing is silent.
        if source_id in self._stood_at:
            with self._lock:
                if brought_bytes > self._stood_at.get(source_id, brought_bytes):
                    del self._stood_at[source_id]

    def note_answered(self, source_id: str) -> None:
        """Take note that the source's store is there."""
        with self._lock:
            self._stood_at.pop(source_id, None)
