"""A partition's way up: asked for, restored, sought, delivered, and never in another order."""

from producer.kafka.member import Owned
from producer.kafka.stages import Committed
from producer.kafka.transactions import TransactionResult
from tests.unit.kafka.loops import TOPIC, Bench, messages_of

_ZERO, _ONE = Owned(TOPIC, 0), Owned(TOPIC, 1)


def test_partition_goes_its_way_up_in_order() -> None:
    """The slot's fate is settled, the offset asked for, the table restored, then it is sought."""
    bench = Bench(committed={_ZERO: Committed(7, "place")})
    bench.stage.restoring.add(0)
    bench.membership.bring(gained=[_ZERO])
    bench.step(2)
    up_to_restoring = [("prepare",), ("ask", _ZERO), ("acquire", 0, 7, "place")]
    assert up_to_restoring == bench.journal

    bench.stage.restoring.clear()
    bench.step()
    assert [*up_to_restoring, ("seek", _ZERO, 7)] == bench.journal
    assert [(_ZERO, 7, True)] == bench.observer.started


def test_partition_stays_paused_until_it_is_sought() -> None:
    """Nothing is fetched from a partition whose table is not restored."""
    bench = Bench(committed={_ZERO: Committed(0, "")})
    bench.stage.restoring.add(0)
    bench.membership.bring(gained=[_ZERO])
    bench.membership.bring({_ZERO: messages_of(0, [0])})
    bench.step(3)
    assert ({_ZERO}, []) == (bench.membership.paused, bench.publisher.transactions)
    assert not bench.loop.is_idle

    bench.stage.restoring.clear()
    bench.step()
    assert not bench.membership.paused
    assert bench.loop.is_idle


def test_offset_is_not_asked_for_while_a_transaction_of_ours_is_undecided() -> None:
    """Without a publisher of a new epoch the offset might be one that is about to be replaced."""
    bench = Bench(committed={_ZERO: Committed(0, "")})
    bench.publisher.is_unavailable = True
    bench.membership.bring(gained=[_ZERO])
    bench.step(2)
    assert [] == bench.journal

    bench.publisher.is_unavailable = False
    bench.step()
    assert [("prepare",), ("ask", _ZERO)] == bench.journal[:2]


def test_pending_offset_is_asked_for_again_and_longer() -> None:
    """While a predecessor's transaction is pending the loop goes on, waiting ever longer."""
    bench = Bench(committed={_ZERO: Committed(0, "")})
    bench.membership.unanswered = 6
    bench.membership.bring(gained=[_ZERO])
    bench.step(7)
    assert [0.25, 0.5, 1.0, 2.0, 4.0, 4.0, 4.0] == bench.membership.asked_seconds
    assert {0} == bench.stage.inboxes.keys()


def test_partition_whose_offset_is_known_does_not_wait_for_another() -> None:
    """A pending transaction holds up its own topic alone; what is left is asked for again."""
    bench = Bench(committed={_ZERO: Committed(5, ""), _ONE: Committed(7, "")})
    bench.membership.pending = {_ONE}
    bench.membership.bring(gained=[_ZERO, _ONE])
    bench.step(2)
    asked = [entry for entry in bench.journal if entry[0] == "ask"]
    assert [("ask", _ZERO, _ONE), ("ask", _ONE)] == asked
    assert {0} == bench.stage.inboxes.keys()
    assert bench.membership.asked_seconds[0] < bench.membership.asked_seconds[1]

    bench.membership.pending = set()
    bench.step()
    assert {0, 1} == bench.stage.inboxes.keys()


def test_partition_that_waits_for_long_is_told_of_again_and_again() -> None:
    """A transaction that never ends would hold it up without a word; one that runs is well."""
    bench = Bench(committed={_ZERO: Committed(5, ""), _ONE: Committed(7, "")})
    bench.membership.pending = {_ONE}
    bench.membership.bring(gained=[_ZERO, _ONE])
    bench.step(6, seconds=30)
    assert [([_ONE], 60.0), ([_ONE], 120.0)] == bench.observer.delayed

    bench.membership.pending = set()
    bench.step(2)
    assert 2 == len(bench.observer.delayed)


def test_partition_that_ran_waits_from_its_last_failure_on() -> None:
    """A transaction that failed after hours is no reason to say that it waited for hours."""
    bench = Bench(committed={_ZERO: Committed(0, "")})
    bench.membership.bring(gained=[_ZERO])
    bench.step(seconds=3600)
    bench.publisher.results.append(TransactionResult.ABORTED)
    bench.membership.bring({_ZERO: messages_of(0, [0])})
    bench.step(seconds=30)
    bench.membership.unanswered = 100
    bench.step(seconds=1)
    assert ("aborted",) in bench.journal
    assert [] == bench.observer.delayed


def test_seek_that_comes_too_early_is_tried_again() -> None:
    """A partition that librdkafka cannot seek yet is not taken for a running one."""
    bench = Bench(committed={_ZERO: Committed(3, "")})
    bench.membership.unseekable.add(_ZERO)
    bench.membership.bring(gained=[_ZERO])
    bench.membership.bring({_ZERO: messages_of(0, [0, 1, 2, 3])})
    bench.step(2)
    assert [] == bench.stage.inboxes[0]

    bench.membership.unseekable.clear()
    bench.step()
    bench.membership.bring({_ZERO: messages_of(0, [3])})
    bench.step()
    assert [b"3"] == bench.publisher.published


def test_one_vain_start_a_step_is_enough() -> None:
    """To ask a leader that is away takes seconds, in which nothing is polled; all have a turn."""
    owned = [Owned(TOPIC, index) for index in range(3)]
    bench = Bench(committed=dict.fromkeys(owned, Committed(0, "")))
    bench.membership.unseekable = {owned[0], owned[1]}
    bench.membership.bring(gained=owned)
    bench.step()
    assert [owned[0]] == bench.membership.vain
    bench.step(2)
    assert [owned[0], owned[1], owned[0]] == bench.membership.vain
    assert ("seek", owned[2], 0) in bench.journal
