"""How commands end, who is told of it, and which may pass one that takes long."""

from collections.abc import Mapping, Sequence

import pytest
from msgspec.structs import replace

from producer.contract.objects import ObjectVersion, Outcome, Reason
from producer.contract.source import CommandKind, SourceCommand
from producer.kafka.stages import Committed
from tests.support.builders import a_source, a_source_id_in, an_outcome
from tests.support.stages import RecordingTransaction, transact
from tests.support.waiting import eventually
from tests.unit.discovery.commanding import (
    KEYS,
    a_command,
    a_discovery,
    ask,
    carried,
    carry_out,
    finish,
)
from tests.unit.discovery.driving import (
    FIRST,
    SECOND,
    Discovery,
    a_store,
    keys_of,
    statuses_in,
    versions_in,
)
from tests.unit.discovery.tables import PARTITIONS, ScriptedTopics

# Of the same partition as the first.
OTHER = a_source_id_in(0, partitions=PARTITIONS, number=1)
TEN_SECONDS = 10


def run(discovery: Discovery, commands: int = 1) -> list[RecordingTransaction]:
    """Step until commands are carried out, and give all transactions."""
    wanted = len(discovery.carried_out) + commands
    transactions: list[RecordingTransaction] = []

    def is_carried_out() -> bool:
        step = discovery.step()
        transactions.extend(step)
        keep(discovery.topics, step)
        return len(discovery.carried_out) >= wanted

    eventually(is_carried_out, every_seconds=0.005)
    return transactions


def keep(topics: ScriptedTopics, transactions: list[RecordingTransaction]) -> None:
    """Keep what is committed in the topics, and let what is published be pulled."""
    versions = versions_in(transactions)
    topics.publish(*versions, *statuses_in(transactions))
    finish(topics, versions)


def told(transactions: list[RecordingTransaction]) -> list[tuple[str | None, int, str | None]]:
    """The ends of commands, as statuses tell of them."""
    ends = [
        (each.last_command_id, each.last_command_objects, each.last_command_failure)
        for each in statuses_in(transactions)
    ]
    return [end for index, end in enumerate(ends) if end[0] and end not in ends[:index]]


def committed_at(offset: int, metadata: str = "") -> object:
    """Let the group stand there."""

    def committed(_: Sequence[int]) -> Mapping[int, Committed]:
        return {0: Committed(offset, metadata)}

    return committed


def with_two_sources(topics: ScriptedTopics, *, in_flight_max: int = 1000) -> Discovery:
    """Two sources of one partition whose first objects are quarantined, the others pulled."""
    discovery = Discovery(topics, a_store("a", "b", "c"), in_flight_max=in_flight_max)
    discovery.apply(a_source(id=FIRST), a_source(id=OTHER))
    discovery.acquire(0)

    def is_finished() -> bool:
        step = discovery.step()
        topics.publish(*versions_in(step), *statuses_in(step))
        for version in versions_in(step):
            if version.key == KEYS[0]:
                quarantine(topics, version)
            else:
                topics.publish(an_outcome(version))
        return len(discovery.listed) == 2 and 0 == discovery.stage.waiting()

    eventually(is_finished, every_seconds=0.005)
    return discovery


def quarantine(topics: ScriptedTopics, version: ObjectVersion) -> None:
    topics.publish(an_outcome(version, outcome=Outcome.QUARANTINED, reason=Reason.TRUNCATED))


def a_retry_of_the_other(command_id: str = "command-2") -> SourceCommand:
    return a_command(CommandKind.RETRY, command_id=command_id, source_id=OTHER, keys=())


def test_end_of_a_command_is_told_with_its_offset(topics: ScriptedTopics) -> None:
    """In one transaction: who asked reads the status, and finds the answer or still waits."""
    discovery = a_discovery(topics, "a", "b")
    ask(topics, a_command())

    transactions = run(discovery)

    (last,) = (each for each in transactions if (1, "") in carried([each]))
    assert [("command-1", 2, None)] == told([last])
    assert [("command-1", 2, None)] == told(transactions)


def test_commands_in_a_row_are_each_told(topics: ScriptedTopics) -> None:
    """Each in a status of its own, however fast they are."""
    discovery = a_discovery(topics, "a", "b")
    ids = [f"command-{number}" for number in range(5)]
    ask(topics, *(a_command(CommandKind.RECONCILE, command_id=each) for each in ids))

    assert [(each, 0, None) for each in ids] == told(run(discovery, commands=5))


