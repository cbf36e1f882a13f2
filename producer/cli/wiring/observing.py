"""What the rooms report, turned into logs and metrics: nothing of a record's content."""

from collections import Counter
from collections.abc import Mapping, Sequence

from producer.contract.objects import ObjectOutcome, ObjectVersion, Outcome
from producer.contract.source import SourceCommand
from producer.deduplicator.decision import Verdict
from producer.discovery.source import Listed
from producer.kafka.member import Owned
from producer.kafka.transactions import TransactionResult
from producer.normaliser.stage import NormalisedCounts
from producer.puller.stage import Pulled
from producer.telemetry import catalogue
from producer.telemetry.catalogue import LogEvent
from producer.telemetry.logs import log
from producer.telemetry.metrics import Metrics

_OUTCOME_EVENTS = {
    Outcome.PULLED: LogEvent.OBJECT_PULLED,
    Outcome.QUARANTINED: LogEvent.OBJECT_QUARANTINED,
    Outcome.VANISHED: LogEvent.OBJECT_VANISHED,
    Outcome.SUPERSEDED: LogEvent.OBJECT_SUPERSEDED,
}
_CAUSES: Mapping[str, catalogue.ReplacementCause] = {
    cause: cause for cause in catalogue.PUBLISHERS_REPLACED.values
}


