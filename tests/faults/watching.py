"""The clients of a watched process: as librdkafka's, with a journal and with places to die at."""

import os
import signal
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from tests.faults import journal
from tests.faults.faults import Deed, Fault, Step
from tests.faults.journal import Journal

# A fault amid producing, or amid restoring, comes once some of it is done.
_SOME_MESSAGES: Final = 20
_FLUSH_SECONDS: Final = 10.0


class Watch:
    """Knows the faults that are planned, and carries them out. Any thread."""

    def __init__(self, written: Journal, faults: Iterable[Fault]) -> None:
        self.journal = written
        self._faults = list(faults)
        self._passed: Counter[Fault] = Counter()

    def plans(self, step: Step) -> bool:
        """Whether something is to happen at a step."""
        return any(fault.step is step for fault in self._faults)

    def pass_by(self, step: Step, topics: Iterable[str]) -> None:
        """Come by a step with what has to do with these topics; not return, perhaps."""
        topics = tuple(topics)
        for fault in [fault for fault in self._faults if fault.step is step]:
            if fault.topic and not any(topic.endswith(fault.topic) for topic in topics):
                continue
            self._passed[fault] += 1
            if self._passed[fault] > fault.times:
                self._faults.remove(fault)
                self._do(fault)

    def _do(self, fault: Fault) -> None:
        self.journal.write(journal.FAULT, step=fault.step, deed=fault.deed, topic=fault.topic)
        if fault.deed is Deed.KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        elif fault.deed is Deed.PAUSE:
            os.kill(os.getpid(), signal.SIGSTOP)
        else:
            raise KafkaException(
                KafkaError(KafkaError._TIMED_OUT, "planned", txn_requires_abort=True)
            )


class WatchedPublisher(Producer):
    """A producer whose messages name their transaction."""

    watch: Watch

    def __init__(self, *arguments: Any) -> None:  # noqa: ANN401 - the client's own
        super().__init__(*arguments)
        self._name = ""
        self._topics: Counter[str] = Counter()
        self._offsets_of: set[str] = set()

    def init_transactions(self, *arguments: Any) -> None:  # noqa: ANN401
        self.watch.pass_by(Step.INITIALISING, ())
        super().init_transactions(*arguments)

    def begin_transaction(self) -> None:
        self.watch.pass_by(Step.BEFORE_BEGIN, ())
        self._name, self._topics, self._offsets_of = uuid.uuid4().hex, Counter(), set()
        self._write(journal.BEGUN)
        super().begin_transaction()
        self.watch.pass_by(Step.AFTER_BEGIN, ())

    def produce(  # type: ignore[override]  # as the project calls it
        self, topic: str, value: bytes | None, key: bytes, partition: int = -1
    ) -> None:
        headers: dict[str, str | bytes | None] = {journal.TRANSACTION_HEADER: self._name}
        super().produce(topic, value, key, partition, headers=headers)
        self._topics[topic] += 1
        if self._topics[topic] == _SOME_MESSAGES and self.watch.plans(Step.AMID_PRODUCING):
            # So that some of it has reached the broker.
            self.flush(_FLUSH_SECONDS)
            self.watch.pass_by(Step.AMID_PRODUCING, self._topics)

    def send_offsets_to_transaction(
        self,
        offsets: list[TopicPartition],
        *others: Any,  # noqa: ANN401
    ) -> None:
        if self.watch.plans(Step.AFTER_FLUSH):
            self.flush(_FLUSH_SECONDS)
            self.watch.pass_by(Step.AFTER_FLUSH, self._topics)
        super().send_offsets_to_transaction(offsets, *others)
        self._offsets_of |= {offset.topic for offset in offsets}
        self.watch.pass_by(Step.AFTER_OFFSETS, self._topics)

    def commit_transaction(self, *arguments: Any) -> None:  # noqa: ANN401
        self._write(journal.COMMITTING)
        super().commit_transaction(*arguments)
        self._write(journal.COMMITTED)
        self.watch.pass_by(Step.AFTER_COMMIT, self._topics)

    def abort_transaction(self, *arguments: Any) -> None:  # noqa: ANN401
        self.watch.pass_by(Step.BEFORE_ABORT, self._topics)
        super().abort_transaction(*arguments)
        self._write(journal.ABORTED)
        self.watch.pass_by(Step.AFTER_ABORT, self._topics)

    def _write(self, entry: str) -> None:
        self.watch.journal.write(
            entry,
            transaction=self._name,
            messages=self._topics.total(),
            offsets_of=sorted(self._offsets_of),
        )


class WatchedConsumer(Consumer):
    """A consumer that tells what it asks, and can die while partitions are taken from it."""

    watch: Watch

    def subscribe(  # type: ignore[override]  # as the project calls it
        self,
        topics: list[str],
        *,
        on_revoke: Callable[..., None],
        **callbacks: Any,  # noqa: ANN401
    ) -> None:
        def revoke(consumer: Consumer, partitions: list[TopicPartition]) -> None:
            self.watch.pass_by(Step.AMID_REVOKING, {each.topic for each in partitions})
            on_revoke(consumer, partitions)

        super().subscribe(topics, on_revoke=revoke, **callbacks)

    def committed(self, *arguments: Any, **named: Any) -> list[TopicPartition]:  # noqa: ANN401
        self.watch.journal.write(journal.ASKED)
        return super().committed(*arguments, **named)


def watched_reading(
    watch: Watch, read: Callable[..., Iterator[Any]]
) -> Callable[..., Iterator[Any]]:
    """Let a table be read back as before, but for the place to die at in the midst of it."""

    def reading(reader: Any, targets: Mapping[Any, int], *others: Any) -> Iterator[Any]:  # noqa: ANN401
        topics = {topic for topic, _ in targets}
        watch.journal.write(journal.RESTORING, topics=sorted(topics))
        for number, message in enumerate(read(reader, targets, *others)):
            if number == _SOME_MESSAGES:
                watch.pass_by(Step.AMID_RESTORING, topics)
            yield message

    return reading
