"""What could make an id look as if it had been seen, or a clock or a disk tell what is not so.

The dangerous direction of a deduplicator is a false "seen": an event that nobody gets.
"""

import shutil
from collections import Counter
from pathlib import Path
from random import Random
from typing import Final

import pytest

from tests.faults.experiments import Experiment
from tests.faults.faults import Deed, Fault, Step
from tests.faults.schedules import SMALL_STEPS
from tests.support.deploying import Deploy
from tests.support.deployments import DROPS_PREFIX, SOURCE_ID

# make test has ten minutes.
pytestmark = pytest.mark.at_length

_HOUR_SECONDS: Final = 3600
_FATAL: Final = 1
# The log of the store is longer than this before the work is done, and no other file is.
_FILE_BYTES: Final = 128 * 1024


@pytest.fixture
def experiment(deploy: Deploy, rng: Random) -> Experiment:
    """Give a deployment with topics and a source, on which nothing was done yet."""
    stage = deploy(partitions=2, **SMALL_STEPS)
    stage.set_up()
    return Experiment(stage, rng)


def test_partition_that_moves_while_it_is_restored_is_restored_anew(
    experiment: Experiment,
) -> None:
    """Who stood still amid reading ids back goes on without the partition, and harms nobody."""
    experiment.put(20, lines=100)
    experiment.run("pull")
    experiment.run("normalise")
    shutil.rmtree(experiment.stage.state_directory)
    experiment.copy_all()
    experiment.run("pull")
    planned = [Fault(step=Step.AMID_RESTORING, deed=Deed.PAUSE, topic="events")]
    first = experiment.start("normalise", planned=planned)
    experiment.broken(first, Step.AMID_RESTORING)
    second = experiment.start("normalise", instance="two")
    experiment.has_taken_over(second)
    first.process.resume()
    experiment.caught_up()
    for watched in (first, second):
        experiment.stop(watched)
    experiment.judge().kept()


def test_transaction_that_outlives_its_time_out_is_done_again(experiment: Experiment) -> None:
    """The broker ended it while its process stood still: nothing of it counts as done."""
    experiment.put(20, lines=100)
    experiment.run("pull")
    planned = [Fault(step=Step.AFTER_FLUSH, deed=Deed.PAUSE, topic="events", times=2)]
    watched = experiment.start("normalise", planned=planned)
    experiment.broken(watched, Step.AFTER_FLUSH)
    experiment.stage.eventually(
        lambda: all(map(experiment.is_settled, ("normalised", "events"))),
        describe="the end of the transaction by the broker",
    )
    watched.process.resume()
    experiment.caught_up()
    experiment.stop(watched)
    experiment.judge().kept()


@pytest.mark.parametrize("hours", [1, -1])
def test_clock_that_steps_changes_nothing(experiment: Experiment, hours: int) -> None:
    """Copies are known, whether the clock of who published their ids was an hour off or is."""
    experiment.put(10, lines=50)
    experiment.run("pull", clock_seconds=hours * _HOUR_SECONDS)
    experiment.run("normalise", clock_seconds=hours * _HOUR_SECONDS)
    experiment.copy_all()
    experiment.run("pull")
    experiment.run("normalise")
    experiment.judge().kept()


def test_replay_beside_a_live_duplicate_publishes_the_owner_alone(experiment: Experiment) -> None:
    """What is replayed passes under its replay id; a copy that arrives meanwhile does not."""
    keys = experiment.put(4, lines=50)
    experiment.finish()
    before = experiment.gather()
    pull, normalise = experiment.start("pull"), experiment.start("normalise")
    experiment.has_started(pull)
    bare = keys[0].removeprefix(DROPS_PREFIX)
    experiment.stage.copy(bare, to=f"copy-{bare}")
    experiment.stage.run(
        "objects", "replay", "--source", SOURCE_ID, "--from", keys[0], "--to", keys[-1]
    )
    experiment.stop(pull)
    experiment.stop(normalise)
    experiment.finish()
    after = experiment.gather()

    owners = {(seen.event_id, seen.place.key) for seen in before.events}
    assert {seen.event_id for seen in before.events} == {seen.event_id for seen in after.events}
    replayed = [seen for seen in after.events if seen.place.replay_id]
    assert owners == {(seen.event_id, seen.place.key) for seen in replayed}
    assert {1} == set(Counter(seen.event_id for seen in replayed).values())
    experiment.judge().kept()


@pytest.mark.parametrize("damage", ["deleted", "corrupted"])
def test_store_that_is_damaged_between_runs_is_rebuilt(
    experiment: Experiment, damage: str
) -> None:
    """It is a cache: without it, or with bytes of it changed, copies are known all the same."""
    experiment.put(10, lines=100)
    experiment.finish()
    if damage == "deleted":
        shutil.rmtree(experiment.stage.state_directory)
    else:
        _corrupt(experiment.stage.state_directory)
    experiment.copy_all()
    experiment.run("pull")
    watched = experiment.start("normalise", arguments=["--once"])
    if watched.ends(within_seconds=60) != 0:
        # Found only while it is read: thrown away, and no harm to the next run.
        assert "the store is rebuilt by itself" in watched.process.stderr
    experiment.finish()
    experiment.judge().kept()


def test_store_that_is_deleted_under_its_process_is_no_loss(experiment: Experiment) -> None:
    """The process goes on or stops; whoever comes next knows what was published."""
    experiment.put(20, lines=100)
    experiment.run("pull")
    planned = [Fault(step=Step.AFTER_COMMIT, deed=Deed.PAUSE, topic="events", times=2)]
    watched = experiment.start("normalise", planned=planned)
    experiment.broken(watched, Step.AFTER_COMMIT)
    shutil.rmtree(experiment.stage.state_directory)
    watched.process.resume()
    experiment.goes_on_or_ends(watched)
    experiment.end(watched)
    experiment.copy_all()
    experiment.finish()
    experiment.judge().kept()


def test_full_disk_stops_the_process_and_loses_nothing(experiment: Experiment) -> None:
    """What cannot be remembered is not gone on from: it stops, says so, and all comes later."""
    experiment.put(30, lines=300)
    experiment.run("pull")
    watched = experiment.start("normalise", file_bytes=_FILE_BYTES)
    assert _FATAL == watched.ends(within_seconds=60), watched.process.report()
    assert "store of ids" in watched.process.stderr
    assert "Traceback" not in watched.process.stderr
    experiment.finish()
    experiment.judge().kept()


def test_one_of_two_with_one_name_stops_and_says_why(experiment: Experiment) -> None:
    """They would fence each other for ever; the other one goes on."""
    experiment.put(40, lines=100)
    experiment.run("pull")
    twins = [experiment.start("normalise") for _ in range(2)]
    experiment.keeps_coming(lambda: any(twin.process.exit_code is not None for twin in twins))
    (stopped,) = [twin for twin in twins if twin.process.exit_code is not None]
    assert _FATAL == stopped.process.exit_code, stopped.process.report()
    assert "OPENAI_COMPLIANCE_INSTANCE" in stopped.process.stderr
    experiment.caught_up()
    for twin in twins:
        experiment.stop(twin)
    experiment.finish()
    experiment.judge().kept()


def _corrupt(directory: Path) -> None:
    """Change a byte in the midst of each file that holds ids."""
    changed = 0
    for path in directory.rglob("*"):
        if path.suffix in {".sst", ".log"} and path.stat().st_size:
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 0xFF
            path.write_bytes(content)
            changed += 1
    assert changed
