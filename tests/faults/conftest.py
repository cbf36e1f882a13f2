"""What tests of faults may ask for besides."""

import pytest

from tests.faults.operating import Operator


@pytest.fixture
def operator(kafka: str) -> Operator:
    """Give somebody who may do everything to topics and groups."""
    return Operator(kafka)
