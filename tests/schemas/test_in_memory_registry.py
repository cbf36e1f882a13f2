"""The registry in memory keeps the contract."""

import pytest

from tests.schemas.registry_contract import RegistryContract
from tests.unit.codec.registries import InMemorySchemaRegistry


class TestInMemorySchemaRegistry(RegistryContract):
    """See `RegistryContract`."""

    @pytest.fixture
    def registry(self) -> InMemorySchemaRegistry:
        return InMemorySchemaRegistry()

    @pytest.fixture
    def subject(self) -> str:
        return "thing-value"
