"""What the scenarios stand on: S3 that fails to order, the client that reads it, and topics."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from producer.s3.s3_object_store import S3ObjectStore
from tests.scenarios.drops import SOURCE
from tests.scenarios.ingestion import ALWAYS_SHORT, Ingestion
from tests.support.fault_s3.server import FaultS3
from tests.unit.discovery.tables import ScriptedTopics, scripted


@pytest.fixture(scope="session")
def fault_s3_of_scenarios() -> Iterator[FaultS3]:
    """Give the fault server that stays, so that the clients need not be made for each test."""
    with FaultS3() as server:
        yield server


@pytest.fixture
def fault_s3(fault_s3_of_scenarios: FaultS3) -> Iterator[FaultS3]:
    """Give the fault server to a test: empty, not asked anything yet, and open to all."""
    fault_s3_of_scenarios.forget()
    fault_s3_of_scenarios.roles.own_identity_reads = True
    yield fault_s3_of_scenarios
    fault_s3_of_scenarios.release()


@pytest.fixture(scope="session")
def store_of_scenarios(fault_s3_of_scenarios: FaultS3) -> Iterator[S3ObjectStore]:
    """Give the client that stays; each request is made once."""
    url = fault_s3_of_scenarios.url
    with closing(
        S3ObjectStore(
            endpoint_url=url, sts_endpoint_url=url, allow_ambient_credentials=True, attempts=1
        )
    ) as store:
        yield store


@pytest.fixture
def store(store_of_scenarios: S3ObjectStore, fault_s3: FaultS3) -> Iterator[S3ObjectStore]:
    """Give the client to a test: it knows nothing of any bucket."""
    del fault_s3
    yield store_of_scenarios
    store_of_scenarios.close()


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch) -> ScriptedTopics:
    """Give topics that ledgers are restored from."""
    return scripted(monkeypatch)


@pytest.fixture
def ingestion(topics: ScriptedTopics, store: S3ObjectStore) -> Ingestion:
    """Give a process that lists a small prefix whole each time."""
    ingestion = Ingestion(topics, store)
    ingestion.apply(SOURCE)
    return ingestion


@pytest.fixture
def hasty(topics: ScriptedTopics, store: S3ObjectStore) -> Ingestion:
    """Give a process that takes every short cut that it may take."""
    ingestion = Ingestion(topics, store, small_objects=ALWAYS_SHORT)
    ingestion.apply(SOURCE)
    return ingestion
