"""What the stage does where going on would lose something: it stops, says why, and moves nothing.

And what comes of lines that are as long as may be, or of no format that is known.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, Final

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource

from tests.support.deploying import Deploy
from tests.support.deployments import DROPS_PREFIX, SOURCE_ID, Deployment
from tests.support.drops import governance_event_id, gzipped, line
from tests.support.stage_processes import StageProcess
from tests.support.waiting import eventually

_FATAL: Final = 1
_MIB: Final = 1024 * 1024
# The longest line by default, and what is told one by one of an object's failures.
_LINE_BYTES_MAX: Final = 16 * _MIB
_SINGLE_FAILURES_MAX: Final = 1000
_BAD_LINES: Final = 5000


def _refusal(process: StageProcess) -> str:
    """What a process that must have stopped by itself complained of."""
    ended_with = process.end()
    assert _FATAL == ended_with, f"{process}\n{process.report()}"
    assert "Traceback" not in process.stderr
    return process.stderr


@contextmanager
def _messages_bounded(kafka: str, topic: str, size_bytes: int) -> Iterator[None]:
    """Let the broker refuse larger messages of a topic, as where a person lowered its limit."""
    admin = AdminClient({"bootstrap.servers": kafka, "log_level": 2})

    def alter(value: str | None, operation: AlterConfigOpType) -> None:
        entry = ConfigEntry("max.message.bytes", value, incremental_operation=operation)
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
        (future,) = admin.incremental_alter_configs([resource]).values()
        future.result(20)

    (asked,) = admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, topic)]).values()
    before = asked.result(20)["max.message.bytes"].value
    alter(str(size_bytes), AlterConfigOpType.SET)
    yield
    alter(before, AlterConfigOpType.SET)


def _delete(kafka: str, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": kafka, "log_level": 2})
    (future,) = admin.delete_topics([topic]).values()
    future.result(20)


def test_dead_letters_that_cannot_be_published_stop_the_process(
    deploy: Deploy, kafka: str, rng: Random
) -> None:
    """Refused by the broker, or without their topic: nothing is skipped, and all comes later.

    The lines before and behind the bad one wait with it.
    """
    stage = deploy(partitions=1)
    stage.set_up(poll_seconds=1)
    letters = stage.topic("dead-letters")
    # Who starts finds that the topics are not as planned; so both are there before.
    pull, process = stage.start("pull"), stage.start("normalise")
    stage.eventually(
        lambda: process.logs("partitions.assigned") and stage.records("source-status"),
        describe="processes that list and normalise",
    )
    with _messages_bounded(kafka, letters, 1000):
        # The limit is on what is compressed.
        bad = b'{"yyy": "' + rng.randbytes(5000).hex().encode()
        stage.put("a.gz", gzipped([line("a-1"), bad, line("a-2")]))
        complaint = _refusal(process)
        assert letters in complaint
        assert "yyy" not in complaint
        assert 0 == stage.committed_offsets(stage.normaliser_group, "raw")
        assert [] == stage.records("normalised")
        assert 3 == len(stage.records("raw"))
    assert 0 == pull.stop()
    stage.run("normalise", "--once")
    assert [2] == [letter["line_number"] for letter in stage.records("dead-letters")]
    expected = [governance_event_id(SOURCE_ID, name) for name in ("a-1", "a-2")]
    assert expected == sorted(read.key.decode() for read in stage.read("events"))

    _delete(kafka, letters)
    before = stage.committed_offsets(stage.normaliser_group, "raw")
    assert letters in _refusal(stage.start("normalise"))
    assert before == stage.committed_offsets(stage.normaliser_group, "raw")


def _long_line(event_id: str, size_bytes: int) -> bytes:
    """A record of exactly so many bytes."""
    return line(event_id, note="x" * (size_bytes - len(line(event_id))))


def test_long_lines_and_lines_of_no_known_format_are_accounted_for(deploy: Deploy) -> None:
    """The longest line that may be is published at every hop, as an event and as a dead letter.

    Of an object of another format a thousand lines are told one by one, and the others by range;
    neither holds up what is good.
    """
    stage = deploy(partitions=1)
    stage.set_up()
    bad = [b"%d;not;json" % number for number in range(1, _BAD_LINES + 1)]
    stage.put("bad.csv.gz", gzipped([*bad, line("behind")]))
    longest = _LINE_BYTES_MAX
    sizes = {"b-1": longest - 1, "b-2": longest, "b-3": longest + 1}
    lines = [_long_line(name, size) for name, size in sizes.items()]
    # As long as may be, and no JSON: its dead letter holds all of it.
    stage.put("long.gz", gzipped([*lines, b"{" + b"y" * (longest - 1), line("b-5")]))

    stage.run("pull", "--once")
    stage.run("normalise", "--once")

    raw, letters = stage.records("raw"), stage.records("dead-letters")
    assert _BAD_LINES + 1 + 4 == len(raw)
    names = ("behind", "b-1", "b-2", "b-5")
    expected = [governance_event_id(SOURCE_ID, name) for name in sorted(names)]
    assert expected == sorted(read.key.decode() for read in stage.read("events"))
    _check_bad([each for each in letters if each["key"] == f"{DROPS_PREFIX}bad.csv.gz"])
    of_long = [each for each in letters if each["key"] == f"{DROPS_PREFIX}long.gz"]
    told = {each["line_number"]: (each["stage"], each["payload_bytes"]) for each in of_long}
    assert {3: ("puller", longest + 1), 4: ("normaliser", longest)} == told
    assert {3: 65_536, 4: longest} == {
        each["line_number"]: len(each["payload"]) for each in of_long
    }


def _check_bad(letters: list[dict[str, Any]]) -> None:
    """Each line is told once, and there are far fewer dead letters than lines."""
    single = [each for each in letters if each["payload"] is not None]
    ranges = [each for each in letters if each["payload"] is None]
    assert list(range(1, _SINGLE_FAILURES_MAX + 1)) == [each["line_number"] for each in single]
    assert _BAD_LINES == sum(each["lines"] for each in letters)
    reached = _SINGLE_FAILURES_MAX
    for each in ranges:
        assert reached + 1 == each["line_number"]
        assert each["lines"] == each["last_line_number"] - reached
        reached = each["last_line_number"]
    assert _BAD_LINES == reached
    assert 0 < len(ranges) < 100


def test_state_that_cannot_be_read_stops_the_process(deploy: Deploy, kafka: str) -> None:
    """Of a newer version, or damaged: nothing is listed or pulled as if nothing were known."""
    stage = deploy(partitions=1)
    stage.set_up()
    stage.put("a.gz", gzipped([line("a-1")]))
    stage.run("pull", "--once")
    stage.put("b.gz", gzipped([line("b-1")]))
    objects = stage.topic("objects")
    (committed,) = stage.reading.committed(stage.puller_group, objects).values()

    place = json.dumps({"version": 99, "place": {"line": 1}})
    _commit(kafka, stage, committed.offset, place)
    complaint = _refusal(stage.start("pull", "--once"))
    assert "not a place that this version can read" in complaint
    _commit(kafka, stage, committed.offset, "")

    # Written with a schema that the registry does not know.
    complaint = _refusal(_with_message(kafka, stage, b"\x00\x7f\x00\x00\x00newer"))
    assert "has no schema of id" in complaint
    assert "newer" not in complaint
    assert ["a-1"] == [json.loads(each["line"])["event_id"] for each in stage.records("raw")]


def _with_message(kafka: str, stage: Deployment, value: bytes) -> StageProcess:
    """Let a message lie in the ledger's topic, and begin to pull."""
    producer = Producer({"bootstrap.servers": kafka})
    producer.produce(stage.topic("objects"), value, f"{SOURCE_ID}/{DROPS_PREFIX}c.gz".encode())
    assert 0 == producer.flush(20)
    return stage.start("pull", "--once")


def _commit(kafka: str, stage: Deployment, offset: int, metadata: str) -> None:
    """Commit an offset of the group of `pull`, once it has no member.

    One that was about to join when its process stopped is one until its session times out.
    """
    group = stage.puller_group
    eventually(lambda: not stage.reading.members(group), describe="a group without members")
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": stage.puller_group})
    place = TopicPartition(stage.topic("objects"), 0, offset, metadata)
    try:
        consumer.commit(offsets=[place], asynchronous=False)
    finally:
        consumer.close()
