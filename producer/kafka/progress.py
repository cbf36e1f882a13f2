"""Whether a group has read its topics to the end: what `--once` waits for."""

from collections.abc import Sequence

from producer.kafka.member import Owned
from producer.kafka.offsets import GroupOffsets
from producer.kafka.tables import Watermarks


class GroupProgress:
    """Compares the committed offsets of a whole group with the ends of its topics."""

    def __init__(self, *, offsets: GroupOffsets, watermarks: Watermarks) -> None:
        self._offsets = offsets
        self._watermarks = watermarks

    def behind(self, partitions: Sequence[Owned]) -> list[Owned]:
        """Name the partitions that are not read to the end of their log.

        The end that a `read_committed` reader can reach does not do: a commit returns before its
        markers are written, and for that moment what was just published upstream is not there yet.
        So what is pending counts as unread, until its transaction ends or times out. Committed
        offsets of pending transactions do not count. So an answer may be outdated, but never says
        that something is done which may still be undone.
        """
        ends = self._watermarks.high(partitions)
        committed = self._offsets.fetch(partitions)
        return [owned for owned in partitions if committed[owned] < ends[owned]]
