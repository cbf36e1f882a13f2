"""One embedded part in a process of its own, so that its start can be broken off at any moment.

`python -m producer.cli.demo.part NAME DIRECTORY`, with a pipe as standard input that the starting
process holds open: when it closes, the part is ended, whether it was up or still starting. What
happens is told on standard output, a JSON array of kind and text a line: `progress`, then
`address` or `error`.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Literal

from producer.embedded.artifacts import Progress
from producer.embedded.parts import running_kafka, running_registry, running_s3
from producer.errors import ProducerError

Kind = Literal["progress", "address", "error"]

_STDIN: Final = 0
_FAILED: Final = 1


def serve(name: str, directory: Path) -> int:
    """Run the part until the pipe closes; return the exit code."""
    # Whoever starts a job in the background may have it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=_interrupt_when_pipe_closes, daemon=True).start()
    try:
        with _running(name, directory, lambda text: _tell("progress", text)) as address:
            _tell("address", address)
            threading.Event().wait()
    except KeyboardInterrupt:
        return 0
    except ProducerError as error:
        _tell("error", str(error))
    return _FAILED


@contextmanager
def _running(name: str, directory: Path, progress: Progress) -> Iterator[str]:
    if name == "kafka":
        with running_kafka(directory, progress=progress) as broker:
            yield broker.bootstrap_servers
        return
    run = {"registry": running_registry, "s3": running_s3}[name]
    with run(directory, progress=progress) as url:
        yield url


def _interrupt_when_pipe_closes() -> None:
    """Interrupt the main thread, wherever it is: the programs that it started end on its way."""
    # Not through `sys.stdin`, whose lock would be held when the interpreter ends.
    while os.read(_STDIN, 1):
        pass
    os.kill(os.getpid(), signal.SIGINT)


def _tell(kind: Kind, text: str) -> None:
    # Whoever started this may be gone, and the pipe says so.
    with suppress(BrokenPipeError):
        os.write(1, json.dumps([kind, text]).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(serve(sys.argv[1], Path(sys.argv[2])))
