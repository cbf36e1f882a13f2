"""What people ask for in `commands`, as discovery carries it out."""

from collections.abc import Mapping, Sequence

import pytest

from producer.contract.objects import ObjectVersion, Outcome, Place, Reason
from producer.contract.source import CommandKind
from producer.discovery.ledger import in_order
from producer.discovery.orders import Orders
from producer.errors import PlaceUnreadableError
from producer.kafka.stages import Committed
from tests.support.builders import a_source, an_outcome
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
    listed,
)
from tests.unit.discovery.driving import (
    BUCKET,
    FIRST,
    SECOND,
    SOURCES,
    Discovery,
    a_store,
    keys_of,
    versions_in,
)
from tests.unit.discovery.tables import ScriptedTopics


def test_offset_of_commands_moves_when_all_of_one_is_published(topics: ScriptedTopics) -> None:
    """Before that its metadata says how far it got; a transaction that has it has the lease."""
    discovery = a_discovery(topics, "a", "b", "c", in_flight_max=1)
    ask(topics, a_command())
    transactions: list[RecordingTransaction] = []

    def is_carried_out() -> bool:
        step = discovery.step()
        transactions.extend(step)
        finish(topics, versions_in(step))
        return bool(discovery.carried_out)

    eventually(is_carried_out, every_seconds=0.005)

    places = [f"after={key}&objects={count}" for count, key in enumerate(KEYS[:3], start=1)]
    assert [*((0, place) for place in places), (1, "")] == carried(transactions)
    assert all((SOURCES, 0) in each.offsets for each in transactions if carried([each]))


def test_transaction_that_was_not_committed_is_no_progress(topics: ScriptedTopics) -> None:
    """The partition goes the way up again, and all is published that was not."""
    discovery = a_discovery(topics, "a", "b")
    ask(topics, a_command())
    transactions: list[RecordingTransaction] = []

    def is_contributed() -> bool:
        discovery.stage.tick()
        if discovery.stage.has_work():
            transactions.append(transact(discovery.stage, commits=False))
        return bool(versions_in(transactions))

    eventually(is_contributed, every_seconds=0.005)
    discovery.stage.release(0)
    discovery.acquire(0)

    replayed = [version for version in carry_out(discovery) if version.replay_id is not None]
    assert list(KEYS[:2]) == keys_of(replayed)


def test_retry_makes_one_attempt_at_each_that_is_quarantined(topics: ScriptedTopics) -> None:
    """Also where the reason will not pass by itself; it resumes at the place that was reached."""
    discovery = Discovery(topics, a_store("a", "b", "c"))
    discovery.apply(a_source(id=FIRST))
    discovery.acquire(0)
    first, second, third = listed(discovery)
    place = Place(line=7)
    topics.publish(
        an_outcome(first, outcome=Outcome.QUARANTINED, reason=Reason.TRUNCATED, place=place),
        an_outcome(second),
        an_outcome(third, outcome=Outcome.VANISHED, reason=Reason.OBJECT_GONE),
    )
    discovery.step()
    ask(topics, a_command(CommandKind.RETRY, from_key=None, to_key=None))

    (again,) = carry_out(discovery)

    assert (first.key, 2, place, first.pull_id, None) == (
        again.key,
        again.attempt,
        again.resume_from,
        again.pull_id,
        again.replay_id,
    )


def test_retry_of_keys_tries_those_that_failed_in_any_way(topics: ScriptedTopics) -> None:
    """Whatever was pulled, or is not known, is left alone."""
    discovery = Discovery(topics, a_store("a", "b"))
    discovery.apply(a_source(id=FIRST))
    discovery.acquire(0)
    first, second = listed(discovery)
    topics.publish(
        an_outcome(first, outcome=Outcome.VANISHED, reason=Reason.OBJECT_GONE), an_outcome(second)
    )
    discovery.step()
    ask(topics, a_command(CommandKind.RETRY, keys=(*KEYS, "elsewhere")))

    assert [KEYS[0]] == keys_of(carry_out(discovery))


def test_object_that_fails_again_is_not_retried_by_the_same_command(
    topics: ScriptedTopics,
) -> None:
    """One attempt each, also over a change of owner."""
    discovery = Discovery(topics, a_store("a", "b"))
    discovery.apply(a_source(id=FIRST))
    discovery.acquire(0)
    for version in listed(discovery):
        topics.publish(an_outcome(version, outcome=Outcome.QUARANTINED, reason=Reason.TRUNCATED))
    discovery.step()
    ask(topics, a_command(CommandKind.RETRY))

    def committed(_: Sequence[int]) -> Mapping[int, Committed]:
        return {0: Committed(0, "after=compliance/a")}

    successor = Discovery(topics, a_store("a", "b"), committed_of_commands=committed)
    successor.apply(a_source(id=FIRST))
    successor.acquire(0)

    assert [(KEYS[1], 2)] == [(each.key, each.attempt) for each in carry_out(successor)]


