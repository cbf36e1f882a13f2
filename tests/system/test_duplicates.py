"""One governance event for each of OpenAI's, however often and from wherever its lines come."""

import shutil
from collections import Counter
from typing import Final

from tests.support.brokers import KafkaTool
from tests.support.deploying import Deploy
from tests.support.deployments import DROPS_PREFIX, SOURCE_ID, Deployment
from tests.support.drops import governance_event_id, gzipped, line

_RESETTING_TOOL: Final = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"


def _published(stage: Deployment) -> Counter[tuple[bytes, bytes]]:
    """Keys and values in governance-events, byte for byte, with how often each is there."""
    return Counter((read.key, read.value) for read in stage.read("events"))


def _origins(stage: Deployment) -> dict[str, str]:
    """Where each governance event comes from, by its id; each may be there once."""
    events = stage.records("events")
    origins = {event["event_id"]: event["origin"]["key"] for event in events}
    assert len(origins) == len(events), f"an event is there twice: {events}"
    return origins


def _origins_of(*parts: tuple[str, list[str]]) -> dict[str, str]:
    return {
        governance_event_id(SOURCE_ID, event_id): DROPS_PREFIX + key
        for key, event_ids in parts
        for event_id in event_ids
    }


def test_normalise_after_an_offset_reset_emits_the_same_bytes(
    deploy: Deploy, kafka: str, kafka_tool: KafkaTool
) -> None:
    """Replay is resetting the group's offsets on raw: the same events again, duplicates not."""
    stage = deploy()
    stage.set_up()
    stage.put("a.jsonl.gz", gzipped([line("shared", note="in a"), line("only-a")]))
    stage.put("b.jsonl.gz", gzipped([line("only-b"), line("shared", note="in b")]))
    stage.run("pull", "--once")
    stage.run("normalise", "--once")
    before = _published(stage)
    ids = [governance_event_id(SOURCE_ID, name) for name in ("shared", "only-a", "only-b")]
    assert Counter(ids) == Counter(key.decode() for key, _ in before.elements())
    normalised = stage.read("normalised")
    assert 4 == len(normalised)

    done = kafka_tool(
        _RESETTING_TOOL,
        *("--bootstrap-server", kafka),
        *("--group", stage.normaliser_group),
        "--reset-offsets",
        "--to-earliest",
        *("--topic", stage.topic("raw")),
        "--execute",
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    assert 0 == stage.committed_offsets(stage.normaliser_group, "raw"), done.stdout
    stage.run("normalise", "--once")

    assert before + before == _published(stage)
    again = Counter((read.key, read.value) for read in normalised)
    assert again + again == Counter((read.key, read.value) for read in stage.read("normalised"))


def test_objects_written_again_or_copied_add_only_what_is_new(deploy: Deploy) -> None:
    """An object overwritten A, B, A and a copy under another key bring new lines and no others."""
    stage = deploy()
    stage.set_up(poll_seconds=1)
    old, kept, new = ["old-1", "old-2"], ["kept-1", "kept-2"], ["new-1", "new-2"]
    first = gzipped(map(line, old + kept))
    second = gzipped(map(line, new + kept))
    pull, normalise = stage.start("pull"), stage.start("normalise")

    stage.put("drop.jsonl.gz", first)
    _await_events_of(stage, outcomes=1)
    assert _origins_of(("drop.jsonl.gz", old + kept)) == _origins(stage)

    stage.put("drop.jsonl.gz", second)
    _await_events_of(stage, outcomes=2)
    expected = _origins_of(("drop.jsonl.gz", old + kept + new))
    after_second = _published(stage)
    assert expected == _origins(stage)

    stage.put("drop.jsonl.gz", first)
    _await_events_of(stage, outcomes=3)
    stage.copy("drop.jsonl.gz", to="copies/drop.jsonl.gz")
    _await_events_of(stage, outcomes=4)

    assert [0, 0] == [pull.stop(), normalise.stop()]
    assert after_second == _published(stage)
    assert 4 * 4 == len(stage.read("raw")) == len(stage.read("normalised"))
    assert {("pulled", 4)} == {(o["outcome"], o["raw_lines"]) for o in stage.records("outcomes")}


def _await_events_of(stage: Deployment, *, outcomes: int) -> None:
    """Wait until so many objects are pulled, and the normaliser has done all that they brought."""

    def is_done() -> bool:
        if len(stage.read("outcomes")) < outcomes:
            return False
        # Upstream first: what leaves raw is in normalised at the same moment.
        return all(
            stage.committed_offsets(stage.normaliser_group, name)
            == sum(stage.reading.stable_ends(stage.topic(name)).values())
            for name in ("raw", "normalised")
        )

    stage.eventually(is_done, describe=f"the events of {outcomes} objects")


def test_state_directory_deleted_between_runs_changes_nothing(deploy: Deploy) -> None:
    """The ids on local disk are a cache: without them, late duplicates are suppressed as ever."""
    stage = deploy()
    stage.set_up()
    stage.put("a.jsonl.gz", gzipped(map(line, ["first", "twice"])))
    stage.run("pull", "--once")
    stage.run("normalise", "--once")
    before = _published(stage)
    assert _origins_of(("a.jsonl.gz", ["first", "twice"])) == _origins(stage)

    stage.put("b.jsonl.gz", gzipped(map(line, ["twice", "second"])))
    stage.run("pull", "--once")
    assert any(path.is_file() for path in stage.state_directory.rglob("*")), "there is no state"
    shutil.rmtree(stage.state_directory)
    stage.run("normalise", "--once")

    assert _origins_of(("a.jsonl.gz", ["first", "twice"]), ("b.jsonl.gz", ["second"])) == _origins(
        stage
    )
    assert before <= _published(stage)
    assert 4 == len(stage.read("normalised"))
