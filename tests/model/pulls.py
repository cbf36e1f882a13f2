"""The oracle of pulls: what may be published of each version, line by line, and when.

It knows what lay in the bucket and what has landed, and nothing of the ledger.
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import NoReturn, TypeVar

import msgspec

from producer.contract.dead_letter import DeadLetter
from producer.contract.objects import (
    MAY_PASS,
    START,
    ObjectOutcome,
    ObjectVersion,
    Outcome,
    Place,
    Reason,
)
from producer.kafka.stages import Committed
from tests.model.broker import DEAD_LETTERS, OBJECTS, OUTCOMES, RAW, Broker, Landed
from tests.model.bucket import Bucket, Stay
from tests.model.contents import BY_ETAG, LIMITS, Content
from tests.model.process import RawSeen
from tests.support.stages import FakeMessage

T = TypeVar("T")


class ViolationError(AssertionError):
    """What the product promises is not so."""


def hold(condition: object, promise: str, *about: object) -> None:
    """Hold the product to a promise."""
    if not condition:
        violated(promise, *about)


def violated(promise: str, *about: object) -> NoReturn:
    """Say which promise does not hold, and of what."""
    raise ViolationError("; ".join([promise, *map(repr, about)]))


@dataclass(kw_only=True)
class Pull:
    """One pull of a version: its attempts, and what it left."""

    attempts: list[ObjectVersion]
    content: Content
    raw: list[int] = field(default_factory=list)
    dead_letters: list[int] = field(default_factory=list)
    outcomes: list[ObjectOutcome] = field(default_factory=list)

    @property
    def latest(self) -> ObjectVersion:
        """The latest attempt."""
        return self.attempts[-1]

    @property
    def is_finished(self) -> bool:
        """Whether the latest attempt has ended."""
        return len(self.outcomes) == len(self.attempts)

    @property
    def is_waiting(self) -> bool:
        """Whether it is not finished, or will be tried again."""
        return not self.is_finished or (
            self.outcomes[-1].outcome is Outcome.QUARANTINED
            and self.outcomes[-1].reason in MAY_PASS
        )


def is_settled(pulls: list[Pull]) -> bool:
    """Whether a key's last version was finished, whoever replays it since."""
    for pull in reversed(pulls):
        if not pull.is_waiting:
            return True
        if pull.latest.replay_id is None:
            return False
    return False


