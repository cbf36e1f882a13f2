"""What happens to the brokers of a cluster of three while processes work on it.

Each disturbance ends with all processes having gone on, and with the cluster whole again.
"""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from threading import Event
from typing import Final

from tests.faults.experiments import Experiment
from tests.faults.faults import Deed, Fault, Step
from tests.faults.schedules import Caught
from tests.faults.watched_processes import Watched
from tests.support.kafka_clusters.leadership import Place, group_place, transaction_place

# Longer than the session of a broker and of a member, and than any request is waited for.
_PAUSE_SECONDS: Final = 8.0

Disturbance = Callable[[Experiment, Sequence[Watched]], None]


def leader_killed(experiment: Experiment, watched: Sequence[Watched]) -> None:
    """The leader of what one process writes and the other reads dies."""
    _kill(experiment, watched, Place(experiment.stage.topic("raw"), 0))


def transaction_coordinator_killed(experiment: Experiment, watched: Sequence[Watched]) -> None:
    """Whoever decides about a process's transactions dies."""
    for each in watched:
        _kill(experiment, watched, transaction_place(each.transactional_id))


def group_coordinator_killed(experiment: Experiment, watched: Sequence[Watched]) -> None:
    """Whoever keeps a group's members and offsets dies."""
    _kill(experiment, watched, group_place(experiment.stage.normaliser_group))


def coordinator_paused(experiment: Experiment, watched: Sequence[Watched]) -> None:
    """Whoever decides about transactions stands still, and goes on as if nothing had been."""
    place = transaction_place(watched[-1].transactional_id)
    node = experiment.cluster.nodes[experiment.cluster.leadership.leader(place)]
    node.pause()
    Event().wait(_PAUSE_SECONDS)
    node.resume()
    _go_on(experiment, watched, behind="the pause of a coordinator")


def restarted_in_turn(experiment: Experiment, watched: Sequence[Watched]) -> None:
    """Each broker is ended and started again, as for a new version."""
    for _ in experiment.cluster.restart_in_turn(*experiment.cluster.nodes):
        _go_on(experiment, watched, behind="the end of a broker")
    _go_on(experiment, watched, behind="the return of the last broker")


def leaders_moved(experiment: Experiment, watched: Sequence[Watched]) -> None:
    """All that processes ask for is led by another broker from one moment to the next."""
    leadership = experiment.cluster.leadership
    topics = [experiment.stage.topic(name) for name in ("objects", "raw", "normalised", "events")]
    groups = (experiment.stage.puller_group, experiment.stage.normaliser_group)
    places = {
        *(Place(topic, index) for topic in topics for index in range(experiment.partitions)),
        *(transaction_place(each.transactional_id) for each in watched),
        *map(group_place, groups),
    }
    for place in sorted(places):
        others = set(experiment.cluster.nodes) - {leadership.leader(place)}
        leadership.move(place, min(others))
    _go_on(experiment, watched, behind="leaders on the move")


def in_any_order(rng: Random) -> list[Disturbance]:
    """Each of them once."""
    disturbances: list[Disturbance] = [
        leader_killed,
        transaction_coordinator_killed,
        group_coordinator_killed,
        coordinator_paused,
        restarted_in_turn,
        leaders_moved,
    ]
    rng.shuffle(disturbances)
    return disturbances


def restored_beneath_a_dead_leader(experiment: Experiment, defect: str) -> None:
    """Whoever leads the events dies, and ids are read back by one who remembers that leader.

    The same events come again, in objects of other names.
    """
    events = Place(experiment.stage.topic("events"), 0)
    leadership, nodes = experiment.cluster.leadership, experiment.cluster.nodes
    experiment.put(4, lines=50)
    experiment.finish()
    planned = [
        Fault(step=Step.AFTER_FLUSH, deed=deed, topic="normalised")
        for deed in (Deed.PAUSE, Deed.FAIL)
    ]
    watched = experiment.start("normalise", planned=planned, defect=defect)
    experiment.restores(watched, "events")
    experiment.copy_all()
    experiment.run("pull")
    experiment.paused(watched, Step.AFTER_FLUSH)
    dead = leadership.leader(events)
    nodes[dead].kill()
    watched.process.resume()
    experiment.caught_up()
    experiment.stop(watched)
    nodes[dead].start()
    experiment.cluster.wait_until_in_sync()


def _kill(experiment: Experiment, watched: Sequence[Watched], place: Place) -> None:
    leader = experiment.cluster.leadership.leader(place)
    experiment.cluster.nodes[leader].kill()
    _go_on(experiment, watched, behind=f"the death of the leader of {place}")
    experiment.cluster.nodes[leader].start()
    experiment.cluster.wait_until_in_sync()


def _go_on(experiment: Experiment, watched: Sequence[Watched], *, behind: str) -> None:
    for each in watched:
        experiment.goes_on(each, behind=behind)


CATCHES: Final[Mapping[str, Caught]] = {
    "ends that no leader told": Caught(
        restored_beneath_a_dead_leader, "twice in governance-events"
    )
}
