"""What is told about a source while it is owned."""

import pytest
from msgspec.structs import replace

from producer.contract.objects import ObjectVersion, Outcome, Reason
from producer.contract.source import IngestionSource
from producer.contract.status import SourceStatus, Status
from producer.discovery.source import SourceDiscovery
from tests.support.builders import (
    DAY,
    NOW,
    SECOND,
    a_source,
    a_version,
    an_outcome,
)
from tests.unit.discovery.listing_stores import a_page
from tests.unit.discovery.looking_after import (
    DENIED,
    DONE,
    a_ledger,
    list_with,
    looked_after,
    publish_pending,
)


def test_high_water_key_is_below_what_waits_in_every_way() -> None:
    """Pending, published, or to be tried again; what is quarantined for good holds up nothing."""
    discovery = looked_after()
    list_with(discovery, a_page("k1", "k2", "k3"), DONE)
    assert discovery.status(now=NOW).high_water_key is None
    first, second, third = publish_pending(discovery)
    for version, reason in ((first, Reason.TRUNCATED), (second, Reason.THROTTLED), (third, None)):
        outcome = Outcome.PULLED if reason is None else Outcome.QUARANTINED
        ended = an_outcome(version, outcome=outcome, reason=reason)
        discovery.ledger.apply_outcome(ended)
        discovery.learn_outcome(ended)

    assert "k1" == discovery.status(now=NOW).high_water_key
    discovery.collect_retries(now=NOW + DAY)
    (again,) = publish_pending(discovery)
    assert "k1" == discovery.status(now=NOW).high_water_key
    ended = an_outcome(again)
    discovery.ledger.apply_outcome(ended)
    discovery.learn_outcome(ended)
    assert "k3" == discovery.status(now=NOW).high_water_key


def test_new_source_awaits_its_first_event() -> None:
    """It is told at once, and is healthy until shown otherwise."""
    discovery = looked_after()

    status = discovery.status(now=NOW)

    assert discovery.is_status_due
    assert (Status.AWAITING_FIRST_EVENT, True, None) == (
        status.status,
        status.healthy,
        status.problem,
    )


def test_source_is_active_after_an_object_with_lines() -> None:
    """An object without any says nothing."""
    discovery = looked_after()
    discovery.learn_outcome(an_outcome(raw_lines=0, finished_at=NOW + 1))
    assert Status.AWAITING_FIRST_EVENT == discovery.status(now=NOW).status

    discovery.learn_outcome(an_outcome(finished_at=NOW + 5))
    discovery.learn_outcome(an_outcome(finished_at=NOW + 3))

    assert Status.ACTIVE == discovery.status(now=NOW).status
    assert NOW + 5 == discovery.status(now=NOW).last_event_at


def test_source_is_unhealthy_after_three_failures_in_a_row() -> None:
    """The problem is named from the first, and gone with the next good listing."""
    discovery = looked_after()
    told = []
    for end in (DENIED, DENIED, DENIED, DONE):
        list_with(discovery, end)
        told.append(discovery.status(now=NOW))

    assert [True, True, False, True] == [status.healthy for status in told]
    assert [1, 2, 3, 0] == [status.failures_in_a_row for status in told]
    assert [0, 0, 0, 1] == [status.listings for status in told]
    assert [Reason.ACCESS_DENIED] * 3 + [None] == [status.problem for status in told]
    assert DENIED.detail == told[0].problem_detail


def test_last_listing_is_the_last_good_one_from_its_beginning() -> None:
    """A refused one does not count, nor one that is under way."""
    discovery = looked_after()
    list_with(discovery, DONE, now=NOW)
    list_with(discovery, DENIED, now=NOW + 60 * SECOND)
    list_with(discovery, now=NOW + 120 * SECOND)

    assert NOW == discovery.status(now=NOW + 180 * SECOND).last_listing_at


def test_behind_is_what_waits_and_what_is_not_finished() -> None:
    """With its size, and the age of the oldest."""
    old = a_version(key="k0", size_bytes=7, discovered_at=NOW - 30 * SECOND)
    discovery = looked_after(ledger=a_ledger(old))
    list_with(discovery, a_page("k1"))

    status = discovery.status(now=NOW)

    assert (2, 107, 30) == (status.objects_behind, status.bytes_behind, status.seconds_behind)


def test_found_objects_are_told_with_their_publication() -> None:
    """The same transaction counts them, so no crash can come in between; retries are not new."""
    discovery = looked_after()
    list_with(discovery, a_page("k1", "k2"), DONE)
    versions = list(discovery.pending)

    with_them = discovery.status(now=NOW, publishing=versions)
    discovery.learn_published(versions)
    discovery.pending.append(a_version(key="k1", attempt=2))
    retry = discovery.status(now=NOW, publishing=list(discovery.pending))

    assert (2, 2, 2) == (
        with_them.objects_found,
        discovery.status(now=NOW).objects_found,
        retry.objects_found,
    )


