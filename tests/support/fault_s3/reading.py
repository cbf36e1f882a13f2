"""GetObject and HeadObject: conditions, ranges, and objects that may not be read."""

import re
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

from tests.support.fault_s3.answers import Answer, RefusedError
from tests.support.fault_s3.buckets import StoredObject
from tests.support.fault_s3.requests import Request

_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)")


def object_answer(
    stored: StoredObject, request: Request, *, caller: str, ignores: frozenset[str]
) -> Answer:
    """Answer with the object, or with the part of it that is asked for."""
    if "if-match" not in ignores:
        _check_etag(stored, request.if_match)
    if request.action == "GetObject":
        _check_readable(stored, request, caller)
    headers = _headers(stored)
    size = stored.size_bytes
    status, first, end = 200, 0, size
    if request.range is not None and "range" not in ignores:
        part = _part(request.range, size)
        if part is not None:
            status, (first, end) = 206, part
            headers["Content-Range"] = f"bytes {first}-{end - 1}/{size}"
    body = stored.content.pieces(first, end) if request.method == "GET" else ()
    return Answer(status=status, headers=headers, body=body, length=end - first)


def _check_etag(stored: StoredObject, wanted: str | None) -> None:
    if wanted is None or wanted == "*":
        return
    if stored.etag not in {one.strip().strip('"') for one in wanted.split(",")}:
        what = "At least one of the pre-conditions you specified did not hold"
        raise RefusedError(412, "PreconditionFailed", what, details={"Condition": "If-Match"})


def _check_readable(stored: StoredObject, request: Request, caller: str) -> None:
    if stored.is_denied:
        raise RefusedError(403, "AccessDenied", "Access Denied")
    if stored.is_archived:
        what = "The operation is not valid for the object's storage class"
        details = {"StorageClass": stored.storage_class}
        raise RefusedError(403, "InvalidObjectState", what, details=details)
    if stored.has_customer_key and (
        "x-amz-server-side-encryption-customer-key" not in request.headers
    ):
        what = "The object was stored using a form of Server Side Encryption."
        how = "The correct parameters must be provided to retrieve the object."
        raise RefusedError(400, "InvalidRequest", f"{what} {how}")
    if stored.is_denied_by_kms:
        key = "arn:aws:kms:eu-central-1:111111111111:key/0"
        what = f"User: {caller} is not authorized to perform: kms:Decrypt on resource: {key}"
        why = "because no identity-based policy allows the kms:Decrypt action"
        raise RefusedError(403, "AccessDenied", f"{what} {why}")


def _part(text: str, size: int) -> tuple[int, int] | None:
    """Give the first byte and the end; several ranges at once are not honoured, as on S3."""
    found = _RANGE.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        return None
    first_text, last_text = found.groups()
    if first_text:
        first, end = int(first_text), min(int(last_text or size) + bool(last_text), size)
    else:
        first, end = max(size - int(last_text), 0), size
    if first >= size:
        details = {"ActualObjectSize": str(size), "RangeRequested": text}
        what = "The requested range is not satisfiable"
        headers = {"Content-Range": f"bytes */{size}"}
        raise RefusedError(416, "InvalidRange", what, details=details, headers=headers)
    # A range that ends before it begins is none.
    return (first, end) if first < end else None


def _headers(stored: StoredObject) -> dict[str, str]:
    modified = datetime.fromtimestamp(stored.last_modified // 1_000_000, UTC)
    headers = {
        "ETag": f'"{stored.etag}"',
        "Last-Modified": format_datetime(modified, usegmt=True),
        "Accept-Ranges": "bytes",
        "Content-Type": "binary/octet-stream",
        "x-amz-storage-class": stored.storage_class,
        "Content-Encoding": stored.content_encoding or "",
        "x-amz-version-id": stored.version_id or "",
    }
    if stored.storage_class == "STANDARD":
        del headers["x-amz-storage-class"]
    return {name: value for name, value in headers.items() if value}
