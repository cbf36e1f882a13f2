"""What a bucket holds beside logs, and keys that need care: each object has an outcome."""

from collections import Counter

from producer.contract.objects import Outcome, Reason
from tests.scenarios.drops import BUCKET, SOURCE, content_of, lines_of, put
from tests.scenarios.ingestion import LONG_SECONDS, Ingestion
from tests.support.builders import a_source
from tests.support.fault_s3.faults import GetObject
from tests.support.fault_s3.server import FaultS3

ODD_KEYS = [
    "a b+c%2Bd%20e",
    "caf\u00e9",
    "cafe\u0301",
    "/leading",
    "trailing/",
    "../up/./here",
    "line\nfeed",
    "\x01\x1f\x7f",
    "\uffee",
    "\N{GRINNING FACE}",
    "\u00e9" * 512,
]


def test_page_without_anything_to_read_holds_up_nothing(
    ingestion: Ingestion, fault_s3: FaultS3
) -> None:
    """A thousand directories, archived and empty objects are noted, and what follows is read."""
    for number in range(1000):
        if number % 3 == 0:
            fault_s3.put(BUCKET, f"a/{number:04}/", b"")
        elif number % 3 == 1:
            fault_s3.put(BUCKET, f"a/{number:04}.gz", b"", storage_class="GLACIER")
        else:
            fault_s3.put(BUCKET, f"a/{number:04}.gz", b"")
    keys = put(fault_s3, "b/1", "b/2")

    outcomes = ingestion.ingest()
    again = ingestion.ingest()

    assert lines_of(*keys) == ingestion.lines()
    assert {Reason.ARCHIVED} == {outcome.reason for outcome in again}
    assert Counter({Reason.EMPTY: 667, Reason.ARCHIVED: 333, None: 2}) == Counter(
        outcome.reason for outcome in outcomes
    )


def test_odd_keys_are_those_of_raw_and_of_the_mark(
    ingestion: Ingestion, fault_s3: FaultS3
) -> None:
    """To the byte, and also when they are listed again: none is taken for another."""
    put(fault_s3, *ODD_KEYS)

    assert len(ODD_KEYS) == len(ingestion.ingest())
    ingestion.restart()
    assert [] == ingestion.ingest()

    assert lines_of(*ODD_KEYS) == ingestion.lines()
    # In UTF-16 it would sort before U+FFEE.
    assert "\N{GRINNING FACE}" == ingestion.status(SOURCE.id).high_water_key
    published = {message.key_bytes for held in ingestion.kept.objects for message in held}
    assert {f"{SOURCE.id}/{key}".encode() for key in ODD_KEYS} == published


def test_what_is_no_log_has_an_outcome_and_holds_nothing_up(
    ingestion: Ingestion, fault_s3: FaultS3
) -> None:
    """Directories, markers and empty objects end as pulled and empty; a prefix may be a key."""
    ingestion.apply(a_source(bucket=BUCKET, prefix="p"))
    empty = ["p/", "p/_$folder$", "p/_SUCCESS", "p/zero.gz"]
    for key in empty:
        fault_s3.put(BUCKET, key, b"")
    put(fault_s3, "p", "p/a")

    outcomes = {outcome.key: outcome for outcome in ingestion.ingest()}

    assert {*empty, "p", "p/a"} == outcomes.keys()
    assert {(Outcome.PULLED, Reason.EMPTY, 0)} == {
        (outcomes[key].outcome, outcomes[key].reason, outcomes[key].lines) for key in empty
    }
    assert lines_of("p", "p/a") == ingestion.lines()
    status = ingestion.status(SOURCE.id)
    assert ("p/zero.gz", 0, 6) == (
        status.high_water_key,
        status.objects_behind,
        status.objects_found,
    )
    assert [] == ingestion.ingest()


def test_archived_objects_are_parked_and_read_once_restored(
    ingestion: Ingestion, fault_s3: FaultS3
) -> None:
    """The class that can be read at once is; the others are tried again, and nobody waits."""
    classes = ("GLACIER", "DEEP_ARCHIVE", "GLACIER_IR", "STANDARD_IA")
    keys = [f"k-{storage_class}" for storage_class in classes]
    for key, storage_class in zip(keys, classes, strict=True):
        fault_s3.put(BUCKET, key, content_of(key), storage_class=storage_class)

    outcomes = {outcome.key: outcome for outcome in ingestion.ingest()}
    assert lines_of("k-GLACIER_IR", "k-STANDARD_IA") == ingestion.lines()
    parked = {key: outcome for key, outcome in outcomes.items() if outcome.reason}
    assert {"k-GLACIER", "k-DEEP_ARCHIVE"} == parked.keys()
    assert {(Outcome.QUARANTINED, Reason.ARCHIVED)} == {
        (outcome.outcome, outcome.reason) for outcome in parked.values()
    }
    status = ingestion.status(SOURCE.id)
    assert (True, 2) == (status.healthy, status.objects_quarantined)

    for key in parked:
        fault_s3.change(BUCKET, key, is_archived=False)
    ingestion.ingest(after_seconds=LONG_SECONDS)
    assert lines_of(*keys) == ingestion.lines()
    assert 0 == ingestion.status(SOURCE.id).objects_quarantined


def test_object_that_goes_between_listing_and_read_is_noted(
    ingestion: Ingestion, fault_s3: FaultS3
) -> None:
    """The mark moves over it, others are read, and if it comes back it is read."""
    put(fault_s3, "a", "b", "c")
    fault_s3.script(GetObject(key="b").doing(lambda: fault_s3.delete(BUCKET, "b")))

    outcomes = {outcome.key: outcome.outcome for outcome in ingestion.ingest()}

    assert {"a": Outcome.PULLED, "b": Outcome.VANISHED, "c": Outcome.PULLED} == outcomes
    assert "c" == ingestion.status(SOURCE.id).high_water_key
    put(fault_s3, "b")
    ingestion.ingest(after_seconds=LONG_SECONDS)
    assert lines_of("a", "b", "c") == ingestion.lines()
