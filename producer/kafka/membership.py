"""The process in its group: one member for each topic that it consumes.

Assignors balance the sum of a member's partitions over all its topics: of two processes with one
consumer each, one may be given all of a topic and the other all of the next. A member that
subscribes to one topic gets its share of that one. All members are in the same group, and each
sends the offsets of its own topic into the transaction of the process, under its own generation.
So a commit shows of those members that sent something, and of no other, that the group has them.
"""

import contextlib
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from confluent_kafka import KafkaException

from producer.kafka.member import GroupMember, Owned, Polled
from producer.kafka.stages import Committed

# Who leaves without a word is out when its session has timed out, so that a close which does not
# come to its end costs no more than that.
_CLOSE_SECONDS: Final = 5.0


class Membership:
    """The members of a process, polled in turn. One owner thread."""

    def __init__(self, join: Callable[[str], GroupMember], topics: Sequence[str]) -> None:
        self._members = {topic: join(topic) for topic in topics}

    def poll(self, *, messages_max: int, timeout_seconds: float) -> Polled:
        """Bring what has arrived: at most `messages_max` of each topic, waiting so long in all."""
        together = Polled({}, {}, [], [])
        share = timeout_seconds / len(self._members)
        for member in self._members.values():
            polled = member.poll(
                messages_max=messages_max, timeout_seconds=0.0 if together.messages else share
            )
            together.messages.update(polled.messages)
            together.ends.update(polled.ends)
            together.gained.extend(polled.gained)
            together.lost.extend(polled.lost)
        return together

    def fetch_committed(
        self, partitions: Iterable[Owned], *, timeout_seconds: float
    ) -> dict[Owned, Committed]:
        """Fetch stable committed offsets, of the topics where no transaction is pending.

        Waits so long for each topic. Raises `OffsetMissingError` where the group has none.
        """
        found: dict[Owned, Committed] = {}
        for topic, asked in _by_topic(partitions).items():
            answers = self._members[topic].fetch_committed(asked, timeout_seconds=timeout_seconds)
            found |= answers or {}
        return found

    def start(self, owned: Owned, offset: int) -> bool:
        """Deliver a partition from `offset`; false while that is too early."""
        return self._members[owned.topic].start(owned, offset)

    def pause(self, partitions: Iterable[Owned]) -> None:
        """Stop fetching; what is under way still arrives."""
        for topic, paused in _by_topic(partitions).items():
            self._members[topic].pause(paused)

    def resume(self, partitions: Iterable[Owned]) -> None:
        """Fetch again."""
        for topic, resumed in _by_topic(partitions).items():
            self._members[topic].resume(resumed)

    def metadata(self, topic: str) -> Any:  # noqa: ANN401 - an opaque handle of the client
        """Give the metadata, as of now, of the member that consumes a topic; never keep it."""
        return self._members[topic].metadata()

    def close(self) -> None:
        """Leave the group, all members at once, and wait a few seconds for it.

        One after the other, a member would wait for the others to join the group again, which they
        cannot while nobody polls them; and a static member that is closed amid a join waits for
        the group's longest step, minutes perhaps.
        """
        closing = [
            threading.Thread(target=_leave, args=[member], name=f"leave-{topic}", daemon=True)
            for topic, member in self._members.items()
        ]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join(_CLOSE_SECONDS)


def _leave(member: GroupMember) -> None:
    # Nothing depends on it any more, and there is nobody left who could do anything about it.
    with contextlib.suppress(KafkaException):
        member.close()


def _by_topic(partitions: Iterable[Owned]) -> dict[str, list[Owned]]:
    found: dict[str, list[Owned]] = {}
    for owned in partitions:
        found.setdefault(owned.topic, []).append(owned)
    return found
