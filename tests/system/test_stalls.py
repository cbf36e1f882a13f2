"""Stores that stall, seen from outside: their objects wait, other sources' objects do not."""

import json
import threading
from collections.abc import Callable
from typing import Final

import pytest

from tests.support.deploying import Deploy
from tests.support.deployments import DROPS_PREFIX, Deployment
from tests.support.drops import gzipped, line
from tests.support.fault_s3.faults import GetObject
from tests.support.fault_s3.server import FaultS3

_ROLE: Final = "arn:aws:iam::123456789012:role/compliance"
_STALLING, _WELL = "src_stalling", "src_well"
_OBJECTS: Final = 5
# Those that run on, and one that is waited for while nobody stands behind.
_ASKED_MAX: Final = 5
# What a supervisor grants before it kills.
_STOP_SECONDS_MAX: Final = 10


def _bucket(source_id: str) -> str:
    return source_id.replace("_", "-")


def _apply(stage: Deployment) -> None:
    sources = [
        {
            "id": source_id,
            "organizationId": "org_acme",
            "name": source_id,
            "sourceType": "openai_compliance",
            "payloadConfig": {
                "bucket": _bucket(source_id),
                "roleArn": _ROLE,
                "externalId": "lw-right",
                "pollEverySec": 1,
            },
        }
        for source_id in (_STALLING, _WELL)
    ]
    stage.run("sources", "apply", "-", stdin=json.dumps({"sources": sources}).encode())


def _put(s3: FaultS3, source_id: str, name: str) -> None:
    s3.put(_bucket(source_id), f"{DROPS_PREFIX}{name}", gzipped([line(f"{source_id}-{name}")]))


def _ends(stage: Deployment, source_id: str) -> dict[str, tuple[str, str | None]]:
    """How the latest attempt at each of a source's objects ended."""
    return {
        outcome["key"].removeprefix(DROPS_PREFIX): (outcome["outcome"], outcome["reason"])
        for outcome in stage.records("outcomes")
        if outcome["source_id"] == source_id
    }


def _in_raw(stage: Deployment, source_id: str) -> list[str]:
    return sorted(
        record["key"].removeprefix(DROPS_PREFIX)
        for record in stage.records("raw")
        if record["source_id"] == source_id
    )


def _wait_until_pulled(stage: Deployment, name: str) -> None:
    stage.eventually(
        lambda: _ends(stage, _WELL).get(name) == ("pulled", None),
        describe=f"the end of the other source's {name}",
    )


def _wait_until_in_raw(stage: Deployment, source_id: str, names: list[str]) -> None:
    stage.eventually(
        lambda: _in_raw(stage, source_id) == names, describe=f"each line of {source_id}, once"
    )


@pytest.mark.parametrize(
    "stalls_at", [None, pytest.param(60, marks=pytest.mark.at_length)], ids=["answer", "body"]
)
def test_store_that_stalls_holds_up_nobody_else_and_loses_nothing(
    deploy: Deploy, stalls_at: int | None
) -> None:
    """It accepts what is asked and does not answer, or stops in the middle of a body.

    And does nothing else before the objects of another source, on the same partition, are read: no
    request ends by itself within the test. Then it answers, and each line comes once. The process
    stops when it is told to, with an object that stalls.
    """
    names = [f"{number:02}.gz" for number in range(_OBJECTS)]
    with FaultS3() as s3:
        s3.roles.add(_ROLE, external_id="lw-right")
        s3.add_bucket(_bucket(_WELL))
        for name in names:
            _put(s3, _STALLING, name)
        release = _stall(s3, stalls_at)
        stage = deploy(
            partitions=1,
            s3_url=s3.url,
            STS__ENDPOINT_URL=s3.url,
            ALLOW_AMBIENT_CREDENTIALS="false",
            S3__READ_TIMEOUT_SECONDS="300",
            DISCOVERY__RETRY_FIRST_SECONDS="1",
            DISCOVERY__RETRY_LONGEST_SECONDS="2",
        )
        stage.run("topics", "apply")
        _apply(stage)
        pull = stage.start("pull")
        for name in names:
            _put(s3, _WELL, name)
            _wait_until_pulled(stage, name)
        _check_stalled(stage, s3)

        release()
        _wait_until_in_raw(stage, _STALLING, names)
        release = _stall(s3, stalls_at)
        _put(s3, _STALLING, "last.gz")
        key = f"{DROPS_PREFIX}last.gz"
        stage.eventually(lambda: s3.asked("GetObject", key=key), describe="an object that stalls")
        assert 0 == pull.stop(within_seconds=_STOP_SECONDS_MAX)
        assert names == _in_raw(stage, _WELL)
        release()


def _stall(s3: FaultS3, at_byte: int | None) -> Callable[[], None]:
    """Let the bucket's objects stall; give what ends that."""
    answers = threading.Event()
    fault = GetObject(bucket=_bucket(_STALLING)).always()
    script = s3.script(fault.doing(answers.wait) if at_byte is None else fault.stalled_at(at_byte))

    def release() -> None:
        script.stop()
        answers.set()
        s3.release()

    return release


def _check_stalled(stage: Deployment, s3: FaultS3) -> None:
    """It was asked seldom, and its objects are said to be tried again."""
    ends = _ends(stage, _STALLING)
    assert _OBJECTS == len(ends)
    assert {("quarantined", "unavailable")} == set(ends.values())
    assert len(s3.asked("GetObject", bucket=_bucket(_STALLING))) <= _ASKED_MAX
    assert [] == _in_raw(stage, _STALLING)
