"""Commands put to discovery, and the answers read from the statuses of their sources.

A command's end is told in its source's status, in the transaction that moves the group's offset on
`commands`, and in a status of its own. So all statuses are read that were published since before
the command was: the last one alone may tell of a later command.
"""

import threading
from collections.abc import Callable
from contextlib import closing
from typing import Final

from producer.cli.rooms import CommandEnd
from producer.cli.wiring.surroundings import Surroundings
from producer.clock import SystemClock
from producer.codec.models import Codecs, build_codecs
from producer.contract.source import SourceCommand
from producer.errors import FatalError
from producer.kafka import configuration
from producer.kafka.member import Owned
from producer.kafka.offsets import GroupOffsets
from producer.kafka.partitioning import partition_of
from producer.kafka.publishing import Outgoing, publish
from producer.kafka.stages import Committed, Message
from producer.kafka.tables import TableReader

_ASK_SECONDS: Final = 0.2


def carry_out(
    surroundings: Surroundings,
    command: SourceCommand,
    *,
    timeout_seconds: float,
    stop: threading.Event,
) -> CommandEnd:
    """Put a command to discovery, and tell how it ended.

    Waits as long as commands get on. Raises `FatalError` where they do not for so long, or where
    the command was passed over.
    """
    surroundings.administrator.verify(surroundings.plans())
    codecs = build_codecs(surroundings.registry, surroundings.topics)
    topic, key = surroundings.topics["commands"], command.source_id.encode()
    partition = partition_of(key, partitions=surroundings.settings.topics.partitions)
    with closing(_Answers(surroundings, codecs, command, partition)) as answers:
        publish(
            configuration.plain_publisher(
                surroundings.settings.kafka, client_id=surroundings.client_id
            ),
            [Outgoing(topic, key, codecs.commands.encode(command))],
        )
        owned = Owned(topic, partition)
        # Others may have asked meanwhile, which delays nothing but an answer that never comes.
        end = surroundings.watermarks.high([owned])[owned]
        with closing(GroupOffsets(surroundings.connection, surroundings.puller_group)) as offsets:
            answer = _wait(
                answers,
                lambda: offsets.fetch_whole([owned])[owned],
                end=end,
                timeout_seconds=timeout_seconds,
                stop=stop,
            )
    if answer is None:
        raise FatalError(
            f"command {command.command_id} is published but not carried out"
            f" {'yet' if stop.is_set() else f'within {timeout_seconds:.0f} s'}; it waits, behind"
            " a replay of another source perhaps, and the `openai-compliance pull` that owns the"
            " source will carry it out, unless the topic's retention is shorter than that"
        )
    return answer


class _Answers:
    """What statuses tell of one command, from before it was published."""

    def __init__(
        self,
        surroundings: Surroundings,
        codecs: Codecs,
        command: SourceCommand,
        partition: int,
    ) -> None:
        owned = Owned(surroundings.topics["source-status"], partition)
        self.command = command
        self._decode = codecs.source_status.decode
        self._reader = TableReader(
            properties=surroundings.table_properties(),
            watermarks=surroundings.watermarks,
            starts=surroundings.watermarks.stable([owned]),
        )

    def arrived(self) -> CommandEnd | None:
        """Give the end of the command, if that has arrived."""
        return self._first(self._reader.poll())

    def committed(self, stop: threading.Event) -> CommandEnd | None:
        """Give the end of the command, if that is told in what is committed by now."""
        return self._first(list(self._reader.read_to_high_watermark(stop.is_set)))

    def close(self) -> None:
        """Let go of the connection."""
        self._reader.close()

    def _first(self, messages: list[Message]) -> CommandEnd | None:
        for message in messages:
            value = message.value()
            if value is not None and message.key() == self.command.source_id.encode():
                status = self._decode(value)
                if status.last_command_id == self.command.command_id:
                    return CommandEnd(
                        objects=status.last_command_objects, failure=status.last_command_failure
                    )
        return None


def _wait(
    answers: _Answers,
    stand: Callable[[], Committed],
    *,
    end: int,
    timeout_seconds: float,
    stop: threading.Event,
) -> CommandEnd | None:
    """Wait for the answer; `None` where the group's offset stood still for too long."""
    clock, reached, since = SystemClock(), Committed(-1, ""), 0.0
    while True:
        now_reached = stand()
        answer = answers.arrived()
        if answer is None and now_reached.offset >= end:
            answer = answers.committed(stop)
            if answer is None and not stop.is_set():
                raise _passed_over(answers.command)
        if answer is not None:
            return answer
        if now_reached != reached:
            reached, since = now_reached, clock.steady()
        if stop.is_set() or clock.steady() - since > timeout_seconds:
            return None
        stop.wait(_ASK_SECONDS)


def _passed_over(command: SourceCommand) -> FatalError:
    return FatalError(
        f"command {command.command_id} was passed over: no `openai-compliance pull` knew source"
        f" {command.source_id!r} when its turn came, or the command had expired; see"
        " `openai-compliance sources list`, then ask again"
    )
