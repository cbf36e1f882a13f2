"""The high-water key: what holds it up, and what does not."""

from msgspec.structs import replace

from producer.contract.objects import ObjectVersion, Outcome, Reason
from producer.contract.source import IngestionSource
from producer.discovery.ledger import Ledger
from producer.discovery.source import SourceDiscovery
from tests.support.builders import DAY, NOW, a_source, a_version, an_outcome
from tests.unit.discovery.listing_stores import a_page
from tests.unit.discovery.looking_after import (
    DONE,
    RETRY,
    a_ledger,
    list_with,
    looked_after,
    publish_pending,
)

SOURCE = a_source(prefix="k")


def mark(discovery: SourceDiscovery) -> str | None:
    return discovery.status(now=NOW).high_water_key


def end(discovery: SourceDiscovery, version: ObjectVersion, reason: Reason | None = None) -> None:
    """Let an attempt end, well or for a reason."""
    outcome = Outcome.PULLED if reason is None else Outcome.QUARANTINED
    ended = an_outcome(version, outcome=outcome, reason=reason)
    discovery.ledger.apply_outcome(ended)
    discovery.learn_outcome(ended)


def with_three(*reasons: Reason | None, source: IngestionSource = SOURCE) -> SourceDiscovery:
    """Three objects that were listed and have ended."""
    discovery = looked_after(source)
    list_with(discovery, a_page("k1", "k2", "k3"), DONE)
    versions = publish_pending(discovery)
    for version, reason in zip(versions, reasons or (None, None, None), strict=True):
        end(discovery, version, reason)
    discovery.advance_listing(now=NOW)
    return discovery


def a_replay(key: str, **changes: object) -> ObjectVersion:
    return replace(a_version(key=key, pull_id=f"again-{key}", replay_id="command-1"), **changes)


def replay(discovery: SourceDiscovery, key: str) -> ObjectVersion:
    """Let a key be replayed; its attempt does not end."""
    version = a_replay(key)
    discovery.pending.append(version)
    publish_pending(discovery)
    return version


def test_replay_does_not_undo_that_an_object_is_finished() -> None:
    """While it is pending, on its way, failed and tried again, and when it ends."""
    discovery = with_three()
    discovery.pending.append(a_replay("k1"))
    told = [mark(discovery)]
    (version,) = publish_pending(discovery)
    told.append(mark(discovery))
    end(discovery, version, Reason.THROTTLED)
    told.append(mark(discovery))
    discovery.collect_retries(now=NOW + DAY)
    told.append(mark(discovery))
    (again,) = publish_pending(discovery)
    told.append(mark(discovery))
    end(discovery, again)
    told.append(mark(discovery))

    assert ["k3"] * 6 == told


def test_replay_of_what_waits_holds_up_as_that_did() -> None:
    """It was never finished; once the replay ends well, it is."""
    discovery = with_three(None, Reason.THROTTLED, None)
    assert "k1" == mark(discovery)
    version = replay(discovery, "k2")
    assert "k1" == mark(discovery)

    end(discovery, version)

    assert "k3" == mark(discovery)


def test_replay_of_what_is_gone_finishes_nothing() -> None:
    """An object that waits, is gone when it is replayed, and is there again, waits still."""
    discovery = with_three(None, Reason.THROTTLED, None)
    gone = an_outcome(replay(discovery, "k2"), outcome=Outcome.VANISHED)
    discovery.ledger.apply_outcome(gone)
    again = discovery.ledger.next_attempt("k2", now=NOW)
    assert again is not None
    discovery.pending.append(again)
    assert "k1" == mark(discovery)
    publish_pending(discovery)

    assert "k1" == mark(discovery)


def test_new_version_of_a_replayed_key_holds_up() -> None:
    """What is new was not finished before."""
    discovery = with_three()
    replay(discovery, "k2")
    page = a_page("k1", "k2")
    overwritten = replace(page.objects[1], etag="etag-b")
    list_with(discovery, replace(page, objects=(page.objects[0], overwritten)))
    publish_pending(discovery)

    assert "k1" == mark(discovery)


