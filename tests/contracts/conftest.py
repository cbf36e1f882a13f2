"""What stands behind the doors that the contract suites knock at."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import boto3
import pytest

from producer.contract.objects import ObjectVersion
from producer.contract.source import IngestionSource
from producer.s3.object_store import ListedObject, ObjectStore
from producer.s3.s3_object_store import S3ObjectStore
from tests.contracts.scripted_server import ScriptedServer
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


@pytest.fixture(scope="session", params=["memory", "obstore", "boto3"])
def make_bucket(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Bucket]]:
    """Give a way to make buckets, behind each implementation of the door."""
    if request.param == "memory":
        yield BucketInMemory
        return
    endpoint_url: str = request.getfixturevalue("s3")
    store = S3ObjectStore(
        endpoint_url=endpoint_url,
        allow_ambient_credentials=True,
        reads_with_obstore=request.param == "obstore",
    )
    buckets: list[BucketOfServer] = []

    def make(name: str) -> Bucket:
        buckets.append(BucketOfServer(store, endpoint_url, f"{request.param}-{name}"))
        return buckets[-1]

    yield make
    for bucket in buckets:
        bucket.close()
    store.close()


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
