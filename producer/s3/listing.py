"""A bucket's objects, page by page, in the order of their keys' bytes.

S3 lists keys as XML, which cannot carry all that a key may hold, so it is asked to encode them;
they are decoded here, and not by boto3, so that what is decoded is what was encoded.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from producer.contract.objects import Reason
from producer.contract.source import IngestionSource
from producer.s3.asking import Asking
from producer.s3.object_store import ListedObject, Page
from producer.s3.refusals import refused, translated

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import (
        ListObjectsV2OutputTypeDef,
        ListObjectsV2RequestTypeDef,
        ObjectTypeDef,
    )

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def list_pages(
    asking: Asking, source: IngestionSource, *, start_after: str | None
) -> Iterator[Page]:
    """List the source's prefix behind a key."""
    asked = asking.asked
    request: ListObjectsV2RequestTypeDef = {
        "Bucket": source.bucket,
        "Prefix": source.prefix,
        "EncodingType": "url",
        # Where the requester pays, this must be said; elsewhere it is ignored.
        "RequestPayer": "requester",
    }
    if start_after is not None:
        request["StartAfter"] = start_after
    read_through = start_after or ""
    while True:
        answer = asking.with_boto3(lambda client: client.list_objects_v2(**request))
        with translated(asked):
            objects = tuple(_objects(answer, asked))
            is_last = not answer["IsTruncated"]
        _check_order(objects, read_through, asked)
        if objects:
            read_through = objects[-1].key
        yield Page(objects=objects, read_through=read_through, is_last=is_last)
        if is_last:
            return
        token = answer.get("NextContinuationToken")
        if not token or token == request.get("ContinuationToken"):
            raise refused(Reason.UNKNOWN_REFUSAL, f"{asked}: a page does not say how to go on")
        request["ContinuationToken"] = token


def _objects(answer: "ListObjectsV2OutputTypeDef", asked: str) -> Iterator[ListedObject]:
    is_encoded = answer.get("EncodingType") == "url"
    for listed in answer.get("Contents", ()):
        try:
            key = unquote_plus(listed["Key"], errors="strict") if is_encoded else listed["Key"]
        except UnicodeDecodeError as error:
            what = f"{asked}: the key {listed['Key']!r} is not UTF-8"
            raise refused(Reason.UNKNOWN_REFUSAL, what) from error
        yield _listed_object(key, listed)


def _listed_object(key: str, listed: "ObjectTypeDef") -> ListedObject:
    return ListedObject(
        key=key,
        etag=listed["ETag"].strip('"'),
        size_bytes=listed["Size"],
        last_modified=(listed["LastModified"] - _EPOCH) // _MICROSECOND,
        storage_class=listed.get("StorageClass"),
    )


def _check_order(objects: tuple[ListedObject, ...], read_through: str, asked: str) -> None:
    """Refuse a listing whose position would mean nothing: unordered, or going round in circles."""
    before = read_through.encode()
    for listed in objects:
        key = listed.key.encode()
        if key <= before:
            what = f"{asked}: key {listed.key!r} comes after {before.decode()!r}; a bucket without"
            raise refused(Reason.UNKNOWN_REFUSAL, f"{what} order cannot be a source")
        before = key
