"""The pace of a source: slower each time it asks for that, and as it was when it does not."""

import pytest

from producer.contract.objects import Reason
from producer.s3.object_store import ObjectStoreRefusedError
from producer.s3.pace import Pace


class Time:
    """Time that passes only while somebody waits, or when the test lets it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waited: list[float] = []

    def steady(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now += seconds


@pytest.fixture
def time() -> Time:
    """Give a time of its own to each test."""
    return Time()


@pytest.fixture
def pace(time: Time) -> Pace:
    """Give the pace of a source that was not asked yet."""
    return Pace(steady=time.steady, wait=time.wait)


def assert_refused(pace: Pace) -> None:
    with pytest.raises(ObjectStoreRefusedError) as raised:
        pace.take_turn("reading")
    assert raised.value.reason is Reason.THROTTLED
    assert raised.value.detail.startswith("reading: the store wants fewer requests")


def slow_down(pace: Pace, times: int, time: Time) -> None:
    for _ in range(times):
        pace.slow_down(time.now)


def test_source_that_complains_of_nothing_is_asked_at_once(pace: Pace, time: Time) -> None:
    """However often it is asked."""
    for _ in range(100):
        assert pace.take_turn("reading") == time.now
        pace.speed_up()
    assert time.waited == []


def test_delay_doubles_until_a_request_would_wait_for_long(pace: Pace, time: Time) -> None:
    """Then the request is refused, without a wait, and without having been sent."""
    for _ in range(3):
        turn = pace.take_turn("reading")
        pace.slow_down(turn)
    assert time.waited == [0.25, 0.5]
    assert pace.take_turn("reading") == 1001.75
    pace.slow_down(time.now)
    assert_refused(pace)
    assert time.waited == [0.25, 0.5, 1.0]


def test_delay_has_a_longest(pace: Pace, time: Time) -> None:
    """After which the source is asked again, come what may."""
    slow_down(pace, 30, time)
    assert_refused(pace)
    time.now += 59
    assert pace.take_turn("reading") == 1060.0
    assert_refused(pace)


def test_requests_are_spread_while_it_is_slow(pace: Pace, time: Time) -> None:
    """Threads that wait together do not ask together."""
    slow_down(pace, 1, time)
    assert [pace.take_turn("reading") for _ in range(3)] == [1000.25, 1000.5, 1000.75]


def test_complaints_about_requests_that_were_under_way_together_count_once(
    pace: Pace, time: Time
) -> None:
    """Eight threads do not make it slow down eightfold."""
    turns = [pace.take_turn("reading") for _ in range(8)]
    time.now += 0.1
    for turn in turns:
        pace.slow_down(turn)
    assert pace.take_turn("reading") == pytest.approx(1000.35)


def test_pace_is_found_again_step_by_step(pace: Pace, time: Time) -> None:
    """Each request that is taken halves the delay, until there is none."""
    slow_down(pace, 3, time)
    delays = []
    for _ in range(4):
        before = time.now
        pace.take_turn("reading")
        pace.speed_up()
        delays.append(time.now - before)
    assert delays == [1.0, 0.5, 0.25, 0.0]


def test_store_that_does_not_answer_is_not_asked_for_a_minute(pace: Pace, time: Time) -> None:
    """However long it was waited for; a failure that comes at once is none of that kind."""
    pace.give_up(time.now - 9.9)
    pace.take_turn("reading")
    for waited in (10, 100):
        pace.give_up(time.now - waited)
        time.now += 59
        with pytest.raises(ObjectStoreRefusedError, match="again in 1 seconds") as raised:
            pace.take_turn("reading")
        assert raised.value.reason is Reason.UNAVAILABLE
        time.now += 1
        assert time.now == pace.take_turn("reading")
    assert [] == time.waited
