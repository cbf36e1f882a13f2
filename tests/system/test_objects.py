"""What a person sees of a source's objects, and what comes of asking for one again."""

import json
from collections import Counter
from typing import Any, Final

from tests.support.deploying import Deploy
from tests.support.deployments import DROPS_PREFIX, SOURCE_ID, Deployment
from tests.support.drops import governance_event_id, gzipped, line

_USAGE: Final = 2
_FATAL: Final = 1
_LINES: Final = 20


def _objects(stage: Deployment, *arguments: str) -> list[dict[str, Any]]:
    """The objects that a command names, as JSON."""
    found: list[dict[str, Any]] = json.loads(
        stage.run("objects", *arguments, "--source", SOURCE_ID, "--json").stdout
    )
    return found


def _states(stage: Deployment) -> dict[str, tuple[str, int]]:
    return {
        each["key"].removeprefix(DROPS_PREFIX): (each["state"], each["attempt"])
        for each in _objects(stage, "list")
    }


def _put(stage: Deployment, name: str, *, is_truncated: bool = False) -> None:
    content = gzipped(line(f"{name}-{number}") for number in range(_LINES))
    stage.put(name, content[:-20] if is_truncated else content)


def _finished(stage: Deployment, outcomes: int) -> bool:
    return len(stage.records("outcomes")) >= outcomes


def _status(stage: Deployment) -> dict[str, Any]:
    return stage.records("source-status")[-1]


def _with_a_truncated_one(deploy: Deploy) -> Deployment:
    """Two objects that are pulled, one that is quarantined, and a process that goes on."""
    stage = deploy()
    stage.set_up(poll_seconds=1)
    for name in ("b.gz", "c.gz"):
        _put(stage, name)
    _put(stage, "d.gz", is_truncated=True)
    stage.start("pull")
    stage.eventually(lambda: _finished(stage, 3), describe="three outcomes")
    return stage


def test_retry_puts_no_line_into_raw_twice(deploy: Deploy) -> None:
    """It is one attempt more, of what is quarantined; a rehearsal does nothing."""
    stage = _with_a_truncated_one(deploy)
    listed = stage.run("objects", "list", "--source", SOURCE_ID).stdout.splitlines()
    assert ["KEY", "STATE", "ATTEMPT"] == listed[0].split()[:3]
    assert [["b.gz", "pulled"], ["c.gz", "pulled"], ["d.gz", "quarantined"]] == [
        row.removeprefix(DROPS_PREFIX).split()[:2] for row in listed[1:]
    ]
    lines = len(stage.records("raw"))

    (meant,) = _objects(stage, "retry", "--dry-run")
    assert (DROPS_PREFIX + "d.gz", "truncated", 1) == (
        meant["key"],
        meant["reason"],
        meant["attempt"],
    )
    (again,) = _objects(stage, "retry")
    assert 2 == again["attempt"]
    stage.eventually(lambda: _finished(stage, 4), describe="the outcome of the retry")

    assert ("quarantined", 2) == _states(stage)["d.gz"]
    assert lines == len(stage.records("raw"))


def test_replay_repeats_what_is_known_beside_what_is_new(deploy: Deploy) -> None:
    """The lines are in raw again under its id, and their events pass once more; new ones once.

    A key that sorts below all others comes meanwhile: it is pulled, and late.
    """
    stage = _with_a_truncated_one(deploy)
    lines = len(stage.records("raw"))

    replayed = _objects(stage, "replay", "--from", f"{DROPS_PREFIX}b", "--to", f"{DROPS_PREFIX}c")
    _put(stage, "a.gz")
    assert [DROPS_PREFIX + "b.gz"] == [each["key"] for each in replayed]
    (replay_id,) = {each["replay_id"] for each in replayed}
    stage.eventually(lambda: _finished(stage, 5), describe="outcomes of replay and late object")
    stage.eventually(
        lambda: (0, 1) == (_status(stage)["objects_behind"], _status(stage)["objects_late"]),
        describe="a status that knows of the late object's end",
    )

    again = [record for record in stage.records("raw") if record["replay_id"] is not None]
    assert list(range(1, _LINES + 1)) == [record["line_number"] for record in again]
    assert {replay_id} == {record["replay_id"] for record in again}
    assert lines + 2 * _LINES == len(stage.records("raw"))
    assert DROPS_PREFIX + "d.gz" == _status(stage)["high_water_key"]
    stage.run("normalise", "--once")
    published = Counter(read.key.decode() for read in stage.read("events"))
    assert [1, 2, 1] == [
        published[governance_event_id(SOURCE_ID, f"{name}.gz-0")] for name in "abc"
    ]


def test_command_waits_for_a_process_and_is_not_lost(deploy: Deploy) -> None:
    """Without one it says so; the next one to come carries it out, once."""
    stage = deploy()
    stage.set_up()
    _put(stage, "d.gz", is_truncated=True)
    stage.run("pull", "--once")

    process = stage.run(
        "objects", "retry", "--source", SOURCE_ID, "--timeout", "1", exit_code=_FATAL
    )
    assert "is published but not carried out within 1 s" in process.stderr
    stage.run("pull", "--once")
    stage.run("pull", "--once")

    assert {"d.gz": ("quarantined", 2)} == _states(stage)


def test_commands_are_each_answered(deploy: Deploy) -> None:
    """How many objects, or why not; also where several people ask for one source at once."""
    stage = _with_a_truncated_one(deploy)
    replay = ("objects", "replay", "--source", SOURCE_ID, "--from", "a", "--to", "z")
    asked = [stage.start(*replay, "--json") for _ in range(2)]
    asked += [stage.start("objects", "reconcile", "--source", SOURCE_ID) for _ in range(2)]
    assert [0, 0, 0, 0] == [process.end() for process in asked]
    assert ["3 objects of 3 pulled again, replay id "] * 2 == [
        process.stderr.splitlines()[-1][:39] for process in asked[:2]
    ]

    stage.remove_bucket()
    process = stage.run(*replay, exit_code=_FATAL)
    assert "ended after 0 objects: bucket_gone; `sources check src_acme`" in process.stderr


def test_commands_for_a_disabled_source_are_refused(deploy: Deploy) -> None:
    """At once by the command line; where it was disabled meanwhile, by discovery."""
    stage = deploy()
    stage.set_up()
    _put(stage, "d.gz", is_truncated=True)
    stage.run("pull", "--once")
    waiting = stage.start("objects", "retry", "--source", SOURCE_ID)
    stage.eventually(lambda: stage.read("commands"), describe="the command")
    stage.apply_source(disabled=True)

    process = stage.run("objects", "reconcile", "--source", SOURCE_ID, exit_code=_USAGE)
    assert "source 'src_acme' is disabled" in process.stderr
    stage.start("pull")

    assert _FATAL == waiting.end()
    assert "ended after 0 objects: source_disabled; enable the source" in waiting.stderr


_WRONG: Final = (
    (("list", "--source", "src_acm"), "did you mean 'src_acme'?"),
    (("replay", "--source", SOURCE_ID, "--from", "b", "--to", "a"), "--from sorts behind --to"),
    (("list", "--source", SOURCE_ID, "--state", "lost"), "'lost' is not one of"),
)


def test_wrong_usage_is_explained(deploy: Deploy) -> None:
    """With exit code 2, and no trace of Python."""
    stage = deploy()
    stage.set_up()

    for arguments, complaint in _WRONG:
        process = stage.run("objects", *arguments, exit_code=_USAGE)
        assert complaint in process.stderr
        assert "Traceback" not in process.stderr
