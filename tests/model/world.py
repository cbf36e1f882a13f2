"""The world of the model: a bucket, a broker, processes that come and go, and who judges them."""

import msgspec
from msgspec.structs import replace

from producer.contract.source import CommandKind, IngestionSource, SourceCommand
from producer.discovery.listing import ListingFinished
from producer.discovery.source import SourceDiscovery
from producer.kafka.member import Owned
from producer.s3.object_store import ObjectStoreRefusedError, Page
from tests.model.broker import OBJECTS, PARTITIONS, SOURCES, Broker, Landed
from tests.model.bucket import BUCKET, Bucket
from tests.model.contents import NAMES
from tests.model.listings import Listings
from tests.model.orders import Asking
from tests.model.process import Fate, Process, ProcessCrashedError, Surroundings
from tests.model.pulls import Pulls, hold
from tests.model.settling import SettledListing
from tests.support.builders import SECOND, a_source, a_source_id_in
from tests.support.stages import FakeClock

OWNED = [Owned(topic, index) for topic in (SOURCES, OBJECTS) for index in range(PARTITIONS)]
PROCESSES = 2
# One source's prefix holds the other's.
WIDE, NARROW = "c/", "c/m/"
# Two of them share a partition, so commands of one lie behind commands of another.
SOURCE_IDS = [
    a_source_id_in(partition, partitions=PARTITIONS, number=number)
    for partition, number in ((0, 0), (1, 0), (0, 1))
]
_DRY_ROUNDS_MAX = 40
_STEPS_A_ROUND = 40
_LAST_STEPS = 8


class World:
    """Everything, and what may happen to it."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.broker = Broker()
        self.bucket = Bucket()
        self.pulls = Pulls(self.broker, self.bucket)
        self.listings = Listings(self.bucket, self.clock, self.pulls)
        self.asking = Asking(self.broker, self.bucket, self.pulls)
        self.bucket.on_brought = self._brought
        self.bucket.on_begun = self._begun
        self._surroundings = Surroundings(
            broker=self.broker, bucket=self.bucket, clock=self.clock, on_landed=self._landed
        )
        self.sources: dict[str, IngestionSource] = {}
        for source_id, prefix in zip(SOURCE_IDS, (WIDE, NARROW, NARROW), strict=True):
            self.apply(a_source(id=source_id, bucket=BUCKET, prefix=prefix))
        self.processes = [Process(self._surroundings) for _ in range(PROCESSES)]
        self._owner = dict.fromkeys(OWNED, 0)
        for owned in OWNED:
            self.processes[0].membership.give(owned)
        self._commands = 0
        # Something went wrong: there is nothing to be run dry.
        self.is_broken = False

    def apply(self, source: IngestionSource) -> None:
        """Create or change a source."""
        self.sources[source.id] = source
        self.asking.disturb(source.id)
        self.broker.append(SOURCES, source.id.encode(), msgspec.json.encode(source))

    def change(self, source_id: str, **changes: object) -> None:
        """Change a source."""
        self.apply(replace(self.sources[source_id], **changes))

    def ask(self, source_id: str, kind: CommandKind, **options: object) -> None:
        """Ask for something to be done with objects of a source."""
        self._commands += 1
        command = SourceCommand(
            command_id=f"command-{self._commands}",
            source_id=source_id,
            kind=kind,
            requested_by="ops@example",
            requested_at=self.clock.now(),
        )
        self.asking.ask(replace(command, **options), self.sources[source_id])

    def upload(self, key: str, name: str, *, age_seconds: int = 0) -> None:
        """Upload one of the contents, or put it back."""
        at = self.clock.now() - age_seconds * SECOND
        self.bucket.upload(key, name, last_modified=at)

    def put_all_back(self) -> None:
        """Let what was deleted be there again, as it was last."""
        for key, etag in {stay.key: stay.etag for stay in self.bucket.stays}.items():
            if self.bucket.present(key) is None:
                self.upload(key, NAMES[etag])

    def step(self, times: int = 1) -> None:
        """Let each process go round."""
        for _ in range(times):
            for index in range(PROCESSES):
                self._step(index)

    def crash(self, index: int) -> None:
        """Throw a process away; its successor has its partitions."""
        self.processes[index].throw_away()
        self.processes[index] = Process(self._surroundings)
        for owned, owner in self._owner.items():
            if owner == index:
                self.processes[index].membership.give(owned)

    def move(self, owned: Owned, to: int) -> None:
        """Take a partition from its process, in good order, and give it to one, itself perhaps."""
        owner = self._owner.pop(owned)
        self.processes[owner].membership.take(owned)
        self._step(owner)
        self._owner[owned] = to
        self.processes[to].membership.give(owned)

    def doom(self, index: int, fate: Fate) -> None:
        """Decide what becomes of a process's next transaction."""
        self.processes[index].publisher.next_fate = fate

    def end(self) -> None:
        """End all threads; nothing is judged any more."""
        for process in self.processes:
            process.throw_away()

    def run_dry(self) -> None:
        """Let all faults end and time pass, until nothing is left to be done; judge it."""
        self._heal()
        for _ in range(_DRY_ROUNDS_MAX):
            self.clock.pass_time(4 * 3600)
            self.step(_STEPS_A_ROUND)
            if self._is_dry():
                break
        hold(self._is_dry(), "all is done in the end", self.pulls.of_key)
        # Offsets move to the end once there is nothing else to be committed.
        self.step(_LAST_STEPS)
        self.pulls.end()
        for source in self.sources.values():
            for stay in self.bucket.all_present():
                if stay.key.startswith(source.prefix):
                    self.pulls.hold_there(source.id, stay)
        for owned in OWNED:
            position = self.broker.committed(owned)
            end = self.broker.ends[owned]
            hold((end, "") == position, "offsets are at the end", owned, position, end)

    def _heal(self) -> None:
        self.bucket.heal_listing()
        for stay in self.bucket.stays:
            self.bucket.heal(stay.key)
        for source_id, source in self.sources.items():
            if source.disabled:
                self.change(source_id, disabled=False)
        for index in range(PROCESSES):
            self.doom(index, Fate.COMMITTED)
        self.listings.whole_finished.clear()

    def _is_dry(self) -> bool:
        # The second whole listing finds nothing that the first one did not, and no retry is left.
        is_listed = all(self.listings.whole_finished.get(each, 0) > 1 for each in SOURCE_IDS)
        return is_listed and self.pulls.all_finished() and self.asking.all_done()

    def _step(self, index: int) -> None:
        try:
            self.processes[index].step()
        except ProcessCrashedError:
            self.crash(index)
        except BaseException:
            self.is_broken = True
            raise

    def _landed(self, landed: Landed, discoveries: dict[str, SourceDiscovery]) -> None:
        self.pulls.take(landed)
        self.listings.take(landed, discoveries)
        for command in self.asking.take(landed):
            if command.kind is CommandKind.RECONCILE and command.source_id in discoveries:
                self.listings.want_whole(
                    discoveries[command.source_id], asked_at=command.requested_at
                )

    def _begun(self, listing: object) -> None:
        assert isinstance(listing, SettledListing)
        self.listings.begun(listing)

    def _brought(
        self, listing: object, arrived: Page | ObjectStoreRefusedError | ListingFinished
    ) -> None:
        assert isinstance(listing, SettledListing)
        for process in self.processes:
            for discovery in process.source_discoveries().values():
                # Those of a replay are of no source.
                if discovery.listing is listing:
                    self.listings.brought(discovery, listing, arrived)
