"""`demo`: starts, watches, accounts for and stops one run of the whole stage."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import click
from rich.console import Console

from producer.cli.demo.environment import (
    TOPIC_SETTINGS,
    Run,
    addresses,
    environment_of_run,
    settings_before_start,
)
from producer.cli.demo.interrupting import Interrupted, Interruption, signals_put_back
from producer.cli.demo.report import console_for_output, show_next_steps, show_report
from producer.cli.demo.running import PartsOfRun, Stage
from producer.cli.demo.showing import Showing
from producer.cli.demo.source import Asked, source_of
from producer.cli.demo.tally import Tally
from producer.cli.rooms import Rooms
from producer.contract.source import IngestionSource
from producer.embedded import samples
from producer.embedded.parts import Parts
from producer.errors import FatalError, ProducerError
from producer.settings import load, process_environment
from producer.settings.kinds import variable

_RUN_NAME_LENGTH: Final = 8


@click.command()
@click.option(
    "--source", "url", metavar="S3_URL", help="Read s3://bucket/prefix instead of sample drops."
)
@click.option("--role-arn", metavar="ARN", help="The role to read that bucket with.")
@click.option("--external-id", metavar="ID", help="The external id that the role asks for.")
@click.pass_obj
def demo(rooms: Rooms, *, url: str | None, role_arn: str | None, external_id: str | None) -> None:
    """Run the whole stage on this machine, on sample drops or on a bucket, and say what it did.

    Starts Kafka, a schema registry and an S3 stand-in, runs `pull` and `normalise` as real
    processes, prints the events and what became of each object, and stops what it started.
    Addresses that the settings name are used instead of starting parts. A bucket is only read.
    """
    environment = process_environment()
    settings = settings_before_start(environment)
    name = uuid.uuid4().hex[:_RUN_NAME_LENGTH]
    source = source_of(
        Asked(url=url, role_arn=role_arn, external_id=external_id),
        sample_bucket=f"openai-compliance-demo-{name}",
        may_use_ambient=settings.allow_ambient_credentials,
    )
    showing = Showing(Console(stderr=True, highlight=False, markup=False, emoji=False))
    with signals_put_back():
        try:
            with _directory() as directory:
                run = Run(name=name, directory=directory, has_samples=url is None)
                _run(rooms, run, source, environment=environment, showing=showing)
        except Interrupted:
            raise click.Abort from None


@contextmanager
def _directory() -> Iterator[Path]:
    """Give a directory; of a run that failed the logs are kept, since the error names them."""
    directory = Path(tempfile.mkdtemp(prefix="openai-compliance-demo-"))
    is_kept = False
    try:
        yield directory
    except ProducerError:
        is_kept = True
        raise
    finally:
        if is_kept:
            _delete_all_but_logs(directory)
        else:
            shutil.rmtree(directory)


def _delete_all_but_logs(directory: Path) -> None:
    """Delete what may hold records, or much of anything."""
    for folder, _, names in os.walk(directory, topdown=False):
        for path in (Path(folder) / name for name in names):
            if path.suffix != ".log":
                path.unlink()
        if not any(Path(folder).iterdir()):
            Path(folder).rmdir()


def _run(
    rooms: Rooms,
    run: Run,
    source: IngestionSource,
    *,
    environment: dict[str, str],
    showing: Showing,
) -> None:
    interruption, tally = Interruption(), Tally()
    of_run = PartsOfRun(run, environment=environment, showing=showing, interruption=interruption)
    # Parts are ended behind the block in which signals interrupt.
    with closing(of_run), interruption.possible():
        parts = of_run.start()
        prefix = settings_before_start(environment).topics.prefix
        ours = environment_of_run(run, parts, environment=environment, topics_prefix=prefix)
        if run.has_samples:
            _upload(source, parts, showing)
        stage = Stage(
            rooms=rooms,
            settings=load(ours),
            environment=ours,
            directory=run.directory,
            showing=showing,
            interruption=interruption,
            tally=tally,
        )
        left = stage.run(source)
        console = console_for_output()
        show_report(console, tally, prefix=source.prefix)
        show_next_steps(console, (*left, *_next_steps(run, environment, ours)))
    broken = [law.text for law in tally.laws() if not law.holds]
    if broken:
        raise FatalError(f"what went in is not what came out ({'; '.join(broken)}); this is a bug")


def _upload(source: IngestionSource, parts: Parts, showing: Showing) -> None:
    with showing.step("uploading sample drops") as step:
        objects = samples.sample_objects()
        samples.upload(objects, endpoint_url=parts.s3_endpoint_url, bucket=source.bucket)
        step.result = f"{len(objects)} objects in s3://{source.bucket}/{source.prefix}"


def _next_steps(run: Run, environment: Mapping[str, str], ours: Mapping[str, str]) -> list[str]:
    steps = []
    if addresses(environment).kafka is not None:
        names = " ".join(f"{name}={ours[name]}" for name in TOPIC_SETTINGS)
        steps.append(
            "read the events again, which stay in your Kafka: "
            f"{names} openai-compliance events tail --from-beginning"
        )
    if run.has_samples:
        steps.append(
            "read a bucket of yours (nothing is written to it): make demo "
            f"SOURCE=s3://bucket/prefix, with {variable('allow_ambient_credentials')}=true"
        )
        steps.append(
            "the same with a role: openai-compliance demo --source s3://bucket/prefix "
            "--role-arn ARN [--external-id ID]"
        )
    steps.append(
        "run it for good: set the addresses of your Kafka and registry (README.md), then "
        "openai-compliance topics apply, sources apply FILE, check"
    )
    steps.append(
        "and as processes that go on: openai-compliance pull, openai-compliance normalise"
    )
    return steps
