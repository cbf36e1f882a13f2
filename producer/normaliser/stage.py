"""The normaliser as a stage of the loop."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from producer.contract.dead_letter import DeadLetter, FailureKind
from producer.contract.event import GovernanceEvent
from producer.contract.names import object_message_key
from producer.contract.raw import RawLine
from producer.errors import SchemaMismatchError
from producer.kafka.stages import Committed, Message, unreadable
from producer.kafka.transactions import Transaction
from producer.normaliser.failing import ObjectFailures
from producer.normaliser.normalise import normalise


@dataclass(frozen=True, kw_only=True)
class NormaliserTopics:
    """Full names of the topics that the normaliser reads and writes."""

    raw: str
    normalised: str
    dead_letters: str


@dataclass(frozen=True, kw_only=True)
class NormaliserCodecs:
    """How the normaliser's messages are read and written."""

    decode_raw: Callable[[bytes], RawLine]
    encode_event: Callable[[GovernanceEvent], bytes]
    encode_dead_letter: Callable[[DeadLetter], bytes]


@dataclass(kw_only=True)
class NormalisedCounts:
    """What one committed transaction made of raw records.

    A record with events and dead letters (several parts on one line) counts as one with events.
    """

    records: int = 0
    records_with_events: int = 0
    events: int = 0
    dead_letters: Counter[FailureKind] = field(default_factory=Counter)


class NormaliserStage:
    """Publishes what each raw record becomes.

    Events under their ids, dead letters under the object's key.
    """

    def __init__(
        self,
        *,
        topics: NormaliserTopics,
        codecs: NormaliserCodecs,
        partition_of: Callable[[bytes], int],
        on_committed: Callable[[NormalisedCounts], None],
    ) -> None:
        self.topic = topics.raw
        self._topics = topics
        self._codecs = codecs
        self._partition_of = partition_of
        self._on_committed = on_committed
        self._inboxes: dict[int, list[Message]] = {}
        self._failures: dict[int, ObjectFailures] = {}
        self._counts = NormalisedCounts()

    def acquire(self, partition: int, committed: Committed) -> None:
        """Begin with nothing: the mapping is pure."""
        del committed
        self._inboxes[partition] = []
        self._failures[partition] = ObjectFailures()

    def is_ready(self, partition: int) -> bool:
        """At once."""
        del partition
        return True

    def receive(self, partition: int, messages: Sequence[Message]) -> None:
        """Keep the messages for the next transaction."""
        self._inboxes[partition].extend(messages)

    def wants_more(self, partition: int) -> bool:
        """Always: each step's messages go into the next transaction."""
        del partition
        return True

    def is_drained(self, partition: int) -> bool:
        """Whether nothing waits for a transaction."""
        return not self._inboxes[partition]

    def tick(self) -> None:
        """Nothing goes on beside the loop that would not show in `has_work`."""

    def has_work(self) -> bool:
        """Whether there are raw records to map."""
        return any(self._inboxes.values())

    def contribute(self, transaction: Transaction) -> None:
        """Map what was received."""
        self._counts = NormalisedCounts()
        for partition, inbox in self._inboxes.items():
            if inbox:
                self._normalise_all(transaction, partition, inbox)
                transaction.advance(self.topic, partition, offset=inbox[-1].offset() + 1)

    def committed(self) -> None:
        """Empty the inboxes."""
        for partition in self._inboxes:
            self._inboxes[partition] = []
            self._failures[partition].learn()
        if self._counts.records:
            self._on_committed(self._counts)
        self._counts = NormalisedCounts()

    def release(self, partition: int) -> None:
        """Forget what was not committed."""
        del self._inboxes[partition]
        del self._failures[partition]

    def close(self) -> None:
        """Nothing is held for no partition."""

    def _normalise_all(
        self, transaction: Transaction, partition: int, inbox: Sequence[Message]
    ) -> None:
        decode, encode, publish = (
            self._codecs.decode_raw,
            self._codecs.encode_event,
            transaction.publish,
        )
        topic, failures = self._topics.normalised, self._failures[partition]
        partition_of = self._partition_of
        failures.begin()
        letters: list[DeadLetter] = []
        kinds: Counter[FailureKind] = Counter()
        events = records_with_events = 0
        for message in inbox:
            try:
                raw = decode(message.value() or b"")
            except SchemaMismatchError as error:
                raise unreadable(message, error) from error
            normalised = normalise(raw)
            for event in normalised.events:
                key = event["event_id"].encode()
                publish(topic=topic, key=key, value=encode(event), partition=partition_of(key))
            events += len(normalised.events)
            records_with_events += bool(normalised.events)
            if normalised.failures:
                letters += failures.tell(raw, normalised)
                kinds.update(refused.failures[0].kind for refused in normalised.failures)
        self._publish_dead_letters(transaction, partition, [*letters, *failures.end()])
        self._counts.dead_letters.update(kinds)
        self._counts.records += len(inbox)
        self._counts.records_with_events += records_with_events
        self._counts.events += events

    def _publish_dead_letters(
        self, transaction: Transaction, partition: int, letters: Sequence[DeadLetter]
    ) -> None:
        for letter in letters:
            # Dead letters have the key, and so the partition, of the raw topic.
            transaction.publish(
                topic=self._topics.dead_letters,
                key=object_message_key(source_id=letter.source_id, key=letter.key).encode(),
                value=self._codecs.encode_dead_letter(letter),
                partition=partition,
            )
