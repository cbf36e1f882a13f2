"""What stands behind the doors that the contract suites knock at."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Protocol

import boto3
import pytest

from producer.contract.objects import ObjectVersion
from producer.contract.source import IngestionSource
from producer.s3.object_store import ListedObject, ObjectStore
from producer.s3.s3_object_store import S3ObjectStore
from tests.contracts.scripted_server import ScriptedServer
from tests.support.fault_s3.server import FaultS3
from tests.support.object_stores import InMemoryObjectStore


class Bucket(Protocol):
    """One bucket, the source that reads it, and a way to fill it from outside."""

    @property
    def store(self) -> ObjectStore: ...

    @property
    def source(self) -> IngestionSource: ...

    def put_empty(self, keys: list[str]) -> None: ...

    def put(self, key: str, content: bytes) -> None: ...

    def delete(self, key: str) -> None: ...


def a_source(bucket: str, prefix: str = "") -> IngestionSource:
    return IngestionSource(
        id=f"src_{bucket}", organization_id="org", name="a source", bucket=bucket, prefix=prefix
    )


def version_of(source: IngestionSource, listed: ListedObject) -> ObjectVersion:
    return ObjectVersion(
        source_id=source.id,
        bucket=source.bucket,
        key=listed.key,
        etag=listed.etag,
        size_bytes=listed.size_bytes,
        last_modified=listed.last_modified,
        pull_id="pull",
        discovered_at=0,
    )


class BucketInMemory:
    """A bucket of the fake."""

    def __init__(self, name: str) -> None:
        self.store = InMemoryObjectStore()
        self.store.make_bucket(name)
        self.source = a_source(name)

    def put_empty(self, keys: list[str]) -> None:
        for key in keys:
            self.put(key, b"")

    def put(self, key: str, content: bytes) -> None:
        self.store.put(self.source.bucket, key, content)

    def delete(self, key: str) -> None:
        self.store.delete(self.source.bucket, key)


class BucketOfServer:
    """A bucket of an S3 that is reached over the network."""

    def __init__(self, store: S3ObjectStore, endpoint_url: str, name: str) -> None:
        self._client = boto3.client("s3", endpoint_url=endpoint_url)
        self._client.create_bucket(
            Bucket=name,
            CreateBucketConfiguration={"LocationConstraint": "eu-central-1"},
        )
        self.store = store
        self.source = a_source(name)

    def put_empty(self, keys: list[str]) -> None:
        with ThreadPoolExecutor(max_workers=4) as pool:
            list(pool.map(lambda key: self.put(key, b""), keys))

    def put(self, key: str, content: bytes) -> None:
        self._client.put_object(Bucket=self.source.bucket, Key=key, Body=content)

    def delete(self, key: str) -> None:
        self._client.delete_object(Bucket=self.source.bucket, Key=key)

    def close(self) -> None:
        self._client.close()


class BucketOfFaultServer:
    """A bucket of the server that fails to order, and here does not."""

    def __init__(self, store: S3ObjectStore, server: FaultS3, name: str) -> None:
        self._server = server
        server.add_bucket(name)
        self.store = store
        self.source = a_source(name)

    def put_empty(self, keys: list[str]) -> None:
        for key in keys:
            self.put(key, b"")

    def put(self, key: str, content: bytes) -> None:
        self._server.put(self.source.bucket, key, content)

    def delete(self, key: str) -> None:
        self._server.delete(self.source.bucket, key)


@pytest.fixture(
    scope="session",
    params=["memory", "obstore", "boto3", "obstore-of-fault-server", "boto3-of-fault-server"],
)
def make_bucket(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Bucket]]:
    """Give a way to make buckets, behind each implementation of the door."""
    if request.param == "memory":
        yield BucketInMemory
        return
    reader, _, server = request.param.partition("-")
    fixture = "fault_s3_of_session" if server else "s3"
    yield from _buckets_of_servers(request.getfixturevalue(fixture), reader)


def _buckets_of_servers(server: FaultS3 | str, reader: str) -> Iterator[Callable[[str], Bucket]]:
    endpoint_url = server if isinstance(server, str) else server.url
    store = S3ObjectStore(
        endpoint_url=endpoint_url,
        allow_ambient_credentials=True,
        reads_with_obstore=reader == "obstore",
    )
    buckets: list[BucketOfServer] = []

    def make(name: str) -> Bucket:
        if isinstance(server, FaultS3):
            return BucketOfFaultServer(store, server, f"{reader}-{name}")
        buckets.append(BucketOfServer(store, endpoint_url, f"{reader}-{name}"))
        return buckets[-1]

    yield make
    for bucket in buckets:
        bucket.close()
    store.close()


@pytest.fixture(scope="session")
def fault_s3_of_session() -> Iterator[FaultS3]:
    """Give the fault server that no test scripts, whose buckets the stage's identity may read."""
    with FaultS3() as server:
        server.roles.own_identity_reads = True
        yield server


@pytest.fixture(scope="session")
def fault_s3_to_script() -> Iterator[FaultS3]:
    """Give the fault server that stays, so that the clients need not be made for each test."""
    with FaultS3() as server:
        yield server


@pytest.fixture
def fault_s3(fault_s3_to_script: FaultS3) -> Iterator[FaultS3]:
    """Give the fault server to a test: empty, and not asked anything yet."""
    fault_s3_to_script.forget()
    yield fault_s3_to_script
    fault_s3_to_script.release()


@pytest.fixture(scope="module", params=["obstore", "boto3"])
def store_of_module(
    request: pytest.FixtureRequest, fault_s3_to_script: FaultS3
) -> Iterator[S3ObjectStore]:
    """Give a store that reads with one of its readers, and asks once."""
    with closing(
        S3ObjectStore(
            endpoint_url=fault_s3_to_script.url,
            sts_endpoint_url=fault_s3_to_script.url,
            reads_with_obstore=request.param == "obstore",
            attempts=1,
        )
    ) as store:
        yield store


@pytest.fixture
def store_of_roles(store_of_module: S3ObjectStore) -> Iterator[S3ObjectStore]:
    """Give the store to a test: it has no credentials yet and knows nothing of any bucket."""
    yield store_of_module
    store_of_module.close()


@pytest.fixture
def bucket(make_bucket: Callable[[str], Bucket], topic_prefix: str) -> Bucket:
    """Give an empty bucket of its own to each test."""
    return make_bucket(f"{topic_prefix}bucket")


@pytest.fixture(scope="session")
def server_of_session() -> Iterator[ScriptedServer]:
    """Give the server that stays, so that the clients need not be made for each test."""
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def server(server_of_session: ScriptedServer) -> ScriptedServer:
    """Give a server that says what a test lets it say, and has not been asked anything."""
    server_of_session.forget()
    return server_of_session


@pytest.fixture
def new_source(topic_prefix: str) -> IngestionSource:
    """Give a source of which no store knows anything."""
    return a_source(f"{topic_prefix}bucket")
