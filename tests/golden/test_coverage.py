"""Whether the golden cases reach every row of the tables that the families are declared in."""

from contextlib import ExitStack

from producer.normaliser.normalise import normalise
from tests.golden.cases import all_cases
from tests.golden.tables import Constant, Remembering, replaced, tables


def test_every_row_is_reached() -> None:
    """A row that no case leads to could say anything."""
    found = tables()
    assert found, "no table was found"
    asked: list[tuple[Constant, Remembering]] = []
    with ExitStack() as stack:
        for table in found:
            rows = Remembering(table.value)
            asked.append((table, rows))
            stack.enter_context(replaced(table.value, rows))
        for case in all_cases():
            normalise(case.raw)
    assert [] == [
        f"{table}[{row!r}]"
        for table, rows in asked
        if rows.asked or not rows.gone_through
        for row in table.value
        if row not in rows.asked
    ]


def test_tables_that_are_used_are_noticed() -> None:
    """A table that nothing asks for is one that was not found in its place."""
    rows = Remembering({"a": 1, "b": 2})
    assert (1, None, 2) == (rows.get("a"), rows.get("c"), rows["b"])
    assert ({"a", "b"}, False) == (rows.asked, rows.gone_through)
    assert [("a", 1), ("b", 2)] == list(rows.items())
    assert rows.gone_through
