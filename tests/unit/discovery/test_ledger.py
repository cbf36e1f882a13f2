"""Each law of the ledger, by example."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from producer.contract.objects import ObjectVersion, Outcome, Place, Reason
from producer.discovery.ledger import Ledger, next_attempt
from producer.discovery.retrying import RetryPolicy
from producer.s3.object_store import ListedObject
from tests.support.builders import DAY, NOW, SECOND, a_listed, a_version, an_outcome
from tests.support.stages import numbered_ids

RETRY = RetryPolicy(first_seconds=60, longest_seconds=3600)
LATER = NOW + DAY


def building(bucket: str = "acme-compliance") -> Callable[[ListedObject], ObjectVersion]:
    new_id = numbered_ids("new-pull")
    return lambda listed: a_version(
        key=listed.key, etag=listed.etag, bucket=bucket, pull_id=new_id()
    )


def a_ledger(*versions: ObjectVersion) -> Ledger:
    ledger = Ledger(RETRY)
    ledger.finish_restoring()
    for version in versions:
        ledger.apply_version(version)
    return ledger


def to_pull(
    ledger: Ledger, listed: ListedObject, *, now: int = LATER, bucket: str = "acme-compliance"
) -> ObjectVersion | None:
    return ledger.version_to_pull(listed, now=now, build=building(bucket))


def quarantined(reason: Reason, version: ObjectVersion | None = None, *, line: int = 0) -> Ledger:
    version = version or a_version()
    ledger = a_ledger(version)
    place = Place(line=line)
    outcome = an_outcome(version, outcome=Outcome.QUARANTINED, reason=reason, place=place)
    assert ledger.apply_outcome(outcome)
    return ledger


def test_unknown_key_is_new() -> None:
    """A key that the ledger does not hold is pulled."""
    assert a_version(pull_id="new-pull-1") == to_pull(a_ledger(), a_listed())


def test_unfinished_version_is_not_published_again() -> None:
    """What is on its way is left alone, however often it is listed."""
    assert to_pull(a_ledger(a_version()), a_listed()) is None


def test_pulled_version_is_not_published_again() -> None:
    """What was pulled stays pulled."""
    ledger = a_ledger(a_version())
    assert ledger.apply_outcome(an_outcome())

    assert to_pull(ledger, a_listed()) is None
    assert 0 == ledger.unfinished_count


def test_overwritten_and_put_back_is_new_each_time() -> None:
    """A, B, A: only the latest etag is known, and each change is a pull of its own."""
    ledger = a_ledger(a_version())
    ledger.apply_outcome(an_outcome())

    second = to_pull(ledger, a_listed(etag="etag-b"))
    assert second is not None
    ledger.apply_version(second)
    ledger.apply_outcome(an_outcome(second))
    third = to_pull(ledger, a_listed(etag="etag-a"))

    assert third is not None
    assert ("etag-a", 1) == (third.etag, third.attempt)
    assert third.pull_id != a_version().pull_id


def test_new_version_takes_the_place_of_an_unfinished_one() -> None:
    """One key is unfinished once, and the outcome of the older version does not finish it."""
    first, second = a_version(), a_version(etag="etag-b", pull_id="pull-2")
    ledger = a_ledger(first, second)

    assert [second] == list(ledger.unfinished)
    assert not ledger.apply_outcome(an_outcome(first, outcome=Outcome.SUPERSEDED))
    assert 1 == ledger.unfinished_count
    assert ledger.apply_outcome(an_outcome(second))


@pytest.mark.parametrize(
    "changes", [{"etag": "etag-b"}, {"pull_id": "pull-2"}, {"attempt": 2}], ids=str
)
def test_outcome_finishes_its_own_attempt_alone(changes: dict[str, object]) -> None:
    """Etag, pull and attempt must all be those of the latest."""
    ledger = a_ledger(a_version())

    assert not ledger.apply_outcome(replace(an_outcome(), **changes))
    assert 1 == ledger.unfinished_count


def test_outcome_counts_once() -> None:
    """The same outcome read twice finishes one attempt."""
    ledger = a_ledger(a_version())

    assert ledger.apply_outcome(an_outcome())
    assert not ledger.apply_outcome(an_outcome())


@pytest.mark.parametrize("gone", [Outcome.VANISHED, Outcome.SUPERSEDED])
def test_listed_although_gone_is_resumed_after_a_while(gone: Outcome) -> None:
    """It is there again: the next attempt starts at the place in the outcome of the last."""
    version = a_version()
    ledger = a_ledger(version)
    ledger.apply_outcome(an_outcome(version, outcome=gone, place=Place(line=7)))

    assert to_pull(ledger, a_listed(), now=NOW + 59 * SECOND) is None
    again = to_pull(ledger, a_listed(), now=NOW + 76 * SECOND)

    assert again is not None
    assert (2, Place(line=7), "pull-1") == (again.attempt, again.resume_from, again.pull_id)


def test_listed_although_gone_under_another_etag_is_new() -> None:
    """Another version has nothing to resume."""
    version = a_version()
    ledger = a_ledger(version)
    ledger.apply_outcome(an_outcome(version, outcome=Outcome.VANISHED, place=Place(line=7)))

    new = to_pull(ledger, a_listed(etag="etag-b"), now=NOW)

    assert new is not None
    assert (1, Place()) == (new.attempt, new.resume_from)


@pytest.mark.parametrize("reason", [Reason.THROTTLED, Reason.TRUNCATED])
def test_quarantined_version_is_not_resumed_for_being_listed(reason: Reason) -> None:
    """Its retries have a schedule of their own, or there are none."""
    assert to_pull(quarantined(reason), a_listed()) is None


def test_retry_comes_when_it_is_due_and_once() -> None:
    """Not before its time; and while it is on its way there is no other."""
    ledger = quarantined(Reason.THROTTLED, line=7)

    assert [] == ledger.retries_due(now=NOW + 59 * SECOND, most=10)
    (again,) = ledger.retries_due(now=NOW + 76 * SECOND, most=10)
    ledger.apply_version(again)

    assert (2, Place(line=7), "pull-1") == (again.attempt, again.resume_from, again.pull_id)
    assert [] == ledger.retries_due(now=LATER, most=10)
    assert 0 == ledger.quarantined_count


def test_retry_keeps_everything_but_attempt_place_and_time() -> None:
    """Its lines have the same origin as those of the attempt before."""
    version = a_version(version_id="v-1", replay_id="replay-1", attempt=3)
    outcome = an_outcome(version, place=Place(line=5, blank_lines=1))

    assert next_attempt(version, outcome, now=LATER) == replace(
        version, attempt=4, resume_from=Place(line=5, blank_lines=1), discovered_at=LATER
    )


def test_reason_that_stays_is_not_retried() -> None:
    """A truncated object is the same tomorrow."""
    ledger = quarantined(Reason.TRUNCATED)

    assert [] == ledger.retries_due(now=LATER, most=10)
    assert [] == list(ledger.retries_later())
    assert 1 == ledger.quarantined_count


def test_new_version_ends_the_retries_of_the_old_one() -> None:
    """A retry never races a new version of its key."""
    ledger = quarantined(Reason.THROTTLED)
    new = to_pull(ledger, a_listed(etag="etag-b"))
    assert new is not None
    ledger.apply_version(new)

    assert [] == ledger.retries_due(now=LATER, most=10)
    assert 0 == ledger.quarantined_count


def test_retries_that_are_not_due_are_named() -> None:
    """With the time from which they will be made."""
    ledger = quarantined(Reason.ACCESS_DENIED)

    ((key, due_at),) = ledger.retries_later()

    assert a_version().key == key
    assert NOW + 60 * SECOND <= due_at <= NOW + 75 * SECOND


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [(Reason.BUCKET_GONE, Outcome.QUARANTINED), (Reason.OBJECT_GONE, Outcome.VANISHED)],
)
def test_version_that_failed_in_another_bucket_is_tried_where_it_is_listed(
    reason: Reason, outcome: Outcome
) -> None:
    """The source was moved: the old bucket would be asked for ever for what lies in the new."""
    version = a_version(bucket="acme-old")
    ledger = a_ledger(version)
    ledger.apply_outcome(an_outcome(version, outcome=outcome, reason=reason))

    again = to_pull(ledger, a_listed())

    assert again is not None
    assert ("acme-compliance", 2, "pull-1") == (again.bucket, again.attempt, again.pull_id)


def test_version_with_bad_content_is_not_tried_in_another_bucket() -> None:
    """The same etag is the same content."""
    ledger = quarantined(Reason.TRUNCATED, a_version(bucket="acme-old"))

    assert to_pull(ledger, a_listed()) is None


def test_outcome_may_be_read_before_its_version_while_restoring() -> None:
    """The two topics are read side by side."""
    ledger = Ledger(RETRY)
    assert not ledger.apply_outcome(an_outcome())
    ledger.apply_version(a_version())
    ledger.finish_restoring()

    assert 0 == ledger.unfinished_count
    assert to_pull(ledger, a_listed()) is None


def test_outcome_of_an_older_attempt_does_not_finish_a_restored_one() -> None:
    """It is remembered while restoring, and forgotten afterwards."""
    first = a_version()
    ledger = Ledger(RETRY)
    ledger.apply_outcome(an_outcome(first, outcome=Outcome.QUARANTINED, reason=Reason.THROTTLED))
    second = replace(first, attempt=2)
    ledger.apply_version(second)
    ledger.finish_restoring()

    assert [second] == list(ledger.unfinished)
    ledger.apply_version(first)
    assert [first] == list(ledger.unfinished)


def test_version_that_is_gone_and_listed_waits() -> None:
    """It will be tried again, and until then nothing at or above it is finished."""
    version = a_version()
    ledger = a_ledger(version)
    ledger.apply_outcome(an_outcome(version, outcome=Outcome.VANISHED))
    assert ledger.lowest_waiting() is None

    assert to_pull(ledger, a_listed(), now=NOW + SECOND) is None
    assert version.key == ledger.lowest_waiting()
    assert [version.key] == [key for key, _ in ledger.retries_later()]

    ledger.keep_listed_gone({version.key})
    assert ledger.is_waiting(version.key)
    ledger.keep_listed_gone(set())
    assert ledger.lowest_waiting() is None


def test_version_that_is_gone_waits_no_more_once_it_is_pulled() -> None:
    """Its next attempt is what counts."""
    version = a_version()
    ledger = a_ledger(version)
    ledger.apply_outcome(an_outcome(version, outcome=Outcome.VANISHED))
    to_pull(ledger, a_listed(), now=NOW + SECOND)
    again = to_pull(ledger, a_listed())
    assert again is not None
    ledger.apply_version(again)
    ledger.apply_outcome(an_outcome(again))

    assert ledger.lowest_waiting() is None
    assert [] == list(ledger.retries_later())


@pytest.mark.parametrize("is_restored", [True, False])
def test_what_failed_in_the_future_is_tried_again_all_the_same(*, is_restored: bool) -> None:
    """A clock that was a year fast would else let it wait for a year."""
    ahead = NOW + 365 * DAY
    version = a_version()
    ledger = a_ledger(version)
    outcome = an_outcome(
        version, outcome=Outcome.QUARANTINED, reason=Reason.CLOCK_SKEW, finished_at=ahead
    )
    ledger.apply_outcome(outcome)
    if not is_restored:
        assert [] == ledger.retries_due(now=ahead, most=10)
    assert [] == ledger.retries_due(now=NOW, most=10)

    assert 1 == len(ledger.retries_due(now=NOW + 4500 * SECOND, most=10))


def test_version_gone_in_the_future_is_there_again_at_once() -> None:
    """The same clock."""
    version = a_version()
    ledger = a_ledger(version)
    gone = an_outcome(version, outcome=Outcome.VANISHED, finished_at=NOW + 365 * DAY)
    ledger.apply_outcome(gone)

    assert to_pull(ledger, a_listed(), now=NOW) is not None
