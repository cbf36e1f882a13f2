"""The real registry keeps the contract of the door, as the one in memory does."""

from collections.abc import Iterator

import pytest

from producer.codec.registry import SchemaRegistry
from tests.schemas.registry_contract import RegistryContract


class TestSchemaRegistry(RegistryContract):
    """See `RegistryContract`."""

    @pytest.fixture
    def registry(self, schema_registry: str) -> Iterator[SchemaRegistry]:
        opened = SchemaRegistry(schema_registry)
        yield opened
        opened.close()

    @pytest.fixture
    def subject(self, topic_prefix: str) -> str:
        return f"{topic_prefix}thing-value"
