"""How soon the work of a process that died, or was asked to end, goes on; and what it costs."""

import gzip
import json
import time
from collections import Counter
from random import Random
from typing import Final

import pytest

from tests.faults.experiments import Experiment
from tests.faults.schedules import SMALL_STEPS
from tests.faults.watched_processes import Watched
from tests.support.deploying import Deploy
from tests.support.drops import line
from tests.support.figures import Figures
from tests.support.throttled_s3 import ThrottledS3
from tests.support.waiting import eventually

# They wait for sessions to time out, one after the other.
pytestmark = pytest.mark.at_length

_SESSION_SECONDS: Final = 6.0
_BEYOND_SECONDS: Final = 5.0
_STOP_SECONDS: Final = 10.0
_READING_SECONDS_MAX: Final = 900.0
_CHUNK_LINES: Final = int(SMALL_STEPS["PULLER__CHUNK_LINES"])
_NEWER: Final = {"KAFKA__GROUP_PROTOCOL": "consumer", "KAFKA__SESSION_TIMEOUT_SECONDS": ""}
_STATIC: Final = {
    "KAFKA__STATIC_MEMBERSHIP": "true",
    "KAFKA__SESSION_TIMEOUT_SECONDS": "60",
    "KAFKA__TRANSACTION_TIMEOUT_SECONDS": "50",
}
_COMMANDS: Final = ("pull", "normalise")
# A member of gzip that is a thousandth of what it unpacks to.
_MEMBER_LINES: Final = 1160


def _shared(experiment: Experiment, command: str) -> tuple[Watched, Watched]:
    """Let two processes share the partitions, beside one of the other kind."""
    other = next(each for each in _COMMANDS if each != command)
    experiment.put(4, lines=50)
    experiment.start(other, instance="beside")
    first = experiment.start(command, instance="one")
    experiment.has_started(first)
    second = experiment.start(command, instance="two")
    experiment.stage.eventually(
        lambda: first.partitions() == second.partitions() == experiment.partitions,
        describe="partitions shared by two",
    )
    _all_is_done(experiment)
    return first, second


def _all_is_done(experiment: Experiment) -> None:
    """Wait until each object has its outcome, and all its events are there."""
    stage = experiment.stage
    stage.eventually(
        lambda: len(stage.records("outcomes")) >= experiment.objects, describe="all outcomes"
    )
    experiment.caught_up()


def _restoring_seconds(watched: Watched, *, since: int) -> float:
    told = watched.process.logs("table.restored")[since:]
    return max((each["seconds"] for each in told), default=0.0)


@pytest.mark.parametrize("command", _COMMANDS)
@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="classic"),
        pytest.param(_NEWER, id="consumer"),
    ],
)
def test_other_process_goes_on_soon_after_a_kill(
    deploy: Deploy, rng: Random, figures: Figures, command: str, settings: dict[str, str]
) -> None:
    """What the killed one owned goes on after the session's time-out and a little."""
    stage = deploy(partitions=4, **SMALL_STEPS, **settings)
    stage.set_up(poll_seconds=1)
    experiment = Experiment(stage, rng)
    first, second = _shared(experiment, command)
    restored = len(second.process.logs("table.restored"))
    first.process.kill()
    killed_at = time.monotonic()
    # Of so many, each partition gets some.
    experiment.put(24, lines=20)
    _all_is_done(experiment)
    seconds = time.monotonic() - killed_at
    restoring = _restoring_seconds(second, since=restored)
    figures(
        f"all work of a killed {command} taken over ({settings or 'classic'})",
        {"seconds": seconds, "of them restoring": restoring},
    )
    # The consumer protocol's session is the broker's own: 45 seconds where nobody sets it.
    session = _SESSION_SECONDS if not settings else 45.0
    assert seconds < session + _BEYOND_SECONDS + restoring


