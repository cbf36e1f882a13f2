"""The judge of a run: what was promised, held against what can be read.

It imports nothing of the project, so that it cannot share its mistakes. What it finds is told as
sentences; a run without any has kept the promise.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeVar

from tests.faults import journal
from tests.faults.evidence import Evidence, Place, place_of

T = TypeVar("T")

_SHOWN_MAX: Final = 5


@dataclass
class Verdict:
    """What was found against a run, and what was counted in it."""

    findings: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def kept(self) -> None:
        """Fail, telling everything, unless nothing was found."""
        assert not self.findings, "\n".join([*self.findings, f"counts: {dict(self.counts)}"])


def judge(evidence: Evidence, *, source_id: str) -> Verdict:
    """Hold a run that is at rest against all that was promised."""
    verdict = judge_amid(evidence)
    verdict.findings += [
        *_all_lines_are_there(evidence),
        *_objects_are_told_of(evidence),
        *_all_events_are_there(evidence, source_id),
        *_groups_are_at_the_end(evidence),
        *_nothing_vanished_between_hops(evidence),
    ]
    return verdict


def judge_amid(evidence: Evidence) -> Verdict:
    """Hold a run that goes on against what holds at every moment."""
    verdict = Verdict()
    verdict.findings += [
        *_lines_are_there_once_and_in_order(evidence),
        *_events_are_there_once(evidence),
        *_dead_letters_are_there_once(evidence),
        *_outcomes_are_not_ahead(evidence),
        *_offsets_are_not_ahead(evidence),
        *_transactions_are_whole(evidence),
    ]
    verdict.counts.update(_counts(evidence))
    return verdict


def _lines_are_there_once_and_in_order(evidence: Evidence) -> Iterator[str]:
    last: dict[tuple[str, str, str, str], int] = {}
    astray = []
    for seen in evidence.raw:
        version = seen.place.version
        if seen.place.line <= last.get(version, 0):
            astray.append((seen.partition, seen.offset, seen.place))
        last[version] = max(last.get(version, 0), seen.place.line)
    yield from _told("a second time in raw, or out of order", astray)


def _all_lines_are_there(evidence: Evidence) -> Iterator[str]:
    in_raw = {
        (seen.place.key, seen.place.etag, seen.place.line): seen.digest for seen in evidence.raw
    }
    dead = {
        (letter["key"], letter["etag"], letter["line_number"])
        for letter in evidence.dead_letters
        if letter["stage"] == "puller"
    }
    expected = {
        (key, held.etag, number): digest
        for key, held in evidence.objects.items()
        for number, digest in enumerate(held.digests, start=1)
        if digest and (key, held.etag, number) not in dead
    }
    yield from _told("not in raw", expected.keys() - in_raw.keys())
    current = {(key, held.etag) for key, held in evidence.objects.items()}
    found = {line: digest for line, digest in in_raw.items() if line[:2] in current}
    yield from _told(
        "in raw and not in the object, or with other bytes",
        [line for line, digest in found.items() if digest != expected.get(line)],
    )


def _objects_are_told_of(evidence: Evidence) -> Iterator[str]:
    raw = Counter(seen.place.version for seen in evidence.raw)
    for key, held in evidence.objects.items():
        outcome = evidence.outcomes.get(key)
        if outcome is None:
            yield f"no outcome of {key}"
            continue
        told = {
            name: outcome[name] for name in ("outcome", "etag", "lines", "raw_lines", "sha256")
        }
        expected = {
            "outcome": "pulled",
            "etag": held.etag,
            "lines": len(held.digests),
            "raw_lines": raw[place_of(outcome, line=0).version],
            "sha256": held.sha256,
        }
        if told != expected:
            yield f"outcome of {key}: {told}, expected {expected}"


def _outcomes_are_not_ahead(evidence: Evidence) -> Iterator[str]:
    raw = Counter(seen.place.version for seen in evidence.raw)
    for key, outcome in evidence.outcomes.items():
        found = raw[place_of(outcome, line=0).version]
        if outcome["raw_lines"] > found:
            yield f"outcome of {key} tells of {outcome['raw_lines']} lines, raw has {found}"


def _events_are_there_once(evidence: Evidence) -> Iterator[str]:
    yield from _told(
        "normalised twice",
        _repeated((seen.place, seen.number) for seen in evidence.normalised),
    )
    yield from _told(
        "twice in governance-events",
        _repeated(seen.event_id for seen in evidence.events if not seen.place.replay_id),
    )
    normalised = {(seen.event_id, seen.place, seen.number) for seen in evidence.normalised}
    yield from _told(
        "in governance-events and never normalised",
        [
            seen
            for seen in evidence.events
            if (seen.event_id, seen.place, seen.number) not in normalised
        ],
    )


def _all_events_are_there(evidence: Evidence, source_id: str) -> Iterator[str]:
    expected = {
        f"openai_compliance:{source_id}:{event_id}"
        for held in evidence.objects.values()
        for event_id in held.event_ids.values()
    }
    yield from _told(
        "not in governance-events", expected - {seen.event_id for seen in evidence.events}
    )


def _nothing_vanished_between_hops(evidence: Evidence) -> Iterator[str]:
    done = {seen.place for seen in evidence.normalised} | _dead(evidence)
    yield from _told(
        "in raw, and neither an event nor a dead letter",
        [seen.place for seen in evidence.raw if seen.place not in done],
    )
    normalised = {seen.event_id for seen in evidence.normalised}
    yield from _told(
        "normalised and not in governance-events",
        normalised - {seen.event_id for seen in evidence.events},
    )


def _groups_are_at_the_end(evidence: Evidence) -> Iterator[str]:
    for topic, committed in evidence.committed.items():
        for partition, offset in committed.items():
            if offset != evidence.ends[topic][partition]:
                yield (
                    f"the group stands at {offset} of {topic}/{partition}, which ends at "
                    f"{evidence.ends[topic][partition]}"
                )


def _offsets_are_not_ahead(evidence: Evidence) -> Iterator[str]:
    """What lies before a committed offset is accounted for: offsets were read first."""
    yield from _told(
        "behind the group's offset on objects, and without an outcome",
        [
            seen.attempt
            for seen in evidence.versions
            if seen.offset < evidence.committed["objects"].get(seen.partition, 0)
            and seen.attempt not in evidence.ended
        ],
    )
    done = {seen.place for seen in evidence.normalised} | _dead(evidence)
    yield from _told(
        "behind the group's offset on raw, and neither an event nor a dead letter",
        [
            seen.place
            for seen in evidence.raw
            if seen.offset < evidence.committed["raw"].get(seen.partition, 0)
            and seen.place not in done
        ],
    )
    published = {seen.event_id for seen in evidence.events}
    yield from _told(
        "behind the group's offset on normalised, and not in governance-events",
        [
            seen.event_id
            for seen in evidence.normalised
            if seen.offset < evidence.committed["normalised"].get(seen.partition, 0)
            and seen.event_id not in published
        ],
    )


def _dead(evidence: Evidence) -> set[Place]:
    """The lines that the normaliser told of as dead letters."""
    return {
        place_of(letter, line=letter["line_number"])
        for letter in evidence.dead_letters
        if letter["stage"] == "normaliser"
    }


def _dead_letters_are_there_once(evidence: Evidence) -> Iterator[str]:
    yield from _told(
        "twice in dead letters",
        _repeated(
            (letter["stage"], letter["index"], place_of(letter, line=letter["line_number"]))
            for letter in evidence.dead_letters
        ),
    )


def _transactions_are_whole(evidence: Evidence) -> Iterator[str]:
    """All of a transaction or nothing, and nothing but what its process began to commit."""
    for name, visible in evidence.visible.items():
        fate = evidence.fates.get(name, set())
        if journal.COMMITTING not in fate or journal.ABORTED in fate:
            yield f"{visible} messages of transaction {name} are visible; its journal: {fate}"
        elif visible != evidence.announced[name]:
            yield f"{visible} of {evidence.announced[name]} messages of {name} are visible"
    for name, fate in evidence.fates.items():
        if journal.COMMITTED in fate and evidence.announced[name] != evidence.visible.get(name, 0):
            yield f"committed, and not visible: {name}"


def _counts(evidence: Evidence) -> dict[str, int]:
    lines = sum(len(held.lines) for held in evidence.objects.values())
    identifiers = {seen.event_id for seen in evidence.events}
    return {
        "objects": len(evidence.objects),
        "lines": lines,
        "raw": len(evidence.raw),
        "normalised": len(evidence.normalised),
        "events": len(evidence.events),
        "distinct events": len(identifiers),
        "duplicates suppressed": len(evidence.normalised) - len(evidence.events),
        "dead letters": len(evidence.dead_letters),
        "transactions": len(evidence.fates),
        "messages not committed": sum(evidence.written.values()) - sum(evidence.visible.values()),
    }


def _repeated(things: Iterable[T]) -> list[T]:
    return [thing for thing, count in Counter(things).items() if count > 1]


def _told(what: str, things: Iterable[object]) -> Iterator[str]:
    found = list(things)
    if found:
        shown = ", ".join(str(thing) for thing in found[:_SHOWN_MAX])
        yield f"{len(found)} {what}: {shown}"
