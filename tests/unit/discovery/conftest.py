"""Fixtures of these tests."""

from collections.abc import Iterator

import pytest

from tests.unit.discovery.tables import (
    ScriptedTopics,
    scripted,
)


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedTopics]:
    """Give topics that tables read; what a test leaves open is let go of."""
    topics = scripted(monkeypatch)
    yield topics
    for reader in topics.readers:
        reader.is_pending = False
