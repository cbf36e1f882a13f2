"""The member of the group, on a consumer that does as it is told."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from producer.errors import FatalError, OffsetMissingError, TopicMismatchError
from producer.kafka import member as room
from producer.kafka.member import GroupMember, Owned, Polled
from producer.kafka.stages import Committed

_ZERO, _ONE = Owned("in", 0), Owned("in", 1)


class _Consumer:
    """What happens in a poll is planned before it: callbacks, then messages."""

    def __init__(self) -> None:
        self.happening: deque[Callable[[], None]] = deque()
        self.arriving: list[Message] = []
        self.answers: list[TopicPartition] = []
        self.watermarks = (0, 100)
        self.trouble: int | None = None
        self.raises: KafkaException | None = None
        self.name: str | None = "member-1"
        self.asked: list[tuple[str, list[tuple[str, int, int]]]] = []
        self._callbacks: dict[str, Callable[..., None]] = {}

    def subscribe(self, topics: Sequence[str], **callbacks: Callable[..., None]) -> None:
        assert ["in"] == topics
        self._callbacks = callbacks

    def assign_in_poll(self, *owned: Owned) -> None:
        """Let the next poll give partitions."""
        self.happening.append(lambda: self._call("on_assign", owned))

    def revoke_in_poll(self, *owned: Owned) -> None:
        """Let the next poll take partitions."""
        self.happening.append(lambda: self._call("on_revoke", owned))

    def lose_in_poll(self, *owned: Owned) -> None:
        """Let the next poll say that partitions are somebody else's."""
        self.happening.append(lambda: self._call("on_lost", owned))

    def _call(self, callback: str, owned: Sequence[Owned]) -> None:
        self._callbacks[callback](self, [TopicPartition(*each) for each in owned])

    def consume(self, number: int, timeout: float) -> list[Message]:
        del number, timeout
        self._raise()
        while self.happening:
            self.happening.popleft()()
        arrived, self.arriving = self.arriving, []
        return arrived

    def committed(self, partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        del partitions, timeout
        self._raise()
        return self.answers

    def get_watermark_offsets(
        self, partition: TopicPartition, timeout: float, *, cached: bool
    ) -> tuple[int, int]:
        del partition, timeout
        assert not cached
        self.asked.append(("watermarks", []))
        if self.trouble is not None:
            raise KafkaException(KafkaError(self.trouble))
        return self.watermarks

    def incremental_assign(self, partitions: list[TopicPartition]) -> None:
        self._note("assign", partitions)

    def pause(self, partitions: list[TopicPartition]) -> None:
        self._note("pause", partitions)

    def resume(self, partitions: list[TopicPartition]) -> None:
        self._note("resume", partitions)

    def seek(self, partition: TopicPartition) -> None:
        self._raise()
        self._note("seek", [partition])

    def memberid(self) -> str | None:
        return self.name

    def consumer_group_metadata(self) -> object:
        return "metadata"

    def _note(self, what: str, partitions: list[TopicPartition]) -> None:
        self.asked.append(
            (what, [(each.topic, each.partition, each.offset) for each in partitions])
        )

    def _raise(self) -> None:
        if self.raises is not None:
            raise self.raises


@pytest.fixture
def consumer(monkeypatch: pytest.MonkeyPatch) -> _Consumer:
    """Give the consumer under the member."""
    consumer = _Consumer()
    monkeypatch.setattr(room, "open_consumer", lambda _properties: consumer)
    return consumer


@pytest.fixture
def member(consumer: _Consumer) -> GroupMember:
    """Give a member that nothing was given to yet."""
    del consumer
    return GroupMember({"group.id": "group"}, "in", partitions=2)


def _message(owned: Owned, offset: int, code: int | None = None) -> Message:
    error = None if code is None else KafkaError(code)
    return Message(topic=owned.topic, partition=owned.partition, offset=offset, error=error)


def _poll(member: GroupMember) -> Polled:
    return member.poll(messages_max=10, timeout_seconds=0)


def _offsets(polled: Polled) -> dict[Owned, list[Any]]:
    return {
        owned: [message.offset() for message in messages]
        for owned, messages in polled.messages.items()
    }


def test_partitions_come_paused_at_what_is_committed(
    member: GroupMember, consumer: _Consumer
) -> None:
    """No position is given to them: one that is gone from the log would stop the fetcher."""
    consumer.assign_in_poll(_ZERO, _ONE)
    polled = _poll(member)
    given = [("in", 0, -1001), ("in", 1, -1001)]
    assert [("assign", given), ("pause", given)] == consumer.asked
    assert ([_ZERO, _ONE], []) == (polled.gained, polled.lost)


def test_messages_and_ends_are_told_by_partition(member: GroupMember, consumer: _Consumer) -> None:
    """Messages in order, and the end that was reached behind them."""
    consumer.arriving = [
        _message(_ZERO, 5),
        _message(_ONE, 1),
        _message(_ZERO, 6),
        _message(_ZERO, 9, KafkaError._PARTITION_EOF),
    ]
    polled = _poll(member)
    assert ({_ZERO: [5, 6], _ONE: [1]}, {_ZERO: 9}) == (_offsets(polled), polled.ends)


@pytest.mark.parametrize("way", ["revoke_in_poll", "lose_in_poll"])
def test_messages_from_before_a_loss_in_the_same_poll_are_dropped(
    member: GroupMember, consumer: _Consumer, way: str
) -> None:
    """They were fetched under an assignment that is over."""
    getattr(consumer, way)(_ZERO)
    consumer.arriving = [
        _message(_ZERO, 5),
        _message(_ONE, 1),
        _message(_ZERO, 6, KafkaError._PARTITION_EOF),
    ]
    polled = _poll(member)
    assert ({_ONE: [1]}, {}, [_ZERO]) == (_offsets(polled), polled.ends, polled.lost)


def test_partition_lost_and_gained_in_one_poll_is_told_as_both(
    member: GroupMember, consumer: _Consumer
) -> None:
    """What was held for it is over, and it begins anew."""
    consumer.lose_in_poll(_ZERO)
    consumer.assign_in_poll(_ZERO)
    polled = _poll(member)
    assert ([_ZERO], [_ZERO]) == (polled.gained, polled.lost)


def test_partition_gained_and_lost_in_one_poll_is_not_told_as_gained(
    member: GroupMember, consumer: _Consumer
) -> None:
    """It is somebody else's by now."""
    consumer.assign_in_poll(_ZERO, _ONE)
    consumer.revoke_in_poll(_ZERO)
    polled = _poll(member)
    assert ([_ONE], [_ZERO]) == (polled.gained, polled.lost)


def test_changes_are_told_once(member: GroupMember, consumer: _Consumer) -> None:
    """The next poll tells of its own changes alone."""
    consumer.assign_in_poll(_ZERO)
    _poll(member)
    polled = _poll(member)
    assert ([], []) == (polled.gained, polled.lost)


@pytest.mark.parametrize(
    "code", [KafkaError._MAX_POLL_EXCEEDED, KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN]
)
def test_trouble_that_passes_brings_nothing(
    member: GroupMember, consumer: _Consumer, code: int
) -> None:
    """The client mends it by itself, and messages beside it are as good as ever."""
    consumer.arriving = [_message(_ZERO, 5, code), _message(_ZERO, 5)]
    assert {_ZERO: [5]} == _offsets(_poll(member))


@pytest.mark.parametrize("code", [KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE])
def test_offset_that_is_gone_stops_the_process(
    member: GroupMember, consumer: _Consumer, code: int
) -> None:
    """Neither end of the partition is a safe guess."""
    consumer.arriving = [_message(_ZERO, 5, code)]
    with pytest.raises(OffsetMissingError, match="partition 0 of 'in'"):
        _poll(member)


@pytest.mark.parametrize(
    "code",
    [KafkaError._BAD_MSG, KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.TOPIC_AUTHORIZATION_FAILED],
)
def test_message_that_cannot_be_read_stops_the_process(
    member: GroupMember, consumer: _Consumer, code: int
) -> None:
    """It would be skipped otherwise."""
    consumer.arriving = [_message(_ZERO, 5, code)]
    with pytest.raises(FatalError, match="consume 'in'"):
        _poll(member)


def test_partition_that_was_added_stops_the_process(
    member: GroupMember, consumer: _Consumer
) -> None:
    """And says what it is, whatever is wrong with its offset: nobody has committed one."""
    added = Owned("in", 2)
    consumer.assign_in_poll(_ZERO, added)
    consumer.arriving = [_message(added, 0, KafkaError._AUTO_OFFSET_RESET)]
    with pytest.raises(TopicMismatchError, match="'in' has partition 2, beyond the 2 of"):
        _poll(member)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ConsumerGroupHeartbeat fatal error: Broker: The group id does not exist", "stop all of"),
        (
            "Broker: Static consumer fenced by other consumer with same group.instance.id",
            "name of",
        ),
        ("anything else", "_FATAL"),
    ],
)
def test_fatal_error_of_the_client_is_explained(
    member: GroupMember, consumer: _Consumer, text: str, told: str
) -> None:
    """Its code says nothing, and what is to be done differs."""
    error = KafkaError(KafkaError._FATAL, f"Fatal error: {text}", fatal=True)
    consumer.arriving = [Message(topic="", partition=0, offset=-1, error=error)]
    with pytest.raises(FatalError, match=told):
        _poll(member)