class Pulls:
    """All pulls that there were."""

    def __init__(self, broker: Broker, bucket: Bucket) -> None:
        self._broker = broker
        self._bucket = bucket
        self._pulls: dict[str, Pull] = {}
        self.of_key: defaultdict[tuple[str, str], list[Pull]] = defaultdict(list)

    def take(self, landed: Landed) -> None:
        """Judge what has landed, all of it being there at once."""
        messages = landed.messages
        for message in messages.get(OBJECTS, []):
            self._take_version(decoded(message, ObjectVersion))
        for message in messages.get(RAW, []):
            self._take_raw(decoded(message, RawSeen))
        for message in messages.get(DEAD_LETTERS, []):
            self._take_dead_letter(decoded(message, DeadLetter))
        for message in messages.get(OUTCOMES, []):
            self._take_outcome(decoded(message, ObjectOutcome))
        for owned, (before, after) in landed.offsets.items():
            hold(before.offset <= after.offset, "no offset goes back", owned, before, after)
            if owned.topic == OBJECTS:
                self._take_offset(owned.partition, before, after)

    def latest(self, source_id: str, key: str) -> Pull | None:
        """The latest pull of an object."""
        pulls = self.of_key.get((source_id, key))
        return pulls[-1] if pulls else None

    def unfinished(self, source_id: str) -> list[Pull]:
        """The latest pulls of a source's objects that have not ended."""
        latest = [pulls[-1] for (owner, _), pulls in self.of_key.items() if owner == source_id]
        return [pull for pull in latest if not pull.is_finished]

    def all_finished(self) -> bool:
        """Whether all has ended, and nothing is to be tried again."""
        return not any(pulls[-1].is_waiting for pulls in self.of_key.values())

    def end(self) -> None:
        """Judge what is there when nothing more comes."""
        removed = {decoded(message, ObjectVersion).pull_id for message in self._broker.removed}
        for pull in self._pulls.values():
            is_accounted = pull.is_finished or pull.latest.pull_id in removed
            hold(is_accounted, "each version has an outcome", pull)

    def hold_there(self, source_id: str, stay: Stay) -> None:
        """What is in the bucket in the end is pulled, as far as it can be."""
        pull = self.latest(source_id, stay.key)
        is_there = pull is not None and pull.latest.etag == stay.etag
        hold(is_there, "what is there in the end is known", stay, pull)
        assert pull is not None
        outcome = pull.outcomes[-1]
        # A reason that does not pass waits for a person.
        reasons = (None, Reason.EMPTY, pull.content.reason, Reason.UNKNOWN_REFUSAL)
        is_pulled = outcome.outcome is Outcome.PULLED or (
            outcome.outcome is Outcome.QUARANTINED and outcome.reason in reasons
        )
        hold(is_pulled, "what is there in the end is pulled", stay, outcome)

    def _take_version(self, version: ObjectVersion) -> None:
        before = self.latest(version.source_id, version.key)
        if version.attempt > 1:
            pull = self._pulls.get(version.pull_id)
            if pull is None or pull is not before:
                violated("an attempt follows another of the latest pull", version)
            hold(pull.is_finished, "an attempt follows one that has ended", version)
            hold(version.attempt == len(pull.attempts) + 1, "attempts are counted", version)
            hold(version.resume_from == pull.outcomes[-1].place, "a retry resumes", version)
            pull.attempts.append(version)
            return
        hold(version.pull_id not in self._pulls, "a pull begins once", version)
        hold(version.resume_from == START, "a pull begins at the start", version)
        stays = self._bucket.past(version.key)
        hold(
            any(stay.etag == version.etag for stay in stays),
            "a version was in the bucket",
            version,
        )
        if version.replay_id is None:
            is_new = before is None or before.latest.etag != version.etag
            hold(is_new, "what is pulled is not pulled again", version)
        else:
            is_known = before is not None and before.latest.etag == version.etag
            hold(is_known, "a replay is of the version that is known", version)
            hold(before is None or before.is_finished, "a replay follows an end", version)
        pull = Pull(attempts=[version], content=BY_ETAG[version.etag])
        self._pulls[version.pull_id] = pull
        self.of_key[version.source_id, version.key].append(pull)

    def _take_raw(self, raw: RawSeen) -> None:
        pull = self._pull(raw.pull_id)
        version = pull.latest
        hold(
            (version.source_id, version.key, version.etag, version.replay_id)
            == (raw.source_id, raw.key, raw.etag, raw.replay_id),
            "a raw record names its version",
            raw,
        )
        last = pull.raw[-1] if pull.raw else 0
        hold(raw.line_number > last, "lines are in raw once, and in order", raw)
        hold(pull.content.lines.get(raw.line_number) == raw.line, "a line is untouched", raw)
        pull.raw.append(raw.line_number)

    def _take_dead_letter(self, letter: DeadLetter) -> None:
        pull = self._pull(letter.pull_id)
        last = pull.dead_letters[-1] if pull.dead_letters else 0
        hold(letter.line_number > last, "a line has one dead letter", letter)
        line = pull.content.oversized.get(letter.line_number, b"")
        hold(
            (letter.payload_bytes, letter.payload) == (len(line), line[: LIMITS.sample_bytes]),
            "a line that is too long becomes a dead letter",
            letter,
        )
        pull.dead_letters.append(letter.line_number)

    def _take_outcome(self, outcome: ObjectOutcome) -> None:
        pull = self._pull(outcome.pull_id)
        hold(not pull.is_finished, "an attempt ends once", outcome)
        hold(outcome.attempt == pull.latest.attempt, "attempts end in order", outcome)
        place = outcome.place
        self._hold_place(pull, place, outcome)
        hold(
            (outcome.lines, outcome.raw_lines, outcome.blank_lines, outcome.dead_letter_lines)
            == (place.line, place.raw_lines, place.blank_lines, place.dead_letter_lines),
            "an outcome counts the lines up to its place",
            outcome,
        )
        hold(self._is_true(pull, outcome), "an outcome says what became of it", outcome)
        pull.outcomes.append(outcome)

    def _hold_place(self, pull: Pull, place: Place, *about: object) -> None:
        """All lines up to a place are accounted for, and none behind it."""
        content, through = pull.content, place.line
        hold(
            (pull.raw, pull.dead_letters, place.blank_lines)
            == (
                [number for number in content.lines if number <= through],
                [number for number in content.oversized if number <= through],
                sum(number <= through for number in content.blank),
            ),
            "lines up to the place are accounted for",
            pull,
            *about,
        )
        hold(
            (len(pull.raw), len(pull.dead_letters)) == (place.raw_lines, place.dead_letter_lines),
            "lines are raw, blank or dead letters",
            pull,
            *about,
        )

    def _is_true(self, pull: Pull, outcome: ObjectOutcome) -> bool:
        content, version = pull.content, pull.latest
        past = self._bucket.past(version.key)
        if outcome.outcome is Outcome.PULLED:
            is_empty = Reason.EMPTY if content.total == 0 else None
            return (content.reason, content.total, content.sha256, is_empty) == (
                None,
                outcome.lines,
                outcome.sha256,
                outcome.reason,
            )
        if outcome.outcome is Outcome.VANISHED:
            return any(stay.until is not None for stay in past)
        if outcome.outcome is Outcome.SUPERSEDED:
            return any(stay.etag != version.etag for stay in past)
        if outcome.reason == content.reason:
            return outcome.lines == content.total
        return (version.key, outcome.reason) in self._bucket.reasons

    def _take_offset(self, partition: int, before: Committed, after: Committed) -> None:
        """What lies before an offset has ended; its metadata is true of what lies at it."""
        for message in self._broker.all_of(OBJECTS):
            if message.partition_index != partition:
                continue
            if before.offset <= message.offset_number < after.offset:
                version = decoded(message, ObjectVersion)
                pull = self._pull(version.pull_id)
                has_ended = len(pull.outcomes) >= version.attempt
                hold(has_ended, "an offset is behind what has ended alone", version, after)
        if after.metadata:
            progress = json.loads(after.metadata)
            place = msgspec.convert(progress["place"], Place)
            self._hold_place(self._pull(progress["pull_id"]), place, after)

    def _pull(self, pull_id: str) -> Pull:
        pull = self._pulls.get(pull_id)
        if pull is None:
            violated("what is published is of a pull that is known", pull_id)
        return pull


def decoded(message: FakeMessage, kind: type[T]) -> T:
    """Read a message."""
    assert message.value_bytes is not None
    return msgspec.json.decode(message.value_bytes, type=kind)
