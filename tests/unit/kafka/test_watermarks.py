"""Where partitions end: what is believed of an admin client's answers, and how it is asked."""

from collections.abc import Mapping
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import OFFSET_INVALID, KafkaError, KafkaException, TopicPartition

from producer.errors import BrokerUnavailableError
from producer.kafka.member import Owned
from producer.kafka.tables import Watermarks

ZERO, ONE = Owned("topic", 0), Owned("topic", 1)


class FakeAdmin:
    """Gives one answer after the other, the last one again and again."""

    def __init__(self, *answers: Mapping[int, int | KafkaError]) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[list[int], float]] = []
        """Which partitions it was asked for, and how long it was to wait."""

    def list_offsets(
        self, asked: Mapping[TopicPartition, object], *, request_timeout: float, **_: object
    ) -> dict[TopicPartition, "Future[Any]"]:
        """Answer at once."""
        self.asked.append(([each.partition for each in asked], request_timeout))
        answers = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return {each: _told(answers[each.partition]) for each in asked}

    def list_topics(self, *, timeout: float) -> None:
        """Learn nothing."""
        del timeout


def _told(answer: int | KafkaError) -> "Future[Any]":
    future: Future[Any] = Future()
    if isinstance(answer, int):
        future.set_result(SimpleNamespace(offset=answer))
    else:
        future.set_exception(KafkaException(answer))
    return future


def _watermarks(admin: FakeAdmin, monkeypatch: pytest.MonkeyPatch) -> Watermarks:
    monkeypatch.setattr("producer.kafka.tables.open_admin", lambda _: admin)
    monkeypatch.setattr("producer.kafka.tables._WAIT_SECONDS", 0.0)
    return Watermarks({})


def test_end_that_no_leader_told_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client says neither an offset nor an error where a leader does not answer."""
    admin = FakeAdmin({0: 7, 1: OFFSET_INVALID}, {1: 8})
    assert {ZERO: 7, ONE: 8} == _watermarks(admin, monkeypatch).high([ZERO, ONE])
    assert [[0, 1], [1]] == [partitions for partitions, _ in admin.asked]


def test_silent_leader_is_given_longer_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A leader that died is given up soon; a cluster that is slow gets its time in the end."""
    admin = FakeAdmin({0: OFFSET_INVALID})
    with pytest.raises(BrokerUnavailableError, match="does not answer"):
        _watermarks(admin, monkeypatch).high([ZERO])
    assert [2, 4, 8, 16, 30, 30] == [seconds for _, seconds in admin.asked[:6]]
    assert 80 == len(admin.asked)


def test_refusal_is_no_reason_to_wait_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who refuses at once is there."""
    admin = FakeAdmin({0: KafkaError(KafkaError.LEADER_NOT_AVAILABLE)})
    with pytest.raises(BrokerUnavailableError):
        _watermarks(admin, monkeypatch).high([ZERO])
    assert {2} == {seconds for _, seconds in admin.asked}


def test_time_after_all_messages_is_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """That there is no such message is an answer; the end is asked for then."""
    admin = FakeAdmin({0: -1}, {0: 9})
    assert {ZERO: 9} == _watermarks(admin, monkeypatch).at_time([ZERO], 1)


def test_whoever_asks_once_gets_what_is_told_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop has other things to do than to wait for a cluster that is away."""
    admin = FakeAdmin({0: OFFSET_INVALID})
    with pytest.raises(BrokerUnavailableError):
        _watermarks(admin, monkeypatch).once().high([ZERO])
    assert [([0], 2)] == admin.asked


def test_answer_that_nobody_wants_any_more_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A process that is told to stop has not got as long as a request may take."""
    admin = FakeAdmin({0: 7})
    waiting: Future[Any] = Future()
    monkeypatch.setattr(admin, "list_offsets", lambda asked, **_: dict.fromkeys(asked, waiting))
    looks = iter([False, False, True])
    watermarks = _watermarks(admin, monkeypatch).unless(lambda: next(looks))
    with pytest.raises(BrokerUnavailableError):
        watermarks.high([ZERO])
    assert [] == list(looks)
