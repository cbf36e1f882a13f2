"""All parts at once: what a demonstration or a session of tests asks for."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from producer.embedded.artifacts import Progress
from producer.embedded.kafka import Broker, kafka_tool_command, running_kafka
from producer.embedded.registry import running_registry
from producer.embedded.s3 import running_s3

__all__ = [
    "Broker",
    "Parts",
    "Progress",
    "kafka_tool_command",
    "running",
    "running_kafka",
    "running_registry",
    "running_s3",
]


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Where the parts answer."""

    kafka_bootstrap_servers: str
    schema_registry_url: str
    s3_endpoint_url: str


@contextmanager
def running(
    work_directory: Path,
    *,
    kafka: str | None = None,
    registry: str | None = None,
    s3: str | None = None,
    progress: Progress,
) -> Iterator[Parts]:
    """Give all parts; an address that the caller has is used as it is.

    They start side by side, and each is ended at the latest when this process is.
    """
    with ExitStack() as stack:
        with ThreadPoolExecutor() as pool:
            broker = pool.submit(
                stack.enter_context,
                running_kafka(work_directory, address=kafka, progress=progress),
            )
            registry_url = pool.submit(
                stack.enter_context,
                running_registry(work_directory, address=registry, progress=progress),
            )
            s3_url = pool.submit(
                stack.enter_context, running_s3(work_directory, address=s3, progress=progress)
            )
        yield Parts(
            kafka_bootstrap_servers=broker.result().bootstrap_servers,
            schema_registry_url=registry_url.result(),
            s3_endpoint_url=s3_url.result(),
        )
