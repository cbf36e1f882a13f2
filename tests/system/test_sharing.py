"""Several processes of each kind in one group."""

from collections import Counter
from typing import Final

from tests.support.deployments import SOURCE_ID
from tests.support.drops import governance_event_id, gzipped, line
from tests.system.conftest import Deploy

_OBJECTS: Final = 200
_LINES_AN_OBJECT: Final = 5


def test_two_processes_of_each_kind_share_the_work_and_count_exactly(deploy: Deploy) -> None:
    """With two of each, both of a kind take part, and every line is one event all the same."""
    stage = deploy(partitions=4)
    stage.make_bucket()
    stage.run("topics", "apply")
    pulls = [stage.start("pull", instance=name) for name in ("one", "two")]
    normalises = [stage.start("normalise", instance=name) for name in ("one", "two")]
    ids = [f"event-{number}" for number in range(_OBJECTS * _LINES_AN_OBJECT)]
    for number in range(_OBJECTS):
        stage.put(f"{number:03}.jsonl.gz", gzipped(map(line, ids[number::_OBJECTS])))
    stage.eventually(
        lambda: all(process.logs("partitions.assigned") for process in (*pulls, *normalises)),
        describe="partitions for each process",
    )
    stage.apply_source()
    stage.eventually(
        lambda: sum(stage.reading.stable_ends(stage.topic("events")).values()) >= len(ids),
        describe="all governance events",
    )
    assert [0] * 4 == [process.stop() for process in (*pulls, *normalises)]

    assert Counter(governance_event_id(SOURCE_ID, name) for name in ids) == Counter(
        read.key.decode() for read in stage.read("events")
    )
    assert len(ids) == len(stage.read("raw")) == len(stage.read("normalised"))
    pulled = [len(process.logs("object.pulled")) for process in pulls]
    assert _OBJECTS == sum(pulled) == len(stage.read("outcomes"))
    assert all(pulled), f"objects pulled by each: {pulled}"
    for event, name in (("records.normalised", "records"), ("events.deduplicated", "published")):
        shares = [sum(line[name] for line in process.logs(event)) for process in normalises]
        assert len(ids) == sum(shares)
        assert all(shares), f"{name} of each: {shares}"