def test_poll_that_fails_stops_the_process(member: GroupMember, consumer: _Consumer) -> None:
    """A fatal error of the client is raised by the poll itself."""
    consumer.raises = KafkaException(KafkaError(KafkaError._FATAL))
    with pytest.raises(FatalError, match="poll the group"):
        _poll(member)


def _answer(owned: Owned, offset: int, metadata: str = "") -> TopicPartition:
    # No metadata is `None` in what the client answers, and cannot be given to it.
    if metadata:
        return TopicPartition(*owned, offset, metadata=metadata)
    return TopicPartition(*owned, offset)


def _fetch(member: GroupMember) -> dict[Owned, Committed] | None:
    return member.fetch_committed([_ZERO], timeout_seconds=1)


def test_committed_offset_is_told_with_its_metadata(
    member: GroupMember, consumer: _Consumer
) -> None:
    """An offset and the place that travels with it; no metadata is none."""
    consumer.answers = [_answer(_ZERO, 7, "place"), _answer(_ONE, 8)]
    assert {_ZERO: Committed(7, "place"), _ONE: Committed(8, "")} == _fetch(member)


def test_pending_offset_is_not_told(member: GroupMember, consumer: _Consumer) -> None:
    """While a predecessor's transaction is pending there is no answer."""
    consumer.raises = KafkaException(KafkaError(KafkaError._TIMED_OUT))
    assert _fetch(member) is None


