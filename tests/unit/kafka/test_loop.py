"""The laws of the loop, with a member, a publisher and a stage that do as they are told."""

from functools import partial

import pytest

from producer.errors import FatalError
from producer.kafka.loop import TransactionalLoop
from producer.kafka.member import Owned
from producer.kafka.stages import Committed
from producer.kafka.transactions import Transaction, TransactionResult
from tests.unit.kafka.loops import TOPIC, Bench, messages_of

_ZERO, _ONE, _OTHER = Owned(TOPIC, 0), Owned(TOPIC, 1), Owned("other", 0)


def _running(*, zero: int = 0, one: int = 0, metadata: str = "") -> Bench:
    """Build a loop that owns both partitions and delivers from these offsets."""
    bench = Bench(committed={_ZERO: Committed(zero, metadata), _ONE: Committed(one, "")})
    bench.membership.bring(gained=[_ZERO, _ONE])
    bench.step()
    bench.journal.clear()
    return bench


def test_messages_are_published_and_their_offsets_committed_together() -> None:
    """What was received is in the transaction that carries the offset behind it."""
    bench = _running()
    bench.membership.bring({_ZERO: messages_of(0, [0, 1]), _ONE: messages_of(1, [0])})
    bench.step()
    assert [b"0", b"1", b"0"] == bench.publisher.published
    assert {_ZERO: Committed(2, ""), _ONE: Committed(1, "")} == bench.membership.committed
    assert [0, 1, 0] == bench.stage.learnt


@pytest.mark.parametrize("result", [TransactionResult.ABORTED, TransactionResult.UNKNOWN])
def test_failed_transaction_makes_every_partition_go_up_again(result: TransactionResult) -> None:
    """After anything but a clean commit all is released, asked for and restored again."""
    bench = _running(zero=4, one=6)
    bench.publisher.results.append(result)
    bench.membership.bring({_ZERO: messages_of(0, [4])})
    bench.step(2)
    assert bench.journal == [
        (result.value,),
        ("release", 0),
        ("release", 1),
        ("prepare",),
        ("ask", _ZERO, _ONE),
        ("acquire", 0, 4, ""),
        ("acquire", 1, 6, ""),
        ("seek", _ZERO, 4),
        ("seek", _ONE, 6),
    ]


def test_failed_transaction_teaches_nothing() -> None:
    """A stage learns of what was committed alone, and of each of it once."""
    bench = _running()
    bench.publisher.results += [TransactionResult.ABORTED, TransactionResult.UNKNOWN]
    for _ in range(3):
        bench.membership.bring({_ZERO: messages_of(0, [0, 1])})
        bench.membership.bring()
    bench.step(6)
    assert [b"0", b"1"] == bench.publisher.published
    assert [0, 1] == bench.stage.learnt


def test_unknown_commit_that_was_completed_is_not_done_again() -> None:
    """It goes on from the offset that the broker holds, not from the one that it remembers."""
    bench = _running()
    bench.publisher.results.append(TransactionResult.UNKNOWN)
    bench.membership.bring({_ZERO: messages_of(0, [0, 1])})
    bench.step()
    bench.membership.committed[_ZERO] = Committed(2, "")
    bench.step()
    bench.membership.bring({_ZERO: messages_of(0, [0, 1, 2])})
    bench.step()
    assert [b"2"] == bench.publisher.published


def test_messages_fetched_before_a_rewind_are_not_used() -> None:
    """What arrives between a failure and the seek comes again behind the seek, in order."""
    bench = _running()
    bench.publisher.results.append(TransactionResult.ABORTED)
    bench.membership.bring({_ZERO: messages_of(0, [0, 1]), _ONE: messages_of(1, [0])})
    bench.membership.bring({_ZERO: messages_of(0, [2, 3]), _ONE: messages_of(1, [1])})
    bench.step(2)
    bench.membership.bring({_ZERO: messages_of(0, [0, 1, 2, 3]), _ONE: messages_of(1, [0, 1])})
    bench.step()
    assert [b"0", b"1", b"2", b"3", b"0", b"1"] == bench.publisher.published


def test_messages_of_a_lost_partition_are_not_used() -> None:
    """What a stage held for a partition that went away is in no transaction."""
    bench = _running()
    bench.membership.bring(
        {_ZERO: messages_of(0, [0]), _ONE: messages_of(1, [0, 1])}, lost=[_ZERO]
    )
    bench.step()
    assert [b"0", b"1"] == bench.publisher.published
    assert {1} == bench.stage.inboxes.keys()
    assert Committed(0, "") == bench.membership.committed[_ZERO]


def test_partition_lost_and_gained_at_once_goes_up_again() -> None:
    """Between the two somebody else may have worked on it."""
    bench = _running()
    bench.membership.committed[_ZERO] = Committed(9, "")
    bench.membership.bring(lost=[_ZERO], gained=[_ZERO])
    bench.step()
    assert bench.journal == [
        ("release", 0),
        ("ask", _ZERO),
        ("acquire", 0, 9, ""),
        ("seek", _ZERO, 9),
    ]


