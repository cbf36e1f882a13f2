"""The demonstration says what it did, and leaves nothing behind, however it ends."""

import contextlib
import gzip
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import boto3
import pytest

from tests.support.stage_processes import surroundings_of_this_process
from tests.support.waiting import eventually

# On a machine that is busy with other tests.
_END_SECONDS_MAX: Final = 120
_TOTAL = re.compile(r"^([a-z ]+?) {2,}(\d+) *$", re.MULTILINE)

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for survivors in /proc")


@dataclass(frozen=True)
class Demo:
    """One run of `demo`. Its directory for temporary files marks all that it starts."""

    process: subprocess.Popen[bytes]
    directory: Path

    @property
    def out(self) -> str:
        """What it has printed."""
        return (self.directory / "out").read_text()

    @property
    def err(self) -> str:
        """What it has shown beside that."""
        return (self.directory / "err").read_text()

    @property
    def leftovers(self) -> list[str]:
        """What lies in its directory for temporary files."""
        return [path.name for path in (self.directory / "tmp").iterdir()]

    def end(self) -> int:
        """Wait for its end; return the exit code."""
        return self.process.wait(_END_SECONDS_MAX)

    def living(self) -> list[str]:
        """Give the command lines of the processes that it started, its own too."""
        mark = f"TMPDIR={self.directory / 'tmp'}\0".encode()
        found = []
        for process in Path("/proc").iterdir():
            # A process may end while it is looked at.
            with contextlib.suppress(OSError):
                if process.name.isdigit() and mark in (process / "environ").read_bytes():
                    command = (process / "cmdline").read_bytes()
                    found.append(command.replace(b"\0", b" ").decode())
        return found

    def shows(self, text: str) -> None:
        """Wait until it has shown the text, which it must do while it runs."""
        eventually(
            lambda: text in self.err or self.process.poll() is not None,
            within_seconds=_END_SECONDS_MAX,
            every_seconds=0.02,
            describe=text,
        )
        assert text in self.err

    def totals(self) -> dict[str, int]:
        """Read the totals that it printed."""
        _, _, table = self.out.partition("Totals")
        return {name: int(count) for name, count in _TOTAL.findall(table)}


StartDemo = Callable[..., Demo]


