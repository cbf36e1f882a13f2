"""Every log event and every metric, declared once: the reference for whoever runs this program.

Levels: ERROR, data is at risk or a person is needed; WARNING, unexpected and recovered from, or
bad data that is kept elsewhere; INFO, the life of the process, one line for each object (puller)
and for each commit with events in it (normaliser, deduplicator); DEBUG, each transaction. Nothing
is logged for each line. No field and no label holds a line's content or personal data; labels are
from closed sets, so keys, offsets and ids are fields of logs only.
"""

import logging
from dataclasses import dataclass
from enum import Enum
from typing import Final, Generic, Literal, TypeAlias, TypeVar, get_args

from producer.contract.dead_letter import FailureKind
from producer.contract.objects import Outcome

L = TypeVar("L", bound=str)

PREFIX: Final = "openai_compliance_"


class LogEvent(Enum):
    """What can be logged: a noun and a past participle, its level, and when it is said."""

    PROCESS_STARTED = "process.started", logging.INFO, "A process begins its loop."
    PROCESS_STOPPED = "process.stopped", logging.INFO, "It ended as it was told to."
    PROCESS_FAILED = (
        "process.failed",
        logging.ERROR,
        "It ended by an error; `error` says what to do.",
    )
    PARTITIONS_ASSIGNED = "partitions.assigned", logging.INFO, "The group gave it partitions."
    PARTITIONS_REVOKED = "partitions.revoked", logging.INFO, "The group took partitions away."
    PARTITIONS_DELAYED = (
        "partitions.delayed",
        logging.WARNING,
        "A restore is long or a transaction hangs: see `kafka-transactions.sh find-hanging`.",
    )
    TABLE_RESTORED = (
        "table.restored",
        logging.INFO,
        "What decides about a partition was read back.",
    )
    TRANSACTION_COMMITTED = "transaction.committed", logging.DEBUG, "A transaction was committed."
    TRANSACTION_ABORTED = (
        "transaction.aborted",
        logging.WARNING,
        "It was aborted, or its fate is unknown; its work is done again.",
    )
    PUBLISHER_REPLACED = (
        "publisher.replaced",
        logging.INFO,
        "A Kafka client that something suspicious happened to made way for a fresh one.",
    )
    LISTING_FINISHED = "listing.finished", logging.INFO, "A source was listed."
    LISTING_FAILED = (
        "listing.failed",
        logging.WARNING,
        "A source could not be listed, for the reason given; the next poll tries again.",
    )
    COMMAND_FINISHED = (
        "command.finished",
        logging.INFO,
        "What a person asked for was done; the number of objects that it concerned.",
    )
    COMMAND_FAILED = (
        "command.failed",
        logging.WARNING,
        "What a person asked for could not be done, or not to its end, for the reason given.",
    )
    COMMANDS_EXPIRED = (
        "commands.expired",
        logging.ERROR,
        "Commands were deleted by retention before a process could carry them out; ask again.",
    )
    SOURCE_MISPLACED = (
        "source.misplaced",
        logging.ERROR,
        "A source is in another partition than its id's and is ignored; publish it with murmur2.",
    )
    OBJECT_DISCOVERED = "object.discovered", logging.DEBUG, "An object version was published."
    OBJECT_RESUMED = "object.resumed", logging.INFO, "An object is read on from a committed place."
    OBJECT_PULLED = "object.pulled", logging.INFO, "All lines of an object are accounted for."
    OBJECT_QUARANTINED = (
        "object.quarantined",
        logging.WARNING,
        "An object could not be read to its end, for the reason given; its good lines are kept.",
    )
    OBJECT_VANISHED = "object.vanished", logging.WARNING, "An object was gone when it was read."
    OBJECT_SUPERSEDED = "object.superseded", logging.INFO, "Another version took its place."
    LINES_DEAD_LETTERED = (
        "lines.dead_lettered",
        logging.WARNING,
        "Lines of one commit could not become events; counts by kind.",
    )
    RECORDS_NORMALISED = "records.normalised", logging.INFO, "Raw records of one commit, counted."
    EVENTS_DEDUPLICATED = "events.deduplicated", logging.INFO, "Events of one commit, counted."

    def __init__(self, title: str, level: int, meaning: str) -> None:
        self.title = title
        self.level = level
        self.meaning = meaning


