"""Processes killed at each step of a transaction, of an assignment, and of a restoration."""

from random import Random

from tests.faults.experiments import Experiment
from tests.faults.faults import Deed, Fault, Step
from tests.support.deploying import Deploy

_FAIL_FIRST = Fault(step=Step.AFTER_FLUSH, deed=Deed.FAIL, topic="raw")


def test_pull_is_killed_at_each_step(deploy: Deploy, rng: Random) -> None:
    """Whatever step it dies at, its successor of the same name goes on from what was committed."""
    stage = deploy(partitions=2, PULLER__CHUNK_LINES="200", KAFKA__STATIC_MEMBERSHIP="true")
    stage.set_up(poll_seconds=1)
    experiment = Experiment(stage, rng)
    for topic in ("raw", "objects"):
        for step in (Step.AFTER_FLUSH, Step.AFTER_OFFSETS, Step.AFTER_COMMIT):
            experiment.put(4, lines=500)
            watched = experiment.start("pull", planned=[Fault(step=step, topic=topic)])
            experiment.broken(watched, step)
            watched.process.end()
    experiment.finish()
    verdict = experiment.judge()
    verdict.kept()
