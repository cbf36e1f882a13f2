"""Fixtures of these tests."""

import threading
from collections.abc import Iterator

import pytest

from tests.support.waiting import eventually
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
    before = set(threading.enumerate())
    yield
    eventually(
        lambda: (
            not [
                each
                for each in set(threading.enumerate()) - before
                if each.name.startswith("list-")
            ]
        ),
        every_seconds=0.005,
        describe="the end of all listings",
    )
