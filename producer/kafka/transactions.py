"""One transaction after the other, each known to be committed, aborted or of unknown fate.

Laws of this file:

1. librdkafka has no transactions-v2: a commit that was delayed on its way can end the *next*
   transaction of the same producer epoch. So a client that anything suspicious happened to (an
   abort, any error, a time-out, a disconnect, a slow end) never begins another transaction: it is
   replaced, and `init_transactions` of its successor bumps the epoch, which fences whatever is
   still under way.
2. A successor stands by, connected but not initialised, so that replacing costs milliseconds.
3. What is not known to be committed is not committed as far as the caller may believe, and not
   aborted either: `UNKNOWN` means that the committed offsets must be asked for again.
4. No call is waited for beyond the transaction's time-out: what becomes of it then is settled by
   the epoch of a successor, as all that is unknown.
5. An error that is not in the tables below stops the process.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from producer.clock import Clock
from producer.errors import BrokerUnavailableError, FatalError, FencedError
from producer.kafka.bounded import within
from producer.kafka.configuration import Properties
from producer.kafka.errors import describe, may_pass, tell
from producer.kafka.watched import WatchedProducer

# Ending a transaction takes 3-80 ms (60 ms for 100,000 records on two cores). One that takes
# longer than this was probably retried behind our back.
SLOW_END_SECONDS = 1.0
_INITIALISE_SECONDS = 30.0
# However old a transaction is, a call has so long to end; and so long beyond its own time-out.
_ANSWER_SECONDS = 0.1
_BEYOND_SECONDS = 2.0
# librdkafka calls a retry "retriable": the same call resumes. So many times, then the client is
# given up; at once where the transaction has outlived its time-out.
_RESUMPTIONS_MAX = 5
# Two processes of one slot name fence each other at each turn, and each may commit something
# before its turn is over: what tells them is how often it happens.
_FENCINGS_MAX = 3
_FENCINGS_SECONDS = 600.0


class TransactionResult(StrEnum):
    """What is known of a transaction that was begun."""

    COMMITTED = "committed"
    ABORTED = "aborted"
    UNKNOWN = "unknown"


class Transaction:
    """What stages put into the transaction that is open.

    Messages, and the offsets that they stand for.
    """

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._produce = producer.produce
        self.offsets: dict[tuple[str, int], tuple[int, str]] = {}
        self.carried: dict[str, list[TopicPartition]] = {}
        self.messages = 0

    @property
    def topics(self) -> set[str]:
        """The topics that it has offsets of."""
        return {topic for topic, _ in self.offsets}

    def publish(self, *, topic: str, key: bytes, value: bytes | None, partition: int) -> None:
        """Publish one message.

        To a partition that the caller knows: the client would choose among those that the topic
        has by now, and where there are more than there were, keys would move.
        """
        try:
            self._produce(topic, value, key, partition)
        except BufferError:
            self._produce_when_there_is_room(topic, key, value, partition)
        self.messages += 1

    def publish_all(
        self, *, topic: str, key: bytes, values: Sequence[bytes], partition: int
    ) -> None:
        """Publish messages of one key, in order."""
        produce = self._produce
        for value in values:
            try:
                produce(topic, value, key, partition)
            except BufferError:
                self._produce_when_there_is_room(topic, key, value, partition)
        self.messages += len(values)

    def advance(self, topic: str, partition: int, *, offset: int, metadata: str = "") -> None:
        """Let the group's offset of a partition become `offset` when this commits."""
        self.offsets[topic, partition] = (offset, metadata)

    def carry(self, topic: str, partition: int, *, offset: int, metadata: str, under: str) -> None:
        """Let the offset of a topic that has no members travel with those of another, `under`.

        That topic's member vouches for it, so an offset of that topic must be there as well.
        """
        self.carried.setdefault(under, []).append(
            TopicPartition(topic, partition, offset, metadata=metadata)
        )

    def _produce_when_there_is_room(
        self, topic: str, key: bytes, value: bytes | None, partition: int
    ) -> None:
        while True:
            self._producer.poll(0.1)
            try:
                self._producer.produce(topic, value, key, partition)
            except BufferError:
                continue
            return


