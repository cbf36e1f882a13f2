"""The model can fail: it finds what it is there to find, each of these within seconds."""

import hypothesis
import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.model.defects import ALL, Defect
from tests.model.machine import Machine
from tests.model.pulls import ViolationError
from tests.model.settling import settle_threads

# Any other finds them too, sooner or later.
_SEED = 4
_EXAMPLES_MAX = 400


@pytest.mark.parametrize("defect", [pytest.param(each, id=each.__name__) for each in ALL])
def test_model_catches(defect: Defect, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the defect in the product, some promise of it is found not to hold."""
    settle_threads(monkeypatch)
    defect(monkeypatch)

    with pytest.raises(ViolationError):
        run_state_machine_as_test(
            hypothesis.seed(_SEED)(Machine),
            settings=hypothesis.settings(
                max_examples=_EXAMPLES_MAX,
                phases=[hypothesis.Phase.generate],
                database=None,
                report_multiple_bugs=False,
                suppress_health_check=list(hypothesis.HealthCheck),
            ),
        )