@dataclass(frozen=True, kw_only=True)
class Count:
    """A counter without a label."""

    name: str
    meaning: str


@dataclass(frozen=True, kw_only=True)
class Tally(Generic[L]):
    """A counter with one label, whose values are all declared and all shown from the start."""

    name: str
    meaning: str
    label: str
    values: tuple[L, ...]


Metric: TypeAlias = Count | Tally[str]

ListingResult = Literal["finished", "failed"]
CommandFate = Literal["done", "failed"]
LineFate = Literal["raw", "blank", "dead_letter"]
RecordFate = Literal["event", "dead_letter"]
EventFate = Literal["published", "suppressed"]
TransactionFate = Literal["committed", "aborted", "unknown"]
# What made a publisher suspect, by the first word of its cause; `start` is the first of a process.
ReplacementCause = Literal[
    "start", "error", "log", "coordinator", "delivery", "failed", "slow", "abandoned", "other"
]

OBJECTS_PUBLISHED: Final = Count(
    name=PREFIX + "discovery_objects_published_total",
    meaning="Object versions published to be pulled, retries and replays included.",
)
OBJECTS_LATE: Final = Count(
    name=PREFIX + "discovery_objects_late_total",
    meaning="Object versions found at keys that a finished listing had passed.",
)
COMMANDS: Final[Tally[CommandFate]] = Tally(
    name=PREFIX + "discovery_commands_total",
    meaning="Commands of people that were carried out, or could not be.",
    label="fate",
    values=get_args(CommandFate),
)
LISTINGS: Final[Tally[ListingResult]] = Tally(
    name=PREFIX + "discovery_listings_total",
    meaning="Listings of sources.",
    label="result",
    values=get_args(ListingResult),
)
PULLED_LINES: Final[Tally[LineFate]] = Tally(
    name=PREFIX + "puller_lines_total",
    meaning="Lines read and committed. Lines in = raw + blank + dead letters.",
    label="fate",
    values=get_args(LineFate),
)
PULLED_OBJECTS: Final[Tally[Outcome]] = Tally(
    name=PREFIX + "puller_objects_total",
    meaning="Attempts at objects that ended, by outcome.",
    label="outcome",
    values=tuple(Outcome),
)
READ_BYTES: Final = Count(
    name=PREFIX + "puller_read_bytes_total",
    meaning="Bytes of objects read from S3, as they are stored there.",
)
RAW_RECORDS: Final[Tally[RecordFate]] = Tally(
    name=PREFIX + "normaliser_raw_records_total",
    meaning="Raw records taken. Raw = those that gave events + those that gave dead letters.",
    label="fate",
    values=get_args(RecordFate),
)
NORMALISED_EVENTS: Final = Count(
    name=PREFIX + "normaliser_events_total",
    meaning="Events published to be deduplicated; a raw record may give several.",
)
DEAD_LETTERS: Final[Tally[FailureKind]] = Tally(
    name=PREFIX + "normaliser_dead_letters_total",
    meaning="Lines, or parts of lines, that became no event, by the kind of their first failure.",
    label="kind",
    values=tuple(FailureKind),
)
DEDUPLICATED_EVENTS: Final[Tally[EventFate]] = Tally(
    name=PREFIX + "deduplicator_events_total",
    meaning="Events judged. Events normalised = published + suppressed.",
    label="fate",
    values=get_args(EventFate),
)
TRANSACTIONS: Final[Tally[TransactionFate]] = Tally(
    name=PREFIX + "kafka_transactions_total",
    meaning="Transactions that ended; aborted and unknown ones are done again.",
    label="result",
    values=get_args(TransactionFate),
)
PUBLISHERS_REPLACED: Final[Tally[ReplacementCause]] = Tally(
    name=PREFIX + "kafka_publishers_replaced_total",
    meaning="Kafka clients begun in place of a suspect one, by what made it suspect.",
    label="cause",
    values=get_args(ReplacementCause),
)


def declared_metrics() -> tuple[Count | Tally[str], ...]:
    """Give all metrics, in the order of this file."""
    return tuple(value for value in globals().values() if isinstance(value, Count | Tally))
