"""Deployments of the real program for the tests of the whole, and their logs where one fails."""

from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pytest

from tests.support.deployments import Deployment, Systems
from tests.support.kafka_clusters.cluster import KafkaCluster

_DEPLOYMENTS = pytest.StashKey[list[Deployment]]()


class Deploy(Protocol):
    """Makes a deployment; keyword arguments are settings, named without the prefix they share."""

    def __call__(
        self, *, partitions: int = 2, s3_url: str | None = None, **settings: str
    ) -> Deployment: ...


class DeployOn(Protocol):
    """Makes a deployment on a cluster of its own, whose processes meet the proxies alone."""

    def __call__(
        self, cluster: KafkaCluster, *, partitions: int = 2, **settings: str
    ) -> Deployment: ...


class _Deploying:
    """Makes deployments of one test, and ends them."""

    def __init__(self, directory: Path, prefix: str, request: pytest.FixtureRequest) -> None:
        self._directory, self._prefix = directory, prefix
        self._made = request.node.stash.setdefault(_DEPLOYMENTS, [])

    def make(
        self, systems: Systems, *, partitions: int, settings: Mapping[str, str]
    ) -> Deployment:
        number = len(self._made)
        deployment = Deployment(
            systems,
            prefix=f"{self._prefix}{number}-",
            directory=self._directory / str(number),
            partitions=partitions,
            settings=settings,
        )
        self._made.append(deployment)
        return deployment

    def close(self) -> None:
        for deployment in self._made:
            deployment.close()


@pytest.fixture
def _deploying(
    topic_prefix: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[_Deploying]:
    deploying = _Deploying(tmp_path, topic_prefix, request)
    yield deploying
    deploying.close()


@pytest.fixture
def deploy(kafka: str, schema_registry: str, s3: str, _deploying: _Deploying) -> Deploy:
    """Give a way to make deployments, whose processes end with the test at the latest."""

    def make(*, partitions: int = 2, s3_url: str | None = None, **settings: str) -> Deployment:
        return _deploying.make(
            Systems(kafka=kafka, schema_registry=schema_registry, s3=s3),
            partitions=partitions,
            settings=({} if s3_url is None else {"S3__ENDPOINT_URL": s3_url}) | settings,
        )

    return make


@pytest.fixture
def deploy_on(schema_registry: str, s3: str, _deploying: _Deploying) -> DeployOn:
    """Give a way to make deployments on clusters, replicated as widely as these are."""

    def make(cluster: KafkaCluster, *, partitions: int = 2, **settings: str) -> Deployment:
        return _deploying.make(
            Systems(
                kafka=cluster.via,
                kafka_itself=cluster.bootstrap_servers,
                schema_registry=schema_registry,
                s3=s3,
            ),
            partitions=partitions,
            settings={"TOPICS__REPLICATION": str(len(cluster.nodes))} | settings,
        )

    return make


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
