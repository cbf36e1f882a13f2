"""The table of seeded defects in the design names what there is."""

from pathlib import Path

from tests.faults import brokers, frames, markers, schedules


def test_design_names_each_defect() -> None:
    """Each defect has a row, in the words that the tests use."""
    design = (Path(__file__).parents[2] / "DESIGN.md").read_text()
    names = set().union(*(each.CATCHES for each in (schedules, frames, markers, brokers)))
    assert [] == [name for name in names if f"| {name} |" not in design]
