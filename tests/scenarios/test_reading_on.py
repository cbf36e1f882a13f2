"""No line is lost and none comes twice: objects that break, change, are denied, or are no logs.

What goes wrong in the client's hands alone is the contract suites'; here it is what comes of it.
"""

import gzip
import hashlib
from collections import Counter
from functools import partial

import pytest

from producer.contract.dead_letter import FailureKind
from producer.contract.objects import Outcome, Reason
from producer.normaliser.normalise import normalise
from producer.puller.limits import Limits
from producer.s3.s3_object_store import S3ObjectStore
from tests.scenarios.drops import BUCKET, SOURCE, content_of, lines_of, put
from tests.scenarios.ingestion import LONG_SECONDS, Ingestion
from tests.support.builders import a_raw_line
from tests.support.drops import line
from tests.support.fault_s3.faults import Fault, GetObject
from tests.support.fault_s3.server import FaultS3
from tests.support.waiting import eventually
from tests.unit.discovery.tables import ScriptedTopics

KIBIBYTE = 1024
OLD = [b"old line %d" % number for number in range(1, 101)]
NEW = [b"new line %d" % number for number in range(1, 81)]
# Some chunks an object, so that a crash meets one that is half read.
IN_CHUNKS = Limits(chunk_lines=10, block_bytes=64)


def joined(lines: list[bytes]) -> bytes:
    return b"".join(each + b"\n" for each in lines)


def in_raw(ingestion: Ingestion, etag: str) -> list[bytes]:
    """The lines of one version, as they follow each other in raw."""
    return [record.line for record in ingestion.kept.raw if record.etag == etag]


def half_read(ingestion: Ingestion, s3: FaultS3) -> str:
    """Commit some lines of an object and not all; give its etag."""
    stored = s3.put(BUCKET, "k", joined(OLD))

    def is_half_read() -> bool:
        ingestion.step()
        return len(ingestion.kept.raw) >= 30

    eventually(is_half_read, every_seconds=0.002)
    assert [] == ingestion.kept.outcomes
    return stored.etag


@pytest.fixture
def in_chunks(topics: ScriptedTopics, store: S3ObjectStore) -> Ingestion:
    """Give a process that publishes an object a few lines at a time."""
    ingestion = Ingestion(topics, store, limits=IN_CHUNKS)
    ingestion.apply(SOURCE)
    return ingestion


def test_process_that_dies_amid_an_object_is_followed_by_one_that_goes_on(
    in_chunks: Ingestion, fault_s3: FaultS3
) -> None:
    """Each line is in raw once and in order, and the outcome is of the whole."""
    half_read(in_chunks, fault_s3)

    in_chunks.restart()
    in_chunks.ingest()

    assert OLD == [record.line for record in in_chunks.kept.raw]
    (outcome,) = in_chunks.kept.outcomes
    assert (Outcome.PULLED, 100, hashlib.sha256(joined(OLD)).hexdigest()) == (
        outcome.outcome,
        outcome.raw_lines,
        outcome.sha256,
    )


def test_object_that_is_overwritten_between_death_and_successor_is_two_versions(
    in_chunks: Ingestion, fault_s3: FaultS3
) -> None:
    """What was read of the old one is a beginning, told as superseded; the new one is whole."""
    etag = half_read(in_chunks, fault_s3)
    reached = len(in_raw(in_chunks, etag))
    new = fault_s3.put(BUCKET, "k", joined(NEW))

    in_chunks.restart()
    in_chunks.ingest()

    assert OLD[:reached] == in_raw(in_chunks, etag)
    assert NEW == in_raw(in_chunks, new.etag)
    told = [
        (outcome.etag, outcome.outcome, outcome.raw_lines) for outcome in in_chunks.kept.outcomes
    ]
    assert [(etag, Outcome.SUPERSEDED, reached), (new.etag, Outcome.PULLED, 80)] == told


