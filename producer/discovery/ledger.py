"""What is known of a source's objects: `objects` and `outcomes`, read back as a table. Pure.

Laws of this file:

1. A version is new if the ledger does not hold its key with that etag as the latest.
2. An object is finished when the outcome with its latest etag, pull and attempt is there.
3. The next attempt is made only from a finished one, and starts at the place in its outcome.
4. A version that is listed although its outcome says that it vanished, or was superseded, is
   there again.
5. An attempt at a listed version goes to the bucket that lists it, whichever the source had
   before.
6. What waits is what is not finished, or will be tried again. That is also a version that is gone
   when it is read, and listed all the same.
7. No high-water key lies at or above what holds it up: what waits in the source's bucket, under
   its prefix, but for replays. A replay repeats what was finished before, and does not undo that;
   one of what waited holds it up as that did.
8. A clock that was set back is no reason to wait: what failed in the future is due.

Memory: an object that was pulled takes a slot of `Fingerprints`, whichever its key. One that waits
or has failed is held whole; those that wait for the puller are bounded by discovery.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import TypeAlias

from msgspec.structs import replace

from producer.contract.objects import MAY_PASS, ObjectOutcome, ObjectVersion, Outcome, Reason
from producer.discovery.fingerprints import Fingerprints, fingerprint
from producer.discovery.retrying import RetryPolicy
from producer.s3.object_store import ListedObject

# Outcomes after which a listing that still shows the version means that it can be pulled after
# all.
GONE = frozenset({Outcome.VANISHED, Outcome.SUPERSEDED})

# Below this, looking for stale entries costs more than they do.
_STALE_ENTRIES = 1000


# When it is due, the key, and whose attempt it follows: pull and number.
_Retry: TypeAlias = tuple[int, str, str, int]


class Ledger:
    """The objects of one source: pulled ones as fingerprints of their etags, the others whole."""

    def __init__(self, retry: RetryPolicy) -> None:
        self._retry = retry
        # An entry counts where the key is in neither of the two below; it may be an older one
        # there.
        self._pulled = Fingerprints()
        self._unfinished: dict[str, ObjectVersion] = {}
        self._failed: dict[str, tuple[ObjectVersion, ObjectOutcome]] = {}
        self._quarantined: Counter[tuple[str, Reason | None]] = Counter()
        # Versions that are gone by their outcome, and were listed since.
        self._listed_gone: set[str] = set()
        # What the high-water key is about: a bucket and a prefix. Keys that wait in another bucket
        # and are listed in this one; and keys that were finished before they were replayed.
        self._scope: tuple[str, str] | None = None
        self._listed_here: set[str] = set()
        self._replayed: set[str] = set()
        # Heaps, from which entries that are no longer true are taken when they come up.
        self._waiting: list[bytes] = []
        self._retries: list[_Retry] = []
        self._looked_at: int | None = None
        self._early: _EarlyOutcomes | None = _EarlyOutcomes()

    def apply_version(self, version: ObjectVersion) -> None:
        """Take in an attempt that is known to be published."""
        key = version.key
        self._note_replay(version)
        self._drop_failed(key)
        if self._early is not None:
            if self._early.is_pulled(version):
                self._unfinished.pop(key, None)
                self._pulled.set(key, fingerprint(version.etag))
                return
            self._unfinished[key] = version
            outcome = self._early.of(version)
            if outcome is not None:
                self.apply_outcome(outcome)
            return
        self._unfinished[key] = version
        self._await(key)

    def apply_outcome(self, outcome: ObjectOutcome) -> bool:
        """Take in an outcome; true where it finishes the latest attempt."""
        version = self._unfinished.get(outcome.key)
        if version is None or not _is_of(outcome, version):
            if self._early is not None:
                self._early.keep(outcome)
            return False
        del self._unfinished[outcome.key]
        if not _may_pass(outcome) and outcome.outcome not in GONE:
            self._replayed.discard(outcome.key)
        if outcome.outcome is Outcome.PULLED:
            self._pulled.set(outcome.key, fingerprint(version.etag))
        else:
            self._fail(version, outcome)
        return True

    def finish_restoring(self) -> None:
        """Forget outcomes of attempts that are not the latest."""
        self._early = None
        self._waiting = self._all_waiting()

    def version_to_pull(
        self, listed: ListedObject, *, now: int, build: Callable[[ListedObject], ObjectVersion]
    ) -> ObjectVersion | None:
        """Decide about a listed object: its version or its next attempt, or nothing to do."""
        key = listed.key
        unfinished = self._unfinished.get(key)
        if unfinished is not None:
            if unfinished.etag != listed.etag:
                return build(listed)
            self._note_listed(unfinished)
            return None
        failed = self._failed.get(key)
        if failed is None:
            is_known = self._pulled.get(key) == fingerprint(listed.etag)
            return None if is_known else build(listed)
        version, outcome = failed
        if version.etag != listed.etag:
            return build(listed)
        found = build(listed)
        # What failed for good failed for its content, which is the same in another bucket.
        has_moved = found.bucket != version.bucket and _may_pass(outcome)
        is_gone = outcome.outcome in GONE
        is_due = is_gone and not outcome.finished_at <= now < self._retry.due_at(outcome)
        if not has_moved and not is_due:
            if is_gone and key not in self._listed_gone:
                self._listed_gone.add(key)
                self._await(key)
            return None
        return replace(next_attempt(version, outcome, now=now), bucket=found.bucket)

    def retries_due(self, *, now: int, most: int) -> list[ObjectVersion]:
        """Build the next attempts at what was quarantined for a reason that may pass.

        Those due longest come first. They stay due until they are published.
        """
        if self._looked_at is None or now < self._looked_at:
            self._make_due_by(now)
        self._looked_at = now
        due: list[_Retry] = []
        while self._retries and self._retries[0][0] <= now and len(due) < most:
            entry = heapq.heappop(self._retries)
            if self._is_retry(entry):
                due.append(entry)
        for entry in due:
            heapq.heappush(self._retries, entry)
        return [next_attempt(*self._failed[key], now=now) for _, key, _, _ in due]

    def retries_later(self) -> Iterator[tuple[str, int]]:
        """Name the keys that will be tried again, and when."""
        for entry in self._retries:
            if self._is_retry(entry):
                yield entry[1], entry[0]
        for key in self._listed_gone:
            yield key, self._retry.due_at(self._failed[key][1])

    def quarantined_keys(self) -> list[str]:
        """Name the keys that stand quarantined now, for whichever reason."""
        return [
            key
            for key, (_, outcome) in self._failed.items()
            if outcome.outcome is Outcome.QUARANTINED
        ]

    def next_attempt(self, key: str, *, now: int) -> ObjectVersion | None:
        """Build the next attempt at a key whose latest one failed, whenever it is due."""
        failed = self._failed.get(key)
        return None if failed is None else next_attempt(*failed, now=now)

    def is_unfinished(self, key: str) -> bool:
        """Whether an attempt at the key is on its way."""
        return key in self._unfinished

    def holds(self, listed: ListedObject) -> bool:
        """Whether the latest version of its key is the one that is listed."""
        key = listed.key
        unfinished, failed = self._unfinished.get(key), self._failed.get(key)
        version = unfinished or (failed and failed[0])
        if version is not None:
            return version.etag == listed.etag
        return self._pulled.get(key) == fingerprint(listed.etag)

    def look_at(self, *, bucket: str, prefix: str, finished_through: str | None) -> None:
        """Say what the high-water key is about, and where it was when it was told last."""
        if self._scope != (bucket, prefix):
            self._scope = (bucket, prefix)
            self._listed_here.clear()
        if finished_through is not None:
            # Who told it knew what was finished before it was replayed.
            failed = (version for version, _ in self._failed.values())
            self._replayed.update(
                version.key
                for version in (*self._unfinished.values(), *failed)
                if version.replay_id is not None
                and in_order(version.key) <= in_order(finished_through)
                and not self._is_gone(version.key)
            )
        self._waiting = self._all_waiting()

    def lowest_waiting(self) -> str | None:
        """Give the first key, in the order of listings, that holds up the high-water key."""
        while self._waiting:
            key = self._waiting[0].decode(errors="surrogatepass")
            if self._holds_up(key):
                return key
            heapq.heappop(self._waiting)
        return None

    def repeats_what_is_finished(self, version: ObjectVersion) -> bool:
        """Whether a version to be published is a replay that undoes nothing."""
        key = version.key
        is_finished = not self.is_waiting(key) and not self._is_gone(key)
        return version.replay_id is not None and (is_finished or key in self._replayed)

    def is_open(self, key: str) -> bool:
        """Whether an object's latest attempt has not ended, or not well."""
        return key in self._unfinished or key in self._failed

    def is_waiting(self, key: str) -> bool:
        """Whether an object is not finished, or will be tried again."""
        failed = self._failed.get(key)
        return (
            key in self._unfinished
            or key in self._listed_gone
            or (failed is not None and _may_pass(failed[1]))
        )

    def is_listed_gone(self, key: str) -> bool:
        """Whether a version is gone by its outcome, and was listed since."""
        return key in self._listed_gone

    def keep_listed_gone(self, keys: AbstractSet[str]) -> None:
        """Let what a whole listing did not show be gone for good, but for these keys."""
        self._listed_gone &= keys

    @property
    def unfinished(self) -> Iterable[ObjectVersion]:
        """What is published and not finished."""
        return self._unfinished.values()

    @property
    def unfinished_count(self) -> int:
        """How many are published and not finished."""
        return len(self._unfinished)

    @property
    def quarantined_count(self) -> int:
        """How many stand quarantined now."""
        return self._quarantined.total()

    def quarantined_in(self, bucket: str) -> dict[Reason | None, int]:
        """How many of a bucket stand quarantined now, by reason."""
        counted = self._quarantined.items()
        return {why: number for (of, why), number in counted if of == bucket and number}

    @property
    def size_bytes(self) -> int:
        """What the fingerprints of pulled objects take."""
        return self._pulled.size_bytes

    def _fail(self, version: ObjectVersion, outcome: ObjectOutcome) -> None:
        self._failed[outcome.key] = (version, outcome)
        if outcome.outcome is Outcome.QUARANTINED:
            self._quarantined[version.bucket, outcome.reason] += 1
        if _may_pass(outcome):
            entry = (self._retry.due_at(outcome), outcome.key, outcome.pull_id, outcome.attempt)
            heapq.heappush(self._retries, entry)
            if len(self._retries) > _stale_at(len(self._failed)):
                self._retries = sorted(filter(self._is_retry, set(self._retries)))
            if self._early is None:
                self._await(outcome.key)

    def _await(self, key: str) -> None:
        heapq.heappush(self._waiting, in_order(key))
        if len(self._waiting) > _stale_at(len(self._unfinished) + len(self._failed)):
            self._waiting = self._all_waiting()

    def _all_waiting(self) -> list[bytes]:
        # What is sorted is a heap.
        waiting = filter(self._holds_up, {*self._unfinished, *self._failed})
        return sorted(map(in_order, waiting))

    def _holds_up(self, key: str) -> bool:
        return self.is_waiting(key) and key not in self._replayed and self._is_in_scope(key)

    def _is_in_scope(self, key: str) -> bool:
        if self._scope is None:
            return True
        bucket, prefix = self._scope
        if not key.startswith(prefix):
            return False
        version = self._unfinished.get(key) or self._failed[key][0]
        return version.bucket == bucket or key in self._listed_here or key in self._listed_gone

    def _note_replay(self, version: ObjectVersion) -> None:
        key = version.key
        self._listed_here.discard(key)
        if version.replay_id is None:
            self._replayed.discard(key)
        elif self._early is None and self.repeats_what_is_finished(version):
            self._replayed.add(key)

    def _is_gone(self, key: str) -> bool:
        return key in self._failed and self._failed[key][1].outcome in GONE

    def _note_listed(self, unfinished: ObjectVersion) -> None:
        """Note that what waits is listed in this bucket, though it is read in another."""
        key = unfinished.key
        if self._scope is not None and unfinished.bucket != self._scope[0]:
            self._listed_here.add(key)
            self._await(key)

    def _drop_failed(self, key: str) -> None:
        self._listed_gone.discard(key)
        failed = self._failed.pop(key, None)
        if failed is not None and failed[1].outcome is Outcome.QUARANTINED:
            self._quarantined[failed[0].bucket, failed[1].reason] -= 1

    def _make_due_by(self, now: int) -> None:
        """Let nothing wait longer than the longest delay from now on."""
        latest = now + self._retry.longest_delay
        self._retries = sorted(
            (min(due_at, latest), key, pull_id, attempt)
            for due_at, key, pull_id, attempt in self._retries
        )

    def _is_retry(self, entry: _Retry) -> bool:
        """Whether an entry is of the latest failure of its key."""
        failed = self._failed.get(entry[1])
        if failed is None or not _may_pass(failed[1]):
            return False
        return (failed[1].pull_id, failed[1].attempt) == entry[2:]


