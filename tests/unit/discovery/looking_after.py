"""One source as discovery looks after it, with listings that bring what a test wants."""

from collections import deque
from typing import TYPE_CHECKING, cast

from producer.contract.objects import ObjectVersion, Reason
from producer.contract.source import IngestionSource
from producer.contract.status import SourceStatus
from producer.discovery.ledger import Ledger
from producer.discovery.listing import ListingFinished
from producer.discovery.position import PositionPolicy
from producer.discovery.retrying import RetryPolicy
from producer.discovery.source import SourceDiscovery
from producer.s3.object_store import ObjectStoreRefusedError, Page
from tests.support.builders import (
    NOW,
    a_source,
)
from tests.support.stages import numbered_ids

if TYPE_CHECKING:
    from producer.discovery.listing import Listing

DENIED = ObjectStoreRefusedError(reason=Reason.ACCESS_DENIED, detail="no s3:ListBucket")
DONE = ListingFinished()
Arrival = Page | ObjectStoreRefusedError | ListingFinished
RETRY = RetryPolicy(first_seconds=60, longest_seconds=3600)
POLICY = PositionPolicy(lookback_seconds=86_400, reconcile_seconds=10_800, small_objects=0)


class ScriptedListing:
    """Hands over what it was given."""

    def __init__(self, *arriving: Arrival) -> None:
        self.arriving = deque(arriving)
        self.is_cancelled = False

    def has_arrived(self) -> bool:
        return bool(self.arriving)

    def take(self) -> Arrival:
        return self.arriving.popleft()

    def cancel(self) -> None:
        self.is_cancelled = True


def a_ledger(*versions: ObjectVersion) -> Ledger:
    ledger = Ledger(RETRY)
    ledger.finish_restoring()
    for version in versions:
        ledger.apply_version(version)
    return ledger


def looked_after(
    source: IngestionSource | None = None,
    *,
    ledger: Ledger | None = None,
    previous: SourceStatus | None = None,
    last_event_at: int | None = None,
) -> SourceDiscovery:
    return SourceDiscovery(
        source or a_source(prefix=""),
        ledger=ledger or a_ledger(),
        previous=previous,
        last_event_at=last_event_at,
        policy=POLICY,
        new_id=numbered_ids("pull"),
    )


def list_with(discovery: SourceDiscovery, *arriving: Arrival, now: int = NOW) -> ScriptedListing:
    listing = ScriptedListing(*arriving)
    discovery.begin_listing(lambda _start_after: cast("Listing", listing), now=now)
    discovery.advance_listing(now=now)
    return listing


def publish_pending(discovery: SourceDiscovery) -> list[ObjectVersion]:
    versions = list(discovery.pending)
    discovery.learn_published(versions)
    return versions
