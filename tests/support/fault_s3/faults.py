"""Faults that a test scripts: which requests they meet, how often, and what they do to the answer.

`GetObject(key="k").cut_at(1000).times(2)` cuts the first two bodies of `k`. A fault meets one
request unless it says otherwise; where several meet one request, the later one wins where both
change the same thing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

from tests.support.fault_s3.answers import RefusedError
from tests.support.fault_s3.requests import Request


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be done to one answer."""

    wait_seconds: float = 0
    before: Callable[[], object] | None = None
    afterwards: Callable[[], object] | None = None
    hangs_up: bool = False
    refusal: RefusedError | None = None
    # Headers of the request that are not honoured.
    ignores: frozenset[str] = frozenset()
    drops_keys: frozenset[str] = frozenset()
    repeats_page: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    shortened_to: int | None = None
    content_length: int | None = None
    cut_at: int | None = None
    resets: bool = False
    stall_at: int | None = None


NO_FAULT = Plan()


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Requests to be met, and what is done to them."""

    ACTION: ClassVar[str | None] = None

    bucket: str | None = None
    key: str | None = None
    where: Callable[[Request], bool] | None = None
    skipped: int = 0
    count: int | None = 1
    changes: Mapping[str, Any] = field(default_factory=dict)

    def is_met_by(self, request: Request) -> bool:
        """Whether the request is one of those it is about, however often it was met already."""
        return (
            self.ACTION in {None, request.action}
            and self.bucket in {None, request.bucket}
            and self.key in {None, request.key}
            and (self.where is None or self.where(request))
        )

    def times(self, count: int) -> Self:
        """Meet so many requests."""
        return replace(self, count=count)

    def always(self) -> Self:
        """Meet every request, until the script is stopped."""
        return replace(self, count=None)

    def after(self, requests: int) -> Self:
        """Let so many requests through first."""
        return replace(self, skipped=requests)

    def waiting(self, seconds: float) -> Self:
        """Answer later."""
        return self._with(wait_seconds=seconds)

    def doing(self, action: Callable[[], object]) -> Self:
        """Do something before it is answered, as putting another object in the place of one."""
        return self._with(before=action)

    def doing_afterwards(self, action: Callable[[], object]) -> Self:
        """Do something when it has been answered."""
        return self._with(afterwards=action)

    def hanging_up(self) -> Self:
        """Close the connection without an answer."""
        return self._with(hangs_up=True)

    def refused(
        self,
        status: int,
        code: str,
        message: str = "no",
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Self:
        """Answer with an error; with status 200 it is one that S3 notices late."""
        return self._with(refusal=RefusedError(status, code, message, headers=headers))

    def slowed_down(self) -> Self:
        """Ask for fewer requests."""
        return self.refused(503, "SlowDown", "Please reduce your request rate.")

    def failed(self) -> Self:
        """Fail on the server's side."""
        return self.refused(500, "InternalError", "We encountered an internal error.")

    def failed_late(self) -> Self:
        """Fail with a status of success."""
        return self.refused(200, "InternalError", "We encountered an internal error.")

    def ignoring(self, *headers: str) -> Self:
        """Answer as a server would that does not know these headers of the request."""
        return self._with(ignores=frozenset(name.lower() for name in headers))

    def with_headers(self, headers: Mapping[str, str]) -> Self:
        """Answer with other headers, or more."""
        return self._with(headers=headers)

    def with_etag(self, etag: str) -> Self:
        """Answer as if the object were another version."""
        return self.with_headers({"ETag": f'"{etag}"'})

    def dropping(self, *keys: str) -> Self:
        """Leave keys out of a page."""
        return self._with(drops_keys=frozenset(keys))

    def repeating_page(self) -> Self:
        """Give the page before once more."""
        return self._with(repeats_page=True)

    def shortened_to(self, size_bytes: int) -> Self:
        """Give so many bytes, and say that they are all there are."""
        return self._with(shortened_to=size_bytes)

    def with_content_length(self, length: int) -> Self:
        """Say another length than that of the body, and close the connection behind it."""
        return self._with(content_length=length)

    def cut_at(self, byte: int, *, resets: bool = False) -> Self:
        """Close the connection in the body, or have it reset."""
        return self._with(cut_at=byte, resets=resets)

    def stalled_at(self, byte: int) -> Self:
        """Send no more from this byte on, until the test releases it or the client goes."""
        return self._with(stall_at=byte)

    def _with(self, **changes: object) -> Self:
        return replace(self, changes={**self.changes, **changes})


@dataclass(frozen=True, kw_only=True)
class AnyRequest(Fault):
    """Whatever is asked."""


@dataclass(frozen=True, kw_only=True)
class GetObject(Fault):
    """Bodies."""

    ACTION = "GetObject"


@dataclass(frozen=True, kw_only=True)
class HeadBucket(Fault):
    """The question for the region."""

    ACTION = "HeadBucket"


@dataclass(frozen=True, kw_only=True)
class ListObjectsV2(Fault):
    """Pages of a listing."""

    ACTION = "ListObjectsV2"


@dataclass(frozen=True, kw_only=True)
class AssumeRole(Fault):
    """Requests to STS."""

    ACTION = "AssumeRole"


class Script:
    """A fault that is at work; the server's lock guards it."""

    def __init__(self, fault: Fault) -> None:
        self._fault = fault
        self._seen = 0
        self._is_stopped = False
        self.hits = 0

    def stop(self) -> None:
        """Meet no more requests."""
        self._is_stopped = True

    def applied_to(self, plan: Plan, request: Request) -> Plan:
        """Add to the plan what is done to this request."""
        fault = self._fault
        if self._is_stopped or not fault.is_met_by(request):
            return plan
        self._seen += 1
        if self._seen <= fault.skipped or self.hits == fault.count:
            return plan
        self.hits += 1
        return replace(plan, **fault.changes)
