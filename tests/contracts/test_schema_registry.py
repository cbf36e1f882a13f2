"""The real registry keeps the contract of the door, as the one in memory does."""

from collections.abc import Iterator

import pytest

from producer.codec.registry import SchemaRegistry
from producer.errors import SchemaMismatchError
from tests.schemas.registry_contract import RegistryContract, a_schema


class TestSchemaRegistry(RegistryContract):
    """See `RegistryContract`."""

    @pytest.fixture
    def registry(self, schema_registry: str) -> Iterator[SchemaRegistry]:
        opened = SchemaRegistry(schema_registry)
        yield opened
        opened.close()

    def test_default_may_be_of_any_branch_but_must_be_of_one(
        self, registry: SchemaRegistry, subject: str
    ) -> None:
        """So that it fits the first is for the tests of schemas to hold."""
        of_the_second: dict[str, object] = {
            "name": "one",
            "type": ["null", "string"],
            "default": "x",
        }
        of_none: dict[str, object] = {"name": "one", "type": ["null", "string"], "default": 5}
        registry.register(subject, a_schema(of_the_second))
        with pytest.raises(SchemaMismatchError, match=subject):
            registry.register(f"{subject}-other", a_schema(of_none))

    @pytest.fixture
    def subject(self, topic_prefix: str) -> str:
        return f"{topic_prefix}thing-value"
