"""Pullers over objects in memory: plans, pieces, and bodies that tell what becomes of them."""

import threading
from collections.abc import Callable, Iterator
from typing import Self

from producer.contract.objects import ObjectVersion
from producer.contract.source import IngestionSource
from producer.puller.limits import Limits
from producer.puller.pulling import PartitionPuller, Piece, PullingPlan, Task
from producer.s3.object_store import ObjectBody, ObjectStore, Page
from tests.support.builders import a_source, a_version
from tests.support.object_stores import InMemoryObjectStore
from tests.support.stages import FakeClock
from tests.support.waiting import eventually

BUCKET = "acme-compliance"
# Small enough for a handful of lines to make several chunks.
LIMITS = Limits(line_bytes_max=16, sample_bytes=4, chunk_lines=2, chunk_bytes=1000)
CHUNK_BYTES = 8


class ClockThatRuns(FakeClock):
    """A second passes with each look at it."""

    def steady(self) -> float:
        """Seconds."""
        self.pass_time(1)
        return super().steady()


class WatchedBody:
    """A body that tells whether it was closed, and how much of it was read."""

    def __init__(self, body: ObjectBody) -> None:
        self._body = body
        self.chunks_read = 0
        self.is_closed = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        chunk = next(self._body)
        self.chunks_read += 1
        return chunk

    def close(self) -> None:
        """Take note."""
        self._body.close()
        self.is_closed = True


class WatchedStore:
    """A store that keeps the bodies it opens, and opens none while it is held."""

    def __init__(self) -> None:
        self.objects = InMemoryObjectStore(chunk_bytes=CHUNK_BYTES)
        self.bodies: list[WatchedBody] = []
        self.may_open = threading.Event()
        self.may_open.set()
        self.openings = 0
        self.raises: BaseException | None = None

    def put(self, key: str, content: bytes) -> ObjectVersion:
        """Store an object, and give the version that discovery would publish."""
        listed = self.objects.put(BUCKET, key, content)
        return a_version(key=listed.key, etag=listed.etag, size_bytes=listed.size_bytes)

    def list_pages(
        self, source: IngestionSource, *, start_after: str | None = None
    ) -> Iterator[Page]:
        """List what is there."""
        return self.objects.list_pages(source, start_after=start_after)

    def open(self, source: IngestionSource, version: ObjectVersion) -> WatchedBody:
        """Open a version."""
        self.openings += 1
        if self.raises is not None:
            raise self.raises
        assert self.may_open.wait(30)
        body = WatchedBody(self.objects.open(source, version))
        self.bodies.append(body)
        return body


def encoded(
    source: IngestionSource, version: ObjectVersion, _: int, lines: list[tuple[int, bytes]]
) -> list[bytes]:
    """Spell raw records so that a test can read them."""
    return [
        b"%s/%s#%d %s" % (source.id.encode(), version.key.encode(), number, line)
        for number, line in lines
    ]


def a_plan(
    store: ObjectStore,
    *,
    source_of: Callable[[str], IngestionSource | None] = lambda source_id: a_source(id=source_id),
    clock: FakeClock | None = None,
    limits: Limits = LIMITS,
) -> PullingPlan:
    """Build a plan for pullers of a store."""
    return PullingPlan(
        store=store,
        source_of=source_of,
        encode=encoded,
        limits=limits,
        clock=clock or FakeClock(),
        processor="test/1",
    )


def pulled(plan: PullingPlan, *tasks: Task) -> list[Piece]:
    """Pull versions to their ends, and give all pieces."""
    puller = PartitionPuller(plan, 0)
    for task in tasks:
        puller.submit(task)
    pieces = take_until(puller, lambda pieces: len(outcomes_in(pieces)) == len(tasks))
    puller.cancel()
    return pieces


def take_until(puller: PartitionPuller, is_enough: Callable[[list[Piece]], object]) -> list[Piece]:
    """Take pieces as they come."""
    pieces: list[Piece] = []

    def is_done() -> object:
        puller.check()
        while (piece := puller.take()) is not None:
            pieces.append(piece)
        return is_enough(pieces)

    eventually(is_done, every_seconds=0.001)
    return pieces


def outcomes_in(pieces: list[Piece]) -> list[Piece]:
    """The pieces that finish an object."""
    return [piece for piece in pieces if piece.outcome is not None]


def raw_in(pieces: list[Piece]) -> list[bytes]:
    """All raw records, in order."""
    return [record for piece in pieces for record in piece.raw]


def a_task(version: ObjectVersion, *, offset: int = 0, resumed: Piece | None = None) -> Task:
    """Build a task, gone on with after a piece."""
    return Task(
        offset=offset, version=version, resumed=None if resumed is None else resumed.progress
    )


def has_ended(puller: PartitionPuller) -> bool:
    """Whether its thread is no more."""
    return not puller._thread.is_alive()
