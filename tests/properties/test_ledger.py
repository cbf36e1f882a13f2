"""Discovery's ledger against a bucket that changes, a puller that fails, and restarts.

The machine plays bucket, topics and puller around the real ledger. Whatever happens in between: no
line of a pull is published twice, attempts follow each other, a ledger that is read back is the
one that was lost, and once the faults stop every version that is in the bucket is pulled.
"""

import random
from collections import defaultdict
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from producer.contract.objects import (
    MAY_PASS,
    ObjectOutcome,
    ObjectVersion,
    Outcome,
    Place,
    Reason,
)
from producer.discovery.ledger import Ledger
from producer.discovery.retrying import RetryPolicy
from producer.s3.object_store import ListedObject
from tests.support.builders import DAY, NOW, a_listed, a_version, an_outcome

RETRY = RetryPolicy(first_seconds=60, longest_seconds=3600)
KEYS = st.sampled_from(["k1", "k2", "k3"])
LINES = 10
BAD = "etag-bad"
T = TypeVar("T", ObjectVersion, ObjectOutcome)
ETAGS = st.sampled_from(["etag-a", "etag-b", BAD])


class World(RuleBasedStateMachine):
    """A bucket, the topics of objects and outcomes, a puller, and the ledger of one source."""

    def __init__(self) -> None:
        super().__init__()
        self.bucket: dict[str, str] = {}
        self.objects: list[ObjectVersion] = []
        self.outcomes: list[ObjectOutcome] = []
        self.queue: list[ObjectVersion] = []
        self.lines: defaultdict[str, list[int]] = defaultdict(list)
        self.now = NOW
        self.pulls = 0
        self.ledger = Ledger(RETRY)
        self.ledger.finish_restoring()

    @rule(key=KEYS, etag=ETAGS)
    def put(self, key: str, etag: str) -> None:
        """An object is uploaded, overwritten or put back."""
        self.bucket[key] = etag

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        """An object is deleted."""
        self.bucket.pop(key, None)

    @rule()
    def list_bucket(self) -> None:
        """A listing shows all that is there; what is decided is committed."""
        self.now += DAY
        for key in sorted(self.bucket):
            listed = a_listed(key=key, etag=self.bucket[key])
            version = self.ledger.version_to_pull(listed, now=self.now, build=self.build)
            if version is not None:
                self.publish(version)

    @rule()
    def retry(self) -> None:
        """What is due is tried again."""
        self.now += DAY
        for version in self.ledger.retries_due(now=self.now, most=10):
            self.publish(version)

    @precondition(lambda self: self.queue)
    @rule(progress=st.integers(0, LINES), fault=st.none() | st.sampled_from(sorted(MAY_PASS)))
    def pull(self, progress: int, fault: Reason | None) -> None:
        """The puller takes the next version, and gets somewhere with it."""
        version = self.queue.pop(0)
        start = version.resume_from.line
        reached = max(start, progress)
        present = self.bucket.get(version.key)
        if present != version.etag:
            gone = Outcome.VANISHED if present is None else Outcome.SUPERSEDED
            self.finish(version, gone, Reason.OBJECT_GONE, reached)
        elif fault is not None:
            self.finish(version, Outcome.QUARANTINED, fault, reached)
        elif version.etag == BAD:
            self.finish(version, Outcome.QUARANTINED, Reason.TRUNCATED, max(start, LINES // 2))
        else:
            self.finish(version, Outcome.PULLED, None, LINES)

    @rule(rng=st.randoms(use_true_random=False))
    def restart(self, rng: random.Random) -> None:
        """The ledger is read back from compacted topics, side by side, and is the same."""
        restored = Ledger(RETRY)
        objects, outcomes = compacted(self.objects, rng), compacted(self.outcomes, rng)
        while objects or outcomes:
            if objects and (not outcomes or rng.random() < 0.5):
                restored.apply_version(objects.pop(0))
            else:
                restored.apply_outcome(outcomes.pop(0))
        restored.finish_restoring()
        assert content_of(self.ledger) == content_of(restored)
        self.ledger = restored

    @invariant()
    def no_line_is_published_twice(self) -> None:
        """Each pull brings its lines once and in order, over all its attempts."""
        for lines in self.lines.values():
            assert list(range(1, len(lines) + 1)) == lines

    @invariant()
    def nothing_waits_that_is_not_known(self) -> None:
        """The puller's queue is what the ledger calls unfinished, superseded ones apart."""
        assert {version.key for version in self.queue} == {
            version.key for version in self.ledger.unfinished
        }

    def teardown(self) -> None:
        """Once the faults stop, everything that is there is pulled: nothing is missed."""
        for _ in range(3):
            while self.queue:
                self.pull(progress=0, fault=None)
            self.list_bucket()
            self.retry()
        assert [] == self.queue
        for key, etag in self.bucket.items():
            last = next(outcome for outcome in reversed(self.outcomes) if outcome.key == key)
            wanted = Outcome.QUARANTINED if etag == BAD else Outcome.PULLED
            assert (etag, wanted) == (last.etag, last.outcome)
            if etag != BAD:
                assert list(range(1, LINES + 1)) == self.lines[last.pull_id]

    def build(self, listed: ListedObject) -> ObjectVersion:
        self.pulls += 1
        return a_version(key=listed.key, etag=listed.etag, pull_id=f"pull-{self.pulls}")

    def publish(self, version: ObjectVersion) -> None:
        attempts = [other for other in self.objects if other.pull_id == version.pull_id]
        assert len(attempts) + 1 == version.attempt
        if attempts:
            of_last = [o for o in self.outcomes if o.pull_id == version.pull_id][-1]
            assert (version.attempt - 1, version.resume_from) == (of_last.attempt, of_last.place)
        self.objects.append(version)
        self.queue.append(version)
        self.ledger.apply_version(version)

    def finish(
        self, version: ObjectVersion, outcome: Outcome, reason: Reason | None, reached: int
    ) -> None:
        self.lines[version.pull_id] += range(version.resume_from.line + 1, reached + 1)
        ended = an_outcome(
            version,
            outcome=outcome,
            reason=reason,
            place=Place(line=reached),
            finished_at=self.now,
        )
        self.outcomes.append(ended)
        self.ledger.apply_outcome(ended)


def compacted(log: list[T], rng: random.Random) -> list[T]:
    """Keep the latest record of each key, and any of the others."""
    latest = {record.key: index for index, record in enumerate(log)}
    return [
        record
        for index, record in enumerate(log)
        if index == latest[record.key] or rng.random() < 0.5
    ]


def content_of(ledger: Ledger) -> tuple[object, ...]:
    """All that decides."""
    others = {*ledger._unfinished, *ledger._failed}
    return (
        {key: ledger._pulled.get(key) for key in ("k1", "k2", "k3") if key not in others},
        ledger.lowest_waiting(),
        sorted(ledger.retries_later()),
        ledger.quarantined_count,
        ledger._unfinished,
        {
            key: (version, replace(outcome, finished_at=0))
            for key, (version, outcome) in ledger._failed.items()
        },
    )


World.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestLedger = World.TestCase
