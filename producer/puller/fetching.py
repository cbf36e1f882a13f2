"""The part of a pull that waits for a store: one object's blocks, fetched in another thread.

A partition's objects are pulled one after the other, so one that does not come holds up those
behind it. Nobody can break off a request that is under way; but whoever waits for it can go.

Laws:
- A fetch gives out its object's blocks, each once and in order, and then their end. Whatever else
  happens is raised: what stalled, broke or was let go never looks complete.
- It holds a few blocks at most, and none once nobody takes them. The size of objects is no matter.
- While no other source's object stands behind, it is waited for as long as the store takes.
  Where one does, it is given up as `UNAVAILABLE` once nothing came for so long as others wait for
  its source (`producer.puller.silences`).
- What was given up runs on in its thread, to find out when the store answers again; what it still
  brings is thrown away.
- Letting go waits for nothing, and no thread holds up the end of the process.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Final, NoReturn, Self

from producer.clock import Clock
from producer.contract.objects import Reason
from producer.puller.silences import Silences
from producer.s3.object_store import ObjectBody, ObjectStoreRefusedError

_BLOCKS_MAX: Final = 4
_BLOCKS_FEW: Final = 1
# How often whoever waits looks whether somebody stands behind by now.
_LOOK_SECONDS: Final = 0.1
_LOOK_COUNTS_SECONDS_MAX: Final = 1.0
# They do not show that the store is there: it said nothing, or was not even asked.
_NO_ANSWERS: Final = frozenset({Reason.UNAVAILABLE, Reason.THROTTLED})


class Fetch:
    """One object's blocks: an iterator for one thread, filled by another that runs it."""

    def __init__(
        self,
        open_body: Callable[[], ObjectBody],
        source_id: str,
        *,
        silences: Silences,
        others_wait: Callable[[], bool],
        clock: Clock,
    ) -> None:
        """Raise `ObjectStoreRefusedError` where too many of its source's do not end."""
        silences.check(source_id, others_wait=others_wait())
        self._open_body = open_body
        self._source_id = source_id
        self._silences = silences
        # One that has begun before another stalled may be well, and is judged by itself.
        self._began_silent = silences.is_silent(source_id)
        self._others_wait = others_wait
        self._clock = clock
        self._changed = threading.Condition()
        self._blocks: deque[bytes] = deque()
        self._brought_bytes = 0
        self._body: ObjectBody | None = None
        # What to raise when there are no more blocks: `StopIteration` where that was all.
        self._end: BaseException | None = None
        self._is_given_up = False
        self._is_let_go = False

    @property
    def is_over(self) -> bool:
        """Whether nothing of it runs."""
        return self._end is not None

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        with self._changed:
            if self._is_let_go or self._is_given_up:
                self._refuse("let go before the end")
            if not self._blocks and self._end is None:
                self._wait_for_block()
            if self._blocks:
                block = self._blocks.popleft()
                # Not for each block, which would wake the other thread as often.
                if len(self._blocks) == _BLOCKS_FEW:
                    self._changed.notify_all()
                return block
            assert self._end is not None
            raise self._end

    def let_go(self) -> None:
        """Want no more of it; may be called from any thread, and does not wait."""
        with self._changed:
            if self._is_given_up or self._is_let_go:
                return
            self._is_let_go = True
            self._blocks.clear()
            self._changed.notify_all()
            body = self._body
        if body is not None:
            body.close()

    def _wait_for_block(self) -> None:
        waited, looked_at = 0.0, self._clock.steady()
        while not self._blocks and self._end is None:
            if self._is_let_go:
                self._refuse("let go before the end")
            if waited >= self._patience_seconds() and self._others_wait():
                self._give_up()
            self._changed.wait(_LOOK_SECONDS)
            now = self._clock.steady()
            # A process that was stopped meanwhile has not waited for so long.
            waited += min(now - looked_at, _LOOK_COUNTS_SECONDS_MAX)
            looked_at = now

    def _patience_seconds(self) -> float:
        """How long others wait for the next block."""
        is_silent = self._began_silent and self._silences.is_silent(self._source_id)
        return 0.0 if is_silent else self._silences.patience_seconds

    def _give_up(self) -> NoReturn:
        self._is_given_up = True
        self._silences.note_given_up(self._source_id, at_byte=self._brought_bytes)
        self._refuse("nothing comes, and others wait")

    def _refuse(self, why: str) -> NoReturn:
        what = f"reading an object of source {self._source_id!r}: {why}"
        raise ObjectStoreRefusedError(reason=Reason.UNAVAILABLE, detail=what)

    def run(self) -> None:
        """Fetch; raises nothing."""
        end: BaseException
        try:
            self._fetch()
        except BaseException as raised:  # noqa: BLE001 - handed to whoever takes the blocks
            end = raised
        else:
            end = StopIteration()
        with self._changed:
            self._end = end
            if _is_answer(end):
                self._silences.note_answered(self._source_id)
            if self._is_given_up:
                self._silences.note_over(self._source_id)
            self._changed.notify_all()

    def _fetch(self) -> None:
        body = self._open_body()
        # Closed before the end is told, so that whoever knows of it may rely on that.
        try:
            with self._changed:
                self._body = body
                if self._is_let_go:
                    self._refuse("let go before it was opened")
            for block in body:
                self._hand_over(block)
        finally:
            body.close()

    def _hand_over(self, block: bytes) -> None:
        with self._changed:
            self._brought_bytes += len(block)
            self._silences.note_brought(self._source_id, self._brought_bytes)
            while len(self._blocks) >= _BLOCKS_MAX and not self._is_let_go:
                self._changed.wait()
            if self._is_let_go:
                self._refuse("let go before the end")
            if not self._is_given_up:
                self._blocks.append(block)
                self._changed.notify_all()
            elif not self._silences.is_silent(self._source_id):
                self._refuse("it is known by now that the store answers")


class FetchingThread:
    """Runs a partition's fetches one after the other; what runs on too long keeps the thread.

    To begin one for each object would take longer than to read a small one.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._fetches: queue.SimpleQueue[Fetch | None] | None = None

    def begin(self, fetch: Fetch) -> None:
        """Run a fetch; the one before it must be over, or left."""
        if self._fetches is None:
            self._fetches = queue.SimpleQueue()
            threading.Thread(
                target=_run_all, args=(self._fetches,), name=self._name, daemon=True
            ).start()
        self._fetches.put(fetch)

    def leave(self) -> None:
        """Let the thread end with what it runs; what is begun next has another."""
        if self._fetches is not None:
            self._fetches.put(None)
            self._fetches = None


def _run_all(fetches: "queue.SimpleQueue[Fetch | None]") -> None:
    while (fetch := fetches.get()) is not None:
        fetch.run()


def _is_answer(end: BaseException) -> bool:
    # What nobody foresaw is one too: whoever tries next is to meet it, and to raise it.
    return not isinstance(end, ObjectStoreRefusedError) or end.reason not in _NO_ANSWERS