def test_partition_lost_before_it_was_acquired_is_not_released() -> None:
    """A stage hears only of the end of what it heard the beginning of."""
    bench = Bench(committed={_ZERO: Committed(0, "")})
    bench.membership.unanswered = 1
    bench.membership.bring(gained=[_ZERO])
    bench.membership.bring(lost=[_ZERO])
    bench.step(2)
    assert ("release", 0) not in bench.journal


def test_offset_of_a_partition_not_owned_is_refused() -> None:
    """A stage that contributes for somebody else's partition ends the process."""
    bench = _running()
    bench.stage.stray = 5
    bench.membership.bring({_ZERO: messages_of(0, [0])})
    with pytest.raises(AssertionError, match="not owned"):
        bench.step()
    assert [] == bench.publisher.transactions


def test_messages_without_any_offset_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction without an offset is not fenced by the group, so it may not publish."""
    bench = _running()
    monkeypatch.setattr(bench.stage, "contribute", _publish_alone)
    bench.membership.bring({_ZERO: messages_of(0, [0])})
    with pytest.raises(AssertionError, match="escape the fence"):
        bench.step()
    assert [] == bench.publisher.transactions


def test_offset_of_another_topic_is_no_fence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each topic has a member of its own: messages need an offset that theirs is asked about."""
    bench = _of_two_topics()
    monkeypatch.setattr(bench.stages[1], "contribute", _publish_alone)
    bench.membership.bring({_ZERO: messages_of(0, [0])})
    with pytest.raises(AssertionError, match="escape the fence"):
        bench.step()
    assert [] == bench.publisher.transactions


def test_commit_teaches_only_those_whose_topic_was_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit without a topic's offset does not show that the group still has its member."""
    bench = _of_two_topics()
    told: list[str] = []
    for stage in bench.stages:
        monkeypatch.setattr(stage, "committed", partial(told.append, stage.topic))
    bench.membership.bring({_ZERO: messages_of(0, [0])})
    bench.step()
    assert [TOPIC] == told

    bench.stages[0].inboxes[0].clear()
    bench.membership.bring(ends={_OTHER: 3})
    bench.step()
    assert [TOPIC, "other"] == told


def _publish_alone(transaction: Transaction) -> None:
    transaction.publish(topic="out", key=b"", value=b"", partition=0)


def _of_two_topics() -> Bench:
    bench = Bench(
        committed={_ZERO: Committed(0, ""), _OTHER: Committed(0, "")}, topics=(TOPIC, "other")
    )
    bench.membership.bring(gained=[_ZERO, _OTHER])
    bench.step()
    return bench


def test_idle_partition_moves_to_its_end() -> None:
    """Over markers alone the offset moves by itself: the end means that nothing is left."""
    bench = _running(zero=4)
    bench.membership.bring(ends={_ZERO: 6})
    bench.step()
    assert Committed(6, "") == bench.membership.committed[_ZERO]
    assert Committed(0, "") == bench.membership.committed[_ONE]
    assert bench.loop.is_idle


def test_partition_does_not_move_over_what_is_unfinished() -> None:
    """Messages received, or a place that waits for its record, hold the offset where it is."""
    bench = _running(zero=4)
    bench.stage.undrained.add(0)
    bench.membership.bring(ends={_ZERO: 6})
    bench.step()
    assert Committed(4, "") == bench.membership.committed[_ZERO]

    bench.stage.undrained.clear()
    bench.step()
    assert Committed(6, "") == bench.membership.committed[_ZERO]


def test_partition_does_not_move_over_messages_that_nobody_finished() -> None:
    """A stage that holds nothing and has contributed nothing has lost what it received."""
    bench = _running()
    bench.membership.bring({_ZERO: messages_of(0, [0])}, ends={_ZERO: 2})
    bench.loop._poll()
    bench.stage.inboxes[0].clear()
    bench.step(2)
    assert Committed(0, "") == bench.membership.committed[_ZERO]


def test_partition_moves_to_the_end_behind_its_last_message() -> None:
    """Messages first, in a transaction with their own offset; then the markers behind them."""
    bench = _running()
    bench.membership.bring({_ZERO: messages_of(0, [0, 1])}, ends={_ZERO: 5})
    bench.step()
    assert Committed(2, "") == bench.membership.committed[_ZERO]
    bench.step()
    assert Committed(5, "") == bench.membership.committed[_ZERO]
    assert [2, 0] == [messages for _, messages in bench.observer.ended]


