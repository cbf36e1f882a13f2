"""Logs: one JSON object a line on stderr, so that stdout is a command's own output.

Libraries are heard from WARNING on, by their message; they see no line of an object but in Kafka's
and S3's payloads, which none of them logs at that level.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Final, Literal, TextIO

from producer.telemetry.catalogue import LogEvent

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]

_LOGGER: Final = logging.getLogger("openai_compliance")
_OWN: Final = frozenset({"at", "level", "event"})
_OUTLET: Final = "openai-compliance"


def log(event: LogEvent, /, **fields: object) -> None:
    """Say that something happened, at its declared level; what is particular goes into fields."""
    if _LOGGER.isEnabledFor(event.level):
        assert not _OWN.intersection(fields), "a field has the name of a part of every line"
        _LOGGER.log(event.level, event.title, extra={"event": event, "fields": fields})


def configure(level: Level, *, stream: TextIO | None = None) -> None:
    """Send logs of this level and above to `stream`, default stderr. The last call counts."""
    outlet = logging.StreamHandler(sys.stderr if stream is None else stream)
    outlet.name = _OUTLET
    outlet.setFormatter(JsonLines())
    root = logging.getLogger()
    for earlier in [found for found in root.handlers if found.name == _OUTLET]:
        root.removeHandler(earlier)
    root.addHandler(outlet)
    root.setLevel(logging.WARNING)
    _LOGGER.setLevel(level)


def is_debugging() -> bool:
    """Whether everything is logged that can be."""
    return _LOGGER.isEnabledFor(logging.DEBUG)


class JsonLines(logging.Formatter):
    """Forms one object a line: `at`, `level`, `event`, then the event's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Form the line. Tracebacks are left out: they quote what was being read."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        event = getattr(record, "event", None)
        line: dict[str, object] = {"at": at, "level": record.levelname}
        if isinstance(event, LogEvent):
            line |= {"event": event.title, **getattr(record, "fields", {})}
        else:
            line |= {"logger": record.name, "message": record.getMessage()}
        return json.dumps(line, ensure_ascii=False, default=_plain)


def _plain(value: object) -> object:
    # Bytes could be a line's; nobody has a reason to log any.
    match value:
        case bytes() | bytearray() | memoryview():
            return f"{len(value)} bytes"
        case set() | frozenset():
            return sorted(map(str, value))
        case PurePath() | BaseException():
            return str(value)
        case _:
            return repr(type(value))
