"""A store whose objects come when a test lets them, and not before."""

import threading
from collections.abc import Iterator
from typing import Self

from producer.contract.objects import ObjectVersion
from producer.contract.source import IngestionSource
from producer.s3.object_store import Page
from tests.support.builders import a_version

Step = bytes | threading.Event | BaseException
# Longer than anything is waited for by a test: what does not come is not to come by itself.
_GATE_SECONDS = 90
STALLING, WELL = "src_stalling", "src_well"


class _Body:
    """Brings bytes, waits where it is told to, and breaks where it is told to."""

    def __init__(self, steps: list[Step]) -> None:
        self._steps = iter(steps)
        self.steps_taken = 0
        self.is_closed = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        for step in self._steps:
            self.steps_taken += 1
            if isinstance(step, bytes):
                return step
            if isinstance(step, BaseException):
                raise step
            assert step.wait(_GATE_SECONDS)
        raise StopIteration

    def close(self) -> None:
        """Take note."""
        self.is_closed = True


class StallingStore:
    """Objects as the steps in which they come, which a test may change from one reading on."""

    def __init__(self) -> None:
        self._steps: dict[tuple[str, str], list[Step]] = {}
        self.opened: list[str] = []
        self.bodies: dict[str, _Body] = {}
        self._gates: list[threading.Event] = []

    def gate(self) -> threading.Event:
        """Give something to wait for, which is there at the latest when the test ends."""
        self._gates.append(threading.Event())
        return self._gates[-1]

    def put(self, source_id: str, key: str, *steps: Step) -> ObjectVersion:
        """Say how an object comes, and give the version that discovery would publish."""
        self._steps[source_id, key] = list(steps)
        return a_version(source_id=source_id, key=key)

    def body_of(self, key: str) -> _Body:
        """Give the body that was opened last of an object."""
        return self.bodies[key]

    def open_gates(self) -> None:
        """Let everything come."""
        for gate in self._gates:
            gate.set()

    def list_pages(
        self, source: IngestionSource, *, start_after: str | None = None
    ) -> Iterator[Page]:
        """Tests of pulling list nothing."""
        raise NotImplementedError(source.id, start_after)

    def open(self, source: IngestionSource, version: ObjectVersion) -> _Body:
        """Wait at a gate that comes first, as for an answer that does not."""
        self.opened.append(version.key)
        steps = self._steps[source.id, version.key]
        if steps and isinstance(steps[0], threading.Event):
            assert steps[0].wait(_GATE_SECONDS)
        body = _Body(steps)
        self.bodies[version.key] = body
        return body