def test_end_is_told_for_good(topics: ScriptedTopics) -> None:
    """A later status tells it still, also once the source was changed."""
    discovery = a_discovery(topics, "a")
    ask(topics, a_command())
    run(discovery)

    discovery.apply(a_source(id=FIRST, name="renamed"))
    discovery.clock.pass_time(1)
    (renamed,) = statuses_in(discovery.step())

    assert ("renamed", "command-1") == (renamed.name, renamed.last_command_id)


def test_end_that_was_not_committed_is_not_believed(topics: ScriptedTopics) -> None:
    """It is told again by whoever carries the command out."""
    discovery = a_discovery(topics, "a")
    ask(topics, a_command(CommandKind.RECONCILE))

    def is_contributed() -> bool:
        discovery.stage.tick()
        return discovery.stage.has_work() and bool(
            told([transact(discovery.stage, commits=False)])
        )

    eventually(is_contributed, every_seconds=0.005)
    assert [] == discovery.carried_out
    discovery.stage.release(0)
    discovery.acquire(0)

    assert [("command-1", 0, None)] == told(run(discovery))


def test_failure_is_told(topics: ScriptedTopics) -> None:
    """With what was published before it."""
    discovery = a_discovery(topics, "a")
    discovery.apply(a_source(id=FIRST, disabled=True))
    ask(topics, a_command())

    assert [("command-1", 0, "source_disabled")] == told(run(discovery))


def test_command_for_a_removed_source_is_told_in_its_last_status(topics: ScriptedTopics) -> None:
    """Which keeps all else that it said."""
    discovery = a_discovery(topics, "a")
    discovery.clock.pass_time(60)
    before = statuses_in(discovery.step())[-1]
    discovery.remove(FIRST)
    ask(topics, a_command())
    assert [] == told(discovery.step())

    discovery.clock.pass_time(TEN_SECONDS)
    (status,) = statuses_in(run(discovery))

    assert ("command-1", "unknown_source") == (
        status.last_command_id,
        status.last_command_failure,
    )
    assert (before.objects_found, before.listed_through) == (
        status.objects_found,
        status.listed_through,
    )


def test_command_for_a_source_elsewhere_tells_nothing_of_it(topics: ScriptedTopics) -> None:
    """Its status is its owner's, also where that is the same process."""
    discovery = Discovery(topics, a_store("a"))
    discovery.apply(a_source(id=FIRST), a_source(id=SECOND))
    discovery.acquire(0, 1)
    discovery.list_all()
    ask(topics, a_command(source_id=SECOND))
    discovery.step()
    discovery.clock.pass_time(TEN_SECONDS)

    assert [] == told(run(discovery))
    assert [(a_command(source_id=SECOND), 0, "unknown_source")] == discovery.carried_out


def test_source_that_was_created_a_moment_ago_is_waited_for(topics: ScriptedTopics) -> None:
    """Its command may be read before it is; for ten seconds."""
    discovery = Discovery(topics, a_store("a"))
    discovery.acquire(0)
    ask(topics, a_command(CommandKind.RECONCILE))
    discovery.step()
    discovery.clock.pass_time(TEN_SECONDS - 1)
    discovery.step()
    assert [] == discovery.carried_out

    discovery.apply(a_source(id=FIRST))

    assert [("command-1", 0, None)] == told(run(discovery))


def test_objects_are_counted_over_a_change_of_owner(topics: ScriptedTopics) -> None:
    """What a predecessor published for the command is told with the rest."""
    a_discovery(topics, "a", "b", "c")
    ask(topics, a_command())
    successor = Discovery(
        topics,
        a_store("a", "b", "c"),
        committed_of_commands=committed_at(0, "after=compliance/b&objects=2"),  # type: ignore[arg-type]
    )
    successor.apply(a_source(id=FIRST))
    successor.acquire(0)

    assert [("command-1", 3, None)] == told(run(successor))


