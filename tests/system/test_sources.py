"""What a person sees of a source, from its first listing to its removal and its return."""

import json
from typing import Any, Final

from tests.support.deploying import Deploy
from tests.support.deployments import DROPS_PREFIX, SOURCE_ID, Deployment
from tests.support.drops import gzipped, line
from tests.support.stage_processes import StageProcess

_GONE: Final = "src_gone"
_USAGE: Final = 2
_FATAL: Final = 1
_HAPPENED: Final = "2026-09-15T10:00:00.000Z"


def _told(stage: Deployment, *arguments: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    return json.loads(stage.run("sources", *arguments, "--json").stdout)


def _apply(stage: Deployment, *, source_id: str, bucket: str, prefix: str) -> StageProcess:
    source = {
        "id": source_id,
        "organizationId": "org_acme",
        "name": "Acme",
        "sourceType": "openai_compliance",
        "payloadConfig": {"bucket": bucket, "prefix": prefix, "pollEverySec": 1},
    }
    return stage.run("sources", "apply", "-", stdin=json.dumps(source).encode())


def _put(stage: Deployment, name: str) -> None:
    stage.put(name, gzipped([line(f"{name}-1"), line(f"{name}-2")]))


def _published(stage: Deployment, objects: int) -> None:
    """Wait until so many objects are pulled, and normalise them."""
    stage.eventually(
        lambda: len(stage.records("outcomes")) >= objects, describe=f"{objects} outcomes"
    )
    stage.run("normalise", "--once")


def test_sources_are_watched_tried_removed_and_taken_up_again(deploy: Deploy) -> None:
    """One source that is well and one whose bucket is gone, seen through every command."""
    stage = deploy()
    stage.set_up(poll_seconds=1)
    _apply(stage, source_id=_GONE, bucket=f"{stage.bucket}-gone", prefix="")
    _put(stage, "b")
    pull = stage.start("pull")
    _published(stage, 1)
    _check_tail(stage)
    _check_health(stage)
    _check_trial(stage)
    assert 0 == pull.stop()
    assert False is _told(stage, "health", SOURCE_ID)["discovery"]["isPullRunning"]
    _check_removal_and_return(stage)


def _check_tail(stage: Deployment) -> None:
    """What is there is shown, and what arrives, though it happened no later than that."""
    tail = stage.start("sources", "tail", SOURCE_ID, "--follow")
    stage.eventually(lambda: len(tail.stdout.splitlines()) == 2, describe="two events")
    _put(stage, "c")
    _published(stage, 2)
    stage.eventually(lambda: len(tail.stdout.splitlines()) == 4, describe="two more events")
    assert 0 == tail.stop()
    assert {f"{_HAPPENED}  auth.signin  login_success"} == {
        text.partition(" → ")[0] for text in tail.stdout.splitlines()
    }
    (newest,) = stage.run(
        "sources", "tail", SOURCE_ID, "--limit", "1", "--json"
    ).stdout.splitlines()
    assert SOURCE_ID == json.loads(newest)["source_id"]


def _check_health(stage: Deployment) -> None:
    """Health is LangWatch's and ours; who is not well is seen in the list."""
    found = _told(stage, "health", SOURCE_ID)
    assert {"id": SOURCE_ID, "name": "Acme", "status": "active"} == found["source"]
    assert _HAPPENED == found["health"]["lastSuccessIso"]
    discovery = found["discovery"]
    assert (True, True, 2, f"{DROPS_PREFIX}c") == tuple(
        discovery[name] for name in ("healthy", "isPullRunning", "objectsFound", "highWaterKey")
    )
    stage.eventually(
        lambda: any(
            status["source_id"] == _GONE and not status["healthy"]
            for status in stage.records("source-status")
        ),
        describe="three failures in a row",
    )
    listed = stage.run("sources", "list")
    assert ["NAME", "TYPE", "STATUS", "LAST", "EVENT", "ID"] == listed.stdout.split()[:6]
    assert [SOURCE_ID, _GONE] == [text.split()[-1] for text in listed.stdout.splitlines()[1:]]
    assert listed.stderr.startswith(f"{_GONE}: unhealthy: bucket_gone: ")
    assert 1 == len(listed.stderr.splitlines())


def _check_trial(stage: Deployment) -> None:
    """One can be read; the other says at which step it cannot, and what to do."""
    steps = _told(stage, "check", SOURCE_ID)["steps"]
    assert ["identity", "region", "listing", "reading"] == [step["step"] for step in steps]
    assert all(step["ok"] for step in steps)
    gone, refused = (stage.start("sources", "check", each) for each in (_GONE, "src_acm"))
    assert [_FATAL, _USAGE] == [gone.end(), refused.end()]
    assert "FAILED  listing: bucket_gone: " in gone.stdout
    assert gone.stdout.endswith("; correct the source's bucket, or create it\n")
    assert "did you mean 'src_acme'" in refused.stderr
    assert "Traceback" not in gone.stderr + refused.stderr


def _check_removal_and_return(stage: Deployment) -> None:
    """What was pulled is not pulled again, and counts go on."""
    before = len(stage.records("raw"))
    refused = stage.run("sources", "remove", SOURCE_ID, exit_code=_USAGE)
    assert "--yes" in refused.stderr
    ids = (SOURCE_ID, _GONE)
    removals = [stage.start("sources", "remove", source_id, "--yes") for source_id in ids]
    assert [0, 0] == [removal.end() for removal in removals]
    assert [f"{source_id}: removed\n" for source_id in ids] == [r.stdout for r in removals]
    assert [] == _told(stage, "list")
    _put(stage, "d")
    stage.run("pull", "--once")
    assert before == len(stage.records("raw"))

    stage.apply_source()
    stage.run("pull", "--once")
    assert before + 2 == len(stage.records("raw"))
    found = _told(stage, "health", SOURCE_ID)
    assert ("active", 3) == (found["source"]["status"], found["discovery"]["objectsFound"])

    moved = _apply(stage, source_id=SOURCE_ID, bucket=stage.bucket, prefix=f"{DROPS_PREFIX}x")
    assert "objects replay --source src_acme" in moved.stderr
