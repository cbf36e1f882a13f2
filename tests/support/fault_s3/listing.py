"""ListObjectsV2: pages in the order of the keys' bytes, tokens, positions, encoded keys."""

import base64
import binascii
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice, takewhile
from typing import Final
from urllib.parse import quote_plus

from tests.support.fault_s3.answers import RefusedError, elements, xml_text
from tests.support.fault_s3.buckets import Bucket, StoredObject
from tests.support.fault_s3.requests import Request

_PAGE_MAX: Final = 1000
_NOT_ENCODED: Final = "/*"


def list_page(bucket: Bucket, request: Request, drops_keys: frozenset[str]) -> str:
    """Write the page that is asked for."""
    query = request.query
    if "delimiter" in query:
        raise RefusedError(501, "NotImplemented", "delimiters are not")
    size = min(_page_size(query.get("max-keys")), _PAGE_MAX)
    keys = list(islice(_keys(bucket, request), size + 1))
    page = keys[:size]
    is_truncated = bool(page) and len(keys) > size
    encode = _encoding(query.get("encoding-type"))
    fields = {
        "Name": bucket.name,
        "Prefix": encode(query.get("prefix", "")),
        "KeyCount": str(len(page)),
        "MaxKeys": str(size),
        "IsTruncated": str(is_truncated).lower(),
    }
    if "encoding-type" in query:
        fields["EncodingType"] = "url"
    if is_truncated:
        fields["NextContinuationToken"] = _token(page[-1])
    if request.start_after is not None:
        fields["StartAfter"] = encode(request.start_after)
    contents = "".join(
        _contents(encode(text), stored)
        for text, stored in _found(bucket, page)
        if text not in drops_keys
    )
    return (
        '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"{elements(fields)}{contents}</ListBucketResult>"
    )


def _keys(bucket: Bucket, request: Request) -> Iterator[bytes]:
    """Give the keys that are left to be listed; a token goes before a position."""
    prefix = request.query.get("prefix", "").encode()
    behind = (request.start_after or "").encode()
    if request.continuation_token is not None:
        behind = _behind_token(request.continuation_token)
    if bucket.is_directory:
        if request.start_after is not None:
            what = "start-after is not supported for directory buckets"
            raise RefusedError(400, "InvalidRequest", what)
        keys = bucket.keys_from(behind)
        return (key for key in keys if key != behind and key.startswith(prefix))
    keys = bucket.keys_from(max(prefix, behind))
    # The empty key does not exist, so an empty position is behind none.
    return takewhile(lambda key: key.startswith(prefix), (key for key in keys if key != behind))


def _found(bucket: Bucket, keys: list[bytes]) -> Iterator[tuple[str, StoredObject]]:
    for key in keys:
        stored = bucket.find(key)
        if stored is not None:
            yield key.decode(), stored


def _contents(key: str, stored: StoredObject) -> str:
    """Write one object; a million-object listing is made of these, so it is done in one go."""
    return (
        f"<Contents><Key>{key}</Key><LastModified>{_time(stored.last_modified)}</LastModified>"
        f"<ETag>{_etag(stored.etag)}</ETag><Size>{stored.size_bytes}</Size>"
        f"<StorageClass>{stored.storage_class}</StorageClass></Contents>"
    )


@lru_cache
def _time(microseconds: int) -> str:
    modified = datetime.fromtimestamp(microseconds / 1_000_000, UTC)
    return modified.strftime("%Y-%m-%dT%H:%M:%S.000Z")


@lru_cache
def _etag(etag: str) -> str:
    return f"&quot;{xml_text(etag)}&quot;"


class _encoding:  # noqa: N801 - it is called like a function
    """How keys are written: as they are, or as in a query."""

    def __init__(self, encoding_type: str | None) -> None:
        if encoding_type not in {None, "url"}:
            what = "Invalid Encoding Method specified in Request"
            raise RefusedError(400, "InvalidArgument", what)
        self._is_url = encoding_type == "url"

    def __call__(self, text: str) -> str:
        return quote_plus(text, safe=_NOT_ENCODED) if self._is_url else xml_text(text)


def _page_size(text: str | None) -> int:
    if text is None:
        return _PAGE_MAX
    if not text.isdigit():
        raise RefusedError(400, "InvalidArgument", "max-keys is not an integer")
    return int(text)


def _token(key: bytes) -> str:
    return base64.b64encode(b"behind:" + key).decode()


def _behind_token(token: str) -> bytes:
    try:
        kind, colon, key = base64.b64decode(token, validate=True).partition(b":")
    except binascii.Error:
        kind, colon, key = b"", b"", b""
    if (kind, colon) != (b"behind", b":"):
        what = "The continuation token provided is incorrect"
        raise RefusedError(400, "InvalidArgument", what)
    return key
