"""Directed schedules: each breaks processes where that matters, and is judged by its caller.

Each is run twice, once healthy, when nothing may be found against it, and once with each defect
that it is there to catch. So what it does to the processes is written once.
"""

import shutil
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from confluent_kafka import Producer

from tests.faults.experiments import Experiment
from tests.faults.faults import Deed, Fault, Step
from tests.support.drops import gzipped, line

# Small batches, so that each run comes by each step several times.
SMALL_STEPS: Final = {"PULLER__CHUNK_LINES": "100", "NORMALISER__BATCH_MESSAGES": "100"}


def aborted(experiment: Experiment, defect: str) -> None:
    """Transactions fail with everything in them, and are done again."""
    experiment.put(10, lines=100)
    experiment.run("pull")
    planned = [
        Fault(step=Step.AFTER_FLUSH, deed=Deed.FAIL, topic=topic, times=times)
        for times in (1, 4)
        for topic in ("normalised", "events", "dead-letters")
    ]
    experiment.run("normalise", planned=planned, defect=defect)


def killed_behind_a_commit(experiment: Experiment, defect: str) -> None:
    """`pull` dies between a commit and whatever it would have done next, with much left to do."""
    experiment.put(40, lines=100)
    planned = [Fault(step=Step.AFTER_COMMIT, topic="raw", times=2)]
    watched = experiment.start("pull", planned=planned, defect=defect)
    experiment.broken(watched, Step.AFTER_COMMIT)
    watched.process.end()
    experiment.judge_amid().kept()


def killed_amid_publishing(experiment: Experiment, defect: str) -> None:
    """`normalise` dies with events sent that nobody can read, and its store lives on."""
    experiment.put(10, lines=100)
    experiment.run("pull")
    planned = [Fault(step=Step.AFTER_FLUSH, topic="events", times=3)]
    watched = experiment.start("normalise", planned=planned, defect=defect)
    experiment.broken(watched, Step.AFTER_FLUSH)
    watched.process.end()
    experiment.remembers_what_was_published()


def paused_before_a_transaction(experiment: Experiment, defect: str) -> None:
    """A process stands still for longer than its session, with work in hand, and then goes on."""
    _paused(experiment, defect, Step.BEFORE_BEGIN)


def paused_before_a_commit(experiment: Experiment, defect: str) -> None:
    """It stands still with everything sent but the commit, which another's offsets depend on."""
    _paused(experiment, defect, Step.AFTER_OFFSETS)


def _paused(experiment: Experiment, defect: str, step: Step) -> None:
    experiment.put(40, lines=100)
    experiment.run("pull")
    times = 8 if step is Step.BEFORE_BEGIN else 4
    first = experiment.start(
        "normalise", planned=[Fault(step=step, deed=Deed.PAUSE, times=times)], defect=defect
    )
    experiment.broken(first, step)
    second = experiment.start("normalise", instance="two", defect=defect)
    experiment.has_taken_over(second)
    first.process.resume()
    experiment.goes_on_or_ends(first)
    experiment.caught_up()
    for watched in (first, second):
        experiment.stop(watched)


def put_back(experiment: Experiment, defect: str) -> None:
    """An object is overwritten, and overwritten again with what it was."""
    versions = [gzipped([line(f"event-{name}-{number}") for number in range(20)]) for name in "ab"]
    for content in (versions[0], versions[1], versions[0]):
        experiment.stage.put("object.jsonl.gz", content)
        experiment.run("pull")
    experiment.run("normalise", defect=defect)


def restored_beneath_an_open_transaction(experiment: Experiment, defect: str) -> None:
    """Somebody's transaction is open in the events while their ids are read back."""
    experiment.put(2, lines=20)
    experiment.run("pull")
    watched = experiment.start("normalise")
    experiment.caught_up()
    other = _opened(experiment)
    experiment.put(10, lines=50)
    experiment.run("pull")
    experiment.caught_up()
    experiment.stop(watched)
    shutil.rmtree(experiment.stage.state_directory)
    # The same events again, in objects of other names.
    experiment.copy_all()
    experiment.run("pull")
    watched = experiment.start("normalise", defect=defect)
    experiment.restores(watched, "events")
    experiment.may_say(watched, "table.restored")
    other.abort_transaction()
    experiment.caught_up()
    experiment.stop(watched)


def _opened(experiment: Experiment) -> Producer:
    """Begin a transaction of nobody's in each partition of the events."""
    other = Producer(
        {
            "bootstrap.servers": experiment.stage.settings["KAFKA__BOOTSTRAP_SERVERS"],
            "transactional.id": f"{experiment.stage.prefix}other",
            "transaction.timeout.ms": 300_000,
        }
    )
    other.init_transactions(30)
    other.begin_transaction()
    for partition in range(experiment.partitions):
        other.produce(experiment.stage.topic("events"), b"uncommitted", b"other", partition)
    other.flush()
    return other


Schedule = Callable[[Experiment, str], object]


# What differs from the small steps. The newer protocol lets a transaction outlive a session.
SETTINGS: Final[Mapping[Schedule, Mapping[str, str]]] = {
    paused_before_a_commit: {
        "KAFKA__GROUP_PROTOCOL": "consumer",
        "KAFKA__SESSION_TIMEOUT_SECONDS": "",
        "KAFKA__TRANSACTION_TIMEOUT_SECONDS": "60",
    }
}


class Caught(NamedTuple):
    """What catches a defect, and what is said of it then."""

    by: Schedule
    finding: str


CATCHES: Final[Mapping[str, Caught]] = {
    "store before commit": Caught(killed_amid_publishing, "are remembered"),
    "no rewind": Caught(aborted, "neither an event nor a dead letter"),
    "rewind of one partition": Caught(aborted, "neither an event nor a dead letter"),
    "dead letter outside": Caught(aborted, "twice in dead letters"),
    "offsets from position": Caught(killed_behind_a_commit, "without an outcome"),
    "outcome after the last chunk": Caught(killed_behind_a_commit, "without an outcome"),
    "no group metadata": Caught(paused_before_a_transaction, "normalised twice"),
    "cached group metadata": Caught(
        paused_before_a_transaction, "transactions in a row were not committed"
    ),
    "no require_stable": Caught(paused_before_a_commit, "normalised twice"),
    "same place passes": Caught(put_back, "twice in governance-events"),
    "restore to the stable end": Caught(
        restored_beneath_an_open_transaction, "twice in governance-events"
    ),
}