@pytest.fixture
def start_demo(tmp_path: Path) -> Iterator[StartDemo]:
    """Give a way to start demonstrations: `start_demo(*arguments, **settings)`, once a test."""
    (tmp_path / "tmp").mkdir()
    started: list[Demo] = []

    def start(*arguments: str, **settings: str) -> Demo:
        environment = surroundings_of_this_process() | {"TMPDIR": str(tmp_path / "tmp")}
        environment |= {f"OPENAI_COMPLIANCE_{name}": text for name, text in settings.items()}
        with (tmp_path / "out").open("wb") as out, (tmp_path / "err").open("wb") as err:
            process = subprocess.Popen(
                [sys.executable, "-m", "producer", "demo", *arguments],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        started.append(Demo(process, tmp_path))
        return started[-1]

    yield start
    for demo in started:
        demo.process.kill()
        demo.process.wait()


@pytest.fixture
def addresses(kafka: str, schema_registry: str, s3: str, topic_prefix: str) -> dict[str, str]:
    """Give the settings with which a demonstration starts no part of its own."""
    return {
        "KAFKA__BOOTSTRAP_SERVERS": kafka,
        "SCHEMA_REGISTRY__URL": schema_registry,
        "S3__ENDPOINT_URL": s3,
        "STS__ENDPOINT_URL": s3,
        "TOPICS__PREFIX": topic_prefix,
        "TOPICS__EVENTS": f"{topic_prefix}events",
    }


def test_demo_accounts_for_every_sample(start_demo: StartDemo) -> None:
    """From nothing, the sample drops end as events, dead letters, duplicates and outcomes."""
    demo = start_demo()

    assert 0 == demo.end(), demo.err
    assert [] == demo.living()
    assert [] == demo.leftovers
    assert {
        "objects": 9,
        "lines": 28,
        "raw records": 27,
        "events": 25,
        "duplicates suppressed": 1,
        "dead letters": 1,
        "quarantined objects": 1,
    } == demo.totals()
    assert [
        "✓ lines = raw + blank + dead letters: 28 = 27 + 1 + 0",
        "✓ raw = lines that gave events + lines that gave dead letters: 27 = 26 + 1",
        "✓ normalised = published + suppressed: 26 = 25 + 1",
    ] == [line for line in demo.out.splitlines() if line.startswith(("✓", "✗"))]
    assert re.search(r"CODEX_LOG_\S+\.gz +quarantined +truncated +2 +2 +0 +0", demo.out)
    # An event of each rule: of a family that is known, of one that is not, of the flat shape.
    for action in ("login_success", "AGENT_RUN_COMPLETED", "chat.completion"):
        assert f"  {action} " in demo.out
    assert "What to try next" in demo.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_demo_stopped_while_parts_start_leaves_nothing(
    start_demo: StartDemo, number: signal.Signals
) -> None:
    """When the command returns, the parts that it was starting are gone."""
    demo = start_demo()
    demo.shows("starting Kafka")
    # The command, three parts' processes, and the first of what those run.
    eventually(lambda: 5 <= len(demo.living()), describe="programs of the parts")

    demo.process.send_signal(number)

    assert 1 == demo.end(), demo.err
    assert [] == demo.living()
    assert [] == demo.leftovers
    assert demo.err.endswith("interrupted\n")
    assert "" == demo.out


def test_demo_stopped_while_pulling_leaves_nothing(
    start_demo: StartDemo, addresses: dict[str, str]
) -> None:
    """When the command returns, the process that pulled is gone."""
    demo = start_demo(**addresses)
    demo.shows("✓ applying the source")
    logs = demo.directory / "tmp"
    eventually(
        lambda: any(b"partitions.assigned" in log.read_bytes() for log in logs.glob("*/pull.log")),
        every_seconds=0.02,
        describe="the process that pulls at its work",
    )
    assert any("producer pull --once" in each for each in demo.living())

    demo.process.send_signal(signal.SIGINT)

    assert 1 == demo.end(), demo.err
    assert [] == demo.living()
    assert [] == demo.leftovers


def test_demo_killed_takes_its_parts_with_it(start_demo: StartDemo) -> None:
    """A demonstration that cannot clean up any more still leaves no process."""
    demo = start_demo()
    demo.shows("starting Kafka")
    eventually(lambda: 5 <= len(demo.living()), describe="programs of the parts")

    demo.process.kill()

    eventually(lambda: [] == demo.living(), describe="the end of all that was started")


def test_demo_reads_a_bucket_and_leaves_it_as_it_is(
    start_demo: StartDemo, addresses: dict[str, str], s3: str, topic_prefix: str
) -> None:
    """A bucket that is named is read instead of samples, under its prefix, and not written to."""
    client = boto3.client("s3", endpoint_url=s3)
    bucket = f"{topic_prefix}real"
    client.create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    lines = [_line(number) for number in range(40)]
    client.put_object(Bucket=bucket, Key="logs/one.gz", Body=gzip.compress(b"".join(lines)))
    client.put_object(Bucket=bucket, Key="logs/two", Body=b"".join((*lines[:5], b"\n", b"{\n")))
    client.put_object(Bucket=bucket, Key="others/three", Body=b"".join(lines))
    before = _listing(bucket, s3)

    demo = start_demo(
        "--source", f"s3://{bucket}/logs/", **addresses, ALLOW_AMBIENT_CREDENTIALS="true"
    )

    assert 0 == demo.end(), demo.err
    assert [] == demo.living()
    assert {
        "objects": 2,
        "lines": 47,
        "raw records": 46,
        "events": 40,
        "duplicates suppressed": 5,
        "dead letters": 1,
        "quarantined objects": 0,
    } == demo.totals()
    assert before == _listing(bucket, s3)
    assert "sample" not in demo.err
    assert "starting the S3 stand-in" not in demo.err


def test_demo_of_a_bucket_that_is_not_there_says_so(
    start_demo: StartDemo, addresses: dict[str, str], topic_prefix: str
) -> None:
    """What S3 refuses is told in one sentence, and the logs that may tell more are kept."""
    role = "arn:aws:iam::123456789012:role/reader"
    demo = start_demo(
        "--source", f"s3://{topic_prefix}absent/logs/", "--role-arn", role, **addresses
    )

    assert 1 == demo.end(), demo.err
    assert [] == demo.living()
    (complaint,) = [line for line in demo.err.splitlines() if line.startswith("error: ")]
    assert f"s3://{topic_prefix}absent/logs/ could not be read: bucket_gone" in complaint
    (kept,) = demo.leftovers
    assert ["pull.log"] == [path.name for path in (demo.directory / "tmp" / kept).iterdir()]


def _line(number: int) -> bytes:
    record = {
        "event_id": f"event-{number}",
        "type": "AUTH_LOG",
        "timestamp": "2026-11-03T08:00:00Z",
        "actor": {"type": "ACCOUNT_USER", "user_id": "user-1"},
        "action_data": {"action": "login_success"},
    }
    return json.dumps(record).encode() + b"\n"


def _listing(bucket: str, endpoint_url: str) -> list[tuple[str, str]]:
    found = boto3.client("s3", endpoint_url=endpoint_url).list_objects_v2(Bucket=bucket)
    return [(each["Key"], each["ETag"]) for each in found["Contents"]]
