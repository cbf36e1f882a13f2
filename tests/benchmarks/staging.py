"""A deployment on real parts and the fault server, started anew for each measurement."""

import json
import os
import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import click

from producer.embedded.parts import running_kafka, running_registry
from tests.support.deployments import Deployment, Systems
from tests.support.fault_s3.server import FaultS3
from tests.support.stage_processes import StageProcess

ROLE: Final = "arn:aws:iam::123456789012:role/reader"
EXTERNAL_ID: Final = "lw-benchmark"
_MEBIBYTE: Final = 1024


@contextmanager
def staged(*, partitions: int, **settings: str) -> Iterator[tuple[Deployment, FaultS3]]:
    """Start the parts, create the topics, and give both; `settings` are without their prefix."""
    os.environ.update(  # noqa: TID251 - what the processes are started with
        AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="eu-central-1"
    )
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        s3 = stack.enter_context(FaultS3())
        kafka = stack.enter_context(running_kafka(directory, address=None, progress=_tell))
        registry = stack.enter_context(running_registry(directory, address=None, progress=_tell))
        stage = Deployment(
            Systems(kafka=kafka.bootstrap_servers, schema_registry=registry, s3=s3.url),
            prefix="bench-",
            directory=directory / "stage",
            partitions=partitions,
            settings={"ALLOW_AMBIENT_CREDENTIALS": "false", **settings},
        )
        stack.callback(stage.close)
        stage.run("topics", "apply")
        yield stage, s3


def add_sources(stage: Deployment, s3: FaultS3, ids: Sequence[str], *, poll_seconds: int) -> None:
    """Give each source a bucket of its own, of its name, and apply them all."""
    for source_id in ids:
        s3.add_bucket(bucket_of(source_id))
    s3.roles.add(ROLE, external_id=EXTERNAL_ID, buckets=[bucket_of(each) for each in ids])
    sources = [
        {
            "id": source_id,
            "organizationId": "org",
            "name": source_id,
            "sourceType": "openai_compliance",
            "payloadConfig": {
                "bucket": bucket_of(source_id),
                "roleArn": ROLE,
                "externalId": EXTERNAL_ID,
                "pollEverySec": poll_seconds,
            },
        }
        for source_id in ids
    ]
    stage.run("sources", "apply", "-", stdin=json.dumps({"sources": sources}).encode())


def bucket_of(source_id: str) -> str:
    """Name the bucket of a source."""
    return source_id.replace("_", "-")


def peak_mebibytes(process: StageProcess) -> float:
    """The most memory that a process had resident."""
    return _memory(process, "VmHWM")


def resident_mebibytes(process: StageProcess) -> float:
    """The memory that a process has resident now."""
    return _memory(process, "VmRSS")


def _memory(process: StageProcess, name: str) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    found = re.search(rf"{name}:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / _MEBIBYTE


def wait(seconds: float) -> None:
    """Let time pass: a measurement's own, not a test's."""
    time.sleep(seconds)  # noqa: TID251 - figures are of stretches of time


def _tell(text: str) -> None:
    click.echo(text, err=True)
