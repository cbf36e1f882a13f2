"""Several processes of each kind in one group."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import pytest

from tests.support.deploying import Deploy
from tests.support.deployments import SOURCE_ID, Deployment
from tests.support.drops import governance_event_id, gzipped, line
from tests.support.stage_processes import StageProcess

_OBJECTS: Final = 200
_LINES_AN_OBJECT: Final = 5


# The broker sets the session of the newer protocol; an empty variable is one that is not set.
_NEWER: Final = {"KAFKA__GROUP_PROTOCOL": "consumer", "KAFKA__SESSION_TIMEOUT_SECONDS": ""}


@pytest.mark.parametrize("settings", [{}, _NEWER], ids=["classic", "consumer"])
def test_two_processes_of_each_kind_share_the_work_and_count_exactly(
    deploy: Deploy, settings: dict[str, str]
) -> None:
    """With two of each, both of a kind take part, and every line is one event all the same."""
    stage = deploy(partitions=4, **settings)
    stage.make_bucket()
    stage.run("topics", "apply")
    pulls = [stage.start("pull", instance=name) for name in ("one", "two")]
    normalises = [stage.start("normalise", instance=name) for name in ("one", "two")]
    ids = [f"event-{number}" for number in range(_OBJECTS * _LINES_AN_OBJECT)]
    for number in range(_OBJECTS):
        stage.put(f"{number:03}.jsonl.gz", gzipped(map(line, ids[number::_OBJECTS])))
    stage.eventually(
        lambda: all(_shares(process) == [2, 2] for process in (*pulls, *normalises)),
        describe="half of each topic for each process",
    )
    stage.apply_source()
    stage.eventually(
        # By reading: the ends of partitions also count the markers of transactions.
        lambda: len(stage.read("events")) >= len(ids),
        describe="all governance events",
    )
    assert [0] * 4 == [process.stop() for process in (*pulls, *normalises)]

    assert Counter(governance_event_id(SOURCE_ID, name) for name in ids) == Counter(
        read.key.decode() for read in stage.read("events")
    )
    assert len(ids) == len(stage.read("raw")) == len(stage.read("normalised"))
    _check_shares(stage, pulls, normalises)


def _shares(process: StageProcess) -> list[int]:
    """Count the partitions of each topic that a process has by now, as it says itself."""
    owned = Counter(_partitions(process, "partitions.assigned"))
    owned.subtract(_partitions(process, "partitions.revoked"))
    return list(Counter(name.rpartition("/")[0] for name in owned.elements()).values())


def _partitions(process: StageProcess, event: str) -> list[str]:
    return [name for line in process.logs(event) for name in line["partitions"]]


def _check_shares(
    stage: Deployment, pulls: Sequence[StageProcess], normalises: Sequence[StageProcess]
) -> None:
    """Check that shares add up, and that each process has one of each topic."""
    pulled = [len(process.logs("object.pulled")) for process in pulls]
    assert _OBJECTS == sum(pulled) == len(stage.read("outcomes"))
    assert all(pulled), f"objects pulled by each: {pulled}"
    for event, name in (("records.normalised", "records"), ("events.deduplicated", "published")):
        shares = [sum(line[name] for line in process.logs(event)) for process in normalises]
        assert _OBJECTS * _LINES_AN_OBJECT == sum(shares)
        assert all(shares), f"{name} of each: {shares}"