def test_missing_offset_stops_the_process(member: GroupMember, consumer: _Consumer) -> None:
    """It was committed once, so the group was deleted or has expired."""
    consumer.answers = [_answer(_ZERO, -1001)]
    with pytest.raises(OffsetMissingError, match="no committed offset"):
        _fetch(member)


def test_right_to_read_offsets_is_asked_for(member: GroupMember, consumer: _Consumer) -> None:
    """What does not pass is not waited for."""
    consumer.raises = KafkaException(KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED))
    with pytest.raises(FatalError, match="grant this client access"):
        _fetch(member)


@pytest.mark.parametrize("offset", [3, 5, 9])
def test_offset_within_the_log_is_good(
    member: GroupMember, consumer: _Consumer, offset: int
) -> None:
    """From the first message to behind the last."""
    consumer.watermarks = (3, 9)
    assert member.start(_ZERO, offset) is True


@pytest.mark.parametrize("offset", [2, 10])
def test_offset_outside_the_log_stops_the_process(
    member: GroupMember, consumer: _Consumer, offset: int
) -> None:
    """Messages are gone that were never read, or the topic is another."""
    consumer.watermarks = (3, 9)
    with pytest.raises(OffsetMissingError, match=f"stands at offset {offset}"):
        member.start(_ZERO, offset)


@pytest.mark.parametrize("code", [KafkaError._TIMED_OUT, KafkaError._UNKNOWN_PARTITION])
def test_partition_that_no_broker_answers_for_is_not_started(
    member: GroupMember, consumer: _Consumer, code: int
) -> None:
    """A broker that restarts is no reason to stop; it is asked again, and nothing is fetched.

    One that has just started may not know of the partition yet.
    """
    consumer.trouble = code
    assert member.start(_ZERO, 5) is False
    assert ["seek", "resume", "watermarks", "pause"] == [what for what, _ in consumer.asked]


def test_ends_that_may_not_be_asked_for_stop_the_process(
    member: GroupMember, consumer: _Consumer
) -> None:
    """That does not pass by itself."""
    consumer.trouble = KafkaError.TOPIC_AUTHORIZATION_FAILED
    with pytest.raises(FatalError, match="ask for the ends"):
        member.start(_ZERO, 5)


def test_partition_is_sought_and_then_fetched(member: GroupMember, consumer: _Consumer) -> None:
    """In this order: a partition that is fetched first would bring something else.

    The last request is what wakes a fetcher that sleeps.
    """
    assert member.start(_ZERO, 7) is True
    assert ["seek", "resume", "watermarks"] == [what for what, _ in consumer.asked]
    assert [("in", 0, 7)] == consumer.asked[0][1]


def test_partition_that_cannot_be_sought_yet_is_told(
    member: GroupMember, consumer: _Consumer
) -> None:
    """Librdkafka is still looking for its offset."""
    consumer.raises = KafkaException(KafkaError(KafkaError._STATE))
    assert member.start(_ZERO, 7) is False
    assert [] == consumer.asked


def test_metadata_is_refused_to_a_member_that_is_out(
    member: GroupMember, consumer: _Consumer
) -> None:
    """With neither name nor generation in it, brokers would let the offsets pass."""
    assert member.metadata() == "metadata"
    consumer.name = None
    with pytest.raises(KafkaException) as raised:
        member.metadata()
    assert raised.value.args[0].txn_requires_abort()
