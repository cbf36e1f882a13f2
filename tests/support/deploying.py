"""Deployments of the real program for the tests of the whole, and their logs where one fails."""

import itertools
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.support.deployments import Deployment, Systems

_DEPLOYMENTS = pytest.StashKey[list[Deployment]]()


class Deploy(Protocol):
    """Makes a deployment; keyword arguments are settings, named without the prefix they share."""

    def __call__(
        self, *, partitions: int = 2, s3_url: str | None = None, **settings: str
    ) -> Deployment: ...


@pytest.fixture
def deploy(  # noqa: PLR0917 - fixtures are arguments
    kafka: str,
    schema_registry: str,
    s3: str,
    topic_prefix: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Deploy]:
    """Give a way to make deployments, whose processes end with the test at the latest."""
    made = request.node.stash.setdefault(_DEPLOYMENTS, [])
    numbers = itertools.count()

    def make(*, partitions: int = 2, s3_url: str | None = None, **settings: str) -> Deployment:
        number = next(numbers)
        deployment = Deployment(
            Systems(kafka=kafka, schema_registry=schema_registry, s3=s3),
            prefix=f"{topic_prefix}{number}-",
            directory=tmp_path / str(number),
            partitions=partitions,
            settings=({} if s3_url is None else {"S3__ENDPOINT_URL": s3_url}) | settings,
        )
        made.append(deployment)
        return deployment

    yield make
    for deployment in made:
        deployment.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failure what each process wrote."""
    report = yield
    if report.failed:
        report.sections += [
            (f"{process}", process.report())
            for deployment in item.stash.get(_DEPLOYMENTS, [])
            for process in deployment.processes
        ]
    return report
