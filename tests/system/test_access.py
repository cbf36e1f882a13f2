"""Roles and external ids as AWS checks them, seen from outside: a problem is its source's own."""

import json
from typing import Any, Final

from tests.support.deploying import Deploy
from tests.support.deployments import DROPS_PREFIX, Deployment
from tests.support.drops import gzipped, line
from tests.support.fault_s3.buckets import NumberedKeys
from tests.support.fault_s3.server import FaultS3

_ROLE: Final = "arn:aws:iam::123456789012:role/compliance"
_WELL, _WRONG, _HUGE = "src_well", "src_wrong", "src_huge"
_IDS: Final = (_WELL, _WRONG, _HUGE)
_OBJECTS: Final = 1_000_000
# What a supervisor grants before it kills, and less than any listing of a million objects takes.
_STOP_SECONDS_MAX: Final = 10


def _bucket(source_id: str) -> str:
    return source_id.replace("_", "-")


def _apply(stage: Deployment, **external_ids: str) -> None:
    sources = [
        {
            "id": source_id,
            "organizationId": "org_acme",
            "name": source_id,
            "sourceType": "openai_compliance",
            "payloadConfig": {
                "bucket": _bucket(source_id),
                "roleArn": _ROLE,
                "externalId": external_id,
                "pollEverySec": 1,
            },
        }
        for source_id, external_id in external_ids.items()
    ]
    stage.run("sources", "apply", "-", stdin=json.dumps({"sources": sources}).encode())


def _put(s3: FaultS3, source_id: str, name: str) -> None:
    s3.put(_bucket(source_id), f"{DROPS_PREFIX}{name}", gzipped([line(f"{source_id}-{name}")]))


def _discovery(stage: Deployment, source_id: str) -> dict[str, Any]:
    told = json.loads(stage.run("sources", "health", source_id, "--json").stdout)
    found: dict[str, Any] = told["discovery"]
    return found


def _in_raw(stage: Deployment, source_id: str) -> list[str]:
    return sorted(
        record["key"].removeprefix(DROPS_PREFIX)
        for record in stage.records("raw")
        if record["source_id"] == source_id
    )


def _status(stage: Deployment, source_id: str) -> dict[str, Any]:
    """What was told of a source last; nothing where that is nothing yet."""
    told = [each for each in stage.records("source-status") if each["source_id"] == source_id]
    return told[-1] if told else {"healthy": None, "listings": 0}


def test_wrong_external_id_is_named_touches_nobody_else_and_can_be_mended(deploy: Deploy) -> None:
    """Beside it another source is read, and a third begins to be: it has a million objects.

    The process stops when it is told to, however much of that listing is left.
    """
    with FaultS3() as s3:
        s3.roles.add(_ROLE, external_id="lw-right")
        stored = s3.put("elsewhere", "one", gzipped([line("huge")]))
        s3.generate(_bucket(_HUGE), NumberedKeys(DROPS_PREFIX, _OBJECTS, ".gz", stored=stored))
        for source_id in (_WELL, _WRONG):
            _put(s3, source_id, "a.gz")
        stage = deploy(
            partitions=2,
            s3_url=s3.url,
            STS__ENDPOINT_URL=s3.url,
            ALLOW_AMBIENT_CREDENTIALS="false",
            DISCOVERY__OBJECTS_IN_FLIGHT_MAX="20",
        )
        stage.run("topics", "apply")
        _apply(stage, **dict.fromkeys(_IDS, "lw-right") | {_WRONG: "lw-wrong"})
        pull = stage.start("pull")
        stage.eventually(
            lambda: _status(stage, _WRONG)["healthy"] is False, describe="three failures in a row"
        )
        _check_wrong_one(stage, s3)
        _put(s3, _WELL, "b.gz")
        stage.eventually(
            lambda: _in_raw(stage, _WELL) == ["a.gz", "b.gz"], describe="the other source's lines"
        )
        _apply(stage, **{_WRONG: "lw-right"})
        stage.eventually(lambda: _in_raw(stage, _WRONG) == ["a.gz"], describe="the mended one's")
        stage.eventually(
            lambda: _status(stage, _WRONG)["healthy"] and _in_raw(stage, _HUGE),
            describe="good health, and lines of the huge one",
        )
        assert 0 == _status(stage, _HUGE)["listings"]
        assert 0 == pull.stop(within_seconds=_STOP_SECONDS_MAX)
        # Some pages of the thousand.
        assert len(s3.asked("ListObjectsV2", bucket=_bucket(_HUGE))) < 100


def _check_wrong_one(stage: Deployment, s3: FaultS3) -> None:
    """The problem is named with what to do, and the id is told to nobody but STS."""
    wrong, well = _discovery(stage, _WRONG), _status(stage, _WELL)
    assert (False, "role_not_assumable") == (wrong["healthy"], wrong["problem"])
    assert "external id" in wrong["problemDetail"]
    assert "lw-wrong" not in wrong["problemDetail"]
    assert (True, None) == (well["healthy"], well["problem"])
    assert f"{_WRONG}: unhealthy: role_not_assumable: " in stage.run("sources", "list").stderr
    sessions = {(asked.session_name, asked.external_id) for asked in s3.asked("AssumeRole")}
    assert {
        ("openai-compliance-src_well", "lw-right"),
        ("openai-compliance-src_huge", "lw-right"),
        ("openai-compliance-src_wrong", "lw-wrong"),
    } == sessions
