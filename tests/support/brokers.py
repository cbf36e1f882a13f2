"""The outside systems that the tests stand on: started at the first use, once a session.

An address given on the command line wins over starting one. Everything that a test makes in a
shared system carries a prefix of its own, so that tests do not meet.
"""

import itertools
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from producer.embedded.parts import (
    Broker,
    Progress,
    kafka_tool_command,
    running_kafka,
    running_registry,
    running_s3,
)

KafkaTool: TypeAlias = Callable[..., subprocess.CompletedProcess[str]]

_TOOL_SECONDS_MAX = 120
_prefixes = itertools.count()


@pytest.fixture(scope="session")
def progress(pytestconfig: pytest.Config) -> Progress:
    """Give a way to tell the person at the terminal what is being started."""
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    reporter = pytestconfig.pluginmanager.getplugin("terminalreporter")

    def tell(text: str) -> None:
        if capture is not None and reporter is not None:
            with capture.global_and_fixture_disabled():
                reporter.write_line(f"\n{text}")

    return tell


@pytest.fixture(scope="session")
def parts_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the directory of the parts' data and logs."""
    return tmp_path_factory.mktemp("parts")


@pytest.fixture(scope="session")
def kafka(pytestconfig: pytest.Config, parts_directory: Path, progress: Progress) -> Iterator[str]:
    """Give the bootstrap servers of a real Kafka."""
    address = pytestconfig.getoption("kafka_bootstrap_servers")
    with running_kafka(parts_directory, address=address, progress=progress) as broker:
        yield broker.bootstrap_servers


@pytest.fixture(scope="session")
def schema_registry(
    pytestconfig: pytest.Config, parts_directory: Path, progress: Progress
) -> Iterator[str]:
    """Give the URL of a real schema registry's Confluent-compatible interface."""
    address = pytestconfig.getoption("schema_registry_url")
    with running_registry(parts_directory, address=address, progress=progress) as url:
        yield url


@pytest.fixture(scope="session")
def s3(pytestconfig: pytest.Config, parts_directory: Path, progress: Progress) -> Iterator[str]:
    """Give the endpoint of an S3 that also answers for STS."""
    address = pytestconfig.getoption("s3_endpoint_url")
    with running_s3(parts_directory, address=address, progress=progress) as url:
        yield url


@pytest.fixture(scope="session")
def kafka_tool() -> KafkaTool:
    """Give a way to run a tool of Kafka's own: `kafka_tool(class name, *arguments)`."""

    def run(class_name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            kafka_tool_command(class_name, *arguments),
            capture_output=True,
            text=True,
            check=False,
            timeout=_TOOL_SECONDS_MAX,
        )

    return run


@pytest.fixture
def topic_prefix() -> str:
    """Give a prefix for topics, groups and buckets that no other test has."""
    # The process id keeps apart two sessions that share a cluster given by its address.
    return f"t{os.getpid():x}-{next(_prefixes):x}-"


__all__ = [
    "Broker",
    "KafkaTool",
    "kafka",
    "kafka_tool",
    "parts_directory",
    "progress",
    "s3",
    "schema_registry",
    "topic_prefix",
]
