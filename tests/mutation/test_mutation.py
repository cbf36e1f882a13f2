"""The golden cases notice every change of a rule."""

from tests.mutation.engine import survivors
from tests.mutation.mutate import all_mutants


def test_every_change_is_noticed() -> None:
    """A rule that could be another one without a case failing is held by nothing."""
    mutants = all_mutants()
    assert mutants, "no rule was found to change"
    assert [] == survivors(mutants)
