"""A raw record in, events and what could not become one out; the same for the same bytes.

Promises: every line gives at least one of either; nothing is raised whatever its bytes are; every
failure found in a record is told.
"""

from typing import Final

import msgspec

from producer.contract.dead_letter import PROCESSOR, DeadLetter, Failure
from producer.contract.event import GovernanceEvent
from producer.contract.raw import RawLine
from producer.normaliser.documents import Document, decode_record, read_documents
from producer.normaliser.envelope import to_event
from producer.normaliser.families.catalogue import family_of
from producer.normaliser.parts import Part, parts_of

STAGE: Final = "normaliser"


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """One part that could not become an event; without an index, it is the whole line."""

    index: int | None
    failures: tuple[Failure, ...]
    payload: bytes


class Normalised(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a line: together, events and refused parts are all of it, in order."""

    events: tuple[GovernanceEvent, ...]
    failures: tuple[Refused, ...]


def normalise(raw: RawLine) -> Normalised:
    """Normalise one raw record."""
    record = decode_record(raw.line)
    if record is None:
        return _normalise_parts(raw, read_documents(raw.line))
    family = family_of(record)
    if family.split is not None:
        document = Document(record=record, failure=None, payload=raw.line)
        return _normalise_parts(raw, [document])
    made = to_event(raw, record, family, index=0)
    if isinstance(made, tuple):
        return Normalised(
            events=(), failures=(Refused(index=None, failures=made, payload=raw.line),)
        )
    return Normalised(events=(made,), failures=())


def _normalise_parts(raw: RawLine, documents: list[Document]) -> Normalised:
    """Normalise a line that is not exactly one event, part by part."""
    events: list[GovernanceEvent] = []
    refused: list[Refused] = []
    parts = parts_of(documents)
    for index, part in enumerate(parts):
        made = _to_event(raw, part, index=index)
        if not isinstance(made, tuple):
            events.append(made)
        elif len(parts) == 1:
            refused.append(Refused(index=None, failures=made, payload=raw.line))
        else:
            refused.append(Refused(index=index, failures=made, payload=part.payload()))
    return Normalised(events=tuple(events), failures=tuple(refused))


def _to_event(raw: RawLine, part: Part, *, index: int) -> GovernanceEvent | tuple[Failure, ...]:
    record = part.record
    if record is None:
        assert part.failure is not None
        return (part.failure,)
    return to_event(raw, record, family_of(record), index=index)


def dead_letters(raw: RawLine, normalised: Normalised) -> tuple[DeadLetter, ...]:
    """Build the dead letters of a line, one for each part that could not become an event."""
    return tuple(_dead_letter(raw, refused) for refused in normalised.failures)


def _dead_letter(raw: RawLine, refused: Refused) -> DeadLetter:
    return DeadLetter(
        stage=STAGE,
        processor=PROCESSOR,
        failures=refused.failures,
        source_id=raw.source_id,
        organization_id=raw.organization_id,
        bucket=raw.bucket,
        key=raw.key,
        etag=raw.etag,
        pull_id=raw.pull_id,
        replay_id=raw.replay_id,
        line_number=raw.line_number,
        last_line_number=raw.line_number,
        index=refused.index,
        lines=1,
        pulled_at=raw.pulled_at,
        payload=refused.payload,
        payload_bytes=len(refused.payload),
    )
