"""Fixtures of these tests."""

from collections.abc import Iterator

import pytest

from tests.unit.puller.driving import (
    Puller,
)
from tests.unit.puller.pullers import BUCKET, WatchedStore


@pytest.fixture
def store() -> WatchedStore:
    """Give a store with a bucket."""
    store = WatchedStore()
    store.objects.make_bucket(BUCKET)
    return store


@pytest.fixture
def puller(store: WatchedStore) -> Iterator[Puller]:
    """Give a puller that owns nothing yet."""
    puller = Puller(store)
    yield puller
    for partition in list(puller.stage._partitions):
        puller.stage.release(partition)
