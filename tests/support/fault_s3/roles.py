"""Roles that may be assumed, the credentials that were issued for them, and what those may do.

STS answers alike to a role that does not exist and to an external id that is not the role's, as
AWS's does: whoever asks is not told which it was.
"""

import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Final

import msgspec

from tests.support.fault_s3.answers import Answer, RefusedError, elements, xml_answer, xml_text
from tests.support.fault_s3.requests import Request

_MICROSECONDS: Final = 1_000_000
_EXTERNAL_ID: Final = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
_SESSION_NAME: Final = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_OWN_ARN: Final = "arn:aws:iam::999999999999:user/stage"
_PERMISSIONS: Final = {
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "ListObjectsV2": "s3:ListBucket",
    "HeadBucket": "s3:ListBucket",
    "GetBucketLocation": "s3:GetBucketLocation",
}


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """A role: who may assume it, and what it may read. No buckets named means all of them."""

    arn: str
    external_id: str | None = None
    buckets: Collection[str] | None = None
    denied_actions: Collection[str] = ()
    lifetime_seconds: float = 3600


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What was issued for one session of a role."""

    access_key: str
    secret_key: str
    token: str
    expires_at: int
    role: Role
    session_name: str


class Roles:
    """The table of roles. The server's lock guards it, but for what the tests call."""

    def __init__(self, own_access_keys: Collection[str], now: Callable[[], int]) -> None:
        self._own = frozenset(own_access_keys)
        self._now = now
        self._roles: dict[str, Role] = {}
        self._issued: dict[str, Credentials] = {}
        self.own_identity_reads = False

    @property
    def issued(self) -> list[Credentials]:
        """All credentials that are known, in the order of their issue."""
        return list(self._issued.values())

    def add(
        self,
        arn: str,
        *,
        external_id: str | None = None,
        buckets: Collection[str] | None = None,
        denied_actions: Collection[str] = (),
        lifetime_seconds: float = 3600,
    ) -> None:
        """Let a role be assumed, or change one; sessions under way keep what they were given."""
        self._roles[arn] = Role(
            arn=arn,
            external_id=external_id,
            buckets=buckets,
            denied_actions=denied_actions,
            lifetime_seconds=lifetime_seconds,
        )

    def remove(self, arn: str) -> None:
        """Delete a role: its sessions are not known any more, also if it is created again."""
        self._roles.pop(arn, None)
        self._issued = {
            key: issued for key, issued in self._issued.items() if issued.role.arn != arn
        }

    def expire(self) -> None:
        """Let all credentials expire now, whatever time they were given."""
        self._issued = {
            key: msgspec.structs.replace(issued, expires_at=0)
            for key, issued in list(self._issued.items())
        }

    def assume(self, request: Request) -> Answer:
        """Answer to AssumeRole."""
        if request.access_key not in self._own:
            what = "The security token included in the request is invalid."
            raise RefusedError(403, "InvalidClientTokenId", what)
        self._validate(request)
        role = self._roles.get(request.role_arn or "")
        if role is None or role.external_id not in {None, request.external_id}:
            what = f"User: {_OWN_ARN} is not authorized to perform: sts:AssumeRole on"
            raise RefusedError(403, "AccessDenied", f"{what} resource: {request.role_arn}")
        seconds = min(role.lifetime_seconds, float(request.form.get("DurationSeconds", "3600")))
        number = len(self._issued) + 1
        issued = Credentials(
            access_key=f"ASIA{request.order:012}",
            secret_key=f"secret-{number}",
            token=f"token-{request.order}",
            expires_at=self._now() + round(seconds * _MICROSECONDS),
            role=role,
            session_name=request.session_name or "",
        )
        self._issued[issued.access_key] = issued
        return _assumed(issued)

    def authenticate(self, request: Request) -> None:
        """Refuse a request to S3 whose credentials are not good."""
        if request.access_key is None:
            raise RefusedError(403, "AccessDenied", "Access Denied")
        if request.access_key in self._own:
            return
        issued = self._issued.get(request.access_key)
        if issued is None:
            what = "The AWS Access Key Id you provided does not exist in our records."
            raise RefusedError(403, "InvalidAccessKeyId", what)
        if issued.token != request.session_token:
            what = "The provided token is malformed or otherwise invalid."
            raise RefusedError(400, "InvalidToken", what)
        if issued.expires_at <= self._now():
            raise RefusedError(400, "ExpiredToken", "The provided token has expired.")

    def authorise(self, request: Request) -> None:
        """Refuse a request to S3 whose identity may not do this to this bucket."""
        issued = self._issued.get(request.access_key or "")
        if issued is None:
            may = self.own_identity_reads
        else:
            buckets, denied = issued.role.buckets, issued.role.denied_actions
            may = (buckets is None or request.bucket in buckets) and request.action not in denied
        if not may:
            permission = _PERMISSIONS.get(request.action, "s3:Unknown")
            resource = f"arn:aws:s3:::{request.bucket}" + (
                f"/{request.key}" if request.key else ""
            )
            what = f"User: {self.caller(request)} is not authorized to perform: {permission} on"
            why = f"because no identity-based policy allows the {permission} action"
            raise RefusedError(403, "AccessDenied", f'{what} resource: "{resource}" {why}')

    def may_list(self, request: Request) -> bool:
        """Whether the identity may know which keys there are; else what is missing is denied."""
        issued = self._issued.get(request.access_key or "")
        return issued is None or "ListObjectsV2" not in issued.role.denied_actions

    def caller(self, request: Request) -> str:
        """Name the identity as AWS does in its refusals."""
        issued = self._issued.get(request.access_key or "")
        return _OWN_ARN if issued is None else session_arn(issued)

    def _validate(self, request: Request) -> None:
        for name, pattern, value in (
            ("roleSessionName", _SESSION_NAME, request.session_name or ""),
            ("externalId", _EXTERNAL_ID, request.external_id),
        ):
            if value is not None and not pattern.fullmatch(value):
                what = f"1 validation error detected: Value at '{name}' failed to satisfy"
                raise RefusedError(400, "ValidationError", f"{what} constraint")


def session_arn(issued: Credentials) -> str:
    """Name a session: `arn:aws:iam::1:role/name` → `arn:aws:sts::1:assumed-role/name/session`."""
    account = issued.role.arn.split(":")[4]
    name = issued.role.arn.rpartition("/")[2]
    return f"arn:aws:sts::{account}:assumed-role/{name}/{issued.session_name}"


def _assumed(issued: Credentials) -> Answer:
    expiration = datetime.fromtimestamp(issued.expires_at / _MICROSECONDS, UTC)
    credentials = elements(
        {
            "AccessKeyId": issued.access_key,
            "SecretAccessKey": issued.secret_key,
            "SessionToken": issued.token,
            "Expiration": expiration.isoformat(),
        }
    )
    user = elements({"Arn": xml_text(session_arn(issued)), "AssumedRoleId": "AROA:session"})
    result = elements({"Credentials": credentials, "AssumedRoleUser": user})
    return xml_answer(
        '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        f"{elements({'AssumeRoleResult': result})}</AssumeRoleResponse>"
    )
