"""A member of the group: one consumer, one topic, callbacks that take note.

Partitions come paused, and the loop seeks them once their stage is ready. So nothing is delivered
before its table is restored, nor from anywhere but where the loop says. Until then librdkafka
stands at the offset that it finds committed. It must not be given another to stand at: a pause
takes a moment to reach the fetcher, an offset that is gone from the log would stop the partition,
and the answer about an "end" can come after the seek and undo it.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as KafkaMessage

from producer.errors import FatalError, FencedError, OffsetMissingError, TopicMismatchError
from producer.kafka.clients import open_consumer
from producer.kafka.configuration import Properties
from producer.kafka.errors import describe, may_pass
from producer.kafka.stages import Committed

_LEADER_SECONDS = 2.0
# The client gives a fatal error another code; what it was is in the text alone.
_ANOTHER_OF_ITS_NAME = KafkaError(KafkaError.FENCED_INSTANCE_ID).str()
_NO_SUCH_GROUP = KafkaError(KafkaError.GROUP_ID_NOT_FOUND).str()


class Owned(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


class Polled(NamedTuple):
    """What one poll brought.

    Messages by partition, ends reached, and how the assignment changed meanwhile.
    """

    messages: dict[Owned, list[KafkaMessage]]
    ends: dict[Owned, int]
    gained: list[Owned]
    lost: list[Owned]


class GroupMember:
    """A consumer that is told everything and decides nothing. One owner thread."""

    def __init__(self, properties: Properties, topic: str, *, partitions: int) -> None:
        """`partitions` is how many the topic was made with."""
        self._group = str(properties["group.id"])
        self._topic, self._partitions = topic, partitions
        self._consumer = open_consumer(properties)
        self._changes: list[tuple[bool, list[Owned]]] = []
        self._consumer.subscribe(
            [topic],
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_revoke,
        )

    def poll(self, *, messages_max: int, timeout_seconds: float) -> Polled:
        """Bring what has arrived. A partition that was lost in this very poll brings nothing."""
        self._changes = []
        try:
            arrived = self._consumer.consume(messages_max, timeout_seconds)
        except KafkaException as raised:
            raise _fatal("poll the group", raised.args[0]) from raised
        self._refuse_added()
        messages: dict[Owned, list[KafkaMessage]] = {}
        ends: dict[Owned, int] = {}
        for message in arrived:
            owned = Owned(message.topic() or "", message.partition() or 0)
            error = message.error()
            if error is None:
                messages.setdefault(owned, []).append(message)
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
                ends[owned] = _offset(message)
            else:
                self._judge(owned, error)
        gained, lost = self._settle(messages, ends)
        return Polled(messages, ends, gained, lost)

    def fetch_committed(
        self, partitions: Iterable[Owned], *, timeout_seconds: float
    ) -> dict[Owned, Committed] | None:
        """Fetch stable committed offsets, or `None` while a predecessor's transaction is pending.

        Raises `OffsetMissingError` where the group has none.
        """
        asked = [TopicPartition(*owned) for owned in partitions]
        try:
            answered = self._consumer.committed(asked, timeout=timeout_seconds)
        except KafkaException as raised:
            error = raised.args[0]
            if may_pass(error):
                return None
            raise FatalError(describe("fetch committed offsets", error)) from raised
        found = {}
        for answer in answered:
            owned = Owned(answer.topic, answer.partition)
            if answer.error is not None:
                if may_pass(answer.error):
                    return None
                raise FatalError(describe(f"fetch the offset of {owned}", answer.error))
            if answer.offset < 0:
                raise OffsetMissingError(
                    f"group {self._group!r} has no committed offset for partition "
                    f"{owned.partition} of {owned.topic!r}; if the group is new, run "
                    "`openai-compliance topics apply`, else reset its offsets by hand"
                )
            found[owned] = Committed(answer.offset, answer.metadata or "")
        return found

    def start(self, owned: Owned, offset: int) -> bool:
        """Deliver from `offset`; false where librdkafka or the leader is not yet ready.

        Raises `OffsetMissingError` where the partition no longer, or not yet, holds it.
        """
        try:
            self._consumer.seek(TopicPartition(owned.topic, owned.partition, offset))
        except KafkaException as raised:
            if raised.args[0].code() in {KafkaError._STATE, KafkaError._PREV_IN_PROGRESS}:  # noqa: SLF001
                return False
            raise FatalError(describe(f"seek {owned}", raised.args[0])) from raised
        self.resume([owned])
        if not self._has_offset(owned, offset):
            self.pause([owned])
            return False
        return True

    def _has_offset(self, owned: Owned, offset: int) -> bool:
        # Asked last: a fetcher that had nothing to fetch sleeps for up to a second, and a request
        # to its broker wakes it.
        try:
            low, high = self._consumer.get_watermark_offsets(
                TopicPartition(*owned), timeout=_LEADER_SECONDS, cached=False
            )
        except KafkaException as raised:
            error = raised.args[0]
            # A broker that has just started may not know yet what the group gave to this member.
            # If the partition is really gone, the next polls say so.
            if may_pass(error) or error.code() == KafkaError._UNKNOWN_PARTITION:  # noqa: SLF001
                return False
            raise FatalError(describe(f"ask for the ends of {owned}", error)) from raised
        if not low <= offset <= high:
            raise OffsetMissingError(
                f"group {self._group!r} stands at offset {offset} of partition {owned.partition} "
                f"of {owned.topic!r}, which holds {low} to {high}: messages are gone that were "
                "never read; decide what to do about them, then reset the group's offsets by hand"
            )
        return True

    def pause(self, partitions: Iterable[Owned]) -> None:
        """Stop fetching; what is under way still arrives."""
        self._consumer.pause([TopicPartition(*owned) for owned in partitions])

    def resume(self, partitions: Iterable[Owned]) -> None:
        """Fetch again."""
        self._consumer.resume([TopicPartition(*owned) for owned in partitions])

    def metadata(self) -> Any:  # noqa: ANN401 - an opaque handle of the client
        """The group's metadata as of now; never keep it.

        Raises `KafkaException` where the group has let go of this member. librdkafka forgets the
        member's name then, before any callback says so, and brokers do not check the generation of
        one who gives neither name nor generation.
        """
        metadata = self._consumer.consumer_group_metadata()
        if self._consumer.memberid() is None:
            raise KafkaException(
                KafkaError(
                    KafkaError.UNKNOWN_MEMBER_ID,
                    "the group has let go of this member",
                    txn_requires_abort=True,
                )
            )
        return metadata

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()

    def _refuse_added(self) -> None:
        # Before errors are judged: nobody has committed an offset there, which is no reason to
        # reset any.
        given = [owned for is_gain, owned in self._changes if is_gain]
        added = {owned for each in given for owned in each if owned.partition >= self._partitions}
        if added:
            raise TopicMismatchError(
                f"{self._topic!r} has partition {max(added).partition}, beyond the "
                f"{self._partitions} of OPENAI_COMPLIANCE_TOPICS__PARTITIONS; the number is fixed "
                "for good, and README.md says what to do where somebody has added some"
            )

    def _settle(
        self, messages: dict[Owned, list[KafkaMessage]], ends: dict[Owned, int]
    ) -> tuple[list[Owned], list[Owned]]:
        """Say what this poll changed, and drop what was fetched under the assignment before.

        Whoever owns a partition now starts elsewhere.
        """
        gained: list[Owned] = []
        lost: list[Owned] = []
        for is_gain, partitions in self._changes:
            for owned in partitions:
                messages.pop(owned, None)
                ends.pop(owned, None)
                if owned in gained:
                    gained.remove(owned)
                (gained if is_gain else lost).append(owned)
        return gained, lost

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.incremental_assign(partitions)
        if partitions:
            consumer.pause(partitions)
        self._changes.append((True, _owned(partitions)))

    def _on_revoke(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self._changes.append((False, _owned(partitions)))

    def _judge(self, owned: Owned, error: KafkaError) -> None:
        if error.code() in {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}:  # noqa: SLF001
            raise OffsetMissingError(
                f"group {self._group!r} has no committed offset for partition {owned.partition} "
                f"of {owned.topic!r}, or one that is gone from it; if the group is new, run "
                "`openai-compliance topics apply`, else decide what to do about messages that "
                "were never read, then reset its offsets by hand"
            )
        # A member that did not poll for too long is out, and joins again at the next poll.
        if error.code() == KafkaError._MAX_POLL_EXCEEDED or may_pass(error):  # noqa: SLF001
            return
        raise _fatal(f"consume {owned.topic!r}", error)


def _fatal(attempt: str, error: KafkaError) -> FatalError:
    if error.code() == KafkaError._FATAL and _ANOTHER_OF_ITS_NAME in error.str():  # noqa: SLF001
        return FencedError(
            "another process has joined the group under this slot's name, or a broker went away "
            "while this one did; give every process on a host a name of its own with "
            "OPENAI_COMPLIANCE_INSTANCE, and start this one again"
        )
    if error.code() == KafkaError._FATAL and _NO_SUCH_GROUP in error.str():  # noqa: SLF001
        # Brokers turn no group of librdkafka's sticky strategy into one of the newer protocol: its
        # assignments carry data that would be lost.
        return FatalError(
            "brokers have no group of the consumer protocol for this process: while processes of "
            "the classic protocol run in it, none of the other can join; stop all of this kind, "
            "then start them with OPENAI_COMPLIANCE_KAFKA__GROUP_PROTOCOL=consumer (if the group "
            "was deleted, only start again)"
        )
    return FatalError(describe(attempt, error))


def _owned(partitions: Iterable[TopicPartition]) -> list[Owned]:
    return [Owned(partition.topic, partition.partition) for partition in partitions]


def _offset(message: KafkaMessage) -> int:
    offset = message.offset()
    assert offset is not None
    return offset
