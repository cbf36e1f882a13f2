"""Commands of people, and discovery driven until they are carried out."""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from producer.contract.objects import ObjectVersion
from producer.contract.source import CommandKind, SourceCommand
from tests.support.builders import NOW, a_source, an_outcome
from tests.support.stages import FakeMessage, RecordingTransaction
from tests.support.waiting import eventually
from tests.unit.discovery.driving import (
    FIRST,
    SOURCES,
    Discovery,
    a_store,
)
from tests.unit.discovery.tables import COMMANDS, ScriptedTopics

KEYS = ("compliance/a", "compliance/b", "compliance/c", "compliance/d")


def a_command(kind: CommandKind = CommandKind.REPLAY, **changes: object) -> SourceCommand:
    command = SourceCommand(
        command_id="command-1",
        source_id=FIRST,
        kind=kind,
        from_key="compliance/",
        to_key="compliance/~",
        requested_by="ops@example",
        requested_at=NOW,
    )
    return replace(command, **changes)


def ask(topics: ScriptedTopics, *commands: SourceCommand | None, offset: int = 0) -> None:
    """Let commands lie in partition 0 from an offset on."""
    topics.publish(
        *(
            FakeMessage(
                topic_name=COMMANDS,
                key_bytes=FIRST.encode(),
                value_bytes=None if command is None else msgspec.json.encode(command),
                offset_number=offset + index,
            )
            for index, command in enumerate(commands)
        )
    )


def carried(transactions: Sequence[RecordingTransaction]) -> list[tuple[int, str]]:
    """The offsets of commands that travelled with the lease."""
    return [
        (each.offset, each.metadata or "")
        for transaction in transactions
        for each in transaction.carried.get(SOURCES, [])
    ]


def a_discovery(topics: ScriptedTopics, *names: str, in_flight_max: int = 1000) -> Discovery:
    """Give a discovery whose objects are all pulled."""
    discovery = Discovery(topics, a_store(*names), in_flight_max=in_flight_max)
    discovery.apply(a_source(id=FIRST))
    discovery.acquire(0)

    def is_pulled() -> bool:
        finish(topics, discovery.published_in_a_step())
        return bool(discovery.listed) and 0 == discovery.stage.waiting()

    eventually(is_pulled, every_seconds=0.005)
    return discovery


def listed(discovery: Discovery) -> list[ObjectVersion]:
    """Give what the first listing of the source brings."""
    return discovery.published_in_a_step() + discovery.list_all()


def finish(topics: ScriptedTopics, versions: Sequence[ObjectVersion]) -> None:
    topics.publish(*map(an_outcome, versions))


def carry_out(
    discovery: Discovery, commands: int = 1, *, seconds_a_step: float = 0
) -> list[ObjectVersion]:
    """Step until commands are carried out, all that is published being pulled at once."""
    wanted = len(discovery.carried_out) + commands
    published: list[ObjectVersion] = []

    def is_carried_out() -> bool:
        discovery.clock.pass_time(seconds_a_step)
        versions = discovery.published_in_a_step()
        finish(discovery.topics, versions)
        published.extend(versions)
        return len(discovery.carried_out) >= wanted

    eventually(is_carried_out, every_seconds=0.005)
    return published
