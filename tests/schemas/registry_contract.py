"""What each door to a schema registry must do, the one in memory as the real one."""

import json
from collections.abc import Mapping

import pytest

from producer.codec.registration import COMPATIBILITY
from producer.codec.registry import Registry
from producer.errors import SchemaMismatchError


def a_schema(*fields: Mapping[str, object]) -> str:
    return json.dumps({"type": "record", "name": "Thing", "fields": list(fields)})


FIRST = {"name": "first", "type": "string"}
SECOND = {"name": "second", "type": "string", "default": ""}
SECOND_WITHOUT_DEFAULT = {"name": "second", "type": "string"}


class RegistryContract:
    """Inherit, and give a fixture `registry` and a fixture `subject` that no other test has."""

    def test_subject_that_is_not_there_has_no_id_and_no_level(
        self, registry: Registry, subject: str
    ) -> None:
        """Looking up adds nothing."""
        assert registry.find_id(subject, a_schema(FIRST)) is None
        assert registry.find_id(subject, a_schema(FIRST)) is None
        assert registry.compatibility(subject) is None

    def test_registered_schema_is_found_under_its_subject_and_by_its_id(
        self, registry: Registry, subject: str
    ) -> None:
        """The id of registering is the id of looking up, and leads back to the text."""
        schema_id = registry.register(subject, a_schema(FIRST))
        assert schema_id == registry.find_id(subject, a_schema(FIRST))
        assert json.loads(a_schema(FIRST)) == json.loads(registry.schema_by_id(schema_id))
        assert registry.find_id(subject, a_schema(FIRST, SECOND)) is None

    def test_registering_twice_gives_the_same_id(self, registry: Registry, subject: str) -> None:
        """A second time changes nothing."""
        first = registry.register(subject, a_schema(FIRST))
        assert first == registry.register(subject, a_schema(FIRST))

    def test_same_schema_has_the_same_id_under_another_subject(
        self, registry: Registry, subject: str
    ) -> None:
        """An id is that of the text, so a value may be passed on unchanged."""
        first = registry.register(f"{subject}-a", a_schema(FIRST))
        assert first == registry.register(f"{subject}-b", a_schema(FIRST))

    def test_level_that_is_set_is_told_even_before_a_schema(
        self, registry: Registry, subject: str
    ) -> None:
        """The level can guard the very first change."""
        registry.set_compatibility(subject, COMPATIBILITY)
        registry.register(subject, a_schema(FIRST))
        assert COMPATIBILITY == registry.compatibility(subject)

    def test_version_that_cannot_read_the_first_one_is_refused(
        self, registry: Registry, subject: str
    ) -> None:
        """Transitive: the last version could be read, but the first could not."""
        registry.set_compatibility(subject, COMPATIBILITY)
        registry.register(subject, a_schema(FIRST))
        registry.register(subject, a_schema(FIRST, SECOND))
        with pytest.raises(SchemaMismatchError, match=subject):
            registry.register(subject, a_schema(FIRST, SECOND_WITHOUT_DEFAULT))
        assert registry.find_id(subject, a_schema(FIRST, SECOND_WITHOUT_DEFAULT)) is None

    def test_unknown_id_is_a_mismatch(self, registry: Registry) -> None:
        """Nothing is guessed from an id that the registry does not hold."""
        with pytest.raises(SchemaMismatchError, match="2000000000"):
            registry.schema_by_id(2_000_000_000)
