"""The members of a process: one for each topic, and each is asked about its own."""

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

import pytest
from confluent_kafka import KafkaError, KafkaException

from producer.kafka.member import Owned, Polled
from producer.kafka.membership import Membership
from producer.kafka.stages import Committed

if TYPE_CHECKING:
    from confluent_kafka import Message as KafkaMessage

    from producer.kafka.member import GroupMember

_A, _B = Owned("a", 0), Owned("b", 0)


class _Member:
    """A member that brings one message, one end, one gain and one loss of its topic."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.has_pending = False
        self.waited: list[float] = []
        self.told: list[tuple[str, list[Owned]]] = []

    def poll(self, *, messages_max: int, timeout_seconds: float) -> Polled:
        self.waited.append(timeout_seconds)
        owned = Owned(self.topic, 0)
        message = cast("KafkaMessage", f"{messages_max} of {self.topic}")
        return Polled({owned: [message]}, {owned: 7}, [owned], [Owned(self.topic, 1)])

    def fetch_committed(
        self, partitions: Iterable[Owned], *, timeout_seconds: float
    ) -> dict[Owned, Committed] | None:
        self.waited.append(timeout_seconds)
        asked = self._note("fetch", partitions)
        return None if self.has_pending else {owned: Committed(3, self.topic) for owned in asked}

    def start(self, owned: Owned, offset: int) -> bool:
        self._note(f"start at {offset}", [owned])
        return True

    def pause(self, partitions: Iterable[Owned]) -> None:
        self._note("pause", partitions)

    def resume(self, partitions: Iterable[Owned]) -> None:
        self._note("resume", partitions)

    def metadata(self) -> str:
        return f"member on {self.topic}"

    def close(self) -> None:
        self._note("close", [])

    def _note(self, what: str, partitions: Iterable[Owned]) -> list[Owned]:
        noted = list(partitions)
        assert {self.topic}.issuperset(owned.topic for owned in noted)
        self.told.append((what, noted))
        return noted


@pytest.fixture
def members() -> dict[str, _Member]:
    """Give the members of two topics."""
    return {topic: _Member(topic) for topic in "ab"}


@pytest.fixture
def membership(members: dict[str, _Member]) -> Membership:
    """Give the membership that they make up."""
    return Membership(lambda topic: cast("GroupMember", members[topic]), list(members))


def test_poll_brings_what_each_member_brings(
    members: dict[str, _Member], membership: Membership
) -> None:
    """A full batch of each topic; who has brought something need not wait for the other."""
    polled = membership.poll(messages_max=5, timeout_seconds=1.0)
    brought = {owned: list(map(str, messages)) for owned, messages in polled.messages.items()}
    assert {_A: ["5 of a"], _B: ["5 of b"]} == brought
    assert ({_A: 7, _B: 7}, [_A, _B]) == (polled.ends, polled.gained)
    assert [Owned("a", 1), Owned("b", 1)] == polled.lost
    assert [[0.5], [0.0]] == [member.waited for member in members.values()]


def test_pending_transaction_holds_up_its_own_topic_alone(
    members: dict[str, _Member], membership: Membership
) -> None:
    """What the other members answer is good."""
    members["a"].has_pending = True
    asked = [_A, _B, Owned("b", 1)]
    answered = membership.fetch_committed(asked, timeout_seconds=0.5)
    assert {_B: Committed(3, "b"), Owned("b", 1): Committed(3, "b")} == answered
    assert [[0.5], [0.5]] == [member.waited for member in members.values()]


def test_member_is_told_about_its_own_topic(
    members: dict[str, _Member], membership: Membership
) -> None:
    """Nobody hears of partitions of another topic, and all are let go."""
    membership.pause([_B])
    membership.resume([_A, _B])
    assert membership.start(_B, 4)
    membership.close()
    assert [("resume", [_A]), ("close", [])] == members["a"].told
    assert ["pause", "resume", "start at 4", "close"] == [what for what, _ in members["b"].told]


def test_member_that_does_not_come_to_its_close_holds_nobody_up(
    members: dict[str, _Member], membership: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others close all the same, and the process may end."""
    monkeypatch.setattr("producer.kafka.membership._CLOSE_SECONDS", 0.05)
    let_go = threading.Event()
    monkeypatch.setattr(members["b"], "close", let_go.wait)
    membership.close()
    assert [("close", [])] == members["a"].told
    let_go.set()


def test_member_that_cannot_leave_is_no_failure(
    members: dict[str, _Member], membership: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is out when its session has timed out."""

    def refuse() -> None:
        raise KafkaException(KafkaError(KafkaError._TRANSPORT))

    monkeypatch.setattr(members["a"], "close", refuse)
    membership.close()
    assert [("close", [])] == members["b"].told


def test_metadata_is_of_the_member_that_consumes_the_topic(membership: Membership) -> None:
    """Another member's generation would pass where this one's has gone by."""
    assert ["member on a", "member on b"] == [membership.metadata(topic) for topic in "ab"]