def test_reconciling_lists_the_whole_prefix_at_once(topics: ScriptedTopics) -> None:
    """Neither the poll nor the time for reconciling is waited for."""
    discovery = a_discovery(topics, "m")
    discovery.store.put(BUCKET, KEYS[0], b"late")
    listings = len(discovery.listed)
    ask(topics, a_command(CommandKind.RECONCILE))
    carry_out(discovery)

    eventually(lambda: discovery.step() or len(discovery.listed) > listings, every_seconds=0.005)
    assert KEYS[0] in keys_of(discovery.counted)


@pytest.mark.parametrize(
    ("source", "failure"),
    [(None, "unknown_source"), (a_source(id=FIRST, disabled=True), "source_disabled")],
    ids=["removed", "disabled"],
)
def test_command_that_nobody_can_carry_out_is_told_and_passed(
    topics: ScriptedTopics, source: object, failure: str
) -> None:
    """It must not hold up those behind it."""
    discovery = a_discovery(topics, "a")
    if source is None:
        discovery.remove(FIRST)
    else:
        discovery.apply(a_source(id=FIRST, disabled=True))
    ask(topics, a_command(), None)

    assert [] == carry_out(discovery, commands=2, seconds_a_step=1)
    assert [(a_command(), 0, failure), (None, 0, "unknown_source")] == discovery.carried_out


def test_commands_of_another_partition_are_another_owners(topics: ScriptedTopics) -> None:
    """One that lies where its source does not belong is passed as unknown."""
    discovery = a_discovery(topics, "a")
    ask(topics, a_command(source_id=SECOND))

    carry_out(discovery, seconds_a_step=1)

    assert [(a_command(source_id=SECOND), 0, "unknown_source")] == discovery.carried_out


def test_metadata_of_another_program_stops_the_process(topics: ScriptedTopics) -> None:
    """To guess how far a command got would repeat objects, or leave them out."""

    def committed(_: Sequence[int]) -> Mapping[int, Committed]:
        return {0: Committed(0, "{}")}

    discovery = Discovery(topics, a_store(), committed_of_commands=committed)
    with pytest.raises(PlaceUnreadableError, match="commands"):
        discovery.acquire(0)


def test_place_of_any_key_can_be_read_back(topics: ScriptedTopics) -> None:
    """And fits into what brokers keep of metadata."""
    keys = ["compliance/\x01\n%é\N{GRINNING FACE}", "compliance/" + "\x7f" * 1013]
    discovery = a_discovery(topics, *(key.removeprefix("compliance/") for key in keys))
    ask(topics, a_command(to_key="compliance/\N{PILE OF POO}"))
    transactions: list[RecordingTransaction] = []

    def is_carried_out() -> bool:
        step = discovery.step()
        transactions.extend(step)
        finish(topics, versions_in(step))
        return bool(discovery.carried_out)

    eventually(is_carried_out, every_seconds=0.005)
    (offset, metadata), _ = carried(transactions)
    assert len(metadata) < 4096
    assert (0, True) == (offset, metadata.isascii())
    order = Orders(Committed(0, metadata), group="puller")
    order.receive(0, a_command())
    assert order.head is not None
    assert max(keys, key=in_order) == order.head.after_key


def test_offset_of_commands_is_renewed_although_nobody_commands(topics: ScriptedTopics) -> None:
    """Brokers let offsets expire where no member subscribes to the topic; each lease renews it.

    At once too, since what a predecessor left may lie behind commands that expired.
    """

    def committed(_: Sequence[int]) -> Mapping[int, Committed]:
        return {0: Committed(7, "")}

    discovery = Discovery(topics, a_store(), committed_of_commands=committed)
    discovery.acquire(0)

    assert [(7, "")] == carried(discovery.step())
    assert [] == discovery.step()
    discovery.clock.pass_time(3600)
    assert [(7, "")] == carried(discovery.step())


def test_renewal_amid_a_command_keeps_how_far_it_got(topics: ScriptedTopics) -> None:
    """A successor would begin anew otherwise."""
    discovery = a_discovery(topics, "a", "b", "c", in_flight_max=1)
    ask(topics, a_command())
    published: list[ObjectVersion] = []

    def has_begun() -> bool:
        published.extend(discovery.published_in_a_step())
        return bool(published)

    eventually(has_begun, every_seconds=0.005)
    discovery.clock.pass_time(3600)

    place = f"after={published[-1].key}&objects=1"
    assert {(0, place)} == set(carried(discovery.step()))
