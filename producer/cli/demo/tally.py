"""What a run did, counted record by record from what lies in the topics. Pure.

The laws of conservation are held against counts of different things: the lines that outcomes tell
of against raw records and dead letters, raw records against the lines that later records come
from, events against the ids that they have. None is the remainder of the others.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from producer.cli.rooms import Record
from producer.codec.events import EventHead
from producer.contract.dead_letter import DeadLetter
from producer.contract.objects import ObjectOutcome, Outcome
from producer.contract.raw import RawLine

if TYPE_CHECKING:
    from producer.contract.event import GovernanceEvent

SHOWN_EVENTS_MAX: Final = 30
SHOWN_DEAD_LETTERS_MAX: Final = 10
_PULLER: Final = "puller"

# Key, etag and pull id: one pull of one version.
_Pull = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class Law:
    """One law of conservation, with the numbers on both sides."""

    text: str
    total: int
    parts: Sequence[int]

    @property
    def holds(self) -> bool:
        """Whether nothing was lost and nothing came from nowhere."""
        return self.total == sum(self.parts)


class LineSet:
    """Line numbers, a bit each: a demonstration may be of a bucket with millions of lines."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, line: int) -> None:
        """Put a line in."""
        at, bit = divmod(line, 8)
        if at >= len(self._bits):
            self._bits.extend(bytes(at + 1 - len(self._bits)))
        self._bits[at] |= 1 << bit

    def __len__(self) -> int:
        return self.as_number().bit_count()

    def count_without(self, other: "LineSet") -> int:
        """Count the lines that are not in the other set."""
        return (self.as_number() & ~other.as_number()).bit_count()

    def as_number(self) -> int:
        """Give all bits as one number."""
        return int.from_bytes(self._bits, "little")


@dataclass
class _Lines:
    """Which lines of one pull gave what."""

    events: LineSet = field(default_factory=LineSet)
    dead_letters: LineSet = field(default_factory=LineSet)
    # Told of by range, without saying which.
    told_by_range: int = 0
    # These never were in raw.
    refused_by_puller: int = 0

    @property
    def with_dead_letters(self) -> int:
        return len(self.dead_letters) + self.told_by_range + self.refused_by_puller


class Tally:
    """Takes records in any order, each once."""

    def __init__(self) -> None:
        self.raw = 0
        self.normalised = 0
        self.published = 0
        self.dead_letters: Counter[str] = Counter()
        self.shown: list[GovernanceEvent] = []
        self.shown_dead_letters: list[DeadLetter] = []
        self._outcomes: dict[_Pull, ObjectOutcome] = {}
        self._lines: dict[_Pull, _Lines] = {}
        # Hashes take less room than ids, and no two of a demonstration's will be the same.
        self._ids: set[int] = set()

    def take(self, records: Iterable[Record]) -> None:
        """Count records."""
        for record in records:
            match record:
                case RawLine():
                    self.raw += 1
                case EventHead():
                    self._take_normalised(record)
                case DeadLetter():
                    self._take_dead_letter(record)
                case ObjectOutcome():
                    self._take_outcome(record)
                case _:
                    self.published += 1
                    if len(self.shown) < SHOWN_EVENTS_MAX:
                        self.shown.append(record)

    @property
    def outcomes(self) -> list[ObjectOutcome]:
        """The last outcome of each pull, in the order of their keys."""
        return sorted(self._outcomes.values(), key=lambda outcome: (outcome.key, outcome.etag))

    @property
    def quarantined(self) -> int:
        """How many objects are quarantined."""
        return sum(each.outcome is Outcome.QUARANTINED for each in self._outcomes.values())

    @property
    def lines(self) -> int:
        """How many lines the outcomes tell of."""
        return sum(each.lines for each in self._outcomes.values())

    @property
    def blank(self) -> int:
        """How many of them were blank."""
        return sum(each.blank_lines for each in self._outcomes.values())

    @property
    def suppressed(self) -> int:
        """How many normalised events have an id that another one has already."""
        return self.normalised - len(self._ids)

    def dead_letter_lines_of(self, outcome: ObjectOutcome) -> int:
        """Count the lines of one pull that became dead letters, of whichever stage."""
        return self._lines_of(_pull_of(outcome)).with_dead_letters

    def laws(self) -> tuple[Law, Law, Law]:
        """Hold the counts against each other."""
        lines = self._lines.values()
        return (
            Law(
                text="lines = raw + blank + dead letters",
                total=self.lines,
                parts=(self.raw, self.blank, self.dead_letters[_PULLER]),
            ),
            Law(
                text="raw = lines that gave events + lines that gave dead letters",
                total=self.raw,
                parts=(
                    sum(len(each.events) for each in lines),
                    # A line of several documents may give both, and counts as one with events.
                    sum(
                        each.dead_letters.count_without(each.events) + each.told_by_range
                        for each in lines
                    ),
                ),
            ),
            Law(
                text="normalised = published + suppressed",
                total=self.normalised,
                parts=(self.published, self.suppressed),
            ),
        )

    def _take_normalised(self, head: EventHead) -> None:
        self.normalised += 1
        self._ids.add(hash(head.event_id))
        origin = head.origin
        pull = (origin["key"], origin["etag"], origin["pull_id"])
        self._lines_of(pull).events.add(origin["line"])

    def _take_dead_letter(self, letter: DeadLetter) -> None:
        if len(self.shown_dead_letters) < SHOWN_DEAD_LETTERS_MAX:
            self.shown_dead_letters.append(letter)
        self.dead_letters[letter.stage] += letter.lines
        lines = self._lines_of(_pull_of(letter))
        if letter.stage == _PULLER:
            lines.refused_by_puller += letter.lines
        elif letter.line_number == letter.last_line_number:
            lines.dead_letters.add(letter.line_number)
        else:
            lines.told_by_range += letter.lines

    def _take_outcome(self, outcome: ObjectOutcome) -> None:
        pull = _pull_of(outcome)
        earlier = self._outcomes.get(pull)
        if earlier is None or earlier.attempt <= outcome.attempt:
            self._outcomes[pull] = outcome

    def _lines_of(self, pull: _Pull) -> _Lines:
        return self._lines.setdefault(pull, _Lines())


def _pull_of(of: ObjectOutcome | DeadLetter) -> _Pull:
    return (of.key, of.etag, of.pull_id)
