"""The form of log lines, and what is kept out of them."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from producer.contract.objects import Reason
from producer.telemetry.catalogue import LogEvent
from producer.telemetry.logs import configure, is_debugging, log

CANARY = "canary-7Q"


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Undo what is done to the process's logs."""
    root, ours = logging.getLogger(), logging.getLogger("openai_compliance")
    before = (list(root.handlers), root.level, ours.level)
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


@pytest.fixture
def stream() -> io.StringIO:
    """Give where logs go, at INFO."""
    stream = io.StringIO()
    configure("INFO", stream=stream)
    return stream


def the_lines(stream: io.StringIO) -> list[dict[str, object]]:
    """Give the lines logged."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_log_writes_one_object_a_line(stream: io.StringIO) -> None:
    """A line has the time, the level, the event and its fields, as values."""
    log(LogEvent.OBJECT_PULLED, key="a\nß", lines=3, reason=Reason.EMPTY, sha256=None)
    (line,) = the_lines(stream)
    at = line.pop("at")
    assert {
        "level": "INFO",
        "event": "object.pulled",
        "key": "a\nß",
        "lines": 3,
        "reason": "empty",
        "sha256": None,
    } == line
    assert str(at).endswith("+00:00")


def test_log_levels_are_those_declared(stream: io.StringIO) -> None:
    """What is below the level set is not written."""
    log(LogEvent.TRANSACTION_COMMITTED)
    log(LogEvent.SOURCE_MISPLACED)
    assert [("ERROR", "source.misplaced")] == [
        (line["level"], line["event"]) for line in the_lines(stream)
    ]
    assert not is_debugging()
    configure("DEBUG", stream=stream)
    log(LogEvent.TRANSACTION_COMMITTED)
    assert "DEBUG" == the_lines(stream)[-1]["level"]
    assert is_debugging()


def test_configure_replaces_what_it_set_before(stream: io.StringIO) -> None:
    """Configured twice, each line is written once, to the last stream."""
    last = io.StringIO()
    configure("INFO", stream=last)
    log(LogEvent.OBJECT_PULLED)
    assert (0, 1) == (len(the_lines(stream)), len(the_lines(last)))


def test_log_never_writes_bytes(stream: io.StringIO) -> None:
    """Bytes could be a line's: their number is all that is told."""
    value = CANARY.encode()
    log(LogEvent.OBJECT_PULLED, line=value, view=memoryview(value), path=Path("a"), kinds={"b"})
    (line,) = the_lines(stream)
    assert ("9 bytes", "9 bytes", "a", ["b"]) == (
        line["line"],
        line["view"],
        line["path"],
        line["kinds"],
    )
    assert CANARY not in stream.getvalue()


def test_log_never_writes_what_it_does_not_know(stream: io.StringIO) -> None:
    """An object of another kind is told by its type, since its text may hold anything."""

    class Unknown:
        def __repr__(self) -> str:
            return CANARY

    log(LogEvent.OBJECT_PULLED, thing=Unknown())
    assert CANARY not in stream.getvalue()
    assert "Unknown" in stream.getvalue()


def test_log_refuses_a_field_that_would_hide_a_part(stream: io.StringIO) -> None:
    """A field cannot take the place of the event's name."""
    with pytest.raises(AssertionError):
        log(LogEvent.OBJECT_PULLED, event="x")
    assert [] == the_lines(stream)


def test_libraries_are_heard_from_warning_on_without_tracebacks(stream: io.StringIO) -> None:
    """A library's warning is a line of the same form; what it was reading stays out."""
    library = logging.getLogger("some.library")
    library.info("quiet")
    library.warning("slow", exc_info=ValueError(CANARY))
    (line,) = the_lines(stream)
    del line["at"]
    assert {"level": "WARNING", "logger": "some.library", "message": "slow"} == line