def previous_status() -> SourceStatus:
    discovery = looked_after(last_event_at=NOW - 5)
    list_with(discovery, a_page("k1"), DONE)
    publish_pending(discovery)
    for end in (DENIED, DENIED, DENIED):
        list_with(discovery, end)
    return discovery.status(now=NOW)


def test_restart_goes_on_from_what_was_told() -> None:
    """Counters, health, problem and last event survive; without news nothing is told again."""
    previous = previous_status()
    ledger = a_ledger(a_version(key="k1", pull_id="pull-1"))
    discovery = looked_after(ledger=ledger, previous=previous, last_event_at=NOW - 5)

    assert not discovery.is_status_due
    assert replace(previous, updated_at=NOW + 9) == discovery.status(now=NOW + 9)


@pytest.mark.parametrize(
    "changed", [a_source(disabled=True), a_source(name="Acme GmbH")], ids=["disabled", "renamed"]
)
def test_changed_source_is_told_at_once(changed: IngestionSource) -> None:
    """Nobody has to wait for its next listing, which may never come."""
    ledger = a_ledger(a_version(key="k1", pull_id="pull-1"))
    discovery = looked_after(changed, ledger=ledger, previous=previous_status())

    assert discovery.is_status_due


def test_what_ended_while_nobody_was_there_is_told_at_once() -> None:
    """A source may be disabled, and then no listing makes anything to tell."""
    discovery = looked_after(previous=previous_status())

    assert discovery.is_status_due
    assert 0 == discovery.status(now=NOW).objects_behind


def test_source_stays_active_where_its_outcomes_were_compacted_away() -> None:
    """The only object was overwritten by an empty one: its last outcome has no lines."""
    discovery = looked_after(previous=previous_status(), last_event_at=None)

    assert Status.ACTIVE == discovery.status(now=NOW).status


def test_last_event_is_the_later_of_what_was_told_and_what_ended() -> None:
    """An outcome may have come after the last status."""
    discovery = looked_after(previous=previous_status(), last_event_at=NOW + 7)

    assert NOW + 7 == discovery.status(now=NOW).last_event_at


def test_what_objects_are_refused_for_is_a_problem_of_the_source() -> None:
    """Named beside listings that go well, also after a restart and amid the next attempt.

    It is gone once they are read. What lies in the content of an object is none.
    """
    discovery = looked_after()
    list_with(discovery, a_page("k1", "k2", "k3", "k4"), DONE)
    versions = publish_pending(discovery)
    kms, denied = Reason.KEY_DENIED_BY_KMS, Reason.ACCESS_DENIED
    for version, reason in zip(versions, (kms, denied, kms, Reason.CORRUPT), strict=True):
        _end(discovery, version, reason)
    told = discovery.status(now=NOW)
    assert (True, kms, 0) == (told.healthy, told.problem, told.failures_in_a_row)
    assert "2 quarantined for it" in (told.problem_detail or "")
    assert "kms:Decrypt" in (told.problem_detail or "")

    again = looked_after(ledger=discovery.ledger, previous=told)
    assert kms == again.status(now=NOW).problem
    list_with(again, DENIED)
    assert (denied, DENIED.detail) == _problem(again)
    list_with(again, DONE)
    again.collect_retries(now=NOW + DAY)
    retried = publish_pending(again)
    assert kms == again.status(now=NOW).problem
    for version in retried:
        _end(again, version, None)
    assert (None, None) == _problem(again)


def test_what_objects_of_a_former_bucket_were_refused_for_is_no_problem() -> None:
    """The source reads another one now, and well."""
    discovery = looked_after()
    list_with(discovery, a_page("k1"), DONE)
    (version,) = publish_pending(discovery)
    _end(discovery, version, Reason.ACCESS_DENIED)
    moved = looked_after(a_source(bucket="another"), ledger=discovery.ledger)
    assert (None, None) == _problem(moved)


def _problem(discovery: SourceDiscovery) -> tuple[str | None, str | None]:
    status = discovery.status(now=NOW)
    return status.problem, status.problem_detail


def _end(discovery: SourceDiscovery, version: ObjectVersion, reason: Reason | None) -> None:
    outcome = Outcome.PULLED if reason is None else Outcome.QUARANTINED
    ended = an_outcome(version, outcome=outcome, reason=reason)
    discovery.ledger.apply_outcome(ended)
    discovery.learn_outcome(ended)
