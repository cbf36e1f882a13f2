"""One deployment of the program: its settings, bucket, processes, and a stranger's view of it."""

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import boto3

from tests.support.stage_processes import StageProcess
from tests.support.topic_reading import Isolation, Read, TopicReading
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")

SOURCE_ID: Final = "src_acme"
DROPS_PREFIX: Final = "compliance/"
_TOPICS: Final = (
    "sources",
    "commands",
    "objects",
    "raw",
    "outcomes",
    "normalised",
    "dead-letters",
    "source-status",
)
# What a person or a supervisor would wait for a process to do something.
_PATIENCE_SECONDS: Final = 60


@dataclass(frozen=True, kw_only=True)
class Systems:
    """The addresses of the systems around the program."""

    kafka: str
    schema_registry: str
    s3: str
    kafka_itself: str = ""
    """The brokers, for a stranger who looks past what stands before them."""


class Deployment:
    """Topics, groups, bucket and state of its own, on systems shared with others."""

    def __init__(
        self,
        systems: Systems,
        *,
        prefix: str,
        directory: Path,
        partitions: int,
        settings: Mapping[str, str],
    ) -> None:
        self.prefix = prefix
        self.bucket = f"{prefix}drops"
        self.state_directory = directory / "state"
        self.processes: list[StageProcess] = []
        self._directory = directory
        self._numbers = itertools.count(1)
        self.settings = {
            "KAFKA__BOOTSTRAP_SERVERS": systems.kafka,
            # The shortest that can be set: what a killed process owned is given on after that.
            "KAFKA__SESSION_TIMEOUT_SECONDS": "6",
            "KAFKA__TRANSACTION_TIMEOUT_SECONDS": "5",
            "SCHEMA_REGISTRY__URL": systems.schema_registry,
            "S3__ENDPOINT_URL": systems.s3,
            "STS__ENDPOINT_URL": systems.s3,
            "TOPICS__PREFIX": prefix,
            "TOPICS__EVENTS": self.topic("events"),
            "TOPICS__PARTITIONS": str(partitions),
            "TOPICS__REPLICATION": "1",
            "STATE_DIRECTORY": str(self.state_directory),
            "INSTANCE": "one",
            "ALLOW_AMBIENT_CREDENTIALS": "true",
            **settings,
        }
        self._s3: S3Client = boto3.client("s3", endpoint_url=systems.s3)
        self.reading = TopicReading(
            bootstrap_servers=systems.kafka_itself or systems.kafka,
            registry_url=systems.schema_registry,
        )

    @property
    def puller_group(self) -> str:
        """The group of `pull`."""
        return f"{self.prefix}puller"

    @property
    def normaliser_group(self) -> str:
        """The group of `normalise`."""
        return f"{self.prefix}normaliser"

    def topic(self, name: str) -> str:
        """The full name of a topic."""
        return self.prefix + ("governance-events" if name == "events" else name)

    def topics(self) -> set[str]:
        """The full names of all topics that the program may make."""
        return {self.topic(name) for name in (*_TOPICS, "events")}

    def set_up(self, *, poll_seconds: int = 60) -> None:
        """Create topics, bucket and source, with the program's own commands."""
        self.make_bucket()
        self.run("topics", "apply")
        self.apply_source(poll_seconds=poll_seconds)

    def make_bucket(self) -> None:
        """Create the bucket, with the object store's own client."""
        region: Any = self._s3.meta.region_name
        self._s3.create_bucket(
            Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": region}
        )

    def remove_bucket(self) -> None:
        """Remove the bucket with all that is in it."""
        for listed in self._s3.list_objects_v2(Bucket=self.bucket).get("Contents", []):
            self._s3.delete_object(Bucket=self.bucket, Key=listed["Key"])
        self._s3.delete_bucket(Bucket=self.bucket)

    def apply_source(self, *, poll_seconds: int = 60, disabled: bool = False) -> None:
        """Apply the one source."""
        source = {
            "id": SOURCE_ID,
            "organizationId": "org_acme",
            "name": "Acme",
            "sourceType": "openai_compliance",
            "status": "disabled" if disabled else "active",
            "payloadConfig": {
                "bucket": self.bucket,
                "prefix": DROPS_PREFIX,
                "pollEverySec": poll_seconds,
            },
        }
        self.run("sources", "apply", "-", stdin=json.dumps({"sources": [source]}).encode())

    def put(self, key: str, content: bytes) -> None:
        """Put an object under the source's prefix, or overwrite it."""
        self._s3.put_object(Bucket=self.bucket, Key=DROPS_PREFIX + key, Body=content)

    def copy(self, key: str, *, to: str) -> None:
        """Copy an object within the bucket, as a person who tidies up does."""
        self._s3.copy_object(
            Bucket=self.bucket,
            Key=DROPS_PREFIX + to,
            CopySource={"Bucket": self.bucket, "Key": DROPS_PREFIX + key},
        )

    def start(
        self,
        *arguments: str,
        instance: str | None = None,
        settings: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        module: str = "producer",
        surroundings: Mapping[str, str] | None = None,
    ) -> StageProcess:
        """Start a command."""
        slot = {} if instance is None else {"INSTANCE": instance}
        process = StageProcess(
            arguments,
            settings=self.settings | slot | dict(settings or {}),
            directory=self._directory,
            name=f"{next(self._numbers)}-{'-'.join(arguments[:2]).strip('-')}",
            stdin=stdin,
            module=module,
            surroundings=surroundings,
        )
        self.processes.append(process)
        return process

    def run(self, *arguments: str, stdin: bytes = b"", exit_code: int = 0) -> StageProcess:
        """Run a command to its end; its exit code must be this one."""
        process = self.start(*arguments, stdin=stdin)
        ended_with = process.end()
        assert exit_code == ended_with, f"{process}\n{process.report()}"
        return process

    def eventually(self, predicate: Callable[[], T], *, describe: str) -> T:
        """Wait for something that running processes bring about; fail at once if one ends."""
        running = [process for process in self.processes if process.exit_code is None]

        def asked() -> T:
            for process in running:
                assert process.exit_code is None, (
                    f"{process} ended while {describe} was waited for\n{process.report()}"
                )
            return predicate()

        # The states waited for pass by within a second or two.
        return eventually(
            asked, within_seconds=_PATIENCE_SECONDS, every_seconds=0.02, describe=describe
        )

    def read(self, name: str, *, isolation: Isolation = "read_committed") -> list[Read]:
        """Read one of the topics whole."""
        return self.reading.read(self.topic(name), isolation=isolation)

    def records(self, name: str) -> list[dict[str, Any]]:
        """Read one of the topics whole, decoded."""
        return [read.record for read in self.read(name)]

    def committed_offsets(self, group: str, name: str) -> int:
        """The sum of a group's committed offsets on one of the topics: how far it is."""
        committed = self.reading.committed(group, self.topic(name))
        return sum(max(0, found.offset) for found in committed.values())

    def close(self) -> None:
        """End what was started and still runs."""
        for process in self.processes:
            if process.exit_code is None:
                process.kill()
        self.reading.close()
        self._s3.close()
