"""The schemas and topics that this program was built with, as `schemas/` has them."""

import functools
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import yaml

from producer.codec import avro
from producer.errors import ConfigurationError

_MS_A_DAY: Final = 24 * 60 * 60 * 1000


class TopicDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """What one topic is. `None` leaves a property to the broker."""

    name: str
    schema: str
    key: str
    key_group: str
    cleanup: Literal["compact", "delete"]
    retention_ms: int | None
    compaction_lag_ms: int | None
    message_bytes_max: int | None
    written_by: tuple[str, ...]
    read_by: tuple[str, ...]


class _TopicEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A topic as `topics.yaml` spells it."""

    schema: str
    key: str
    key_group: str
    cleanup: Literal["compact", "delete"]
    retention_days: int | None = None
    compaction_lag_days: int | None = None
    message_bytes_max: int | None = None
    written_by: tuple[str, ...]
    read_by: tuple[str, ...]

    def definition(self, name: str) -> TopicDefinition:
        """Give the entry its name, and its durations the broker's unit."""
        return TopicDefinition(
            name=name,
            schema=self.schema,
            key=self.key,
            key_group=self.key_group,
            cleanup=self.cleanup,
            retention_ms=_days_in_ms(self.retention_days),
            compaction_lag_ms=_days_in_ms(self.compaction_lag_days),
            message_bytes_max=self.message_bytes_max,
            written_by=self.written_by,
            read_by=self.read_by,
        )


class _TopicsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    topics: dict[str, _TopicEntry]


def schemas_directory() -> Path:
    """Find `schemas/`: inside the package where it was installed, beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "schemas"
    return installed if installed.is_dir() else package.parent / "schemas"


@functools.cache
def schema_text(name: str) -> str:
    """Read a schema as it is registered: byte for byte, since some registries compare text."""
    return (schemas_directory() / f"{name}.avsc").read_text(encoding="utf-8")


@functools.cache
def parsed(name: str) -> dict[str, Any]:
    """Parse a schema for reading and writing here, where times are integers."""
    return avro.parse(schema_text(name))


@functools.cache
def topic_definitions() -> tuple[TopicDefinition, ...]:
    """Read `topics.yaml`, in its order."""
    return read_topic_definitions((schemas_directory() / "topics.yaml").read_text("utf-8"))


def read_topic_definitions(text: str) -> tuple[TopicDefinition, ...]:
    """Read and check the text of a `topics.yaml`."""
    try:
        entries = msgspec.convert(yaml.safe_load(text), _TopicsFile).topics
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise ConfigurationError(f"schemas/topics.yaml does not parse: {error}") from error
    for name, entry in entries.items():
        problem = _problem(entry)
        if problem:
            raise ConfigurationError(f"schemas/topics.yaml: topic {name!r} {problem}")
    return tuple(entry.definition(name) for name, entry in entries.items())


def _problem(entry: _TopicEntry) -> str | None:
    """Name what does not go together.

    A deleting topic says how long it keeps; a compacting one keeps the last value for good, and
    only it can lag. Each topic has a schema.
    """
    if entry.cleanup == "delete" and not entry.retention_days:
        return "deletes, but has no retention_days"
    if entry.cleanup == "compact" and entry.retention_days is not None:
        return "compacts, so retention_days means nothing"
    if entry.cleanup == "delete" and entry.compaction_lag_days is not None:
        return "deletes, so compaction_lag_days means nothing"
    if not (schemas_directory() / f"{entry.schema}.avsc").is_file():
        return f"names the schema {entry.schema!r}, which schemas/ does not hold"
    return None


def _days_in_ms(days: int | None) -> int | None:
    return None if days is None else days * _MS_A_DAY
