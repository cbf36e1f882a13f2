"""The oracle of listings: what a listing must have found, and what statuses may claim of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from producer.contract.objects import ObjectVersion
from producer.contract.source import IngestionSource
from producer.contract.status import SourceStatus
from producer.discovery.listing import ListingFinished
from producer.discovery.source import SourceDiscovery
from producer.s3.object_store import ObjectStoreRefusedError, Page
from tests.model.broker import OBJECTS, STATUS, Landed
from tests.model.bucket import Bucket
from tests.model.process import IN_FLIGHT_MAX, RECONCILE_SECONDS
from tests.model.pulls import Pulls, decoded, hold, is_settled
from tests.model.settling import SettledListing
from tests.support.builders import SECOND
from tests.support.stages import FakeClock


@dataclass(kw_only=True)
class _Passage:
    """A listing from its beginning to its end, over all attempts at it."""

    start_after: bytes
    began: int
    began_at: int
    highest: bytes = b""


@dataclass(kw_only=True)
class _Looking:
    """What one assignment of a source has listed."""

    source: IngestionSource
    passage: _Passage | None = None
    # The etag that each key was last listed with.
    taken: dict[str, str] = field(default_factory=dict)
    whole_at: int | None = None
    whole_began_at: int = 0
    # When a whole listing was asked for, and when that was taken note of.
    asked: tuple[int, int] | None = None


class Listings:
    """All listings that there were."""

    def __init__(self, bucket: Bucket, clock: FakeClock, pulls: Pulls) -> None:
        self._bucket = bucket
        self._clock = clock
        self._pulls = pulls
        self._looking: dict[SourceDiscovery, _Looking] = {}
        self._begun_at: dict[SettledListing, int] = {}
        # The highest key that a finished listing of a source and prefix got to.
        self._highest: dict[tuple[str, str], bytes] = {}
        self._told: dict[str, SourceStatus] = {}
        self.whole_finished: dict[str, int] = {}

    def begun(self, listing: SettledListing) -> None:
        """Note when a listing began."""
        self._begun_at[listing] = self._clock.now()

    def brought(
        self,
        discovery: SourceDiscovery,
        listing: SettledListing,
        arrived: Page | ObjectStoreRefusedError | ListingFinished,
    ) -> None:
        """Take in what the listing of a source brought to its stage."""
        looking = self._looking_of(discovery)
        passage = looking.passage
        if passage is None:
            passage = looking.passage = self._begin(looking, listing)
        if isinstance(arrived, Page):
            for listed in arrived.objects:
                looking.taken[listed.key] = listed.etag
                passage.highest = max(passage.highest, listed.key.encode())
        elif isinstance(arrived, ListingFinished):
            looking.passage = None
            self._finish(looking, passage)

    def want_whole(self, discovery: SourceDiscovery, *, asked_at: int) -> None:
        """Take note that a listing begun since has to be a whole one."""
        self._looking_of(discovery).asked = (asked_at, self._clock.now())

    def take(self, landed: Landed, discoveries: Mapping[str, SourceDiscovery]) -> None:
        """Judge the statuses that have landed with the versions that they count."""
        versions = [
            decoded(message, ObjectVersion) for message in landed.messages.get(OBJECTS, [])
        ]
        for source_id in {version.source_id for version in versions}:
            unfinished = self._pulls.unfinished(source_id)
            hold(len(unfinished) <= IN_FLIGHT_MAX, "objects in flight are bounded", unfinished)
        for message in landed.messages.get(STATUS, []):
            status = decoded(message, SourceStatus)
            self._judge_counts(status, versions)
            self._judge_marks(status, discoveries[status.source_id])
            self._told[status.source_id] = status

    def _begin(self, looking: _Looking, listing: SettledListing) -> _Passage:
        passage = _Passage(
            start_after=(listing.start_after or "").encode(),
            began=listing.began,
            began_at=self._begun_at[listing],
        )
        if passage.start_after:
            self._hold_short(looking, passage)
        else:
            looking.whole_began_at = passage.began_at
        return passage

    def _hold_short(self, looking: _Looking, passage: _Passage) -> None:
        whole_at = looking.whole_at
        hold(whole_at is not None, "the first listing is a whole one", looking)
        is_recent = passage.began_at < (whole_at or 0) + RECONCILE_SECONDS * SECOND
        hold(is_recent, "a whole listing is made in time", looking)
        if looking.asked is not None and passage.began_at > looking.asked[1]:
            is_made = looking.whole_began_at >= looking.asked[0]
            hold(is_made, "a whole listing is made when asked for", looking)

    def _finish(self, looking: _Looking, passage: _Passage) -> None:
        """All that was there all the time, and behind the beginning, is published by now."""
        source = looking.source
        for stay in self._bucket.all_present():
            key = stay.key.encode()
            if (
                stay.lasted(passage.began)
                and stay.key.startswith(source.prefix)
                and key > passage.start_after
            ):
                pull = self._pulls.latest(source.id, stay.key)
                is_known = pull is not None and pull.latest.etag == stay.etag
                hold(is_known, "what a listing passed is published", source, stay, pull)
        place = (source.id, source.prefix)
        self._highest[place] = max(self._highest.get(place, b""), passage.highest)
        if not passage.start_after:
            looking.whole_at = passage.began_at
            self.whole_finished[source.id] = self.whole_finished.get(source.id, 0) + 1

    def _judge_counts(self, status: SourceStatus, versions: list[ObjectVersion]) -> None:
        told = self._told.get(status.source_id)
        found, late = (told.objects_found, told.objects_late) if told else (0, 0)
        first = [
            version
            for version in versions
            if (version.source_id, version.attempt) == (status.source_id, 1)
            and version.replay_id is None
        ]
        passed = (status.listed_through or "").encode()
        found += len(first)
        late += sum(version.key.encode() <= passed for version in first)
        hold(found == status.objects_found, "objects are counted", status, found)
        hold(late == status.objects_late, "late objects are counted", status, late)

    def _judge_marks(self, status: SourceStatus, discovery: SourceDiscovery) -> None:
        prefix = status.prefix or ""
        highest = self._highest.get((status.source_id, prefix), b"")
        through = (status.listed_through or "").encode()
        hold(through <= highest, "a listing that ended got there", status, highest)
        if status.high_water_key is None:
            return
        mark = status.high_water_key.encode()
        for (source_id, key), pulls in self._pulls.of_key.items():
            if source_id == status.source_id and key.startswith(prefix) and key.encode() <= mark:
                hold(is_settled(pulls), "up to the mark all is finished", status, pulls[-1])
        looking = self._looking.get(discovery)
        for key, etag in looking.taken.items() if looking else ():
            if key.encode() <= mark:
                pull = self._pulls.latest(status.source_id, key)
                is_known = pull is not None and pull.latest.etag == etag
                hold(is_known, "up to the mark all that was listed is finished", status, key)

    def _looking_of(self, discovery: SourceDiscovery) -> _Looking:
        if discovery not in self._looking:
            self._looking[discovery] = _Looking(source=discovery.source)
        return self._looking[discovery]
