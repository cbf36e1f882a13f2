"""What the stages published, read back for counting and showing."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from producer.cli.rooms import Record
from producer.cli.wiring.surroundings import Surroundings
from producer.codec.events import EventDecoder, EventHeadDecoder
from producer.codec.models import build_codecs
from producer.codec.raw_lines import RawLineDecoder
from producer.codec.registration import registered_header
from producer.kafka.stages import Message
from producer.kafka.tables import TableReader

_TOPICS: Final = ("raw", "outcomes", "dead-letters", "normalised", "events")


class PublishedRecords:
    """The committed records of all topics that lines and events pass, each given once."""

    def __init__(
        self, reader: TableReader, decoders: Mapping[str, Callable[[bytes], Record]]
    ) -> None:
        self._reader = reader
        self._decoders = decoders

    def arrived(self, *, timeout_seconds: float) -> Iterable[Record]:
        """Give what has arrived, after waiting for it no longer than that."""
        return self._decoded(self._reader.poll(timeout_seconds=timeout_seconds))

    def rest(self) -> Iterable[Record]:
        """Give all that is committed now and was not given yet."""
        return self._decoded(self._reader.read_to_stable_end())

    def _decoded(self, messages: Iterable[Message]) -> Iterator[Record]:
        for message in messages:
            value = message.value()
            if value is not None:
                yield self._decoders[message.topic() or ""](value)


@contextmanager
def published_records(surroundings: Surroundings) -> Iterator[PublishedRecords]:
    """Read from the beginning of the topics."""
    topics, registry = surroundings.topics, surroundings.registry
    codecs = build_codecs(registry, topics)
    raw = registered_header(registry, topic_name=topics["raw"], schema="RawLine")
    decoders: dict[str, Callable[[bytes], Record]] = {
        topics["raw"]: RawLineDecoder(raw, registry=registry).decode,
        topics["outcomes"]: codecs.outcomes.decode,
        topics["dead-letters"]: codecs.dead_letters.decode,
        topics["normalised"]: EventHeadDecoder(registry).decode,
        topics["events"]: EventDecoder(registry).decode,
    }
    reader = surroundings.whole_topic(*_TOPICS)
    try:
        yield PublishedRecords(reader, decoders)
    finally:
        reader.close()
