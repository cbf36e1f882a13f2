"""No object is missed, no line is lost or repeated, whatever happens and in whatever order.

`make model STEPS=... SEED=...` looks for longer.
"""

import hypothesis
import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import Machine
from tests.model.settling import settle_threads

_STEPS_AN_EXAMPLE = 50
# Some examples end early: Hypothesis bounds what it draws for one.
_STEPS_AT_LEAST = 35


def test_every_line_is_accounted_for(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of steps, in examples that each end with everything done and accounted for."""
    settle_threads(monkeypatch)
    wanted: int = pytestconfig.getoption("model_steps")
    steps_before = Machine.steps
    machine = hypothesis.seed(pytestconfig.getoption("seed"))(Machine)
    run_state_machine_as_test(
        machine,
        settings=hypothesis.settings(
            max_examples=-(-wanted // _STEPS_AT_LEAST),
            stateful_step_count=_STEPS_AN_EXAMPLE,
            suppress_health_check=list(hypothesis.HealthCheck),
        ),
    )

    assert wanted <= Machine.steps - steps_before
