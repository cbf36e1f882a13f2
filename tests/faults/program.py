"""The program itself, watched: `python -m tests.faults.program pull` is `openai-compliance pull`.

Besides, it keeps a journal, breaks where it is told to, and has the defect that it is told to
have. All of it comes from outside, in variables of the environment: the package knows nothing of
this.
"""

import faulthandler
import os
import resource
import signal
from pathlib import Path
from typing import Final

from producer.__main__ import main
from producer.clock import SystemClock
from producer.kafka import clients, watched
from producer.kafka.tables import TableReader
from tests.faults import faults
from tests.faults.defects import DEFECTS
from tests.faults.journal import Journal
from tests.faults.watching import Watch, WatchedConsumer, WatchedPublisher, watched_reading

JOURNAL_VARIABLE: Final = "FAULTS_JOURNAL"
PLAN_VARIABLE: Final = "FAULTS_PLAN"
DEFECT_VARIABLE: Final = "FAULTS_DEFECT"
CLOCK_VARIABLE: Final = "FAULTS_CLOCK_SECONDS"
FILE_VARIABLE: Final = "FAULTS_FILE_BYTES"
_MICROSECONDS: Final = 1_000_000


def watch_clients(watch: Watch) -> None:
    """Put the watched clients into the places of librdkafka's own."""
    WatchedPublisher.watch = watch
    WatchedConsumer.watch = watch
    for place, name, client in (
        (watched, "Producer", WatchedPublisher),
        (clients, "Consumer", WatchedConsumer),
    ):
        assert hasattr(place, name)
        setattr(place, name, client)
    read = "_read_to"
    setattr(TableReader, read, watched_reading(watch, getattr(TableReader, read)))


def set_clock(seconds: int) -> None:
    """Let the program's clock be fast by so much."""
    now = SystemClock.now

    def set_now(clock: SystemClock) -> int:
        return now(clock) + seconds * _MICROSECONDS

    name = "now"
    setattr(SystemClock, name, set_now)


def bound_files(size: int) -> None:
    """Refuse to let a file grow beyond so many bytes, as a full disk would."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


if __name__ == "__main__":
    # Who waits in vain for this process asks it where it stands.
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    environment = os.environ  # noqa: TID251 - these are no settings of the program
    watch_clients(
        Watch(
            Journal(Path(environment[JOURNAL_VARIABLE])),
            faults.from_text(environment.get(PLAN_VARIABLE, "[]")),
        )
    )
    if defect := environment.get(DEFECT_VARIABLE):
        DEFECTS[defect]()
    set_clock(int(environment.get(CLOCK_VARIABLE, "0")))
    if size := environment.get(FILE_VARIABLE):
        bound_files(int(size))
    main()
