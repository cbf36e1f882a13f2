"""What S3 promises on the wire, and moto and the fault server keep.

moto assumes any role with any external id and honours any region, so those are not promised here;
the fault server's own tests hold them.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

import boto3
import msgspec
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.support.fault_s3.server import FaultS3

CONTENT = b"0123456789" * 10


class Filled(msgspec.Struct, frozen=True):
    """A bucket, a client that reads it, and a way to fill it."""

    name: str
    client: Any
    put: Callable[[str, bytes, str], object]

    def listing(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - any parameter's value
        answer: dict[str, Any] = self.client.list_objects_v2(Bucket=self.name, **asked)
        return answer

    def keys(self, **asked: Any) -> list[str]:  # noqa: ANN401 - any parameter's value
        return [found["Key"] for found in self.listing(**asked).get("Contents", [])]

    def read(self, key: str = "key", **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - the same
        answer: dict[str, Any] = self.client.get_object(Bucket=self.name, Key=key, **asked)
        with closing(answer["Body"]) as body:
            answer["Body"] = body.read()
        return answer

    def refusal(self, key: str = "key", **asked: Any) -> tuple[int, str]:  # noqa: ANN401 - the same
        with pytest.raises(ClientError) as raised:
            self.read(key, **asked)
        response = raised.value.response
        return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


@pytest.fixture(params=["moto", "fault server"])
def bucket(request: pytest.FixtureRequest, topic_prefix: str) -> Iterator[Filled]:
    """Give an empty bucket of either server."""
    name = f"{topic_prefix}wire"
    if request.param == "moto":
        url = request.getfixturevalue("s3")
    else:
        server: FaultS3 = request.getfixturevalue("fault_s3_of_session")
        server.add_bucket(name)
        url = server.url
    client: S3Client
    with closing(boto3.client("s3", endpoint_url=url, config=_once())) as client:
        if request.param == "moto":
            client.create_bucket(
                Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
            )

        def put(key: str, content: bytes, storage_class: str) -> None:
            if request.param == "moto":
                client.put_object(
                    Bucket=name,
                    Key=key,
                    Body=content,
                    StorageClass=storage_class,  # type: ignore[arg-type] # one of many literals
                )
            else:
                server.put(name, key, content, storage_class=storage_class)

        yield Filled(name, client, put)


def _once() -> Config:
    return Config(retries={"total_max_attempts": 1})


def put_all(bucket: Filled, *keys: str) -> None:
    for key in keys:
        bucket.put(key, CONTENT, "STANDARD")


def test_listing_goes_page_by_page_with_a_token(bucket: Filled) -> None:
    """Each page says whether another follows; the token leads to it."""
    put_all(bucket, "p/a", "p/b", "p/c", "q")
    first = bucket.listing(Prefix="p/", MaxKeys=2)
    assert [found["Key"] for found in first["Contents"]] == ["p/a", "p/b"]
    assert (first["IsTruncated"], first["KeyCount"], first["MaxKeys"]) == (True, 2, 2)
    second = bucket.listing(
        Prefix="p/", MaxKeys=2, ContinuationToken=first["NextContinuationToken"]
    )
    assert [found["Key"] for found in second["Contents"]] == ["p/c"]
    assert not second["IsTruncated"]
    assert "NextContinuationToken" not in second


def test_listing_that_fills_its_page_is_not_truncated(bucket: Filled) -> None:
    """There is no empty page behind the last key."""
    put_all(bucket, "a", "b")
    assert not bucket.listing(MaxKeys=2)["IsTruncated"]


def test_listing_tells_of_each_object(bucket: Filled) -> None:
    """Size, etag in quotes, storage class and a time in whole seconds."""
    bucket.put("key", CONTENT, "STANDARD_IA")
    (found,) = bucket.listing()["Contents"]
    assert found["Size"] == len(CONTENT)
    assert found["ETag"] == '"7a08b07e84641703e5f2c836aa59a170"'
    assert found["StorageClass"] == "STANDARD_IA"
    assert found["LastModified"].microsecond == 0


def test_listing_begins_behind_a_key(bucket: Filled) -> None:
    """Whether the key exists or not, and also where the prefix lies behind it."""
    put_all(bucket, "p/a", "p/b", "p/c")
    assert bucket.keys(StartAfter="p/a") == ["p/b", "p/c"]
    assert bucket.keys(StartAfter="p/aa", Prefix="p/") == ["p/b", "p/c"]
    assert bucket.keys(StartAfter="a", Prefix="p/b") == ["p/b"]
    assert bucket.keys(StartAfter="q", Prefix="p/") == []


def test_token_goes_before_a_position(bucket: Filled) -> None:
    """A client that sends both on every page is not sent back."""
    put_all(bucket, "a", "b", "c")
    token = bucket.listing(MaxKeys=2)["NextContinuationToken"]
    assert bucket.keys(StartAfter="a", ContinuationToken=token) == ["c"]


def test_keys_are_listed_in_the_order_of_their_bytes(bucket: Filled) -> None:
    """UTF-16 would put the last two the other way round."""
    put_all(bucket, "\U00010000", "\uffee", "a", "B", "é")
    assert bucket.keys() == ["B", "a", "é", "\uffee", "\U00010000"]


def test_keys_are_encoded_where_it_is_asked_for(bucket: Filled) -> None:
    """Then whatever a key holds can be listed; moto cannot store a key with a line feed."""
    put_all(bucket, "a b", "a+b", "a%2Bb", "p/q")
    encoded = bucket.keys(EncodingType="url")
    assert {"a%2Bb", "a%252Bb"} <= set(encoded)
    assert [unquote_plus(key) for key in encoded] == ["a b", "a%2Bb", "a+b", "p/q"]


def test_object_is_read_whole(bucket: Filled) -> None:
    """With its length and its etag."""
    put_all(bucket, "key")
    answer = bucket.read()
    assert answer["Body"] == CONTENT
    assert answer["ContentLength"] == len(CONTENT)
    assert answer["ETag"] == bucket.listing()["Contents"][0]["ETag"]


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [
        ("bytes=10-", 10, 100),
        ("bytes=10-19", 10, 20),
        ("bytes=-5", 95, 100),
        ("bytes=90-500", 90, 100),
    ],
)
def test_part_of_an_object_is_read(bucket: Filled, asked: str, first: int, end: int) -> None:
    """The answer says which part it is."""
    put_all(bucket, "key")
    answer = bucket.read(Range=asked)
    assert answer["Body"] == CONTENT[first:end]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert answer["ContentRange"] == f"bytes {first}-{end - 1}/100"


def test_part_behind_the_end_is_refused(bucket: Filled) -> None:
    """Rather than given as nothing."""
    put_all(bucket, "key")
    assert bucket.refusal(Range="bytes=100-") == (416, "InvalidRange")


def test_object_is_read_only_if_it_is_the_version_asked_for(bucket: Filled) -> None:
    """A part of another version is refused too."""
    put_all(bucket, "key")
    etag = bucket.read()["ETag"]
    assert bucket.read(IfMatch=etag, Range="bytes=99-")["Body"] == b"9"
    bucket.put("key", b"another", "STANDARD")
    assert bucket.refusal(IfMatch=etag) == (412, "PreconditionFailed")
    assert bucket.refusal(IfMatch=etag, Range="bytes=1-") == (412, "PreconditionFailed")


def test_what_does_not_exist_is_told_apart(bucket: Filled) -> None:
    """A key, and a bucket."""
    assert bucket.refusal("missing") == (404, "NoSuchKey")
    missing = msgspec.structs.replace(bucket, name=f"{bucket.name}-missing")
    assert missing.refusal("missing") == (404, "NoSuchBucket")


@pytest.mark.parametrize("storage_class", ["GLACIER", "DEEP_ARCHIVE"])
def test_archived_object_is_listed_and_not_read(bucket: Filled, storage_class: str) -> None:
    """Its class is told by the listing."""
    bucket.put("key", CONTENT, storage_class)
    (found,) = bucket.listing()["Contents"]
    assert found["StorageClass"] == storage_class
    assert bucket.refusal() == (403, "InvalidObjectState")


def test_object_of_a_class_that_is_at_hand_is_read(bucket: Filled) -> None:
    """It is called after a glacier and needs no thaw."""
    bucket.put("key", CONTENT, "GLACIER_IR")
    assert bucket.read()["Body"] == CONTENT


def test_head_tells_what_a_body_would_have(bucket: Filled) -> None:
    """Also of an object that may not be read."""
    bucket.put("key", CONTENT, "GLACIER")
    head = bucket.client.head_object(Bucket=bucket.name, Key="key")
    assert (head["ContentLength"], head["StorageClass"]) == (len(CONTENT), "GLACIER")
    location = bucket.client.get_bucket_location(Bucket=bucket.name)
    assert location["LocationConstraint"] == "eu-central-1"
    headers = bucket.client.head_bucket(Bucket=bucket.name)["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amz-bucket-region"] == "eu-central-1"
