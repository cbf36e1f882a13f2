"""Which subjects exist and what is registered under them. Only `topics apply` registers."""

from collections.abc import Mapping
from typing import Final

from producer.codec import wire
from producer.codec.registry import Registry
from producer.codec.schemas import schema_text, topic_definitions
from producer.errors import SchemaMismatchError

COMPATIBILITY: Final = "BACKWARD_TRANSITIVE"


def subject_of(topic_name: str) -> str:
    """Name the subject of a topic's values."""
    return f"{topic_name}-value"


def registered_id(registry: Registry, *, topic_name: str, schema: str) -> int:
    """Look up the id of our schema for a topic; never registers it."""
    subject = subject_of(topic_name)
    found = registry.find_id(subject, schema_text(schema))
    if found is None:
        raise SchemaMismatchError(
            f"the schema {schema!r} of this program is not registered under {subject!r}; "
            "run `openai-compliance topics apply`"
        )
    return found


def registered_header(registry: Registry, *, topic_name: str, schema: str) -> bytes:
    """Build the first bytes of each value that this program writes to a topic."""
    return wire.header(registered_id(registry, topic_name=topic_name, schema=schema))


def register_all(registry: Registry, topic_names: Mapping[str, str]) -> list[str]:
    """Set the compatibility of each subject and register its schema; say what was changed.

    `topic_names` gives the full name of each topic of `schemas/topics.yaml`. A second run changes
    nothing. Where the registry refuses a schema, the subjects before it stay done.
    """
    done: list[str] = []
    for topic in topic_definitions():
        subject = subject_of(topic_names[topic.name])
        # Before the schema: the first version that the level must guard is the one after this.
        if registry.compatibility(subject) != COMPATIBILITY:
            registry.set_compatibility(subject, COMPATIBILITY)
            done.append(f"set the compatibility of {subject!r} to {COMPATIBILITY}")
        text = schema_text(topic.schema)
        if registry.find_id(subject, text) is None:
            schema_id = registry.register(subject, text)
            done.append(f"registered {topic.schema!r} under {subject!r} as id {schema_id}")
    return done
