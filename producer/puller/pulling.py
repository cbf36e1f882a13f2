"""Reading objects ahead of the loop: one thread a partition, one object after the other, bounded.

The thread decompresses, frames and encodes what another one fetches; the loop only publishes. What
is ready waits, up to a chunk's bytes, so that a partition holds two chunks at most, and reading
pauses when publishing does.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from producer.clock import Clock
from producer.contract.dead_letter import (
    SINGLE_FAILURES_MAX,
    DeadLetter,
    Failure,
    FailureKind,
)
from producer.contract.objects import (
    LineCounts,
    ObjectOutcome,
    ObjectVersion,
    Place,
    Reason,
)
from producer.contract.source import IngestionSource
from producer.puller.fetching import Fetch, FetchingThread
from producer.puller.framing import OversizedLine
from producer.puller.limits import Limits
from producer.puller.progress import Progress, progress_of
from producer.puller.reading import Chunk, end_of_refusal, read_chunks
from producer.puller.ready import ReadyPieces
from producer.puller.silences import Silences
from producer.puller.waiting import WaitingTasks
from producer.s3.object_store import ObjectStore, ObjectStoreRefusedError

# How often a thread that waits for room or for work looks whether it has been cancelled.
_LOOK_SECONDS = 0.1
# The offset of a partition stands still meanwhile, so this is no place to wait for long.
_UNKNOWN_SOURCE_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Piece:
    """What one step of reading adds: lines, and how far the object is accounted for then.

    With an outcome the object is finished; with neither outcome nor progress there was none.
    """

    offset: int
    source_id: str = ""
    key: str = ""
    raw: list[bytes] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    progress: Progress | None = None
    outcome: ObjectOutcome | None = None
    blank_lines: int = 0
    read_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Task:
    """A version to be pulled, and the place from which this group has not published it yet."""

    offset: int
    version: ObjectVersion
    resumed: Progress | None = None

    @property
    def skip_through(self) -> Place:
        """Lines up to here are accounted for.

        By an earlier attempt, or before a crash of this one.
        """
        if self.resumed is None:
            return self.version.resume_from
        return max(self.resumed.place, self.version.resume_from, key=lambda place: place.line)


@dataclass(frozen=True, kw_only=True)
class PullingPlan:
    """What all pulling threads share."""

    store: ObjectStore
    source_of: Callable[[str], IngestionSource | None]
    encode: Callable[[IngestionSource, ObjectVersion, int, list[tuple[int, bytes]]], list[bytes]]
    limits: Limits
    clock: Clock
    processor: str
    silences: Silences = field(default_factory=Silences)


class PartitionPuller:
    """Pulls the versions of one partition, in order."""

    def __init__(self, plan: PullingPlan, partition: int) -> None:
        self._plan = plan
        self._tasks = WaitingTasks[Task | Piece]()
        self._ready = ReadyPieces[Piece](bytes_max=plan.limits.chunk_bytes)
        self._cancelled = threading.Event()
        self._raised: BaseException | None = None
        self._fetching = FetchingThread(f"fetch-{partition}")
        self._fetch: Fetch | None = None
        # Sources that were waited for in vain.
        self._missing: set[str] = set()
        self._thread = threading.Thread(target=self._run, name=f"pull-{partition}", daemon=True)
        self._thread.start()

    def submit(self, task: Task) -> None:
        """Let a version be pulled after those before it."""
        self._tasks.put(task, task.version.source_id)

    def skip(self, offset: int) -> None:
        """Let a record that names no version be passed over in its turn."""
        self._tasks.put(Piece(offset=offset))

    def check(self) -> None:
        """Raise what went wrong in the thread."""
        if self._raised is not None:
            raise self._raised

    def has_piece(self) -> bool:
        """Whether a piece is ready."""
        return bool(self._ready)

    def take(self) -> Piece | None:
        """Take the next piece, if one is ready."""
        return self._ready.take()

    def cancel(self) -> None:
        """Stop soon; nothing more comes. Does not wait for a read that is under way."""
        self._cancelled.set()
        fetch = self._fetch
        if fetch is not None:
            fetch.let_go()

    def _run(self) -> None:
        try:
            while not self._cancelled.is_set():
                task = self._tasks.get(timeout_seconds=_LOOK_SECONDS)
                if isinstance(task, Piece):
                    self._offer(task)
                elif task is not None:
                    self._pull(task)
        except BaseException as raised:  # noqa: BLE001 - handed to the loop, which raises it
            if not self._cancelled.is_set():
                self._raised = raised
        finally:
            self._fetching.leave()

    def _pull(self, task: Task) -> None:
        # Gone on with after a crash, it is the same attempt.
        started_at = task.resumed.started_at if task.resumed else self._plan.clock.now()
        source = self._find_source(task.version.source_id)
        if source is None:
            removed = ObjectStoreRefusedError(
                reason=Reason.SOURCE_REMOVED, detail="no such source"
            )
            self._offer(self._unread(task, removed, started_at))
            return
        try:
            fetch = self._new_fetch(source, task.version)
        except ObjectStoreRefusedError as refusal:
            self._offer(self._unread(task, refusal, started_at))
            return
        self._fetch = fetch
        try:
            # One that was made meanwhile is not known to `cancel`, and up to the place that is
            # resumed from nothing would be offered.
            if not self._cancelled.is_set():
                self._fetching.begin(fetch)
                self._read(task, source, fetch, started_at)
        finally:
            fetch.let_go()
            self._fetch = None
            if not fetch.is_over:
                self._fetching.leave()

    def _new_fetch(self, source: IngestionSource, version: ObjectVersion) -> Fetch:
        return Fetch(
            partial(self._plan.store.open, source, version),
            source.id,
            silences=self._plan.silences,
            others_wait=partial(self._tasks.has_others, source.id),
            clock=self._plan.clock,
        )

    def _find_source(self, source_id: str) -> IngestionSource | None:
        """Look the source up.

        One that was created a moment ago may be known to discovery alone. It is waited for once,
        not once for each of its objects: other sources' objects stand behind them.
        """
        patience = 0.0 if source_id in self._missing else _UNKNOWN_SOURCE_SECONDS
        give_up_at = self._plan.clock.steady() + patience
        while (source := self._plan.source_of(source_id)) is None:
            if self._plan.clock.steady() >= give_up_at or self._cancelled.wait(_LOOK_SECONDS):
                self._missing.add(source_id)
                return None
        self._missing.discard(source_id)
        return source

    def _read(
        self, task: Task, source: IngestionSource, blocks: Iterator[bytes], started_at: int
    ) -> None:
        clock, limits = self._plan.clock, self._plan.limits
        due = _Due(clock, limits.chunk_seconds)
        before = Chunk(
            lines=[],
            oversized=[],
            place=task.skip_through,
            counts=LineCounts(),
            read_bytes=0,
            decompressed_bytes=0,
        )
        for chunk in read_chunks(
            blocks,
            limits=limits,
            is_due=due.has_come,
            skip_through=task.skip_through,
        ):
            self._offer(self._piece(task, source, started_at, chunk=chunk, before=before))
            if self._cancelled.is_set():
                return
            before = chunk
            due.put_off()

    def _piece(
        self, task: Task, source: IngestionSource, started_at: int, *, chunk: Chunk, before: Chunk
    ) -> Piece:
        version = task.version
        pulled_at = self._plan.clock.now()
        return Piece(
            offset=task.offset,
            source_id=version.source_id,
            key=version.key,
            raw=self._plan.encode(source, version, pulled_at, chunk.lines) if chunk.lines else [],
            dead_letters=self._too_large(
                source,
                version,
                chunk.oversized,
                told=before.place.dead_letter_lines,
                pulled_at=pulled_at,
            ),
            progress=progress_of(version, place=chunk.place, started_at=started_at),
            outcome=None
            if chunk.end is None
            else self._outcome(version, chunk.place, chunk, started_at),
            blank_lines=chunk.place.blank_lines - before.place.blank_lines,
            read_bytes=chunk.read_bytes - before.read_bytes,
        )

    def _too_large(
        self,
        source: IngestionSource,
        version: ObjectVersion,
        oversized: Sequence[OversizedLine],
        *,
        told: int,
        pulled_at: int,
    ) -> list[DeadLetter]:
        """Build a dead letter a line, and one for all that are too many to be told one by one."""
        single = max(0, SINGLE_FAILURES_MAX - told)
        tell = partial(self._dead_letter, source, version, pulled_at=pulled_at)
        letters = [tell([line], payload=line.sample) for line in oversized[:single]]
        rest = oversized[single:]
        return [*letters, tell(rest, payload=None)] if rest else letters

    def _dead_letter(
        self,
        source: IngestionSource,
        version: ObjectVersion,
        lines: Sequence[OversizedLine],
        *,
        payload: bytes | None,
        pulled_at: int,
    ) -> DeadLetter:
        most, size = self._plan.limits.line_bytes_max, sum(line.size_bytes for line in lines)
        told = (
            f"{len(lines)} lines have {size} bytes together, each more than {most}; an object's"
            f" failures beyond {SINGLE_FAILURES_MAX} are told by range"
            if payload is None
            else f"the line has {size} bytes, more than {most}; the payload is its beginning"
        )
        return DeadLetter(
            stage="puller",
            processor=self._plan.processor,
            failures=(Failure(kind=FailureKind.TOO_LARGE, message=told),),
            source_id=version.source_id,
            organization_id=source.organization_id,
            bucket=version.bucket,
            key=version.key,
            etag=version.etag,
            pull_id=version.pull_id,
            replay_id=version.replay_id,
            line_number=lines[0].line_number,
            last_line_number=lines[-1].line_number,
            lines=len(lines),
            pulled_at=pulled_at,
            payload=payload,
            payload_bytes=size,
        )

    def _outcome(
        self, version: ObjectVersion, place: Place, chunk: Chunk, started_at: int
    ) -> ObjectOutcome:
        end = chunk.end
        assert end is not None
        return ObjectOutcome(
            source_id=version.source_id,
            bucket=version.bucket,
            key=version.key,
            etag=version.etag,
            pull_id=version.pull_id,
            attempt=version.attempt,
            replay_id=version.replay_id,
            outcome=end.outcome,
            reason=end.reason,
            place=place,
            lines=place.line,
            raw_lines=place.raw_lines,
            blank_lines=place.blank_lines,
            dead_letter_lines=place.dead_letter_lines,
            read_bytes=chunk.read_bytes,
            decompressed_bytes=chunk.decompressed_bytes,
            sha256=end.sha256,
            started_at=started_at,
            finished_at=self._plan.clock.now(),
        )

    def _unread(self, task: Task, refusal: ObjectStoreRefusedError, started_at: int) -> Piece:
        """End an attempt of which no byte was read.

        What an earlier one published stays accounted for.
        """
        chunk = Chunk(
            lines=[],
            oversized=[],
            place=task.skip_through,
            counts=LineCounts(),
            read_bytes=0,
            decompressed_bytes=0,
            end=end_of_refusal(refusal),
        )
        return Piece(
            offset=task.offset,
            source_id=task.version.source_id,
            key=task.version.key,
            outcome=self._outcome(task.version, task.skip_through, chunk, started_at),
        )

    def _offer(self, piece: Piece) -> None:
        size_bytes = sum(map(len, piece.raw)) + sum(
            len(letter.payload or b"") for letter in piece.dead_letters
        )
        while not self._cancelled.is_set():
            if self._ready.put(piece, size_bytes, timeout_seconds=_LOOK_SECONDS):
                return


class _Due:
    """When the next chunk is due, however little it holds."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self.put_off()

    def has_come(self) -> bool:
        return self._clock.steady() >= self._at

    def put_off(self) -> None:
        self._at = self._clock.steady() + self._seconds