def test_object_that_is_overwritten_amid_its_bytes_is_two_versions(
    ingestion: Ingestion, fault_s3: FaultS3
) -> None:
    """No line is made of both; what came of the old one is accounted for."""
    old = fault_s3.put(BUCKET, "k", joined(OLD))
    new = joined(NEW)
    overwrite = partial(fault_s3.put, BUCKET, "k", new)
    fault_s3.script(GetObject(key="k").cut_at(800).doing_afterwards(overwrite))

    first, *_ = ingestion.ingest()
    ingestion.ingest()

    assert (Outcome.SUPERSEDED, Reason.ETAG_CHANGED) == (first.outcome, first.reason)
    assert OLD[: first.raw_lines] == in_raw(ingestion, old.etag)
    assert NEW == in_raw(ingestion, ingestion.kept.outcomes[-1].etag)


def test_denied_object_is_parked_while_the_others_are_read(
    ingestion: Ingestion, fault_s3: FaultS3
) -> None:
    """It is asked for less and less often; the source is well, and its status names the reason."""
    put(fault_s3, "acl", "kms", "well")
    fault_s3.change(BUCKET, "acl", is_denied=True)
    fault_s3.change(BUCKET, "kms", is_denied_by_kms=True)

    outcomes = {outcome.key: outcome.reason for outcome in ingestion.ingest()}
    expected = {"acl": Reason.ACCESS_DENIED, "kms": Reason.KEY_DENIED_BY_KMS, "well": None}
    assert expected == outcomes
    status = ingestion.status(SOURCE.id)
    assert (True, "access_denied", 2) == (
        status.healthy,
        status.problem,
        status.objects_quarantined,
    )
    assert "1 quarantined for it" in (status.problem_detail or "")

    asked = []
    for _ in range(60):
        ingestion.ingest()
        asked.append(len(fault_s3.asked("GetObject", key="acl")))
    # In an hour: doubling from a minute, that is five or six times.
    assert asked[-1] <= 14
    assert asked[-1] - asked[30] <= asked[30] - asked[0]

    for key in ("acl", "kms"):
        fault_s3.change(BUCKET, key, is_denied=False, is_denied_by_kms=False)
    ingestion.ingest(after_seconds=5 * LONG_SECONDS)
    assert lines_of("acl", "kms", "well") == ingestion.lines()
    assert ingestion.status(SOURCE.id).problem is None


@pytest.mark.parametrize(
    "fault",
    [
        GetObject().cut_at(500).always(),
        GetObject().slowed_down().always(),
        GetObject().failed().always(),
        GetObject().hanging_up().always(),
    ],
    ids=["cut", "503", "500", "no answer"],
)
def test_outage_passes_without_a_line_lost_or_doubled(
    ingestion: Ingestion, fault_s3: FaultS3, fault: Fault
) -> None:
    """What was read before and between is not read into raw again."""
    fault_s3.put(BUCKET, "k", joined(OLD))
    outage = fault_s3.script(fault)
    for _ in range(3):
        ingestion.ingest(after_seconds=LONG_SECONDS)
    assert {Outcome.QUARANTINED} == {outcome.outcome for outcome in ingestion.kept.outcomes}

    outage.stop()
    ingestion.ingest(after_seconds=LONG_SECONDS)

    assert OLD == [record.line for record in ingestion.kept.raw]
    assert Outcome.PULLED is ingestion.kept.outcomes[-1].outcome


@pytest.mark.parametrize("cut", [5, 12, 200, -9, -1], ids=str)
def test_truncated_object_keeps_its_whole_lines_until_it_is_uploaded_again(
    ingestion: Ingestion, fault_s3: FaultS3, cut: int
) -> None:
    """In its header, a block or the trailer; the whole upload is a version of its own."""
    whole = gzip.compress(joined(OLD), mtime=0)
    fault_s3.put(BUCKET, "k", whole[:cut])

    (outcome,) = ingestion.ingest()
    assert (Outcome.QUARANTINED, Reason.TRUNCATED) == (outcome.outcome, outcome.reason)
    assert OLD[: outcome.raw_lines] == in_raw(ingestion, outcome.etag)
    # The same bytes are the same tomorrow.
    assert [] == ingestion.ingest(after_seconds=86_400)

    again = fault_s3.put(BUCKET, "k", whole)
    ingestion.ingest()
    assert OLD == in_raw(ingestion, again.etag)


