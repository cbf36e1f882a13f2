"""When `pull --once` takes a source that another process owns as listed."""

from typing import Any, Final

import pytest

from producer.cli.wiring.pull import _was_listed
from producer.contract.status import SourceStatus, Status

_SINCE: Final = 1_000
# What had ended by then: listings, and failures in a row.
_BEFORE: Final = (5, 0)
_STATUS: Final = {"listings": 5, "failures_in_a_row": 0, "last_listing_at": 900}


def _status(**changes: Any) -> SourceStatus:  # noqa: ANN401 - any field's value
    return SourceStatus(
        source_id="src_acme",
        organization_id="org_acme",
        name="Acme",
        status=Status.ACTIVE,
        healthy=True,
        updated_at=_SINCE,
        **(_STATUS | changes),
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, False),
        ({"listings": 6, "last_listing_at": _SINCE}, True),
        # It began before, and ended since.
        ({"listings": 6, "last_listing_at": _SINCE - 1}, False),
        # By a clock that was fast, before.
        ({"last_listing_at": _SINCE + 3_600_000_000}, False),
        # By a clock that is slow: the second one since cannot have begun before.
        ({"listings": 7, "last_listing_at": 1}, True),
        ({"failures_in_a_row": 1}, True),
    ],
    ids=["none", "since", "began before", "fast clock", "slow clock", "failed"],
)
def test_listing_counts_if_it_began_since(changes: dict[str, int], *, expected: bool) -> None:
    """One that ended before does not, whatever time it has."""
    assert expected is _was_listed(_status(**changes), _BEFORE, since=_SINCE)


def test_failure_of_before_that_is_told_again_is_no_listing() -> None:
    """It says nothing of what lies there now."""
    assert not _was_listed(_status(failures_in_a_row=2), (5, 2), since=_SINCE)
