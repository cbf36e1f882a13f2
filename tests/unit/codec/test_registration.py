"""What `topics apply` does at the registry, and what the processes look up."""

import pytest

from producer.codec.registration import register_all, registered_header, registered_id
from producer.codec.schemas import topic_definitions
from producer.errors import SchemaMismatchError
from tests.unit.codec.registries import InMemorySchemaRegistry
from tests.unit.codec.values import TOPIC_NAMES, schema_text_of


def test_register_all_sets_the_compatibility_and_registers_each_subject() -> None:
    """Each topic has its level set and its schema registered, and both are told."""
    registry = InMemorySchemaRegistry()
    done = register_all(registry, TOPIC_NAMES)
    assert 2 * len(topic_definitions()) == len(done)
    for topic in topic_definitions():
        subject = f"test-{topic.name}-value"
        assert registry.compatibility(subject) == "BACKWARD_TRANSITIVE"
        assert registry.find_id(subject, schema_text_of(topic.schema)) is not None


def test_register_all_changes_nothing_the_second_time() -> None:
    """A second run does nothing and says so."""
    registry = InMemorySchemaRegistry()
    register_all(registry, TOPIC_NAMES)
    registry.requests.clear()
    assert [] == register_all(registry, TOPIC_NAMES)
    assert {"find_id"} == {request.split()[0] for request in registry.requests}


def test_register_all_guards_an_older_version_before_it_adds_one() -> None:
    """A subject that had no level gets it first, so an incompatible schema is refused."""
    registry = InMemorySchemaRegistry()
    registry.register("test-raw-value", '{"type": "record", "name": "RawLine", "fields": []}')
    with pytest.raises(SchemaMismatchError, match="'test-raw-value' refuses"):
        register_all(registry, TOPIC_NAMES)


def test_registered_id_names_the_subject_and_the_remedy() -> None:
    """An unregistered schema stops the start with what to run, and is not registered."""
    registry = InMemorySchemaRegistry()
    with pytest.raises(SchemaMismatchError, match=r"'RawLine' .* 'x-value'; run .*topics apply"):
        registered_id(registry, topic_name="x", schema="RawLine")
    assert ["find_id x-value"] == registry.requests


def test_registered_header_is_that_of_the_id() -> None:
    """The header carries the id under this subject."""
    registry = InMemorySchemaRegistry()
    schema_id = registry.register("x-value", schema_text_of("RawLine"))
    header = registered_header(registry, topic_name="x", schema="RawLine")
    assert b"\0" + schema_id.to_bytes(4, "big") == header
