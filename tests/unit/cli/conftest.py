"""The command line with rooms that record what is asked of them."""

import logging
from collections.abc import Iterator

import pytest

from producer.cli.main import run
from tests.unit.cli.recording import ENVIRONMENT, Finished, Invoke, RecordingRooms


@pytest.fixture
def rooms() -> RecordingRooms:
    """Give the rooms that the next command asks."""
    return RecordingRooms()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Set what is required, and undo what a command does to the process's logs."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    root, ours = logging.getLogger(), logging.getLogger("openai_compliance")
    before = (list(root.handlers), root.level, ours.level)
    yield monkeypatch
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


@pytest.fixture
def invoke(
    rooms: RecordingRooms,
    environment: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Invoke:
    """Give a way to run a command line."""
    del environment

    def run_command(*arguments: str) -> Finished:
        code = run(arguments, rooms=rooms)
        captured = capfd.readouterr()
        return Finished(code, captured.out, captured.err)

    return run_command