class _EarlyOutcomes:
    """Outcomes read before their versions, while restoring.

    Nearly all are of objects that were pulled: of those, whose attempt it was is enough.
    """

    def __init__(self) -> None:
        self._pulled = Fingerprints()
        self._others: dict[str, ObjectOutcome] = {}

    def keep(self, outcome: ObjectOutcome) -> None:
        is_pulled = outcome.outcome is Outcome.PULLED
        self._pulled.set(outcome.key, _attempt_of(outcome) if is_pulled else 0)
        if is_pulled:
            self._others.pop(outcome.key, None)
        else:
            self._others[outcome.key] = outcome

    def is_pulled(self, version: ObjectVersion) -> bool:
        return self._pulled.get(version.key) == _attempt_of(version)

    def of(self, version: ObjectVersion) -> ObjectOutcome | None:
        found = self._others.get(version.key)
        return found if found is not None and _is_of(found, version) else None


def _stale_at(entries: int) -> int:
    """How long a heap may get that has so many entries that are true."""
    return 2 * entries + _STALE_ENTRIES


def in_order(key: str) -> bytes:
    """Give what keys are compared by: listings are in the order of UTF-8 bytes."""
    return key.encode(errors="surrogatepass")


def next_attempt(version: ObjectVersion, outcome: ObjectOutcome, *, now: int) -> ObjectVersion:
    """Build the attempt after one that has ended: it resumes where that one got to."""
    return replace(
        version, attempt=version.attempt + 1, resume_from=outcome.place, discovered_at=now
    )


def _attempt_of(attempt: ObjectVersion | ObjectOutcome) -> int:
    return fingerprint(f"{attempt.etag}\0{attempt.pull_id}\0{attempt.attempt}")


def _is_of(outcome: ObjectOutcome, version: ObjectVersion) -> bool:
    return (outcome.etag, outcome.pull_id, outcome.attempt) == (
        version.etag,
        version.pull_id,
        version.attempt,
    )


def _may_pass(outcome: ObjectOutcome) -> bool:
    return outcome.outcome is Outcome.QUARANTINED and outcome.reason in MAY_PASS