@pytest.mark.parametrize("command", _COMMANDS)
def test_replacement_of_the_same_name_goes_on_at_once(
    deploy: Deploy, rng: Random, figures: Figures, command: str
) -> None:
    """A static member's successor has its partitions long before the session times out."""
    stage = deploy(partitions=4, **SMALL_STEPS, **_STATIC)
    stage.set_up(poll_seconds=1)
    experiment = Experiment(stage, rng)
    first, _ = _shared(experiment, command)
    first.process.kill()
    started_at = time.monotonic()
    experiment.start(command, instance="one")
    experiment.put(24, lines=20)
    _all_is_done(experiment)
    seconds = time.monotonic() - started_at
    figures(f"all work of a killed {command} done by its replacement", {"seconds": seconds})
    assert seconds < float(_STATIC["KAFKA__SESSION_TIMEOUT_SECONDS"])


@pytest.mark.parametrize("megabytes", [200, 5000], ids=str)
def test_pull_stops_soon_with_a_large_object_open(
    deploy: Deploy, s3: str, figures: Figures, megabytes: int
) -> None:
    """Asked to end inside an object it does so soon, and its successor reads what is left."""
    members = megabytes
    with ThrottledS3(s3, bytes_per_second=100_000) as slow:
        stage = deploy(partitions=1, s3_url=slow.url, PULLER__RATIO_MAX="2000")
        stage.set_up()
        stage.put("large.jsonl.gz", _member() * members)
        process = stage.start("pull")
        stage.eventually(
            lambda: _has_place(
                stage.reading.committed(stage.puller_group, stage.topic("objects"))[0].metadata
            ),
            describe="a place inside the object",
        )
        asked_at = time.monotonic()
        assert process.stop() == 0
        seconds = time.monotonic() - asked_at
        slow.open_gate()
        stage.start("pull")
        (outcome,) = eventually(
            lambda: stage.records("outcomes"),
            within_seconds=_READING_SECONDS_MAX,
            every_seconds=1.0,
            describe="the object's outcome",
        )
    figures(f"pull stopped with {megabytes} MB open", {"seconds": seconds})
    assert (outcome["lines"], outcome["raw_lines"]) == (_MEMBER_LINES * members,) * 2
    if megabytes == 200:
        numbers = Counter(read.record["line_number"] for read in stage.read("raw"))
        assert Counter(range(1, _MEMBER_LINES * members + 1)) == numbers
    assert seconds < _STOP_SECONDS


def _member() -> bytes:
    return gzip.compress((line("event", note="x" * 540) + b"\n") * _MEMBER_LINES, mtime=0)


def _has_place(metadata: str | None) -> bool:
    return bool(metadata) and json.loads(metadata or "{}")["place"]["line"] > 0


def test_rolling_restart_does_nothing_twice_beyond_a_chunk(
    deploy: Deploy, rng: Random, figures: Figures
) -> None:
    """Each process in turn is ended and started under load; what that undid is a chunk at most."""
    stage = deploy(partitions=4, **SMALL_STEPS)
    stage.set_up(poll_seconds=1)
    experiment = Experiment(stage, rng)
    experiment.put(40, lines=200)
    running = {
        (command, name): experiment.start(command, instance=name)
        for command in _COMMANDS
        for name in ("one", "two")
    }
    for watched in running.values():
        experiment.has_started(watched)
    for command, name in list(running):
        experiment.put(10, lines=200)
        experiment.stop(running[command, name])
        running[command, name] = experiment.start(command, instance=name)
        experiment.has_started(running[command, name])
    _all_is_done(experiment)
    for watched in running.values():
        experiment.stop(watched)
    experiment.finish()
    verdict = experiment.judge()
    undone = verdict.counts["messages not committed"]
    figures("a rolling restart of four processes", {"messages not committed": undone})
    verdict.kept()
    # A transaction has at most a chunk or batch of each of two topics in it.
    assert undone <= 2 * _CHUNK_LINES * len(running)