class Observer:
    """Counts and logs for one process."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def partitions_assigned(self, partitions: Sequence[Owned]) -> None:
        """They were given to this process."""
        log(LogEvent.PARTITIONS_ASSIGNED, partitions=_shown(partitions))

    def partitions_revoked(self, partitions: Sequence[Owned]) -> None:
        """They were taken from this process."""
        log(LogEvent.PARTITIONS_REVOKED, partitions=_shown(partitions))

    def partition_started(self, owned: Owned, offset: int, *, is_inside: bool) -> None:
        """It is delivered from `offset`, inside the record there perhaps."""
        if is_inside:
            log(LogEvent.OBJECT_RESUMED, partition=owned.partition, offset=offset)

    def partitions_delayed(self, partitions: Sequence[Owned], seconds: float) -> None:
        """They have not been started for so long."""
        log(LogEvent.PARTITIONS_DELAYED, partitions=_shown(partitions), seconds=round(seconds, 3))

    def transaction_ended(self, result: TransactionResult, messages: int, seconds: float) -> None:
        """A transaction ended."""
        self._metrics.tally(catalogue.TRANSACTIONS, result.value)
        event = (
            LogEvent.TRANSACTION_COMMITTED
            if result is TransactionResult.COMMITTED
            else LogEvent.TRANSACTION_ABORTED
        )
        log(event, result=result.value, messages=messages, seconds=round(seconds, 3))

    def publisher_replaced(self, cause: str) -> None:
        """A publisher of a new epoch took over."""
        self._metrics.tally(
            catalogue.PUBLISHERS_REPLACED, _CAUSES.get(cause.split(" ", maxsplit=1)[0], "other")
        )
        if cause != "start":
            log(LogEvent.PUBLISHER_REPLACED, cause=cause)

    def table_restored(self, table: str, messages: int, seconds: float) -> None:
        """A table was read back."""
        log(LogEvent.TABLE_RESTORED, table=table, messages=messages, seconds=round(seconds, 3))

    def versions_published(self, versions: Sequence[ObjectVersion]) -> None:
        """Object versions were published to be pulled."""
        self._metrics.count(catalogue.OBJECTS_PUBLISHED, len(versions))
        for version in versions:
            log(
                LogEvent.OBJECT_DISCOVERED,
                source_id=version.source_id,
                key=version.key,
                attempt=version.attempt,
            )

    def source_listed(self, source_id: str, listed: Listed) -> None:
        """A source was listed, or could not be."""
        refusal = listed.refusal
        self._metrics.count(catalogue.OBJECTS_LATE, listed.objects_late)
        self._metrics.tally(catalogue.LISTINGS, "finished" if refusal is None else "failed")
        extent = {"whole": listed.is_whole, "objects_late": listed.objects_late}
        if refusal is None:
            log(LogEvent.LISTING_FINISHED, source_id=source_id, **extent)
        else:
            log(
                LogEvent.LISTING_FAILED,
                source_id=source_id,
                reason=refusal.reason.value,
                detail=refusal.detail,
                **extent,
            )

    def command_carried_out(
        self, command: SourceCommand | None, objects: int, failure: str | None
    ) -> None:
        """What a person asked for was done, or could not be."""
        self._metrics.tally(catalogue.COMMANDS, "done" if failure is None else "failed")
        event = LogEvent.COMMAND_FINISHED if failure is None else LogEvent.COMMAND_FAILED
        told = {"reason": failure} if failure is not None else {}
        log(
            event,
            command_id=command.command_id if command else None,
            kind=command.kind.value if command else None,
            source_id=command.source_id if command else None,
            objects=objects,
            **told,
        )

    def commands_expired(self, partition: int, messages: int) -> None:
        """Messages of commands were deleted before anybody carried them out."""
        log(LogEvent.COMMANDS_EXPIRED, partition=partition, messages=messages)

    def source_misplaced(self, source_id: str, partition: int) -> None:
        """A source lies in a partition where its id does not belong."""
        log(LogEvent.SOURCE_MISPLACED, source_id=source_id, partition=partition)

    def pulled(self, pulled: Pulled) -> None:
        """Lines, and ends of objects, were committed."""
        metrics = self._metrics
        metrics.tally(catalogue.PULLED_LINES, "raw", pulled.lines["raw"])
        metrics.tally(catalogue.PULLED_LINES, "blank", pulled.lines["blank"])
        metrics.tally(catalogue.PULLED_LINES, "dead_letter", pulled.lines["dead_letter"])
        metrics.count(catalogue.READ_BYTES, pulled.read_bytes)
        for outcome in pulled.outcomes:
            self._object_ended(outcome)

    def normalised(self, counts: NormalisedCounts) -> None:
        """Raw records were mapped."""
        metrics = self._metrics
        metrics.tally(catalogue.RAW_RECORDS, "event", counts.records_with_events)
        metrics.tally(
            catalogue.RAW_RECORDS, "dead_letter", counts.records - counts.records_with_events
        )
        metrics.count(catalogue.NORMALISED_EVENTS, counts.events)
        for kind, number in counts.dead_letters.items():
            metrics.tally(catalogue.DEAD_LETTERS, kind, number)
        log(LogEvent.RECORDS_NORMALISED, records=counts.records, events=counts.events)
        if counts.dead_letters:
            kinds = {kind.value: number for kind, number in counts.dead_letters.items()}
            log(LogEvent.LINES_DEAD_LETTERED, stage="normaliser", kinds=kinds)

    def deduplicated(self, verdicts: Mapping[Verdict, int]) -> None:
        """Events were judged."""
        counts = Counter(verdicts)
        suppressed = counts.pop(Verdict.SUPPRESSED, 0)
        published = counts.total()
        self._metrics.tally(catalogue.DEDUPLICATED_EVENTS, "published", published)
        self._metrics.tally(catalogue.DEDUPLICATED_EVENTS, "suppressed", suppressed)
        log(LogEvent.EVENTS_DEDUPLICATED, published=published, suppressed=suppressed)

    def _object_ended(self, outcome: ObjectOutcome) -> None:
        self._metrics.tally(catalogue.PULLED_OBJECTS, outcome.outcome)
        log(
            _OUTCOME_EVENTS[outcome.outcome],
            source_id=outcome.source_id,
            key=outcome.key,
            etag=outcome.etag,
            attempt=outcome.attempt,
            reason=outcome.reason.value if outcome.reason else None,
            lines=outcome.lines,
            raw_lines=outcome.raw_lines,
            dead_letter_lines=outcome.dead_letter_lines,
            seconds=round((outcome.finished_at - outcome.started_at) / 1_000_000, 3),
        )
        if outcome.dead_letter_lines:
            log(
                LogEvent.LINES_DEAD_LETTERED,
                stage="puller",
                kinds={"too_large": outcome.dead_letter_lines},
            )


def _shown(partitions: Sequence[Owned]) -> list[str]:
    return [f"{owned.topic}/{owned.partition}" for owned in partitions]
