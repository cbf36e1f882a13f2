"""From a line's documents to its parts: what becomes one event, or one dead letter.

Laws:
- A document is one part, but for those that tell several events: a conversation with several
  messages, an answer to a listing. Parts are numbered over the whole line, documents that are
  refused included.
- A part is a record that could have been a line of its own, and would become the same event.
- What the parts of a line repeat of their document is bounded, and so is their number. What is
  beyond that is refused, not dropped.
"""

from typing import Final

import msgspec

from producer.contract.dead_letter import Failure, FailureKind
from producer.normaliser.documents import Document, written
from producer.normaliser.families.catalogue import family_of
from producer.normaliser.reading import JsonObject
from producer.normaliser.rules import Split

# A conversation has some hundred messages, rarely thousands; a listing has a hundred items.
PARTS_MAX: Final = 50_000

# A conversation's own fields come to a few hundred bytes, and each message repeats them.
REPEATED_BYTES_MAX: Final = 64 * 1024 * 1024


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a line: a record, or the failure that says why there is none."""

    value: object
    failure: Failure | None = None
    bytes_: bytes | None = None

    @property
    def record(self) -> JsonObject | None:
        """The record, if there is no failure."""
        return self.value if self.failure is None and type(self.value) is dict else None

    def payload(self) -> bytes:
        """Give the part as it was written, or as a line of its own would be."""
        return written(self.value) if self.bytes_ is None else self.bytes_


def parts_of(documents: list[Document]) -> list[Part]:
    """Give the parts of a line, at least one, in order."""
    line = _Line()
    for document in documents:
        if document.failure is not None:
            line.parts.append(Part(value=None, failure=document.failure, bytes_=document.payload))
        else:
            line.add(document.record, document.payload)
    return line.parts


class _Line:
    """Collects the parts of a line within the limits."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self._repeated_left = REPEATED_BYTES_MAX

    def add(self, value: object, payload: bytes | None = None) -> None:
        """Add a value that could be a line. Nested as deep as the parser allows, at most."""
        if type(value) is not dict:
            self._refuse(value, FailureKind.SCHEMA_VIOLATION, "not a JSON object", payload)
            return
        split = family_of(value).split
        found = None if split is None else split(value)
        if found is None:
            self.parts.append(Part(value=value, bytes_=payload))
        elif found.repeated * len(found.items) > self._repeated_left:
            message = f"its parts would repeat more than {REPEATED_BYTES_MAX} bytes of it"
            self._refuse(value, FailureKind.TOO_LARGE, message, payload)
        else:
            self._repeated_left -= found.repeated * len(found.items)
            self._add_items(found)

    def _add_items(self, split: Split) -> None:
        room = max(PARTS_MAX - len(self.parts), 0)
        for item in split.items[:room]:
            self.add(split.alone(item))
        left = split.items[room:]
        if left:
            message = f"the line has more than {PARTS_MAX} parts; these are left"
            self._refuse(split.left(left), FailureKind.TOO_LARGE, message)

    def _refuse(
        self, value: object, kind: FailureKind, message: str, payload: bytes | None = None
    ) -> None:
        failure = Failure(kind=kind, field=None, message=message)
        self.parts.append(Part(value=value, failure=failure, bytes_=payload))
