"""Fixtures of these tests."""

from collections.abc import Iterator

import pytest

from tests.support.waiting import eventually
from tests.unit.discovery.listing_stores import begin_to_watch, listings
from tests.unit.discovery.tables import (
    ScriptedTopics,
    scripted,
)


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedTopics]:
    """Give topics that tables read; what a test leaves open is let go of."""
    topics = scripted(monkeypatch)
    yield topics
    topics.end_pending()
    for end in topics.at_the_end:
        end()


@pytest.fixture(autouse=True)
def _no_listing_goes_on() -> Iterator[None]:
    """Hold each test to ending its listings: their threads have the same names in all tests."""
    begin_to_watch()
    yield
    eventually(lambda: not listings(), every_seconds=0.005, describe="the end of all listings")