def test_end_that_was_reached_before_a_rewind_is_forgotten() -> None:
    """After a failure the messages before that end are still to come."""
    bench = _running()
    bench.publisher.results.append(TransactionResult.ABORTED)
    bench.membership.bring({_ZERO: messages_of(0, [0, 1])}, ends={_ZERO: 5})
    bench.membership.bring(ends={_ZERO: 5})
    bench.step(3)
    assert Committed(0, "") == bench.membership.committed[_ZERO]


def test_offset_never_moves_back() -> None:
    """A stage that renews its lease does not know that the loop has moved on to the end."""
    bench = _running(zero=4)
    bench.membership.bring(ends={_ZERO: 8})
    bench.step()
    bench.stage.leases[0] = 4
    bench.step()
    assert Committed(8, "") == bench.membership.committed[_ZERO]


def test_partition_is_not_fetched_while_its_stage_wants_no_more() -> None:
    """A stage that is full pauses its partitions, and resumes them when it has room."""
    bench = _running()
    bench.stage.is_hungry = False
    bench.step()
    assert {_ZERO, _ONE} == bench.membership.paused

    bench.stage.is_hungry = True
    bench.step()
    assert set() == bench.membership.paused


def test_nothing_is_fetched_while_a_failure_is_waited_out() -> None:
    """What piled up would make the next transaction too large for its time-out; work waits."""
    bench = _running()
    bench.publisher.results.append(TransactionResult.ABORTED)
    bench.membership.bring({_ZERO: messages_of(0, [0])})
    bench.loop.step()
    bench.loop.step()
    assert {_ZERO, _ONE} == bench.membership.paused
    assert 0.0 not in bench.membership.polled_seconds[-1:]

    bench.stage.leases[0] = 0
    bench.loop.step()
    assert 1 == len(bench.observer.ended)
    bench.clock.pass_time(60)
    bench.loop.step()
    assert set() == bench.membership.paused
    assert 2 == len(bench.observer.ended)


def test_nothing_is_fetched_while_the_broker_is_away_with_work_waiting() -> None:
    """One batch waits for the broker; it is asked for at each step."""
    bench = _running()
    bench.publisher.is_unavailable = True
    bench.membership.bring({_ZERO: messages_of(0, [0])})
    bench.step(2)
    assert {_ZERO, _ONE} == bench.membership.paused

    bench.publisher.is_unavailable = False
    bench.step(2)
    assert set() == bench.membership.paused
    assert [b"0"] == bench.publisher.published


def test_work_that_is_lost_while_the_broker_is_away_holds_up_nothing() -> None:
    """With nothing left to publish, nobody would ask for the broker again."""
    bench = _running()
    bench.publisher.is_unavailable = True
    bench.membership.bring({_ZERO: messages_of(0, [0])})
    bench.step()
    bench.publisher.is_unavailable = False
    bench.membership.bring(lost=[_ZERO])
    bench.step(2)
    assert set() == bench.membership.paused


def test_clients_are_served_at_each_step() -> None:
    """What clients report would pile up in them while nothing is published."""
    bench = _running()
    bench.step(5)
    assert 6 == bench.publisher.served


def test_failures_in_a_row_end_the_process() -> None:
    """What does not pass becomes a message to an operator, with the reason."""
    bench = _running()
    bench.publisher.results += [TransactionResult.ABORTED] * 10

    def fail_for_ever() -> None:
        for _ in range(30):
            bench.membership.bring({_ZERO: messages_of(0, [0])})
            bench.step()

    with pytest.raises(FatalError, match=r"10 transactions in a row.*publish to 'out'"):
        fail_for_ever()


def test_failures_with_a_commit_between_them_are_no_row() -> None:
    """Any number of failures is borne, as long as something is committed between them."""
    bench = _running()
    for offset in range(4):
        bench.publisher.results += [TransactionResult.ABORTED] * 9
        bench.publisher.results.append(TransactionResult.COMMITTED)
        for _ in range(10):
            bench.membership.bring({_ZERO: messages_of(0, [offset])})
            bench.step(2)
    assert [b"0", b"1", b"2", b"3"] == bench.publisher.published


def test_broker_that_stays_away_ends_the_process() -> None:
    """After five minutes the process says what it waits for, and stops."""
    bench = _running()
    bench.publisher.is_unavailable = True
    bench.membership.bring({_ZERO: messages_of(0, [0])})
    with pytest.raises(FatalError, match="the broker is away"):
        bench.step(8)


def test_closing_releases_everything_in_order() -> None:
    """Stages let go first, then the group, then the publisher."""
    bench = _running()
    bench.loop.close()
    assert bench.journal == [
        ("release", 0),
        ("release", 1),
        ("stage closed",),
        ("member closed",),
        ("publisher closed",),
    ]


def test_running_ends_when_it_is_told_to() -> None:
    """The loop asks before each step whether to stop."""
    bench = _running()
    answers = iter([False, False, True])
    TransactionalLoop.run(bench.loop, lambda: next(answers))
    assert 3 == len(bench.membership.polled_seconds)
