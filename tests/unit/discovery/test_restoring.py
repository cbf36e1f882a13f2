"""Ledgers read back from the topics beside the loop."""

from collections.abc import Iterator

import pytest

from producer.contract.objects import ObjectVersion, Outcome
from producer.contract.status import SourceStatus, Status
from producer.discovery.restoring import LedgerTable
from producer.errors import FatalError
from tests.support.builders import NOW, a_source_id_in, a_version, an_outcome
from tests.support.stages import FakeClock, let_end
from tests.support.waiting import eventually
from tests.unit.discovery.tables import (
    PARTITIONS,
    STATUS,
    ScriptedTopics,
    a_ledger_plan,
    a_tombstone,
    scripted,
)

OURS = a_source_id_in(0, partitions=PARTITIONS)
THEIRS = a_source_id_in(1, partitions=PARTITIONS)


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedTopics]:
    """Give topics that tables read; what a test leaves open is let go of."""
    topics = scripted(monkeypatch)
    yield topics
    topics.end_pending()


def version_of(source_id: str, key: str = "k1") -> ObjectVersion:
    return a_version(source_id=source_id, key=key)


def a_status(source_id: str) -> SourceStatus:
    return SourceStatus(
        source_id=source_id,
        organization_id="org_acme",
        name="Acme",
        status=Status.ACTIVE,
        healthy=True,
        listings=7,
        updated_at=NOW,
    )


def a_table(*partitions: int) -> LedgerTable:
    return LedgerTable(a_ledger_plan(FakeClock()), partitions)


def restored(*partitions: int) -> LedgerTable:
    table = a_table(*partitions)
    eventually(table.is_restored, every_seconds=0.005)
    return table


def test_table_holds_the_sources_of_its_partitions(topics: ScriptedTopics) -> None:
    """Others' objects, outcomes and statuses are passed over."""
    for source_id in (OURS, THEIRS):
        topics.publish(version_of(source_id), an_outcome(version_of(source_id)))
        topics.publish(version_of(source_id, "k2"), a_status(source_id))

    table = restored(0)

    assert [OURS] == list(table.ledgers) == list(table.statuses) == list(table.last_events)
    assert [version_of(OURS, "k2")] == list(table.ledger(OURS).unfinished)
    assert a_status(OURS) == table.statuses[OURS]
    assert NOW == table.last_events[OURS]


def test_source_of_which_nothing_was_published_has_an_empty_ledger(topics: ScriptedTopics) -> None:
    """An early outcome cannot belong to what is published later."""
    del topics
    table = restored(0)
    ledger = table.ledger(OURS)
    ledger.apply_outcome(an_outcome(version_of(OURS)))
    ledger.apply_version(version_of(OURS))

    assert ledger is table.ledger(OURS)
    assert 1 == ledger.unfinished_count


def test_outcomes_are_followed_after_restoring(topics: ScriptedTopics) -> None:
    """Those that finish an object of ours are given; nothing else of the reader's is."""
    topics.publish(version_of(OURS), version_of(THEIRS))
    table = restored(0)
    reader, of_objects = topics.readers
    assert [STATUS] == reader.paused
    assert of_objects.is_closed

    finishing = an_outcome(version_of(OURS), finished_at=NOW + 5)
    topics.publish(
        an_outcome(version_of(THEIRS)),
        an_outcome(version_of(OURS), attempt=2),
        a_tombstone(finishing),
        finishing,
        finishing,
        version_of(OURS, "k9"),
    )

    assert [finishing] == table.new_outcomes()
    assert 0 == table.ledger(OURS).unfinished_count
    assert NOW + 5 == table.last_events[OURS]


def test_outcome_without_lines_is_no_event(topics: ScriptedTopics) -> None:
    """The time of the last event is that of an object with lines."""
    gone = an_outcome(version_of(OURS), outcome=Outcome.VANISHED, raw_lines=0, finished_at=NOW + 9)
    topics.publish(version_of(OURS), gone)

    assert {} == restored(0).last_events


def test_table_is_not_restored_while_a_transaction_is_pending(topics: ScriptedTopics) -> None:
    """What is read so far decides nothing."""
    topics.is_pending = True
    topics.publish(version_of(OURS))
    table = a_table(0)
    eventually(lambda: topics.readers, every_seconds=0.005)
    assert not table.is_restored()

    topics.end_pending()

    eventually(table.is_restored, every_seconds=0.005)
    assert 1 == table.ledger(OURS).unfinished_count


def test_closing_while_restoring_does_not_hang(topics: ScriptedTopics) -> None:
    """The partition was taken away meanwhile; nobody is told of a table that is not whole."""
    topics.is_pending = True
    told: list[int] = []
    table = LedgerTable(a_ledger_plan(FakeClock(), lambda messages, _: told.append(messages)), [0])
    eventually(lambda: topics.readers, every_seconds=0.005)

    let_end(table.close)

    assert topics.readers[0].is_closed
    assert [] == told


def test_what_goes_wrong_in_the_thread_is_raised_in_the_loop(topics: ScriptedTopics) -> None:
    """And the connection can still be let go of."""
    topics.is_pending, topics.raises = True, FatalError("could not read")
    table = a_table(0)

    with pytest.raises(FatalError, match="could not read"):
        eventually(table.is_restored, every_seconds=0.005)
    table.close()
    assert topics.readers[0].is_closed
