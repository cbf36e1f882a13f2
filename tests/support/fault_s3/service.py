"""S3 and STS without a network: what is there, who may have it, what is answered."""

import itertools
import threading
import time
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

from tests.support.fault_s3.answers import Answer, RefusedError, xml_answer
from tests.support.fault_s3.buckets import (
    Bucket,
    Bytes,
    Content,
    Keys,
    StoredObject,
    is_archive_class,
)
from tests.support.fault_s3.faults import NO_FAULT, Fault, Plan, Script
from tests.support.fault_s3.listing import list_page
from tests.support.fault_s3.reading import object_answer
from tests.support.fault_s3.requests import Request
from tests.support.fault_s3.roles import Roles

_MICROSECONDS: Final = 1_000_000
_SKEW_MAX_MICROSECONDS: Final = 15 * 60 * _MICROSECONDS
_REGION_HEADER: Final = "x-amz-bucket-region"

WrongRegionAnswer = Literal["malformed", "redirect"]


class Service:
    """The state of the service. What tests call may be called while requests are answered."""

    def __init__(self, *, region: str, own_access_keys: Collection[str]) -> None:
        self._region = region
        self._own_access_keys = own_access_keys
        self._lock = threading.RLock()
        self._orders = itertools.count(1)
        self.forget()

    def forget(self) -> None:
        """Begin anew: nothing is there, nothing was asked, nothing fails."""
        with self._lock:
            self._buckets: dict[str, Bucket] = {}
            self._scripts: list[Script] = []
            self._requests: list[Request] = []
            self.clock_offset_seconds = 0.0
            self.wrong_region_answer: WrongRegionAnswer = "malformed"
            self.roles = Roles(self._own_access_keys, self.now)

    def now(self) -> int:
        """The service's time in microseconds since the epoch, which may be off."""
        return time.time_ns() // 1000 + round(self.clock_offset_seconds * _MICROSECONDS)

    @property
    def requests(self) -> list[Request]:
        """All requests so far, in the order in which they came."""
        with self._lock:
            return list(self._requests)

    def asked(
        self, action: str | None = None, *, bucket: str | None = None, key: str | None = None
    ) -> list[Request]:
        """The requests so far of an action, for a bucket, for a key."""
        return [
            request
            for request in self.requests
            if action in {None, request.action}
            and bucket in {None, request.bucket}
            and key in {None, request.key}
        ]

    def forget_requests(self) -> None:
        with self._lock:
            self._requests.clear()

    def script(self, fault: Fault) -> Script:
        """Let a fault be at work from now on."""
        script = Script(fault)
        with self._lock:
            self._scripts.append(script)
        return script

    def add_bucket(
        self, name: str, *, region: str | None = None, requester_pays: bool = False
    ) -> None:
        """Create a bucket, or create it again: empty, and elsewhere perhaps."""
        with self._lock:
            self._buckets[name] = Bucket(
                name, region=region or self._region, requester_pays=requester_pays
            )

    def remove_bucket(self, name: str) -> None:
        with self._lock:
            self._buckets.pop(name, None)

    def put(
        self,
        bucket: str,
        key: str,
        content: bytes | Content,
        *,
        etag: str | None = None,
        last_modified: datetime | None = None,
        storage_class: str = "STANDARD",
        content_encoding: str | None = None,
        version_id: str | None = None,
        is_denied: bool = False,
        is_denied_by_kms: bool = False,
        has_customer_key: bool = False,
    ) -> StoredObject:
        """Store an object, in a bucket that is made if there is none."""
        kept = Bytes(content) if isinstance(content, bytes) else content
        modified = None if last_modified is None else round(last_modified.timestamp())
        stored = StoredObject(
            content=kept,
            etag=etag or kept.etag,
            last_modified=self.now() if modified is None else modified * _MICROSECONDS,
            storage_class=storage_class,
            is_archived=is_archive_class(storage_class),
            content_encoding=content_encoding,
            version_id=version_id,
            is_denied=is_denied,
            is_denied_by_kms=is_denied_by_kms,
            has_customer_key=has_customer_key,
        )
        with self._lock:
            if bucket not in self._buckets:
                self.add_bucket(bucket)
            self._buckets[bucket].put(key.encode(), stored)
        return stored

    def change(self, bucket: str, key: str, **changes: object) -> None:
        """Change properties of an object: restore it, deny it, set its time or its etag."""
        with self._lock:
            stored = self._buckets[bucket].find(key.encode())
            assert stored is not None
            self._buckets[bucket].put(key.encode(), msgspec.structs.replace(stored, **changes))

    def delete(self, bucket: str, key: str) -> None:
        with self._lock:
            self._buckets[bucket].delete(key.encode())

    def generate(self, bucket: str, keys: Keys) -> None:
        """Let keys be listed and read that are made only then, beside those that were put."""
        with self._lock:
            if bucket not in self._buckets:
                self.add_bucket(bucket)
            self._buckets[bucket].generated = keys

    def next_order(self) -> int:
        """Number a request."""
        return next(self._orders)

    def plan_for(self, request: Request) -> Plan:
        """Note the request, and say what is to be done to its answer."""
        with self._lock:
            self._requests.append(request)
            plan = NO_FAULT
            for script in self._scripts:
                plan = script.applied_to(plan, request)
            return plan

    def answer(self, request: Request, plan: Plan) -> Answer:
        """Answer as S3 and STS would, but for what the plan does to it."""
        try:
            if plan.refusal is not None:
                raise plan.refusal
            with self._lock:
                return self._granted(request, plan)
        except RefusedError as refusal:
            return refusal.answer(is_of_sts=request.method == "POST")

    def _granted(self, request: Request, plan: Plan) -> Answer:
        bucket = self._buckets.get(request.bucket)
        self._check_clock(request)
        if request.action == "AssumeRole":
            return self.roles.assume(request)
        if bucket is not None and request.region not in {None, bucket.region}:
            raise self._wrong_region(request, bucket)
        self.roles.authenticate(request)
        if bucket is None:
            details = {"BucketName": request.bucket}
            what = "The specified bucket does not exist"
            raise RefusedError(404, "NoSuchBucket", what, details=details)
        if request.action == "HeadBucket":
            return self._head_of_bucket(request, bucket)
        self._authorise(request, bucket)
        return self._read(request, bucket, plan)

    def _authorise(self, request: Request, bucket: Bucket) -> None:
        self.roles.authorise(request)
        if bucket.requester_pays and request.headers.get("x-amz-request-payer") != "requester":
            raise RefusedError(403, "AccessDenied", "Access Denied")

    def _read(self, request: Request, bucket: Bucket, plan: Plan) -> Answer:
        if request.action in {"GetObject", "HeadObject"}:
            stored = self._found(request, bucket)
            caller = self.roles.caller(request)
            return object_answer(stored, request, caller=caller, ignores=plan.ignores)
        if request.action == "ListObjectsV2":
            if not plan.repeats_page or bucket.last_page is None:
                bucket.last_page = list_page(bucket, request, plan.drops_keys)
            return xml_answer(bucket.last_page, headers={_REGION_HEADER: bucket.region})
        if request.action == "GetBucketLocation":
            location = "" if bucket.region == "us-east-1" else bucket.region
            return xml_answer(f"<LocationConstraint>{location}</LocationConstraint>")
        raise RefusedError(501, "NotImplemented", "only what reads a bucket is")

    def _found(self, request: Request, bucket: Bucket) -> StoredObject:
        version_id = request.query.get("versionId")
        stored = bucket.find(request.key.encode(errors="surrogateescape"), version_id)
        if stored is not None:
            return stored
        if not self.roles.may_list(request):
            raise RefusedError(403, "AccessDenied", "Access Denied")
        if version_id is not None:
            raise RefusedError(404, "NoSuchVersion", "The specified version does not exist.")
        raise RefusedError(404, "NoSuchKey", "The specified key does not exist.")

    def _head_of_bucket(self, request: Request, bucket: Bucket) -> Answer:
        """Tell the region also to those who are told nothing else."""
        headers = {_REGION_HEADER: bucket.region}
        try:
            self._authorise(request, bucket)
        except RefusedError as refusal:
            raise RefusedError(403, refusal.code, refusal.message, headers=headers) from refusal
        return Answer(headers=headers)

    def _check_clock(self, request: Request) -> None:
        text = request.headers.get("x-amz-date")
        if text is None:
            return
        signed = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        if abs(signed.timestamp() * _MICROSECONDS - self.now()) <= _SKEW_MAX_MICROSECONDS:
            return
        if request.action == "AssumeRole":
            what = f"Signature expired: {text} is too far from the server's time"
            raise RefusedError(403, "SignatureDoesNotMatch", what)
        what = "The difference between the request time and the current time is too large."
        raise RefusedError(403, "RequestTimeTooSkewed", what, details={"RequestTime": text})

    def _wrong_region(self, request: Request, bucket: Bucket) -> RefusedError:
        headers = {_REGION_HEADER: bucket.region}
        if self.wrong_region_answer == "redirect":
            what = "The bucket you are attempting to access must be addressed using the specified"
            details = {"Bucket": bucket.name, "Endpoint": f"s3.{bucket.region}.amazonaws.com"}
            return RefusedError(
                301, "PermanentRedirect", f"{what} endpoint.", details=details, headers=headers
            )
        what = f"The authorization header is malformed; the region '{request.region}' is wrong;"
        return RefusedError(
            400,
            "AuthorizationHeaderMalformed",
            f"{what} expecting '{bucket.region}'",
            details={"Region": bucket.region},
            headers=headers,
        )