class TransactionalPublisher:
    """The only thing in a process that begins and ends transactions. One owner thread."""

    def __init__(
        self,
        *,
        build: Callable[[dict[str, Any]], Properties],
        warm_topic: str,
        clock: Clock,
        on_replaced: Callable[[str], None],
    ) -> None:
        self._build = build
        self._warm_topic = warm_topic
        self._clock = clock
        self._on_replaced = on_replaced
        self._current: WatchedProducer | None = None
        self._standby: WatchedProducer | None = None
        self._warming: threading.Thread | None = None
        self._cause = "start"
        self._fencings: deque[float] = deque(maxlen=_FENCINGS_MAX)
        # Why the last transaction that failed did.
        self.failure = ""

    def prepare(self) -> None:
        """Make sure that the next transaction begins on a client that nothing is held against.

        After this the fate of all earlier transactions of this slot is settled. Raises
        `BrokerUnavailableError` where that could not be reached in time; call it again.
        """
        if self._current is not None:
            self._current.serve()
            if self._current.suspect is None:
                return
            self._give_up(self._current.suspect)
        client = self._take_standby()
        client.forgive()
        try:
            client.producer.init_transactions(_INITIALISE_SECONDS)
        except KafkaException as raised:
            error: KafkaError = raised.args[0]
            _close_in_background(client)
            if _is_fencing(error):
                self._count_fencing()
            if may_pass(error) or error.retriable():
                raise BrokerUnavailableError(describe("begin a publisher", error)) from raised
            raise FatalError(describe("begin a publisher", error)) from raised
        self._current = client
        self._on_replaced(self._cause)
        self._warm_in_background()

    def transact(
        self, contribute: Callable[[Transaction], None], group_metadata: Callable[[str], Any]
    ) -> tuple[TransactionResult, Transaction]:
        """Run one transaction: begin, let `contribute` fill it, send its offsets, commit.

        `prepare` must have returned. `group_metadata` is asked, topic by topic, at the moment of
        sending: an older answer would carry a generation that is no longer ours, or hide that it
        is not.
        """
        client = self._current
        assert client is not None
        assert client.suspect is None
        transaction = Transaction(client.producer)
        began = self._clock.steady()
        try:
            client.producer.begin_transaction()
            contribute(transaction)
            ends_by = began + client.transaction_timeout_seconds
            self._send_offsets(client, transaction, group_metadata, ends_by=ends_by)
            self._commit(client, ends_by=ends_by)
        except KafkaException as raised:
            age = self._clock.steady() - began
            return self._after_failure(client, raised, age), transaction
        except BaseException:
            self._abandon(client)
            raise
        return TransactionResult.COMMITTED, transaction

    @property
    def is_usable(self) -> bool:
        """Whether the last transaction left a client that may begin another."""
        return self._current is not None and self._current.suspect is None

    def serve(self) -> None:
        """Let the clients tell what they know.

        What they tell, the statistics of each second too, piles up in them while nobody listens.
        """
        for client in (self._current, self._standby):
            if client is not None:
                client.serve()

    def close(self) -> None:
        """Let go of all clients. No transaction may be open."""
        if self._warming is not None:
            self._warming.join()
        for client in (self._current, self._standby):
            if client is not None:
                client.close()
        self._current = self._standby = None

    def _send_offsets(
        self,
        client: WatchedProducer,
        transaction: Transaction,
        group_metadata: Callable[[str], Any],
        *,
        ends_by: float,
    ) -> None:
        of_topic: dict[str, list[TopicPartition]] = {}
        for (topic, partition), (offset, metadata) in transaction.offsets.items():
            of_topic.setdefault(topic, []).append(
                TopicPartition(topic, partition, offset, metadata=metadata)
            )
        for topic, carried in transaction.carried.items():
            assert topic in of_topic, "nothing vouches for an offset that is carried"
            of_topic[topic] += carried

        def send(topic: str) -> None:
            seconds = max(ends_by - self._clock.steady(), _ANSWER_SECONDS)
            # As of now: another thread may come to its turn later.
            metadata = group_metadata(topic)
            sending = partial(
                client.producer.send_offsets_to_transaction, of_topic[topic], metadata, seconds
            )
            within(seconds + _BEYOND_SECONDS, sending)

        for topic in of_topic:
            self._resuming(partial(send, topic), ends_by=ends_by)

    def _commit(self, client: WatchedProducer, *, ends_by: float) -> None:
        began = self._clock.steady()

        def commit() -> None:
            # -1 is librdkafka's advice: it stops by itself at the transaction's own time-out.
            seconds = max(ends_by - self._clock.steady(), _ANSWER_SECONDS) + _BEYOND_SECONDS
            within(seconds, partial(client.producer.commit_transaction, -1))

        self._resuming(commit, ends_by=ends_by)
        if self._clock.steady() - began > SLOW_END_SECONDS:
            client.distrust("slow commit")

    def _resuming(self, call: Callable[[], Any], *, ends_by: float) -> None:
        """Call again while librdkafka says that the same call resumes, within bounds."""
        for _ in range(_RESUMPTIONS_MAX):
            try:
                call()
            except KafkaException as raised:
                error: KafkaError = raised.args[0]
                if not error.retriable() or error.txn_requires_abort():
                    raise
                if self._clock.steady() >= ends_by:
                    raise
                continue
            return
        call()

    def _after_failure(
        self, client: WatchedProducer, raised: KafkaException, age: float
    ) -> TransactionResult:
        """Abort where that is known to work; else give the client up with the fate unknown."""
        error: KafkaError = raised.args[0]
        client.distrust(f"failed {error.name()}")
        causes = client.causes(error)
        self.failure = tell(client.attempt_of(causes[0]), causes[0])
        if any(map(_is_fencing, causes)):
            # librdkafka calls it the same when the broker ended a transaction that took too long.
            if age < client.transaction_timeout_seconds:
                self._count_fencing()
        elif lasting := [cause for cause in causes if not may_pass(cause)]:
            self._abandon(client)
            attempt = client.attempt_of(lasting[0])
            raise FatalError(describe(attempt, lasting[0])) from raised
        if not error.txn_requires_abort():
            return TransactionResult.UNKNOWN
        try:
            seconds = client.transaction_timeout_seconds + _BEYOND_SECONDS
            within(seconds, partial(client.producer.abort_transaction, -1))
        except KafkaException:
            # The client is suspect already, so its successor's epoch ends what this could not.
            return TransactionResult.UNKNOWN
        return TransactionResult.ABORTED

    def _abandon(self, client: WatchedProducer) -> None:
        """Leave the open transaction to the time-out or to a successor.

        Nothing more is committed.
        """
        client.distrust("abandoned")
        client.close()

    def _count_fencing(self) -> None:
        now = self._clock.steady()
        self._fencings.append(now)
        if len(self._fencings) == _FENCINGS_MAX and now - self._fencings[0] < _FENCINGS_SECONDS:
            raise FencedError(
                "another process publishes under this slot's name and each fences the other; "
                "give every process on a host a name of its own with OPENAI_COMPLIANCE_INSTANCE"
            )

    def _give_up(self, cause: str) -> None:
        client, self._current = self._current, None
        self._cause = cause
        if client is not None:
            _close_in_background(client)

    def _take_standby(self) -> WatchedProducer:
        if self._warming is not None:
            self._warming.join()
            self._warming = None
        client, self._standby = self._standby, None
        return client if client is not None else self._connect()

    def _connect(self) -> WatchedProducer:
        try:
            return WatchedProducer(self._build, self._warm_topic)
        except KafkaException as raised:
            error: KafkaError = raised.args[0]
            if may_pass(error):
                raise BrokerUnavailableError(describe("reach the cluster", error)) from raised
            raise FatalError(describe("reach the cluster", error)) from raised

    def _warm_in_background(self) -> None:
        self._warming = threading.Thread(target=self._warm, name="publisher-standby", daemon=True)
        self._warming.start()

    def _warm(self) -> None:
        try:
            self._standby = self._connect()
        except (BrokerUnavailableError, FatalError):
            # Only a head start is lost: `prepare` connects by itself, and reports what it meets.
            self._standby = None


def _close_in_background(client: WatchedProducer) -> None:
    threading.Thread(target=client.close, name="publisher-close", daemon=True).start()


def _is_fencing(error: KafkaError) -> bool:
    return error.code() == KafkaError._FENCED  # noqa: SLF001 - the client's own name for it
