"""Random faults, whatever they meet: the promise is kept, and everything goes on by itself."""

from random import Random
from typing import Final, NamedTuple

import pytest

from tests.faults.chaos import Chaos, Extent
from tests.faults.experiments import Experiment
from tests.faults.schedules import SMALL_STEPS
from tests.support.deploying import DeployOn
from tests.support.figures import Figures

_SHORT: Final = Extent(seconds=20, processes_max=2, lines=60)
_CONSUMER_PROTOCOL: Final = {
    "KAFKA__GROUP_PROTOCOL": "consumer",
    "KAFKA__SESSION_TIMEOUT_SECONDS": "",
}


class Surroundings(NamedTuple):
    """What the processes run on, and what differs in their settings."""

    brokers: str
    settings: dict[str, str]


_ALL: Final = {
    "one broker": Surroundings("one_broker", {}),
    "three brokers, consumer protocol": Surroundings("three_brokers", _CONSUMER_PROTOCOL),
    "three brokers, static members": Surroundings(
        "three_brokers", {"KAFKA__STATIC_MEMBERSHIP": "true"}
    ),
    "one broker, consumer protocol": Surroundings("one_broker", _CONSUMER_PROTOCOL),
}
_PARAMETERS: Final = [
    pytest.param(each, id=name, marks=pytest.mark.at_length) for name, each in _ALL.items()
]


@pytest.fixture
def extent(pytestconfig: pytest.Config) -> Extent:
    """Give how long to go on: the surroundings share the time that is given for all."""
    minutes = pytestconfig.getoption("faults_minutes")
    if not minutes:
        return _SHORT
    return Extent(seconds=60 * minutes / len(_ALL), processes_max=4, lines=100)


@pytest.mark.parametrize("surroundings", _PARAMETERS)
def test_random_faults_lose_and_repeat_nothing(
    surroundings: Surroundings,
    deploy_on: DeployOn,
    extent: Extent,
    figures: Figures,
    request: pytest.FixtureRequest,
) -> None:
    """Killed, paused, ended and scaled as the seed has it: all lines and events are there once."""
    cluster = request.getfixturevalue(surroundings.brokers)
    stage = deploy_on(cluster, partitions=4, **SMALL_STEPS, **surroundings.settings)
    stage.set_up(poll_seconds=1)
    seed = f"{request.config.getoption('seed')} {request.node.nodeid}"
    experiment = Experiment(stage, Random(seed))
    chaos = Chaos(experiment, cluster, seed=seed, extent=extent)
    try:
        chaos.run()
        experiment.finish()
        verdict = experiment.judge()
        figures("chaos, all surroundings", chaos.counts | verdict.counts)
        verdict.kept()
        assert [] == chaos.findings
    except AssertionError as failure:
        raise AssertionError(f"{failure}\n{_how_to_repeat(request)}\n{chaos.journal}") from failure


def _how_to_repeat(request: pytest.FixtureRequest) -> str:
    option = request.config.getoption
    return (
        f"repeat with: pytest {request.node.nodeid!r} --seed {option('seed')} "
        f"--faults-minutes {option('faults_minutes'):g}; what was done is in"
    )
