"""What lies in bucket and topics at the end, as whoever was given their names can read it.

Nothing of the project is known here but what it promises to the outside: names of topics, fields
of records, and what a line is. An object's lines end with LF; a CR before it is no part of them.
"""

import gzip
import hashlib
import json
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.faults import journal
from tests.support.topic_reading import Read, TopicReading

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_GZIP_MAGIC = b"\x1f\x8b"
_NO_TRANSACTION = ""


class Place(NamedTuple):
    """Where a line lies: of which object, which version of it, and which pull brought it."""

    key: str
    etag: str
    pull_id: str
    replay_id: str
    line: int

    @property
    def version(self) -> tuple[str, str, str, str]:
        """The version and the pull, of which each line is to be there once."""
        return self.key, self.etag, self.pull_id, self.replay_id


class RawSeen(NamedTuple):
    """A raw record."""

    partition: int
    offset: int
    place: Place
    digest: int


class EventSeen(NamedTuple):
    """An event in `normalised` or `governance-events`."""

    partition: int
    offset: int
    event_id: str
    place: Place
    number: int


class Attempt(NamedTuple):
    """One attempt to pull a version."""

    key: str
    etag: str
    pull_id: str
    attempt: int


class VersionSeen(NamedTuple):
    """A version that was published to be pulled."""

    partition: int
    offset: int
    attempt: Attempt


@dataclass
class ObjectLines:
    """An object of the bucket: a digest for each line, or 0 for a blank one."""

    etag: str
    sha256: str
    digests: "array[int]"
    # What the provider calls the event of a line; lines that are no JSON have none.
    event_ids: dict[int, str]

    @property
    def lines(self) -> set[int]:
        """The numbers of the lines that are not blank."""
        return {number for number, digest in enumerate(self.digests, start=1) if digest}


@dataclass
class Evidence:
    """All that can be read."""

    objects: dict[str, ObjectLines]
    raw: list[RawSeen]
    dead_letters: list[dict[str, Any]]
    versions: list[VersionSeen]
    # Which attempts have ended, and how the latest of each object did.
    ended: set[Attempt]
    outcomes: dict[str, dict[str, Any]]
    normalised: list[EventSeen]
    events: list[EventSeen]
    # By topic: where the group stands in each partition, and where the partition ends.
    committed: dict[str, dict[int, int]]
    ends: dict[str, dict[int, int]]
    fates: Mapping[str, set[str]]
    # How many messages of a transaction a `read_committed` reader sees, and any reader.
    visible: dict[str, int] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)
    announced: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Whereabouts:
    """The names of things, as an operator has them."""

    bucket: str
    prefix: str
    source_id: str
    # By their names without the deployment's prefix.
    topics: Mapping[str, str]
    puller_group: str
    normaliser_group: str


def gather(
    where: Whereabouts, reading: TopicReading, s3: "S3Client", journals: Iterable[Path]
) -> Evidence:
    """Read everything.

    Offsets before the messages that they stand for: what has come meanwhile looks like
    data ahead of an offset, never like an offset ahead of data.
    """
    groups = {
        "objects": where.puller_group,
        "raw": where.normaliser_group,
        "normalised": where.normaliser_group,
    }
    committed = {
        name: {
            index: found.offset
            for index, found in reading.committed(group, where.topics[name]).items()
        }
        for name, group in groups.items()
    }
    paths = list(journals)
    found = {name: reading.read(topic) for name, topic in where.topics.items()}
    evidence = Evidence(
        objects=_objects(where, s3),
        raw=[_raw(read) for read in found["raw"]],
        dead_letters=[read.record for read in found["dead-letters"]],
        versions=[
            VersionSeen(read.partition, read.offset, _attempt(read)) for read in found["objects"]
        ],
        ended={_attempt(read) for read in found["outcomes"]},
        outcomes={read.record["key"]: read.record for read in found["outcomes"]},
        normalised=[_event(read) for read in found["normalised"]],
        events=[_event(read) for read in found["events"]],
        committed=committed,
        ends={name: reading.high_watermarks(where.topics[name]) for name in groups},
        fates=journal.fates(paths),
        announced=_announced(paths),
    )
    for reads in found.values():
        _count(reads, evidence.visible)
    for topic in where.topics.values():
        _count(reading.read(topic, isolation="read_uncommitted"), evidence.written)
    return evidence


def _objects(where: Whereabouts, s3: "S3Client") -> dict[str, ObjectLines]:
    found = {}
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=where.bucket, Prefix=where.prefix)
    for page in pages:
        for listed in page.get("Contents", []):
            answer = s3.get_object(Bucket=where.bucket, Key=listed["Key"])
            found[listed["Key"]] = _lines(answer["Body"].read(), answer["ETag"].strip('"'))
    return found


def _lines(content: bytes, etag: str) -> ObjectLines:
    plain = gzip.decompress(content) if content.startswith(_GZIP_MAGIC) else content
    lines = plain.split(b"\n")
    if not lines[-1]:
        lines.pop()
    digests, event_ids = array("Q"), {}
    for number, line in enumerate(lines, start=1):
        bare = line.removesuffix(b"\r")
        digests.append(_digest(bare) if bare.strip() else 0)
        event_id = _event_id(bare)
        if event_id is not None:
            event_ids[number] = event_id
    return ObjectLines(etag, hashlib.sha256(plain).hexdigest(), digests, event_ids)


def _event_id(line: bytes) -> str | None:
    try:
        return str(json.loads(line)["event_id"])
    except (ValueError, KeyError, TypeError):
        return None


def _digest(line: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(line, digest_size=8).digest()) or 1


def place_of(record: Mapping[str, Any], *, line: int) -> Place:
    """Read the place in a record that has the fields of one."""
    return Place(record["key"], record["etag"], record["pull_id"], record["replay_id"] or "", line)


def _attempt(read: Read) -> Attempt:
    record = read.record
    return Attempt(record["key"], record["etag"], record["pull_id"], record["attempt"])


def _raw(read: Read) -> RawSeen:
    record = read.record
    place = place_of(record, line=record["line_number"])
    return RawSeen(read.partition, read.offset, place, _digest(record["line"]))


def _event(read: Read) -> EventSeen:
    record = read.record
    origin = record["origin"]
    place = place_of(origin, line=origin["line"])
    return EventSeen(read.partition, read.offset, record["event_id"], place, origin["index"])


def _count(reads: Iterable[Read], into: dict[str, int]) -> None:
    for read in reads:
        if (name := read.headers.get(journal.TRANSACTION_HEADER)) is not None:
            into[name.decode()] = into.get(name.decode(), 0) + 1


def _announced(paths: Iterable[Path]) -> dict[str, int]:
    """How many messages a process published in each transaction that it began to commit."""
    return {
        entry["transaction"]: entry["messages"]
        for path in paths
        for entry in journal.entries(path)
        if entry["entry"] == journal.COMMITTING
    }