@pytest.mark.parametrize("encoding", [None, "gzip", "identity"])
@pytest.mark.parametrize("name", ["k", "k.gz", "k.jsonl"])
def test_content_decides_what_is_decompressed(
    ingestion: Ingestion, fault_s3: FaultS3, name: str, encoding: str | None
) -> None:
    """Neither the name nor a header does."""
    content = content_of("one")
    fault_s3.put(BUCKET, f"p-{name}", content, content_encoding=encoding)
    fault_s3.put(BUCKET, f"z-{name}", gzip.compress(content), content_encoding=encoding)

    ingestion.ingest()

    assert Counter([(f"p-{name}", content), (f"z-{name}", content)]) == ingestion.lines()


def test_object_that_is_compressed_twice_is_accounted_for(
    ingestion: Ingestion, fault_s3: FaultS3
) -> None:
    """It is decompressed once: its lines are no JSON, each is a dead letter, none is lost."""
    inner = gzip.compress(joined(OLD) * 50, mtime=0)
    fault_s3.put(BUCKET, "k.gz.gz", gzip.compress(inner))

    (outcome,) = ingestion.ingest()

    assert Outcome.PULLED is outcome.outcome
    assert hashlib.sha256(inner).hexdigest() == outcome.sha256
    assert outcome.lines == outcome.raw_lines + outcome.blank_lines > 0
    for record in ingestion.kept.raw:
        result = normalise(a_raw_line(line=record.line, line_number=record.number))
        kinds = [failure.kind for each in result.failures for failure in each.failures]
        assert [] == list(result.events)
        assert {FailureKind.UNDECODABLE} == set(kinds)


@pytest.mark.parametrize("beyond", [-1, 0, 1])
def test_line_about_as_long_as_may_be_takes_nothing_with_it(
    topics: ScriptedTopics, store: S3ObjectStore, fault_s3: FaultS3, beyond: int
) -> None:
    """A byte too many makes it a dead letter with its beginning; the lines around it are read."""
    limits = Limits(line_bytes_max=64 * KIBIBYTE, sample_bytes=KIBIBYTE)
    ingestion = Ingestion(topics, store, limits=limits)
    ingestion.apply(SOURCE)
    long = b"x" * (limits.line_bytes_max + beyond)
    fault_s3.put(BUCKET, "k", gzip.compress(joined([b"before", long, b"after"])))

    (outcome,) = ingestion.ingest()

    is_too_long = beyond > 0
    assert (Outcome.PULLED, 3, int(is_too_long)) == (
        outcome.outcome,
        outcome.lines,
        outcome.dead_letter_lines,
    )
    expected = [b"before", b"after"] if is_too_long else [b"before", long, b"after"]
    assert expected == [record.line for record in ingestion.kept.raw]
    told = [(letter.line_number, letter.payload) for letter in ingestion.kept.letters]
    assert told == ([(2, b"x" * KIBIBYTE)] if is_too_long else [])


def test_bomb_is_stopped_and_the_next_object_is_read(
    ingestion: Ingestion, fault_s3: FaultS3
) -> None:
    """By its ratio, with what it held up to then accounted for."""
    fault_s3.put(BUCKET, "a-bomb", gzip.compress(bytes(100 * 1024 * KIBIBYTE)))
    put(fault_s3, "b")

    outcomes = {outcome.key: outcome.reason for outcome in ingestion.ingest()}

    assert {"a-bomb": Reason.COMPRESSION_RATIO_EXCEEDED, "b": None} == outcomes
    assert lines_of("b") == ingestion.lines()


def test_one_bad_line_among_many_costs_one_dead_letter(
    ingestion: Ingestion, fault_s3: FaultS3
) -> None:
    """All others are events."""
    good = [line(f"event-{number}") for number in range(20_000)]
    fault_s3.put(BUCKET, "k", gzip.compress(joined([*good[:9000], b'{"a": ', *good[9000:]])))

    ingestion.ingest()

    results = {
        record.number: normalise(a_raw_line(line=record.line, line_number=record.number))
        for record in ingestion.kept.raw
    }
    assert {9001} == {number for number, result in results.items() if result.failures}
    assert 20_000 == sum(len(result.events) for result in results.values())
