"""The oracle of what people ask for: what must be there once a command's offset has moved on."""

from dataclasses import dataclass

import msgspec

from producer.contract.objects import ObjectVersion, Outcome
from producer.contract.source import CommandKind, IngestionSource, SourceCommand
from producer.kafka.member import Owned
from tests.model.broker import COMMANDS, OBJECTS, Broker, Landed
from tests.model.bucket import Bucket
from tests.model.pulls import Pulls, decoded, hold

# A replay gives up a bucket that refuses so often.
_REFUSALS_MAX = 3


@dataclass(kw_only=True)
class Asked:
    """A command, and what it must come to."""

    command: SourceCommand
    # Keys, and how many attempts and pulls there were of each when it was asked for.
    wanted: dict[str, tuple[int, int]]
    changes: int
    refusals: int
    is_disturbed: bool
    is_done: bool = False


class Asking:
    """All commands that there were."""

    def __init__(self, broker: Broker, bucket: Bucket, pulls: Pulls) -> None:
        self._broker = broker
        self._bucket = bucket
        self._pulls = pulls
        self._asked: dict[str, Asked] = {}

    def ask(self, command: SourceCommand, source: IngestionSource) -> None:
        """Publish a command, and note what it is about."""
        self._asked[command.command_id] = Asked(
            command=command,
            wanted=self._wanted(command, source),
            changes=self._bucket.changes,
            refusals=self._bucket.refusals,
            is_disturbed=source.disabled,
        )
        self._broker.append(COMMANDS, command.source_id.encode(), msgspec.json.encode(command))

    def disturb(self, source_id: str) -> None:
        """Take note that a source changes: commands for it may fail."""
        for asked in self._asked.values():
            asked.is_disturbed |= asked.command.source_id == source_id

    def take(self, landed: Landed) -> list[SourceCommand]:
        """Judge what a transaction did for commands; give those that it ended."""
        for message in landed.messages.get(OBJECTS, []):
            version = decoded(message, ObjectVersion)
            if version.replay_id is not None and version.attempt == 1:
                self._take_replay(version)
        ended = []
        for owned, (before, after) in landed.offsets.items():
            if owned.topic == COMMANDS:
                ended += self._ended(owned, before.offset, after.offset)
        return ended

    def all_done(self) -> bool:
        """Whether nothing is left to be carried out."""
        return all(asked.is_done for asked in self._asked.values())

    def _wanted(
        self, command: SourceCommand, source: IngestionSource
    ) -> dict[str, tuple[int, int]]:
        if command.kind is CommandKind.RECONCILE:
            return {}
        wanted: dict[str, tuple[int, int]] = {}
        for stay in self._bucket.all_present():
            pull = self._pulls.latest(source.id, stay.key)
            if pull is None or pull.latest.etag != stay.etag:
                continue
            if command.kind is CommandKind.RETRY:
                is_wanted = (
                    pull.is_finished
                    and pull.outcomes[-1].outcome is Outcome.QUARANTINED
                    and (not command.keys or stay.key in command.keys)
                )
            else:
                is_wanted = stay.key.startswith(source.prefix) and _is_within(stay.key, command)
            if is_wanted:
                pulls = self._pulls.of_key[source.id, stay.key]
                wanted[stay.key] = (self._attempts(source.id, stay.key), len(pulls))
        return wanted

    def _take_replay(self, version: ObjectVersion) -> None:
        asked = self._asked.get(version.replay_id or "")
        is_asked = (
            asked is not None
            and asked.command.source_id == version.source_id
            and _is_within(version.key, asked.command)
        )
        hold(is_asked and asked and not asked.is_done, "a replay was asked for", version, asked)
        replays = self._replays(version.source_id, version.key, version.replay_id)
        hold(replays == 1, "a replay repeats a version once", version)

    def _ended(self, owned: Owned, start: int, end: int) -> list[SourceCommand]:
        ended = []
        for message in self._broker.from_offset(owned, start):
            if message.offset_number >= end:
                break
            asked = self._asked[decoded(message, SourceCommand).command_id]
            self._end(asked)
            ended.append(asked.command)
        return ended

    def _end(self, asked: Asked) -> None:
        asked.is_done = True
        is_refused = self._bucket.refusals - asked.refusals >= _REFUSALS_MAX
        if asked.is_disturbed or is_refused:
            return
        source_id = asked.command.source_id
        for key, (attempts, pulls) in asked.wanted.items():
            stay = self._bucket.present(key)
            since = self._pulls.of_key[source_id, key][pulls:]
            # A listing from before the command may bring an older version meanwhile: the one that
            # is put back is new then, and a replay leaves what is new to discovery.
            is_new = any(pull.latest.replay_id is None for pull in since)
            if stay is None or not stay.lasted(asked.changes) or is_new:
                continue
            if asked.command.kind is CommandKind.RETRY:
                is_there = self._attempts(source_id, key) > attempts
            else:
                is_there = bool(self._replays(source_id, key, asked.command.command_id))
            hold(is_there, "a command ends when it is carried out", asked, key)

    def _attempts(self, source_id: str, key: str) -> int:
        return sum(len(pull.attempts) for pull in self._pulls.of_key[source_id, key])

    def _replays(self, source_id: str, key: str, replay_id: str | None) -> int:
        pulls = self._pulls.of_key[source_id, key]
        return sum(pull.latest.replay_id == replay_id for pull in pulls)


def _is_within(key: str, command: SourceCommand) -> bool:
    """Whether a key is in a command's range, in the order of its UTF-8 bytes."""
    first, last = command.from_key or "", command.to_key
    is_below = last is None or key.encode() <= last.encode()
    return first.encode() <= key.encode() and is_below
