"""What a watched process did, entry by entry, in a file that outlives it.

An entry that announces is written before the deed, one that reports behind it. So whatever the
moment at which the process is killed, what its journal does not announce has not happened, and
what it reports has. Nothing of the project is known here: who judges reads journals too.
"""

import json
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

BEGUN: Final = "transaction.begun"
COMMITTING: Final = "transaction.committing"
COMMITTED: Final = "transaction.committed"
ABORTED: Final = "transaction.aborted"
FAULT: Final = "fault"
# The stable committed offsets of partitions were asked for; a table is about to be read back.
ASKED: Final = "offsets.asked"
RESTORING: Final = "restoring"
# The header by which each message says which transaction it was published in.
TRANSACTION_HEADER: Final = "transaction"


class Journal:
    """Writes entries; a line of one `write` is whole or absent."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, entry: str, **told: Any) -> None:  # noqa: ANN401 - whatever JSON can say
        """Write an entry, with the time that all processes of the machine share."""
        line = json.dumps({"at": time.monotonic(), "pid": os.getpid(), "entry": entry, **told})
        os.write(self._file, line.encode() + b"\n")


def entries(path: Path) -> Iterator[dict[str, Any]]:
    """Read the entries that are there by now; none where the process has not yet begun one."""
    if path.exists():
        for line in path.read_text().splitlines():
            yield json.loads(line)


def fates(paths: Iterable[Path]) -> dict[str, set[str]]:
    """Tell of each transaction what the journals say of it, by its name."""
    found: dict[str, set[str]] = {}
    for path in paths:
        for entry in entries(path):
            if "transaction" in entry:
                found.setdefault(entry["transaction"], set()).add(entry["entry"])
    return found
