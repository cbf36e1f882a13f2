"""Clusters for tests: started at the first use, once a session, and whole again for each test."""

from collections.abc import Iterator

import pytest

from producer.embedded.parts import Progress
from tests.support.kafka_clusters.cluster import KafkaCluster
from tests.support.kafka_clusters.starting import running_cluster


@pytest.fixture(scope="session")
def _one_broker(
    tmp_path_factory: pytest.TempPathFactory, progress: Progress
) -> Iterator[KafkaCluster]:
    directory = tmp_path_factory.mktemp("one-broker")
    with running_cluster(directory, size=1, progress=progress) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def _three_brokers(
    tmp_path_factory: pytest.TempPathFactory, progress: Progress
) -> Iterator[KafkaCluster]:
    directory = tmp_path_factory.mktemp("three-brokers")
    with running_cluster(directory, size=3, progress=progress) as cluster:
        yield cluster


@pytest.fixture
def one_broker(_one_broker: KafkaCluster) -> Iterator[KafkaCluster]:
    """Give a broker behind a proxy, which no other test has left ill."""
    yield _one_broker
    _one_broker.heal()


@pytest.fixture
def three_brokers(_three_brokers: KafkaCluster) -> Iterator[KafkaCluster]:
    """Give three brokers behind proxies, which no other test has left ill."""
    yield _three_brokers
    _three_brokers.heal()
