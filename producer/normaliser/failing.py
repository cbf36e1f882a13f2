"""Dead letters of an object's lines: one each, and by range past a number. Pure, one a partition.

An object of another format fails line by line, which would be a flood of dead letters. Its lines
are all in raw, so beyond `SINGLE_FAILURES_MAX` it is enough to say which they are, how many, and
what is wrong with them. A partition's objects come one after the other, so one is remembered. A
new owner begins to count anew: it tells more of them one by one, and none twice.
"""

from collections import Counter
from typing import TypeAlias

from producer.contract.dead_letter import (
    PROCESSOR,
    SINGLE_FAILURES_MAX,
    DeadLetter,
    Failure,
    FailureKind,
)
from producer.contract.raw import RawLine
from producer.normaliser.normalise import STAGE, Normalised, dead_letters

_Object: TypeAlias = tuple[str, str, str, str | None]


class ObjectFailures:
    """What failed of the object whose lines come now."""

    def __init__(self) -> None:
        self._object: _Object | None = None
        self._told = 0
        self._range: _Range | None = None
        self._learnt: tuple[_Object | None, int] = (None, 0)

    def begin(self) -> None:
        """Begin a transaction: what another told that was not committed is told again."""
        self._object, self._told = self._learnt
        self._range = None

    def learn(self) -> None:
        """Take in that what was told is committed."""
        self._learnt = (self._object, self._told)

    def tell(self, raw: RawLine, normalised: Normalised) -> list[DeadLetter]:
        """Take a line with failures; give the dead letters that are due now."""
        due: list[DeadLetter] = []
        of = (raw.source_id, raw.key, raw.pull_id, raw.replay_id)
        if of != self._object:
            due += self.end()
            self._object, self._told = of, 0
        letters = dead_letters(raw, normalised)
        if self._told + len(letters) <= SINGLE_FAILURES_MAX:
            self._told += len(letters)
            return [*due, *letters]
        self._told = SINGLE_FAILURES_MAX
        if self._range is None:
            self._range = _Range(raw)
        self._range.add(raw, normalised)
        return due

    def end(self) -> list[DeadLetter]:
        """Give what is to be told by range: at a transaction's end, and at the object's."""
        letters = [] if self._range is None else [self._range.letter()]
        self._range = None
        return letters


class _Range:
    """Lines that failed, from one to another."""

    def __init__(self, first: RawLine) -> None:
        self._first = first
        self._last_line_number = first.line_number
        self._lines = 0
        self._bytes = 0
        self._kinds: Counter[FailureKind] = Counter()

    def add(self, raw: RawLine, normalised: Normalised) -> None:
        self._last_line_number = raw.line_number
        self._lines += 1
        self._bytes += len(raw.line)
        self._kinds.update(
            failure.kind for refused in normalised.failures for failure in refused.failures
        )

    def letter(self) -> DeadLetter:
        first = self._first
        return DeadLetter(
            stage=STAGE,
            processor=PROCESSOR,
            failures=tuple(
                Failure(
                    kind=kind,
                    message=f"{number} failures in {self._lines} lines; beyond"
                    f" {SINGLE_FAILURES_MAX} of an object they are told by range",
                )
                for kind, number in sorted(self._kinds.items())
            ),
            source_id=first.source_id,
            organization_id=first.organization_id,
            bucket=first.bucket,
            key=first.key,
            etag=first.etag,
            pull_id=first.pull_id,
            replay_id=first.replay_id,
            line_number=first.line_number,
            last_line_number=self._last_line_number,
            lines=self._lines,
            pulled_at=first.pulled_at,
            payload=None,
            payload_bytes=self._bytes,
        )
