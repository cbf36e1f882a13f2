"""What discovery holds for one source while it owns the source's partition."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from producer.contract.objects import REFUSES_OBJECTS, ObjectOutcome, ObjectVersion, Reason
from producer.contract.source import IngestionSource
from producer.contract.status import (
    UNHEALTHY_AFTER_FAILURES_IN_A_ROW,
    SourceStatus,
    Status,
)
from producer.discovery.ledger import GONE, Ledger, in_order
from producer.discovery.listing import Listing, ListingFinished
from producer.discovery.position import Position, PositionPolicy
from producer.s3.object_store import ListedObject, ObjectStoreRefusedError, Page
from producer.s3.refusals import refused

_MICROSECONDS = 1_000_000
_LOOK_FOR_RETRIES_SECONDS = 1
# More than any source has in flight; what is left is due a second later still.
_RETRIES_AT_ONCE = 1000
# A source that fails is asked less and less often, though often enough for a person who mends it.
_PAUSE_SECONDS_MAX = 900
# A second doubled so often is more than that.
_DOUBLINGS_MAX = 10


class Listed(NamedTuple):
    """How one attempt at a listing ended."""

    refusal: ObjectStoreRefusedError | None
    is_whole: bool
    objects_late: int


class LastCommand(NamedTuple):
    """The command of a source that ended last."""

    command_id: str | None
    objects: int
    failure: str | None


class SourceDiscovery:
    """One source's listing, ledger, and versions that wait to be published. Time is passed in."""

    def __init__(  # noqa: PLR0913 - what it is put together from
        self,
        source: IngestionSource,
        *,
        ledger: Ledger,
        previous: SourceStatus | None,
        last_event_at: int | None,
        policy: PositionPolicy,
        new_id: Callable[[], str],
    ) -> None:
        self.source = source
        self.ledger = ledger
        self.position = _position(source, previous, policy)
        ledger.look_at(
            bucket=source.bucket,
            prefix=source.prefix,
            finished_through=self.position.told_high_water_key,
        )
        self.listing: Listing | None = None
        # Wanted, not yet published. All from one page, or all retries: so no key is in it twice.
        self.pending: deque[ObjectVersion] = deque()
        self.is_listed_once = False
        self.refusal: ObjectStoreRefusedError | None = None
        self.last_command = _last_command(previous)
        self._new_id = new_id
        # Pulls among those pending whose keys a finished listing had passed.
        self._late: set[str] = set()
        self._late_in_listing = 0
        self._has_got_on = False
        # Of the listing that is under way: keys whose versions are gone when they are read.
        self._gone_seen: set[str] = set()
        self._listed_from: int | None = None
        self._looked_for_retries_at: int | None = None
        self._failures_in_a_row = previous.failures_in_a_row if previous else 0
        # Of listings, and of objects: those have one while listings go well.
        self._problem: tuple[str | None, str | None] = (None, None)
        if previous is not None and previous.failures_in_a_row:
            self._problem = (previous.problem, previous.problem_detail)
        self._refusing: Reason | None = None
        self._judge_objects()
        self._listings = previous.listings if previous else 0
        self._last_listing_at = previous.last_listing_at if previous else None
        self._last_whole_listing_at = previous.last_whole_listing_at if previous else None
        # Outcomes are compacted: an object that last vanished no longer tells of its lines.
        told = previous.last_event_at if previous else None
        self._last_event_at = max(filter(None, (told, last_event_at)), default=None)
        self._objects_found = previous.objects_found if previous else 0
        self._objects_late = previous.objects_late if previous else 0
        self.is_status_due = previous is None or previous != self.status(now=previous.updated_at)

    def is_listing_due(self, now: int) -> bool:
        """Whether the next listing should begin, or the one that broke off go on."""
        return (
            not self.source.disabled
            and self.listing is None
            and not self.pending
            and _has_passed(self._pause_seconds(), since=self._listed_from, now=now)
        )

    def begin_listing(self, begin: Callable[[str | None], Listing], *, now: int) -> None:
        """Begin the next listing, or go on with the one that broke off.

        `begin` is given the key to begin behind.
        """
        self.listing = begin(self.position.next_passage(now=now).start_after)
        self._has_got_on = False
        self._listed_from = now

    def advance_listing(self, *, now: int) -> Listed | None:
        """Take the next page once all that the last one brought is published; never more.

        Give how the listing ended, where it has.
        """
        while self.listing is not None and not self.pending and self.listing.has_arrived():
            arrived = self.listing.take()
            if not isinstance(arrived, Page):
                return self._end_listing(arrived)
            self._take_page(arrived, now=now)
        return None

    def want_whole_listing(self) -> None:
        """List the whole prefix next, and soon."""
        self.position.want_whole()
        self._listed_from = None

    def collect_retries(self, *, now: int) -> None:
        """Let what is due be tried again."""
        if self.pending or self.source.disabled:
            return
        if _has_passed(_LOOK_FOR_RETRIES_SECONDS, since=self._looked_for_retries_at, now=now):
            self._looked_for_retries_at = now
            self.pending.extend(self.ledger.retries_due(now=now, most=_RETRIES_AT_ONCE))

    def stop_listing(self) -> None:
        """Throw the listing away.

        Its pages belong to an assignment, or to settings, that are no more.
        """
        if self.listing is not None:
            self.listing.cancel()
            self.listing = None
        self.pending.clear()
        self._late.clear()

    def learn_published(self, versions: list[ObjectVersion]) -> None:
        """Take in versions whose publication is known to be committed.

        The first of those pending. The status that counts them was published with them.
        """
        for version in versions:
            published = self.pending.popleft()
            assert published is version
            self.ledger.apply_version(version)
        self._objects_found += _first_attempts(versions)
        self._objects_late += self._count_late(versions)
        self._late.difference_update(version.pull_id for version in versions)

    def learn_outcome(self, outcome: ObjectOutcome) -> None:
        """Take in that an object of this source finished."""
        if outcome.raw_lines:
            self._last_event_at = max(self._last_event_at or 0, outcome.finished_at)
        if outcome.outcome in GONE:
            self.position.note_gone(outcome.key, at=outcome.finished_at)
        if not self.ledger.is_open(outcome.key):
            self.position.forget(outcome.key)
        self._judge_objects()
        self.is_status_due = True

    def status(
        self,
        *,
        now: int,
        publishing: Sequence[ObjectVersion] = (),
        ended: LastCommand | None = None,
    ) -> SourceStatus:
        """Build what is told about the source now.

        Together with versions of those pending, and with the end of a command.
        """
        last_command = ended or self.last_command
        problem, detail = self._problem if self._problem[0] else self._problem_of_objects()
        behind = [*self.ledger.unfinished, *self.pending]
        oldest = min((version.discovered_at for version in behind), default=now)
        return SourceStatus(
            source_id=self.source.id,
            organization_id=self.source.organization_id,
            name=self.source.name,
            status=self._status(),
            healthy=self._failures_in_a_row < UNHEALTHY_AFTER_FAILURES_IN_A_ROW,
            problem=problem,
            problem_detail=detail,
            failures_in_a_row=self._failures_in_a_row,
            listings=self._listings,
            last_listing_at=self._last_listing_at,
            last_whole_listing_at=self._last_whole_listing_at,
            last_event_at=self._last_event_at,
            high_water_key=self.position.high_water_key(self._lowest_waiting()),
            bucket=self.source.place,
            prefix=self.source.prefix,
            listed_through=self.position.listed_through,
            objects_found=self._objects_found + _first_attempts(publishing),
            objects_behind=len(behind),
            bytes_behind=sum(version.size_bytes for version in behind),
            seconds_behind=(now - oldest) // _MICROSECONDS,
            objects_quarantined=self.ledger.quarantined_count,
            objects_late=self._objects_late + self._count_late(publishing),
            last_command_id=last_command.command_id,
            last_command_objects=last_command.objects,
            last_command_failure=last_command.failure,
            updated_at=now,
        )

    def new_version(self, listed: ListedObject, *, now: int) -> ObjectVersion:
        """Build the first attempt at a listed version, under a pull of its own."""
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

    def retries_later(self) -> list[tuple[str, int]]:
        """Name the keys that will be tried again, and when."""
        return list(self.ledger.retries_later())

    def _refusals(self) -> dict[Reason, int]:
        """How many objects stand quarantined for what a listing that goes well does not tell."""
        quarantined = self.ledger.quarantined_in(self.source.bucket).items()
        return {why: number for why, number in quarantined if why in REFUSES_OBJECTS}

    def _judge_objects(self) -> None:
        """Find what most objects are refused for; it lasts while they are tried again."""
        found = self._refusals()
        if found:
            self._refusing = min(found, key=lambda reason: (-found[reason], reason))
        elif self._refusing and not any(each.attempt > 1 for each in self.ledger.unfinished):
            self._refusing = None

    def _problem_of_objects(self) -> tuple[str | None, str | None]:
        if self._refusing is None:
            return None, None
        number = self._refusals().get(self._refusing, 0)
        listed = f"`openai-compliance objects list --source {self.source.id} --state quarantined`"
        which = (
            f"{number} quarantined for it, {listed} names them" if number else "tried again now"
        )
        return self._refusing, refused(self._refusing, f"objects cannot be read ({which})").detail

    def _pause_seconds(self) -> int:
        """How long a listing is waited for after the beginning of the last."""
        every = self.source.poll_every_seconds
        if self._failures_in_a_row == 0:
            return every
        doublings = min(self._failures_in_a_row - 1, _DOUBLINGS_MAX)
        return max(every, min(every << doublings, _PAUSE_SECONDS_MAX))

    def _lowest_waiting(self) -> str | None:
        waiting = [
            version.key
            for version in self.pending
            if not self.ledger.repeats_what_is_finished(version)
            and version.bucket == self.source.bucket
            and version.key.startswith(self.source.prefix)
        ]
        lowest = self.ledger.lowest_waiting()
        if lowest is not None:
            waiting.append(lowest)
        return min(waiting, key=in_order, default=None)

    def _count_late(self, versions: Sequence[ObjectVersion]) -> int:
        return sum(version.pull_id in self._late for version in versions)

    def _take_page(self, page: Page, *, now: int) -> None:
        self._has_got_on = True
        for listed in page.objects:
            version = self.ledger.version_to_pull(
                listed, now=now, build=lambda new: self.new_version(new, now=now)
            )
            if version is None:
                if self.ledger.is_listed_gone(listed.key):
                    self._gone_seen.add(listed.key)
                continue
            self.pending.append(version)
            if version.attempt == 1 and self.position.is_passed(version.key):
                self._late.add(version.pull_id)
                self._late_in_listing += 1
        pending = {version.key for version in self.pending}
        self.position.take(
            page.objects,
            read_through=page.read_through,
            is_open=lambda key: key in pending or self.ledger.is_open(key),
            now=now,
        )

    def _end_listing(self, end: ObjectStoreRefusedError | ListingFinished) -> Listed:
        assert self.position.passage is not None
        self.listing = None
        self.is_listed_once = True
        self.is_status_due = True
        is_whole = self.position.passage.is_whole
        if isinstance(end, ObjectStoreRefusedError):
            # One that broke off after some pages has got on, and will go on from there.
            self._failures_in_a_row = 1 if self._has_got_on else self._failures_in_a_row + 1
            self.refusal = end
            self._problem = (end.reason, end.detail)
        else:
            passage = self.position.end()
            if is_whole:
                self.ledger.keep_listed_gone(self._gone_seen)
            self._gone_seen = set()
            self._failures_in_a_row = 0
            self.refusal = None
            self._problem = (None, None)
            self._listings += 1
            self._last_listing_at = passage.began_at
            if is_whole:
                self._last_whole_listing_at = passage.began_at
        late, self._late_in_listing = self._late_in_listing, 0
        return Listed(self.refusal, is_whole, late)

    def _status(self) -> Status:
        if self.source.disabled:
            return Status.DISABLED
        return Status.AWAITING_FIRST_EVENT if self._last_event_at is None else Status.ACTIVE


def _last_command(previous: SourceStatus | None) -> LastCommand:
    if previous is None:
        return LastCommand(None, 0, None)
    return LastCommand(
        previous.last_command_id, previous.last_command_objects, previous.last_command_failure
    )


def _position(
    source: IngestionSource, previous: SourceStatus | None, policy: PositionPolicy
) -> Position:
    """Go on from what was told of the source, if that was of the same keys."""
    if previous is None or (previous.bucket, previous.prefix) != (source.place, source.prefix):
        return Position(policy)
    return Position(
        policy,
        listed_through=previous.listed_through,
        high_water_key=previous.high_water_key,
    )


def _has_passed(seconds: int, *, since: int | None, now: int) -> bool:
    """Whether a time has passed; a clock that was set back is no reason to wait for it."""
    return since is None or not since <= now < since + seconds * _MICROSECONDS


def _first_attempts(versions: Sequence[ObjectVersion]) -> int:
    return sum(version.attempt == 1 and version.replay_id is None for version in versions)
