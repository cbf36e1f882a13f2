"""The sample drops hold what the demonstration is to show."""

import gzip
import zlib
from collections import Counter
from collections.abc import Iterable

from producer.contract.raw import RawLine
from producer.embedded.samples import PREFIX, sample_objects
from producer.normaliser.normalise import normalise
from tests.support.builders import a_raw_line

_GZIP_MAGIC = b"\x1f\x8b"


def test_samples_are_packed_in_each_way() -> None:
    """One is cut off, one has two members, one is not compressed; the rest are plain gzip."""
    kinds = Counter(_kind(content) for content in sample_objects().values())

    assert {"gzip": 6, "two members": 1, "cut off": 1, "not compressed": 1} == kinds
    assert all(key.startswith(PREFIX) for key in sample_objects())


def test_samples_are_the_same_each_time() -> None:
    """Nothing of the time or the machine is in them."""
    objects = sample_objects()

    assert objects == sample_objects()
    # Where gzip writes the time.
    assert {b"\0\0\0\0"} == {
        content[4:8] for content in objects.values() if content.startswith(_GZIP_MAGIC)
    }


def test_samples_hold_each_family_and_each_oddity() -> None:
    """Known families, an unknown one, the flat shape, an event twice, a line that is none."""
    lines = [line for content in sample_objects().values() for line in _lines(content)]
    normalised = [normalise(raw) for raw in _raw(lines)]
    events = [event for each in normalised for event in each.events]

    assert {
        "AUTH_LOG": 4,
        "AUDIT_LOG": 5,
        "CONVERSATION_MESSAGE": 5,
        "CODEX_LOG": 6,
        "CUSTOM_AGENTS_LOG": 1,
        "COSTS": 3,
        "chat.completion": 1,
        "tool.call": 1,
    } == Counter(event["family"] for event in events)
    assert (26, 25) == (len(events), len({event["event_id"] for event in events}))
    assert 1 == sum(bool(each.failures) for each in normalised)
    assert 1 == lines.count(b"")


def test_samples_hold_nothing_that_could_be_anybodys() -> None:
    """Addresses are reserved ones, and each other id says that it is made up."""
    for raw in _raw(line for content in sample_objects().values() for line in _lines(content)):
        for event in normalise(raw).events:
            assert "demo" in event["actor"]["id"] or event["actor"]["id"] == "costs_compliance"


def _raw(lines: Iterable[bytes]) -> list[RawLine]:
    return [a_raw_line(line=line) for line in lines if line]


def _kind(content: bytes) -> str:
    if not content.startswith(_GZIP_MAGIC):
        return "not compressed"
    reading = zlib.decompressobj(wbits=31)
    reading.decompress(content)
    if not reading.eof:
        return "cut off"
    return "two members" if reading.unused_data else "gzip"


def _lines(content: bytes) -> list[bytes]:
    """Read the whole lines that there are."""
    if _kind(content) == "cut off":
        content = zlib.decompressobj(wbits=31).decompress(content)
    elif _kind(content) != "not compressed":
        content = gzip.decompress(content)
    return content.split(b"\n")[:-1]
