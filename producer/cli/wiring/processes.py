"""Running a process.

Checks first, then the loop until it is told to stop or, once, until nothing is left.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from producer.cli.wiring.observing import Observer
from producer.cli.wiring.surroundings import Surroundings
from producer.clock import SystemClock
from producer.kafka import configuration
from producer.kafka.loop import TransactionalLoop
from producer.kafka.member import GroupMember, Owned
from producer.kafka.membership import Membership
from producer.kafka.offsets import GroupOffsets
from producer.kafka.progress import GroupProgress
from producer.kafka.stages import Stage
from producer.kafka.tables import all_partitions
from producer.kafka.transactions import TransactionalPublisher

# How often an idle process asks whether the whole group is done; each time is two requests.
_ASK_SECONDS = 0.2


def run(  # noqa: PLR0913 - one for each thing that differs between the two processes
    surroundings: Surroundings,
    *,
    group: str,
    stages: Sequence[Stage],
    observer: Observer,
    batch_messages_max: int,
    stop: threading.Event,
    is_done: Callable[[GroupProgress], bool] | None,
) -> None:
    """Run stages in one loop. With `is_done`, an idle loop asks it whether to return."""
    settings, clock = surroundings.settings, SystemClock()
    publisher = TransactionalPublisher(
        build=lambda callbacks: configuration.publisher(
            settings.kafka,
            client_id=surroundings.client_id,
            transactional_id=f"{group}-{settings.instance}",
            callbacks=callbacks,
        ),
        warm_topic=stages[0].topic,
        clock=clock,
        on_replaced=observer.publisher_replaced,
    )

    def join(topic: str) -> GroupMember:
        properties = configuration.group_member(
            settings.kafka,
            client_id=surroundings.client_id,
            group=group,
            name=f"{settings.instance}-{surroundings.bare_name(topic)}",
        )
        return GroupMember(properties, topic, partitions=settings.topics.partitions)

    membership = Membership(join, [stage.topic for stage in stages])
    loop = TransactionalLoop(
        membership=membership,
        publisher=publisher,
        stages=stages,
        clock=clock,
        observer=observer,
        batch_messages_max=batch_messages_max,
    )
    with ExitStack() as stack:
        stack.callback(loop.close)
        if is_done is None:
            loop.run(stop.is_set)
            return
        offsets = GroupOffsets(surroundings.connection, group)
        stack.callback(offsets.close)
        progress = GroupProgress(offsets=offsets, watermarks=surroundings.watermarks)
        ask_at = clock.steady()
        while not stop.is_set():
            loop.step()
            if loop.is_idle and clock.steady() >= ask_at:
                if is_done(progress):
                    return
                ask_at = clock.steady() + _ASK_SECONDS


def is_at_end(progress: GroupProgress, surroundings: Surroundings, names: Sequence[str]) -> bool:
    """Whether the group has read topics to their ends, asked one by one, upstream first."""
    partitions = surroundings.settings.topics.partitions
    return not any(progress.behind(_all(surroundings.topics[name], partitions)) for name in names)


def _all(topic: str, partitions: int) -> list[Owned]:
    return all_partitions(topic, partitions=partitions)