def test_retry_passes_a_replay_of_another_source(topics: ScriptedTopics) -> None:
    """The offset stays at the replay, whatever has ended behind it."""
    discovery = with_two_sources(topics, in_flight_max=1)
    ask(topics, a_command(), a_retry_of_the_other())
    transactions: list[RecordingTransaction] = []

    def is_told() -> bool:
        # Nothing is pulled, so the replay stands still.
        transactions.extend(discovery.step())
        return bool(discovery.carried_out)

    eventually(is_told, every_seconds=0.005)
    assert [("command-2", 1, None)] == told(transactions)
    assert {0} == {offset for offset, _ in carried(transactions)}

    finish(topics, versions_in(transactions))
    transactions += run(discovery)
    assert ["command-2", "command-1"] == [each[0] for each in told(transactions)]
    assert (2, "") == carried(transactions)[-1]


def test_commands_of_one_source_stay_in_order(topics: ScriptedTopics) -> None:
    """Whoever retries behind a replay means what the replay leaves."""
    discovery = with_two_sources(topics, in_flight_max=1)
    ask(topics, a_command(), a_command(CommandKind.RETRY, command_id="command-2"))

    assert ["command-1", "command-2"] == [each[0] for each in told(run(discovery, commands=2))]


def test_replay_waits_for_a_replay_of_another_source(topics: ScriptedTopics) -> None:
    """There is room for how far one got, not for two."""
    discovery = with_two_sources(topics, in_flight_max=1)
    ask(topics, a_command(), a_command(command_id="command-2", source_id=OTHER))

    transactions = run(discovery, commands=2)

    order = [version.source_id for version in versions_in(transactions)]
    assert [FIRST] * 3 + [OTHER] * 3 == order


def successor_of(topics: ScriptedTopics, offset: int) -> Discovery:
    """Let another process take over where the group's offset lies there."""
    successor = Discovery(
        topics,
        a_store("a", "b", "c"),
        committed_of_commands=committed_at(offset),  # type: ignore[arg-type]
    )
    successor.apply(a_source(id=FIRST), a_source(id=OTHER))
    successor.acquire(0)
    return successor


def test_successor_does_not_repeat_what_ended_behind_the_head(topics: ScriptedTopics) -> None:
    """The source's status remembers it; what comes after it is carried out."""
    discovery = with_two_sources(topics, in_flight_max=1)
    ask(topics, a_command(), a_retry_of_the_other(), a_retry_of_the_other("command-3"))

    def is_told() -> bool:
        step = discovery.step()
        topics.publish(*versions_in(step), *statuses_in(step))
        for version in versions_in(step):
            if version.source_id == OTHER:
                quarantine(topics, version)
        return bool(discovery.carried_out)

    eventually(is_told, every_seconds=0.005)
    finish(topics, [version for version in discovery.counted if version.source_id == FIRST])
    discovery.stage.release(0)
    successor = successor_of(topics, 0)
    carry_out(successor, commands=2)

    ids = {command.command_id for command, _, _ in successor.carried_out if command is not None}
    assert {"command-1", "command-3"} == ids


def test_offset_that_a_person_set_back_repeats_commands(topics: ScriptedTopics) -> None:
    """What a status remembers is no reason to leave out the head."""
    discovery = a_discovery(topics, "a", "b")
    ask(topics, a_command())
    run(discovery)

    successor = successor_of(topics, 0)

    assert set(KEYS[:2]) <= set(keys_of(carry_out(successor)))


@pytest.mark.parametrize(
    ("kind", "objects"),
    [(CommandKind.RETRY, 1), (CommandKind.REPLAY, 3), (CommandKind.RECONCILE, 0)],
)
def test_rehearsal_counts_and_does_nothing(
    topics: ScriptedTopics, kind: CommandKind, objects: int
) -> None:
    """As the command says, whoever published it."""
    discovery = with_two_sources(topics)
    listings = len(discovery.listed)
    ask(topics, replace(a_command(kind), dry_run=True))

    transactions = run(discovery)

    assert ([], [("command-1", objects, None)]) == (versions_in(transactions), told(transactions))
    assert listings == len(discovery.listed)


def test_rehearsal_that_begins_again_counts_anew(topics: ScriptedTopics) -> None:
    """The source changed amid it, and it lists from the beginning."""
    discovery = with_two_sources(topics)
    ask(topics, replace(a_command(), dry_run=True))
    orders = discovery.stage._partitions[0].orders
    assert orders is not None

    def has_counted() -> bool:
        discovery.step()
        return any(run.order.objects for run in orders._runs.values())

    eventually(has_counted, every_seconds=0.005)
    discovery.apply(a_source(id=FIRST, name="renamed"), a_source(id=OTHER))

    assert [("command-1", 3, None)] == told(run(discovery))