def restarted(discovery: SourceDiscovery, *records: ObjectVersion) -> SourceDiscovery:
    """Let a successor read back the status, and a ledger in which these are not finished."""
    previous = discovery.status(now=NOW)
    ledger = Ledger(RETRY)
    for version in records:
        ledger.apply_version(version)
    ledger.finish_restoring()
    return looked_after(SOURCE, ledger=ledger, previous=previous)


def test_restart_during_a_replay_keeps_the_key() -> None:
    """What was told says what was finished: the ledger does not know any more."""
    discovery = with_three()
    version = replay(discovery, "k2")

    assert "k3" == mark(restarted(discovery, version))


def test_restart_does_not_take_a_replay_of_what_waited_for_finished() -> None:
    """The key that was told lies below it."""
    discovery = with_three(None, Reason.THROTTLED, None)
    version = replay(discovery, "k2")

    assert "k1" == mark(restarted(discovery, version))


def test_retry_of_what_failed_lets_the_key_fall_to_the_one_before() -> None:
    """It is not finished while it is tried again, and all below it is."""
    discovery = with_three(None, Reason.TRUNCATED, None)
    assert "k3" == mark(discovery)
    version = discovery.ledger.next_attempt("k2", now=NOW)
    assert version is not None
    discovery.pending.append(version)
    assert "k1" == mark(discovery)
    publish_pending(discovery)

    assert "k1" == mark(discovery)


def test_keys_of_another_prefix_or_bucket_hold_up_nothing() -> None:
    """They are none that the key is about; neither on their way nor when they are tried again."""
    elsewhere = (a_version(key="j9"), a_version(key="k0", bucket="former"))
    ledger = a_ledger(*elsewhere)
    discovery = looked_after(SOURCE, ledger=ledger)
    list_with(discovery, a_page("k1"), DONE)
    (version,) = publish_pending(discovery)
    end(discovery, version)
    assert "k1" == mark(discovery)
    for each in elsewhere:
        end(discovery, each, Reason.THROTTLED)
    assert "k1" == mark(discovery)
    discovery.collect_retries(now=NOW + DAY)

    assert 2 == len(discovery.pending)
    assert "k1" == mark(discovery)


def test_key_that_is_listed_here_and_read_elsewhere_holds_up() -> None:
    """Its version is the one that is listed, and it is not finished."""
    ledger = a_ledger(a_version(key="k1", bucket="former"))
    discovery = looked_after(SOURCE, ledger=ledger)
    list_with(discovery, a_page("k0", "k1"), DONE)
    for version in publish_pending(discovery):
        end(discovery, version)

    assert "k0" == mark(discovery)


def test_prefix_that_changes_changes_what_holds_up() -> None:
    """The same ledger, looked at for other keys."""
    ledger = a_ledger(a_version(key="j1"), a_version(key="k1"))
    looked_after(SOURCE, ledger=ledger)
    assert "k1" == ledger.lowest_waiting()
    looked_after(a_source(prefix="j"), ledger=ledger)

    assert "j1" == ledger.lowest_waiting()


def test_key_told_for_another_prefix_says_nothing() -> None:
    """A replay at or below it may be of what waits."""
    previous = with_three().status(now=NOW)
    ledger = a_ledger()
    ledger.apply_version(a_version(key="k2"))
    ledger.apply_version(a_replay("k2"))
    looked_after(a_source(prefix=""), ledger=ledger, previous=previous)

    assert "k3" == previous.high_water_key
    assert "k2" == ledger.lowest_waiting()


def test_restart_amid_the_first_listing_keeps_the_key() -> None:
    """What was finished then is finished still, though no listing has ended."""
    discovery = looked_after(SOURCE)
    list_with(discovery, a_page("k1", "k2"))
    for version in publish_pending(discovery):
        end(discovery, version)
    assert "k2" == mark(discovery)

    assert "k2" == mark(restarted(discovery))
