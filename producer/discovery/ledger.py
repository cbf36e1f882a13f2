"""What is known of a source's objects: `objects` and `outcomes`, read back as a table. Pure.

Laws of this file:

1. A version is new if the ledger does not hold its key with that etag as the latest.
2. An object is finished when the outcome with its latest etag, pull and attempt is there.
3. The next attempt is made only from a finished one, and starts at the place in its outcome.
4. A version that is listed although its outcome says that it vanished, or was superseded, is
   there again.
5. An attempt at a listed version goes to the bucket that lists it, whichever the source had
   before.
"""

from collections.abc import Callable, Iterable, Iterator

from msgspec.structs import replace

from producer.contract.objects import MAY_PASS, ObjectOutcome, ObjectVersion, Outcome
from producer.discovery.retrying import RetryPolicy
from producer.s3.object_store import ListedObject

# Outcomes after which a listing that still shows the version means that it can be pulled after
# all.
_GONE = frozenset({Outcome.VANISHED, Outcome.SUPERSEDED})


class Ledger:
    """The objects of one source: finished ones as their etag alone, the others whole."""

    def __init__(self) -> None:
        self._pulled: dict[str, str] = {}
        self._unfinished: dict[str, ObjectVersion] = {}
        self._failed: dict[str, tuple[ObjectVersion, ObjectOutcome]] = {}
        # While restoring, an outcome may be read before its version: the topics are read side by
        # side.
        self._early: dict[str, ObjectOutcome] | None = {}

    def apply_version(self, version: ObjectVersion) -> None:
        """Take in an attempt that is known to be published."""
        key = version.key
        self._pulled.pop(key, None)
        self._failed.pop(key, None)
        self._unfinished[key] = version
        early = self._early.get(key) if self._early is not None else None
        if early is not None:
            self.apply_outcome(early)

    def apply_outcome(self, outcome: ObjectOutcome) -> bool:
        """Take in an outcome; true where it finishes the latest attempt."""
        version = self._unfinished.get(outcome.key)
        if version is None or not _is_of(outcome, version):
            if self._early is not None:
                self._early[outcome.key] = outcome
            return False
        del self._unfinished[outcome.key]
        if outcome.outcome is Outcome.PULLED:
            self._pulled[outcome.key] = version.etag
        else:
            self._failed[outcome.key] = (version, outcome)
        return True

    def finish_restoring(self) -> None:
        """Forget outcomes of attempts that are not the latest."""
        self._early = None

    def version_to_pull(
        self,
        listed: ListedObject,
        *,
        retry: RetryPolicy,
        now: int,
        build: Callable[[ListedObject], ObjectVersion],
    ) -> ObjectVersion | None:
        """Decide about a listed object: its version or its next attempt, or nothing to do."""
        etag = self._latest_etag(listed.key)
        if etag != listed.etag:
            return build(listed)
        failed = self._failed.get(listed.key)
        if failed is None:
            return None
        version, outcome = failed
        found = build(listed)
        # What failed for good failed for its content, which is the same in another bucket.
        has_moved = found.bucket != version.bucket and _may_pass(outcome)
        is_due = outcome.outcome in _GONE and now >= retry.due_at(outcome)
        if not has_moved and not is_due:
            return None
        return replace(next_attempt(version, outcome, now=now), bucket=found.bucket)

    def retries_due(self, *, retry: RetryPolicy, now: int) -> list[ObjectVersion]:
        """Build the next attempts at what was quarantined for a reason that may pass."""
        return [
            next_attempt(version, outcome, now=now)
            for version, outcome in self._failed.values()
            if _may_pass(outcome) and now >= retry.due_at(outcome)
        ]

    def retries_later(self, *, retry: RetryPolicy) -> Iterator[tuple[str, int]]:
        """Name the keys that will be tried again, and when."""
        for version, outcome in self._failed.values():
            if _may_pass(outcome):
                yield version.key, retry.due_at(outcome)

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
        return sum(outcome.outcome is Outcome.QUARANTINED for _, outcome in self._failed.values())

    def _latest_etag(self, key: str) -> str | None:
        if (etag := self._pulled.get(key)) is not None:
            return etag
        if (version := self._unfinished.get(key)) is not None:
            return version.etag
        failed = self._failed.get(key)
        return None if failed is None else failed[0].etag


def next_attempt(version: ObjectVersion, outcome: ObjectOutcome, *, now: int) -> ObjectVersion:
    """Build the attempt after one that has ended: it resumes where that one got to."""
    return ObjectVersion(
        source_id=version.source_id,
        bucket=version.bucket,
        key=version.key,
        etag=version.etag,
        version_id=version.version_id,
        size_bytes=version.size_bytes,
        last_modified=version.last_modified,
        pull_id=version.pull_id,
        attempt=version.attempt + 1,
        resume_from=outcome.place,
        replay_id=version.replay_id,
        discovered_at=now,
    )


def _is_of(outcome: ObjectOutcome, version: ObjectVersion) -> bool:
    return (outcome.etag, outcome.pull_id, outcome.attempt) == (
        version.etag,
        version.pull_id,
        version.attempt,
    )


def _may_pass(outcome: ObjectOutcome) -> bool:
    return outcome.outcome is Outcome.QUARANTINED and outcome.reason in MAY_PASS
