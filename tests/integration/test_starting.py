"""Where a partition starts on a real broker: at its offset, or not at all."""

import pytest
from confluent_kafka import Consumer, TopicPartition

from producer.errors import OffsetMissingError
from producer.kafka.member import GroupMember, Owned
from tests.support.copying import PARTITIONS, Copying

_SECONDS = 30.0


class _SlowToPause(GroupMember):
    """A member whose pause reaches the fetcher late, as when other threads hold it up."""

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        super()._on_assign(_SlowConsumer(consumer), partitions)  # type: ignore[arg-type]


class _SlowConsumer:
    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer

    def incremental_assign(self, partitions: list[TopicPartition]) -> None:
        self._consumer.incremental_assign(partitions)

    def pause(self, partitions: list[TopicPartition]) -> None:
        # As many round trips as it takes to fetch, and more.
        for partition in partitions * 5:
            self._consumer.get_watermark_offsets(partition, _SECONDS, cached=False)
        self._consumer.pause(partitions)


class _LeaderAnswersLate(GroupMember):
    """A member whose first questions for the ends bring nothing, but messages arrive meanwhile."""

    vain = 3 * PARTITIONS
    arrived = 0

    def _has_offset(self, owned: Owned, offset: int) -> bool:
        self.vain -= 1
        if self.vain < 0:
            return super()._has_offset(owned, offset)
        self.arrived += len(self._consumer.consume(20, 0.3))
        return False


def test_partition_that_is_started_in_vain_is_copied_exactly(copying: Copying) -> None:
    """What is fetched between two starts is dropped, and fetched again from the offset."""
    copying.fill(300)
    copier = copying.copier(member=_LeaderAnswersLate)
    copying.finish(copier)
    copying.fill(30)
    copying.finish(copier)
    copying.check_exact()
    assert 330 == copier.stage.learnt
    assert copier.member.arrived > 0  # type: ignore[attr-defined]


def test_log_that_begins_late_is_no_obstacle(copying: Copying) -> None:
    """Retention has removed what was read long ago, and a rebalance takes its time."""
    copying.fill(60)
    first = copying.copier("slot-1")
    copying.finish(first)
    copying.leave(first)
    copying.trim(dict.fromkeys(range(PARTITIONS), 15))
    copying.fill(60)

    second = copying.copier("slot-2", member=_SlowToPause)
    copying.finish(second)
    assert 60 == second.stage.learnt
    assert 120 == len(copying.reading.read(copying.copy))


def test_messages_that_are_gone_unread_stop_the_process(copying: Copying) -> None:
    """Retention has passed the group: a person must know, and nothing is skipped."""
    copying.fill(60)
    copying.trim({1: 5})
    copier = copying.copier()
    with pytest.raises(OffsetMissingError, match="partition 1 of"):
        copying.finish(copier)


def test_group_without_offsets_stops_the_process(
    copying: Copying, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the beginning nor the end is a safe guess."""
    copying.fill(3)
    monkeypatch.setattr(copying, "group", f"{copying.group}-unknown")
    copier = copying.copier()
    with pytest.raises(OffsetMissingError, match="topics apply"):
        copying.step_until(lambda: False, copier)
