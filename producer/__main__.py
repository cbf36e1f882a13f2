"""The console script `openai-compliance`, and `python -m producer`."""

import io
import sys

from producer.cli.main import run
from producer.cli.wiring.rooms import SystemRooms


def main() -> None:
    """Run one command and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        # What a customer wrote may not fit the terminal's encoding; that must not stop a command.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(rooms=SystemRooms()))


if __name__ == "__main__":
    main()
