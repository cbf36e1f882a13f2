"""What several integration tests share beside the parts themselves."""

from collections.abc import Iterator

import pytest

from tests.support.copying import Copying


@pytest.fixture
def copying(kafka: str, topic_prefix: str) -> Iterator[Copying]:
    """Give an original, a copy and a group of the classic protocol."""
    copying = Copying(kafka, topic_prefix)
    yield copying
    copying.close()
