"""The schemas that values were written with, resolved by id, each fetched once."""

from typing import NamedTuple

from producer.codec import avro
from producer.codec.registry import Registry
from producer.codec.schemas import parsed


class Resolution(NamedTuple):
    """How to read values of one id: the writer's schema, and ours where that is another."""

    writer: avro.ParsedSchema
    reader: avro.ParsedSchema | None


class WriterSchemas:
    """Knows how to read a value of any id as our schema of this name.

    It grows by one entry for each version that the topic holds, and no more: an id that the
    registry does not know is an error, not an entry.
    """

    def __init__(self, registry: Registry, *, schema: str, our_id: int | None = None) -> None:
        self._registry = registry
        self._ours = parsed(schema)
        self._known: dict[int, Resolution] = {}
        if our_id is not None:
            self._known[our_id] = Resolution(self._ours, None)

    def of(self, schema_id: int) -> Resolution:
        """Resolve an id; asks the registry the first time."""
        known = self._known.get(schema_id)
        if known is None:
            writer = avro.parse(self._registry.schema_by_id(schema_id))
            known = Resolution(writer, None if writer == self._ours else self._ours)
            self._known[schema_id] = known
        return known
