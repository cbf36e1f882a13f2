"""What came in is what went out: counted at every hop, from the topics alone."""

import hashlib
import zlib
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from tests.support.deploying import Deploy
from tests.support.deployments import DROPS_PREFIX, SOURCE_ID
from tests.support.drops import governance_event_id, gzipped, gzipped_members, line, plain

_LINE_BYTES_MAX: Final = 4096
_OF_GZIP: Final = 16 + zlib.MAX_WBITS

Place = tuple[str, int]


@dataclass(frozen=True, kw_only=True)
class _Drop:
    """An object and what must be counted for it."""

    content: bytes
    decompressed: bytes
    raw_lines: int
    blank_lines: int = 0
    dead_letter_lines: int = 0
    outcome: str = "pulled"
    reason: str | None = None

    def counts(self) -> dict[str, Any]:
        return {
            "outcome": self.outcome,
            "reason": self.reason,
            "lines": self.raw_lines + self.blank_lines + self.dead_letter_lines,
            "raw_lines": self.raw_lines,
            "blank_lines": self.blank_lines,
            "dead_letter_lines": self.dead_letter_lines,
            "sha256": hashlib.sha256(self.decompressed).hexdigest()
            if self.outcome == "pulled"
            else None,
        }


def _truncated(rng: Random) -> _Drop:
    """A gzip object that breaks off; the line that was open then is no line."""
    notes = [rng.randbytes(100).hex() for _ in range(100)]
    whole = gzipped(line(f"cut-{number}", note=note) for number, note in enumerate(notes))
    content = whole[: len(whole) * 2 // 3]
    decompressed = zlib.decompressobj(_OF_GZIP).decompress(content)
    return _Drop(
        content=content,
        decompressed=decompressed,
        raw_lines=decompressed.count(b"\n"),
        outcome="quarantined",
        reason="truncated",
    )


def _drops(rng: Random) -> dict[str, _Drop]:
    blank = [line("b-1"), b"", b"  \t", line("b-2"), b""]
    # Not JSON, not an object, not UTF-8, no time: four dead letters.
    bad = [line("bad-1"), b'{"event_id": ', b"[1]", b'{"a": "\xff"}', b'{"type": "X"}']
    long = [line("l-1"), line("l-2", note="x" * _LINE_BYTES_MAX), line("l-3")]
    # Two records on one line give two events.
    joined = [line("j-1") + line("j-2"), line("j-3")]
    members = [[line("m-1"), line("m-2")], [line("m-3"), line("twice", note="first")]]
    flat = [line("p-1"), line("twice", note="second")]
    return {
        "blank.jsonl.gz": _Drop(
            content=gzipped(blank), decompressed=plain(blank), raw_lines=2, blank_lines=3
        ),
        "bad.jsonl.gz": _Drop(content=gzipped(bad), decompressed=plain(bad), raw_lines=5),
        "long.jsonl.gz": _Drop(
            content=gzipped(long), decompressed=plain(long), raw_lines=2, dead_letter_lines=1
        ),
        "joined.jsonl.gz": _Drop(content=gzipped(joined), decompressed=plain(joined), raw_lines=2),
        "members.jsonl.gz": _Drop(
            content=gzipped_members(*members),
            decompressed=plain(members[0] + members[1]),
            raw_lines=4,
        ),
        "plain.jsonl": _Drop(content=plain(flat), decompressed=plain(flat), raw_lines=2),
        "truncated.jsonl.gz": _truncated(rng),
    }


def test_every_line_is_accounted_for_at_every_hop(deploy: Deploy, rng: Random) -> None:
    """Lines = raw + blank + dead letters; raw = events + dead letters; events = published + twice.

    The objects hold blank lines, bad and overlong ones, two records on a line, two gzip members,
    plain text, and a gzip stream that breaks off.
    """
    drops = _drops(rng)
    stage = deploy(PULLER__LINE_BYTES_MAX=str(_LINE_BYTES_MAX))
    stage.set_up()
    for key, drop in drops.items():
        stage.put(key, drop.content)
    stage.run("pull", "--once")
    stage.run("normalise", "--once")
    found = {name: stage.records(name) for name in ("raw", "outcomes", "normalised", "events")}
    letters = stage.records("dead-letters")
    of_puller = [letter for letter in letters if letter["stage"] == "puller"]
    of_normaliser = [letter for letter in letters if letter["stage"] == "normaliser"]
    assert len(letters) == len(of_puller) + len(of_normaliser)

    _assert_outcomes_are(drops, found["outcomes"])
    _assert_lines_are_accounted_for(found["outcomes"], found["raw"], of_puller)
    _assert_raw_is_accounted_for(found["raw"], found["normalised"], of_normaliser)
    _assert_events_are_accounted_for(found["normalised"], found["events"])


def _assert_outcomes_are(drops: dict[str, _Drop], outcomes: list[dict[str, Any]]) -> None:
    expected = {DROPS_PREFIX + key: drop.counts() for key, drop in drops.items()}
    assert len(expected) == len(outcomes)
    assert expected == {
        outcome["key"]: {name: outcome[name] for name in expected[outcome["key"]]}
        for outcome in outcomes
    }


def _assert_lines_are_accounted_for(
    outcomes: list[dict[str, Any]], raw: list[dict[str, Any]], letters: list[dict[str, Any]]
) -> None:
    lines = sum(outcome["lines"] for outcome in outcomes)
    blank = sum(outcome["blank_lines"] for outcome in outcomes)
    assert lines == len(raw) + blank + sum(letter["lines"] for letter in letters)
    assert [(DROPS_PREFIX + "long.jsonl.gz", 2)] == [_place(letter) for letter in letters]


def _assert_raw_is_accounted_for(
    raw: list[dict[str, Any]], normalised: list[dict[str, Any]], letters: list[dict[str, Any]]
) -> None:
    in_raw = {_place(record) for record in raw}
    assert len(in_raw) == len(raw)
    with_events = {(event["origin"]["key"], event["origin"]["line"]) for event in normalised}
    with_letters = {_place(letter) for letter in letters}
    assert {(DROPS_PREFIX + "bad.jsonl.gz", number) for number in (2, 3, 4, 5)} == with_letters
    assert len(with_letters) == len(letters)
    assert len(raw) == len(with_events) + len(with_letters)
    assert in_raw == with_events | with_letters
    # One line holds two records.
    assert len(normalised) == len(with_events) + 1


def _assert_events_are_accounted_for(
    normalised: list[dict[str, Any]], events: list[dict[str, Any]]
) -> None:
    twice = governance_event_id(SOURCE_ID, "twice")
    ids = Counter(event["event_id"] for event in normalised)
    assert {twice: 2} == {event_id: count for event_id, count in ids.items() if count > 1}
    assert dict.fromkeys(ids, 1) == Counter(event["event_id"] for event in events)
    assert len(normalised) == len(events) + 1


def _place(record: dict[str, Any]) -> Place:
    return record["key"], record["line_number"]
