"""More processes, fewer processes, and processes of another protocol, one after another."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Final

import pytest

from tests.faults.experiments import Experiment
from tests.faults.operating import Operator, all_is_done, refusal_of
from tests.faults.schedules import SMALL_STEPS
from tests.faults.watched_processes import Watched
from tests.support.deploying import Deploy

pytestmark = pytest.mark.at_length

_PARTITIONS: Final = 4
_COMMANDS: Final = ("pull", "normalise")
_OTHERS: Final = dict(zip(_COMMANDS, reversed(_COMMANDS), strict=True))
_CLASSIC: Final = {"KAFKA__GROUP_PROTOCOL": "classic", "KAFKA__SESSION_TIMEOUT_SECONDS": "6"}
_NEWER: Final = {"KAFKA__GROUP_PROTOCOL": "consumer", "KAFKA__SESSION_TIMEOUT_SECONDS": ""}
_PROTOCOLS: Final = {"classic": _CLASSIC, "consumer": _NEWER}


def _experiment(deploy: Deploy, rng: Random, protocol: str) -> Experiment:
    stage = deploy(partitions=_PARTITIONS, **SMALL_STEPS, **_PROTOCOLS[protocol])
    stage.set_up(poll_seconds=1)
    return Experiment(stage, rng)


def _share(experiment: Experiment, *sharing: Watched) -> None:
    """Wait until processes have all partitions of two topics, as many each."""
    share = 2 * _PARTITIONS // len(sharing)
    experiment.stage.eventually(
        lambda: all(watched.partitions() == share for watched in sharing),
        describe=f"{share} partitions for each",
    )


def _go_on(experiment: Experiment, *running: Watched) -> None:
    for watched in running:
        experiment.goes_on(watched, behind="a change of the group")


@pytest.mark.parametrize("protocol", _PROTOCOLS)
@pytest.mark.parametrize("command", _COMMANDS)
def test_one_process_becomes_four_and_one_again_under_load(
    deploy: Deploy, rng: Random, command: str, protocol: str
) -> None:
    """Partitions move three times each way, and no line or event with them is lost or doubled."""
    experiment = _experiment(deploy, rng, protocol)
    beside = experiment.start(_OTHERS[command], instance="beside")
    with experiment.trickle():
        running = [experiment.start(command, instance="0")]
        _share(experiment, *running)
        _go_on(experiment, *running)
        # All at once, as a deployment is scaled.
        running += [experiment.start(command, instance=f"{number}") for number in (1, 2, 3)]
        _share(experiment, *running)
        _go_on(experiment, running[0])
        for watched in running[1:]:
            experiment.stop(watched)
        _share(experiment, running[0])
        _go_on(experiment, running[0])
    all_is_done(experiment)
    for watched in (running[0], beside):
        experiment.stop(watched)
    experiment.finish()
    experiment.judge().kept()


def test_newer_protocol_waits_until_the_older_has_ended(
    deploy: Deploy, rng: Random, operator: Operator
) -> None:
    """Brokers let nobody join the other way; who tries says so, and all go over together.

    Those that run are not disturbed by it.
    """
    experiment = _experiment(deploy, rng, "classic")
    stage = experiment.stage
    with experiment.trickle():
        running = _pairs(experiment)
        stage.settings |= _NEWER
        for command in _COMMANDS:
            complaint = refusal_of(experiment.start(command, instance="three"))
            assert "stop all of this kind" in complaint
            _go_on(experiment, running[command][0])
            for watched in running[command]:
                experiment.stop(watched)
            running[command] = _pair(experiment, command)
            _go_on(experiment, running[command][0])
    _end(experiment, operator, running, protocol="consumer")


def test_older_protocol_takes_over_process_by_process(
    deploy: Deploy, rng: Random, operator: Operator
) -> None:
    """Processes of both share the group meanwhile, which is a classic one at the end."""
    experiment = _experiment(deploy, rng, "consumer")
    with experiment.trickle():
        running = _pairs(experiment)
        experiment.stage.settings |= _CLASSIC
        for command in _COMMANDS:
            for number, name in enumerate(("one", "two")):
                experiment.stop(running[command][number])
                running[command][number] = experiment.start(command, instance=name)
                _share(experiment, *running[command])
                _go_on(experiment, running[command][number])
    _end(experiment, operator, running, protocol="classic")


def _pair(experiment: Experiment, command: str) -> list[Watched]:
    """Start two processes of a kind, and wait until they share its partitions."""
    pair: list[Watched] = []
    # In turn, so that the first has been through a rebalance.
    for name in ("one", "two"):
        pair.append(experiment.start(command, instance=name))
        _share(experiment, *pair)
    return pair


def _pairs(experiment: Experiment) -> dict[str, list[Watched]]:
    return {command: _pair(experiment, command) for command in _COMMANDS}


def _end(
    experiment: Experiment,
    operator: Operator,
    running: Mapping[str, Sequence[Watched]],
    *,
    protocol: str,
) -> None:
    """Check by which protocol the groups go now, let all be done, and judge it."""
    stage = experiment.stage
    all_is_done(experiment)
    assert [protocol] * 2 == [
        operator.protocol(group) for group in (stage.puller_group, stage.normaliser_group)
    ]
    for watched in (*running["pull"], *running["normalise"]):
        experiment.stop(watched)
    experiment.finish()
    experiment.judge().kept()
