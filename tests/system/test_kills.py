"""Processes that are killed in the middle of their work, and what their successors make of it.

A killed process leaves a transaction open, and partitions that the group gives on only when its
session has timed out; so each kill costs its successor some seconds.
"""

import hashlib
import json
from collections import Counter
from functools import partial
from random import Random
from typing import Any, Final

import pytest

from tests.support.deploying import Deploy
from tests.support.deployments import SOURCE_ID, Deployment
from tests.support.drops import governance_event_id, gzipped, line, plain
from tests.support.stage_processes import StageProcess
from tests.support.throttled_s3 import ThrottledS3

_LINES: Final = 50_000
# The object is 4.6 MB: with the gate closed it takes about six seconds to read.
_BYTES_PER_SECOND: Final = 800_000
_EVENTS: Final = 40_000


def _is_transaction_open(stage: Deployment, topic: str) -> bool:
    # In this order: a transaction that ends in between must not look like an open one.
    high = stage.reading.high_watermarks(stage.topic(topic))
    stable = stage.reading.stable_ends(stage.topic(topic))
    return any(end > stable[partition] for partition, end in high.items())


def _place(stage: Deployment) -> int:
    """The line that the committed offset of the one object says was reached; 0 for none."""
    (committed,) = stage.reading.committed(stage.puller_group, stage.topic("objects")).values()
    if not committed.metadata:
        return 0
    assert committed.offset == 0, "the place belongs to another record than the object's"
    place: int = json.loads(committed.metadata)["place"]["line"]
    return place


def _lines_in_raw(stage: Deployment, *, behind: int) -> list[int]:
    """The numbers of all lines that were written to raw from an offset on, committed or not."""
    return [
        read.record["line_number"]
        for read in stage.read("raw", isolation="read_uncommitted")
        if read.offset >= behind
    ]


def test_pull_killed_inside_an_object_resumes_inside_it(
    deploy: Deploy, s3: str, rng: Random
) -> None:
    """Two kills inside one object: raw has each line once and in order, and none was read twice.

    The committed offset says by its metadata how far the killed process got. Everything written
    to raw from then on, be it committed or not, lies behind that place: its successor went on
    inside the object. Had it begun anew, earlier lines would be there a second time, if only for
    `read_uncommitted`.
    """
    # Random, so that the lines stay large when compressed.
    lines = [line(f"event-{number}", note=rng.randbytes(60).hex()) for number in range(_LINES)]
    with ThrottledS3(s3, bytes_per_second=_BYTES_PER_SECOND) as slow:
        stage = deploy(
            partitions=1,
            s3_url=slow.url,
            PULLER__CHUNK_LINES="1000",
            PULLER__CHUNK_SECONDS="0.2",
        )
        stage.set_up()
        stage.put("large.jsonl.gz", gzipped(lines))
        places, ends = [0], [0]
        for _ in range(2):
            process = stage.start("pull")
            stage.eventually(
                lambda: _place(stage) > places[-1] + 5000 and _is_transaction_open(stage, "raw"),
                describe="an open transaction behind a place further inside the object",
            )
            process.kill()
            places.append(_place(stage))
            ends.append(stage.reading.high_watermarks(stage.topic("raw"))[0])
        slow.open_gate()
        last = stage.run("pull", "--once")
        assert [] == slow.refused

    assert 0 < places[1] < places[2] < _LINES, "a kill came too late"
    assert 1 == len(last.logs("object.resumed"))
    for place, end in zip(places[1:], ends[1:], strict=True):
        assert place < min(_lines_in_raw(stage, behind=end))
    raw = stage.read("raw")
    assert list(range(1, _LINES + 1)) == [read.record["line_number"] for read in raw]
    assert lines == [read.record["line"] for read in raw]
    (outcome,) = stage.records("outcomes")
    assert {
        "outcome": "pulled",
        "attempt": 1,
        "lines": _LINES,
        "raw_lines": _LINES,
        "sha256": hashlib.sha256(plain(lines)).hexdigest(),
    } == _some(outcome, "outcome", "attempt", "lines", "raw_lines", "sha256")


def _some(record: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: record[name] for name in names}


# In short runs tests/faults kills it at each step.
@pytest.mark.at_length
def test_normalise_killed_inside_transactions_publishes_each_event_once(deploy: Deploy) -> None:
    """One kill while lines are normalised, one while events are published: each event once.

    Both come while a transaction is open, so that half of its messages are left behind for who
    would read them.
    """
    # Large transactions: most of the time one is open, with a part of it in the log.
    stage = deploy(NORMALISER__BATCH_MESSAGES="5000")
    stage.set_up()
    ids = [f"event-{number}" for number in range(_EVENTS)]
    for number in range(5):
        part = ids[number::5]
        stage.put(f"part-{number}.jsonl.gz", gzipped(line(event_id) for event_id in part))
    stage.run("pull", "--once")

    for topic in ("normalised", "events"):
        process = stage.start("normalise")
        stage.eventually(
            partial(_is_paused_amid_publishing, process, stage, topic),
            describe=f"a transaction in the midst of {topic}",
        )
        process.kill()
        committed = sum(stage.reading.stable_ends(stage.topic(topic)).values())
        assert 0 < committed < _EVENTS, f"the kill amid {topic} came too late"
    stage.run("normalise", "--once")

    expected = Counter(governance_event_id(SOURCE_ID, event_id) for event_id in ids)
    for topic in ("normalised", "events"):
        found = stage.read(topic)
        assert expected == Counter(read.key.decode() for read in found)
        assert all(read.key.decode() == read.record["event_id"] for read in found)


def _is_paused_amid_publishing(process: StageProcess, stage: Deployment, topic: str) -> bool:
    """Pause the process; whether it stands within a transaction, a part being committed before.

    Asked of a running process, the answer would be of a moment ago: its transactions are shorter
    than a look at the topic. One that stands elsewhere is let go on.
    """
    process.pause()
    stable = sum(stage.reading.stable_ends(stage.topic(topic)).values())
    if stable > _EVENTS / 10 and _is_transaction_open(stage, topic):
        return True
    process.resume()
    return False
