"""What may happen, as rules for Hypothesis to put into any order."""

from typing import Final, NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from producer.contract.objects import Reason
from producer.contract.source import CommandKind
from producer.kafka.member import Owned
from tests.model.contents import CONTENTS
from tests.model.process import Fate
from tests.model.world import NARROW, OWNED, PROCESSES, SOURCE_IDS, WIDE, World

_DAY: Final = 86_400
# Their order as UTF-8 is not the one as UTF-16, nor the one without regard to case.
KEYS: Final = st.sampled_from(
    [
        "c/!",
        "c/B.jsonl",
        "c/a.jsonl.gz",
        "c/m/a%2Fb+c d",
        "c/m/b.gz",
        "c/m/\uff5e/1.jsonl",
        "c/m/\uff5e/2.jsonl",
        "c/m/\U0001f600/1.jsonl",
        "c/m/\U0001f600/2.jsonl",
        "c/z",
    ]
)
NAMES: Final = st.sampled_from(sorted(CONTENTS))
AGES: Final = st.sampled_from([0, 0, 10 * _DAY, -10 * _DAY])
REASONS: Final = st.sampled_from(
    [Reason.ACCESS_DENIED, Reason.UNAVAILABLE, Reason.ARCHIVED, Reason.UNKNOWN_REFUSAL]
)
TIMES: Final = st.sampled_from([60, 60, 600, 3600, 3 * 3600, 30 * 3600])
SOURCES: Final = st.sampled_from(SOURCE_IDS)
INDEXES: Final = st.integers(0, PROCESSES - 1)
FATES: Final = st.sampled_from([fate for fate in Fate if fate is not Fate.COMMITTED])


class Pause(NamedTuple):
    """What happens between two changes: nothing, or a new listing perhaps, and some steps."""

    seconds: int
    steps: int


PAUSES: Final = st.builds(
    Pause, seconds=st.sampled_from([60, 60, 0]), steps=st.sampled_from([1, 2, 3, 0, 5, 8])
)


