"""A request as the server understood it: which action, on what, under which identity."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs, unquote

import msgspec

_CREDENTIAL: Final = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/,\s]+)/([^/,\s]+)/aws4_request")


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked; `order` counts the requests of a server from one."""

    order: int
    action: str
    method: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    form: Mapping[str, str]

    @property
    def access_key(self) -> str | None:
        """Whose request it says it is."""
        return self._credential(1)

    @property
    def region(self) -> str | None:
        """The region that it was signed for."""
        return self._credential(2)

    @property
    def session_token(self) -> str | None:
        return self.headers.get("x-amz-security-token")

    @property
    def range(self) -> str | None:
        return self.headers.get("range")

    @property
    def if_match(self) -> str | None:
        return self.headers.get("if-match")

    @property
    def start_after(self) -> str | None:
        return self.query.get("start-after")

    @property
    def continuation_token(self) -> str | None:
        return self.query.get("continuation-token")

    @property
    def role_arn(self) -> str | None:
        return self.form.get("RoleArn")

    @property
    def external_id(self) -> str | None:
        return self.form.get("ExternalId")

    @property
    def session_name(self) -> str | None:
        return self.form.get("RoleSessionName")

    @property
    def is_of_boto3(self) -> bool:
        return "Boto3" in self.headers.get("user-agent", "")

    def _credential(self, part: int) -> str | None:
        found = _CREDENTIAL.search(self.headers.get("authorization", ""))
        return found[part] if found else None


def request_of(
    order: int, *, method: str, target: str, headers: Mapping[str, str], body: bytes
) -> Request:
    """Understand a request for a bucket in the path, or for STS in a form."""
    path, _, query_text = target.partition("?")
    bucket, _, key = path.removeprefix("/").partition("/")
    query = _single(query_text)
    form = _single(body.decode()) if method == "POST" else {}
    return Request(
        order=order,
        action=form.get("Action") or _action(method, has_key=bool(key), query=query),
        method=method,
        bucket=unquote(bucket),
        key=unquote(key, errors="surrogateescape"),
        query=query,
        headers={name.lower(): value for name, value in headers.items()},
        form=form,
    )


def _action(method: str, *, has_key: bool, query: Mapping[str, str]) -> str:
    if method in {"GET", "HEAD"} and has_key:
        return "GetObject" if method == "GET" else "HeadObject"
    if method == "HEAD":
        return "HeadBucket"
    if method == "GET" and "location" in query:
        return "GetBucketLocation"
    if method == "GET" and query.get("list-type") == "2":
        return "ListObjectsV2"
    return "Unknown"


def _single(encoded: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(encoded, keep_blank_values=True).items()}
