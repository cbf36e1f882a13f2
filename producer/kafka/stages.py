"""What a stage is to the loop that runs it.

A stage owns what it holds for a partition from `acquire` to `release`. Between the two it may
restore tables beside the loop, receives the partition's messages once it is ready, and puts what
it makes of them into the transactions that the loop opens. It never polls, commits or waits.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from producer.errors import SchemaMismatchError
from producer.kafka.transactions import Transaction


class Message(Protocol):
    """A message as the client hands it over."""

    def key(self) -> bytes | None:
        """The key's bytes."""

    def value(self) -> bytes | None:
        """The value's bytes; `None` is a tombstone."""

    def offset(self) -> int:
        """Where it lies in its partition."""

    def partition(self) -> int:
        """Which partition it lies in."""

    def topic(self) -> str:
        """Which topic it lies in."""

    def timestamp(self) -> tuple[int, int]:
        """Kind and milliseconds since the epoch."""


def unreadable(message: Message, error: SchemaMismatchError) -> SchemaMismatchError:
    """Say of which message it is that something cannot be read."""
    return SchemaMismatchError(
        f"the message at offset {message.offset()} of partition {message.partition()} of "
        f"{message.topic()!r} cannot be read, and is not skipped: {error}"
    )


class Committed(NamedTuple):
    """A group's stable committed offset: nobody's pending transaction can still replace it."""

    offset: int
    metadata: str


class Stage(Protocol):
    """One hop of the flow.

    Consumes `topic`, publishes to the next, moves the offsets in the same transaction.
    """

    @property
    def topic(self) -> str:
        """The topic that it consumes."""

    def acquire(self, partition: int, committed: Committed) -> None:
        """Begin to own a partition.

        The offset was stable *before* this call: restore tables after it.
        """

    def is_ready(self, partition: int) -> bool:
        """Whether all that decisions about the partition need is restored.

        Asked every step; must not wait.
        """

    def receive(self, partition: int, messages: Sequence[Message]) -> None:
        """Take the partition's next messages, in order. Only called once ready."""

    def wants_more(self, partition: int) -> bool:
        """Whether the partition should go on being fetched."""

    def is_drained(self, partition: int) -> bool:
        """Whether nothing received is unfinished: then the offset may move to the end."""

    def tick(self) -> None:
        """Look, once a step, at what goes on beside the loop. Must not wait."""

    def has_work(self) -> bool:
        """Whether a transaction would have something in it now."""

    def contribute(self, transaction: Transaction) -> None:
        """Put finished work into the open transaction, messages only with an offset of the topic.

        Learn nothing from it yet: it may be aborted.
        """

    def committed(self) -> None:
        """Learn what the last contribution taught: it is known to be committed.

        Called where an offset of the stage's topic was in the transaction, its own or one that the
        loop moved: the group had this topic's member until then, which other topics do not show.
        """

    def release(self, partition: int) -> None:
        """Forget the partition, with all that was contributed and not committed.

        It may be acquired again.
        """

    def close(self) -> None:
        """Let go of everything; no call follows."""