class Machine(RuleBasedStateMachine):
    """The real stages against a bucket that changes, faults of all kinds, and crashes."""

    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        # Invariants are looked at once before the first step.
        type(self).steps -= 1

    @rule(times=st.integers(1, 12))
    def run(self, times: int) -> None:
        """The processes go on."""
        self._go_on(times)

    @rule(seconds=TIMES, times=st.integers(1, 12))
    def pass_time(self, seconds: int, times: int) -> None:
        """Time passes: listings, retries or whole listings are due."""
        self._go_on(times, seconds=seconds)

    @rule(key=KEYS, name=NAMES, age_seconds=AGES)
    def upload(self, key: str, name: str, age_seconds: int) -> None:
        """An object is uploaded or overwritten, with a date that means nothing."""
        self.world.upload(key, name, age_seconds=age_seconds)
        self._go_on()

    @rule(
        names=st.lists(NAMES, min_size=3, max_size=8),
        keys=st.lists(KEYS, min_size=8, max_size=8),
        pause=PAUSES,
    )
    def upload_many(self, names: list[str], keys: list[str], pause: Pause) -> None:
        """Many objects are uploaded."""
        for key, name in zip(keys, names, strict=False):
            self.world.upload(key, name)
        self._go_on(pause.steps, seconds=pause.seconds)

    @rule(key=KEYS, name=NAMES | st.none(), pauses=st.lists(PAUSES, min_size=2, max_size=2))
    def put_back(self, key: str, name: str | None, pauses: list[Pause]) -> None:
        """What was there is there again, after something else was, or nothing."""
        self.world.upload(key, "long")
        for pause, between in zip(pauses, (name, "long"), strict=True):
            self._go_on(pause.steps, seconds=pause.seconds)
            if between is None:
                self.world.bucket.remove(key)
            else:
                self.world.upload(key, between)
        self._go_on()

    @rule(key=KEYS, name=NAMES, index=INDEXES, pauses=st.lists(PAUSES, min_size=2, max_size=2))
    def lose_record(self, key: str, name: str, index: int, pauses: list[Pause]) -> None:
        """The record of what is being read is compacted, and its process dies."""
        self.world.upload(key, "long")
        self._go_on(pauses[0].steps, seconds=60)
        self.world.upload(key, name)
        self._go_on(pauses[1].steps, seconds=60)
        self.world.broker.compact()
        self.world.crash(index)
        self._go_on()

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        """An object is deleted."""
        self.world.bucket.remove(key)
        self._go_on()

    @rule(reason=st.sampled_from([None, Reason.ACCESS_DENIED, Reason.THROTTLED]))
    def refuse_listing(self, reason: Reason | None) -> None:
        """Listings are refused from now on, or no longer."""
        self.world.bucket.refuse_listing("acme-compliance", reason)
        self._go_on()

    @rule(pages=st.integers(0, 5))
    def break_listing(self, pages: int) -> None:
        """A listing breaks off, some pages later."""
        self.world.bucket.pages_left = pages
        self._go_on()

    @rule(key=KEYS, reason=REASONS)
    def refuse_reading(self, key: str, reason: Reason) -> None:
        """An object is refused from now on."""
        self.world.bucket.refuse(key, reason)
        self._go_on()

    @rule(key=KEYS, at_byte=st.integers(0, 60))
    def break_reading(self, key: str, at_byte: int) -> None:
        """An object's body breaks off from now on."""
        self.world.bucket.break_off(key, at_byte)
        self._go_on()

    @rule(key=KEYS)
    def heal_reading(self, key: str) -> None:
        """An object is refused no longer."""
        self.world.bucket.heal(key)
        self._go_on()

    @rule(index=INDEXES)
    def crash(self, index: int) -> None:
        """A process dies between two transactions."""
        self.world.crash(index)
        self._go_on()

    @rule(index=INDEXES, fate=FATES)
    def doom(self, index: int, fate: Fate) -> None:
        """A process's next transaction does not end well."""
        self.world.doom(index, fate)
        self._go_on()

    @rule(owned=st.sampled_from(OWNED), to=INDEXES)
    def move(self, owned: Owned, to: int) -> None:
        """A partition is released, and acquired by the same process or by another."""
        self.world.move(owned, to)
        self._go_on()

    @rule(source_id=SOURCES, keys=st.lists(KEYS, max_size=3, unique=True))
    def ask_for_retry(self, source_id: str, keys: list[str]) -> None:
        """A person asks for a retry of some objects, or of all that are quarantined."""
        self.world.ask(source_id, CommandKind.RETRY, keys=tuple(keys))
        self._go_on()

    @rule(
        source_id=SOURCES,
        from_key=KEYS | st.none(),
        to_key=KEYS | st.none(),
        dying=st.none() | st.tuples(st.integers(1, 12), INDEXES),
    )
    def ask_for_replay(
        self,
        source_id: str,
        from_key: str | None,
        to_key: str | None,
        dying: tuple[int, int] | None,
    ) -> None:
        """A person asks for a replay of a range, and a process may die over it."""
        self.world.ask(source_id, CommandKind.REPLAY, from_key=from_key, to_key=to_key)
        self._go_on()
        if dying is not None:
            steps, index = dying
            self._go_on(steps)
            self.world.crash(index)

    @rule(source_id=SOURCES)
    def ask_for_whole_listing(self, source_id: str) -> None:
        """A person asks for the whole prefix to be listed."""
        self.world.ask(source_id, CommandKind.RECONCILE)
        self._go_on()

    @rule(source_id=SOURCES, disabled=st.booleans())
    def disable(self, source_id: str, *, disabled: bool) -> None:
        """A source is disabled, or enabled again."""
        self.world.change(source_id, disabled=disabled)
        self._go_on()

    @rule(source_id=SOURCES, prefix=st.sampled_from([WIDE, NARROW]))
    def change_prefix(self, source_id: str, prefix: str) -> None:
        """A source gets another prefix."""
        self.world.change(source_id, prefix=prefix)
        self._go_on()

    @rule()
    def compact(self) -> None:
        """Of each key only the latest record is left in tables."""
        self.world.broker.compact()
        self._go_on()

    @invariant()
    def step_is_counted(self) -> None:
        """What holds all the time is judged whenever something lands."""
        type(self).steps += 1

    def teardown(self) -> None:
        """Once the faults stop and time passes, everything is done and accounted for."""
        try:
            if not self.world.is_broken:
                self.world.run_dry()
                self.world.put_all_back()
                self.world.run_dry()
        finally:
            self.world.end()

    def _go_on(self, steps: int = 1, *, seconds: int = 0) -> None:
        self.world.clock.pass_time(seconds)
        self.world.step(steps)
