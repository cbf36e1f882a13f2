"""What discovery holds for one source while it owns the source's partition."""

from collections import deque
from collections.abc import Callable, Sequence

from producer.contract.objects import ObjectOutcome, ObjectVersion
from producer.contract.source import IngestionSource
from producer.contract.status import (
    UNHEALTHY_AFTER_FAILURES_IN_A_ROW,
    SourceStatus,
    Status,
)
from producer.discovery.ledger import Ledger
from producer.discovery.listing import Listing, ListingFinished
from producer.discovery.retrying import RetryPolicy
from producer.s3.object_store import ListedObject, ObjectStoreRefusedError, Page

_MICROSECONDS = 1_000_000
_LOOK_FOR_RETRIES_SECONDS = 1


class SourceDiscovery:
    """One source's listing, ledger, and versions that wait to be published. Time is passed in."""

    def __init__(  # noqa: PLR0913 - what it is put together from
        self,
        source: IngestionSource,
        *,
        ledger: Ledger,
        previous: SourceStatus | None,
        last_event_at: int | None,
        retry: RetryPolicy,
        new_id: Callable[[], str],
    ) -> None:
        self.source = source
        self.ledger = ledger
        self.listing: Listing | None = None
        # Wanted, not yet published. All from one page, or all retries: so no key is in it twice.
        self.pending: deque[ObjectVersion] = deque()
        self.is_listed_once = False
        self.refusal: ObjectStoreRefusedError | None = None
        self._retry = retry
        self._new_id = new_id
        self._listed_from: int | None = None
        self._looked_for_retries_at: int | None = None
        self._problem = (previous.problem, previous.problem_detail) if previous else (None, None)
        self._failures_in_a_row = previous.failures_in_a_row if previous else 0
        self._listings = previous.listings if previous else 0
        self._last_listing_at = previous.last_listing_at if previous else None
        # Outcomes are compacted: an object that last vanished no longer tells of its lines.
        told = previous.last_event_at if previous else None
        self._last_event_at = max(filter(None, (told, last_event_at)), default=None)
        self._objects_found = previous.objects_found if previous else 0
        self._objects_late = previous.objects_late if previous else 0
        self.is_status_due = previous is None or previous != self.status(now=previous.updated_at)

    def is_listing_due(self, now: int) -> bool:
        """Whether the next listing should begin."""
        return (
            not self.source.disabled
            and self.listing is None
            and not self.pending
            and _has_passed(self.source.poll_every_seconds, since=self._listed_from, now=now)
        )

    def begin_listing(self, listing: Listing, *, now: int) -> None:
        """Take note of a listing that begins now."""
        self.listing = listing
        self._listed_from = now

    def advance_listing(self, *, now: int) -> None:
        """Take the next page once all that the last one brought is published; never more."""
        while self.listing is not None and not self.pending and self.listing.has_arrived():
            arrived = self.listing.take()
            if isinstance(arrived, Page):
                self._take_page(arrived, now=now)
            else:
                self._end_listing(arrived)

    def collect_retries(self, *, now: int) -> None:
        """Let what is due be tried again."""
        if self.pending or self.source.disabled:
            return
        # All that failed is looked at, and that may be a whole bucket.
        if _has_passed(_LOOK_FOR_RETRIES_SECONDS, since=self._looked_for_retries_at, now=now):
            self._looked_for_retries_at = now
            self.pending.extend(self.ledger.retries_due(retry=self._retry, now=now))

    def stop_listing(self) -> None:
        """Throw the listing away.

        Its pages belong to an assignment, or to settings, that are no more.
        """
        if self.listing is not None:
            self.listing.cancel()
            self.listing = None
        self.pending.clear()

    def learn_published(self, versions: list[ObjectVersion]) -> None:
        """Take in versions whose publication is known to be committed.

        The first of those pending. The status that counts them was published with them.
        """
        for version in versions:
            published = self.pending.popleft()
            assert published is version
            self.ledger.apply_version(version)
        self._objects_found += _first_attempts(versions)

    def learn_outcome(self, outcome: ObjectOutcome) -> None:
        """Take in that an object of this source finished."""
        if outcome.raw_lines:
            self._last_event_at = max(self._last_event_at or 0, outcome.finished_at)
        self.is_status_due = True

    def status(self, *, now: int, publishing: Sequence[ObjectVersion] = ()) -> SourceStatus:
        """Build what is told about the source now, together with versions of those pending."""
        behind = [*self.ledger.unfinished, *self.pending]
        oldest = min((version.discovered_at for version in behind), default=now)
        return SourceStatus(
            source_id=self.source.id,
            organization_id=self.source.organization_id,
            name=self.source.name,
            status=self._status(),
            healthy=self._failures_in_a_row < UNHEALTHY_AFTER_FAILURES_IN_A_ROW,
            problem=self._problem[0],
            problem_detail=self._problem[1],
            failures_in_a_row=self._failures_in_a_row,
            listings=self._listings,
            last_listing_at=self._last_listing_at,
            last_event_at=self._last_event_at,
            objects_found=self._objects_found + _first_attempts(publishing),
            objects_behind=len(behind),
            bytes_behind=sum(version.size_bytes for version in behind),
            seconds_behind=(now - oldest) // _MICROSECONDS,
            objects_quarantined=self.ledger.quarantined_count,
            objects_late=self._objects_late,
            updated_at=now,
        )

    def retries_later(self) -> list[tuple[str, int]]:
        """Name the keys that will be tried again, and when."""
        return list(self.ledger.retries_later(retry=self._retry))

    def _take_page(self, page: Page, *, now: int) -> None:
        for listed in page.objects:
            version = self.ledger.version_to_pull(
                listed, retry=self._retry, now=now, build=lambda new: self._version_of(new, now)
            )
            if version is not None:
                self.pending.append(version)

    def _end_listing(self, end: ObjectStoreRefusedError | ListingFinished) -> None:
        self.listing = None
        self.is_listed_once = True
        self.is_status_due = True
        if isinstance(end, ObjectStoreRefusedError):
            self._failures_in_a_row += 1
            self.refusal = end
            self._problem = (end.reason, end.detail)
        else:
            self._failures_in_a_row = 0
            self.refusal = None
            self._problem = (None, None)
            self._listings += 1
            self._last_listing_at = self._listed_from

    def _version_of(self, listed: ListedObject, now: int) -> ObjectVersion:
        return ObjectVersion(
            source_id=self.source.id,
            bucket=self.source.bucket,
            key=listed.key,
            etag=listed.etag,
            version_id=listed.version_id,
            size_bytes=listed.size_bytes,
            last_modified=listed.last_modified,
            pull_id=self._new_id(),
            discovered_at=now,
        )

    def _status(self) -> Status:
        if self.source.disabled:
            return Status.DISABLED
        return Status.AWAITING_FIRST_EVENT if self._last_event_at is None else Status.ACTIVE


def _has_passed(seconds: int, *, since: int | None, now: int) -> bool:
    """Whether a time has passed; a clock that was set back is no reason to wait for it."""
    return since is None or not since <= now < since + seconds * _MICROSECONDS


def _first_attempts(versions: Sequence[ObjectVersion]) -> int:
    return sum(version.attempt == 1 for version in versions)
