"""The role of a source: assumed with its external id, renewed in time, refused by name."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from producer.contract.objects import Reason
from producer.contract.source import IngestionSource
from producer.s3.credentials import role_session_name
from producer.s3.object_store import ListedObject, ObjectStoreRefusedError
from producer.s3.s3_object_store import S3ObjectStore
from tests.contracts.conftest import version_of
from tests.contracts.scripted_server import Answer, Request, ScriptedServer, object_answer

ROLE = "arn:aws:iam::123456789012:role/compliance"
EXTERNAL_ID = "lw-external-id"
A_LONG_TIME = timedelta(hours=1)
TOO_SHORT_A_TIME = timedelta(seconds=30)


class Sts:
    """Speaks for STS, which checks the external id, and for S3, which has one object."""

    def __init__(self) -> None:
        self.external_id = EXTERNAL_ID
        self.lasts = A_LONG_TIME
        self.assumed = 0

    def __call__(self, request: Request) -> Answer:
        if request.method != "POST":
            return object_answer(b"content", "etag")
        if request.form.get("ExternalId") != self.external_id:
            return error_of_sts(403, "AccessDenied", f"not with {request.form.get('ExternalId')}")
        self.assumed += 1
        expires_at = (datetime.now(UTC) + self.lasts).isoformat()  # noqa: TID251 - AWS's clock
        return Answer(
            body=(
                '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
                f"<AssumeRoleResult><Credentials><AccessKeyId>KEY{self.assumed}</AccessKeyId>"
                "<SecretAccessKey>secret</SecretAccessKey>"
                f"<SessionToken>token{self.assumed}</SessionToken>"
                f"<Expiration>{expires_at}</Expiration></Credentials></AssumeRoleResult>"
                "</AssumeRoleResponse>"
            ).encode()
        )


def error_of_sts(status: int, code: str, message: str) -> Answer:
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Answer(status=status, body=f"{body}</ErrorResponse>".encode())


@pytest.fixture
def sts(server: ScriptedServer) -> Sts:
    """Let the server speak for STS and S3."""
    sts = Sts()
    server.script = sts
    return sts


@pytest.fixture
def source(new_source: IngestionSource) -> IngestionSource:
    """Give a source with a role that has not been assumed yet."""
    return msgspec.structs.replace(new_source, role_arn=ROLE, external_id=EXTERNAL_ID)


@pytest.fixture(scope="module", params=["obstore", "boto3"])
def store(
    request: pytest.FixtureRequest, server_of_session: ScriptedServer
) -> Iterator[S3ObjectStore]:
    """Give a store that may not use an identity of its own for buckets."""
    with closing(
        S3ObjectStore(
            endpoint_url=server_of_session.url,
            sts_endpoint_url=server_of_session.url,
            reads_with_obstore=request.param == "obstore",
            attempts=1,
        )
    ) as store:
        yield store


def read(store: S3ObjectStore, source: IngestionSource) -> None:
    listed = ListedObject(key="key", etag="etag", size_bytes=7, last_modified=0)
    with closing(store.open(source, version_of(source, listed))) as body:
        assert b"".join(body) == b"content"


def refusal_of_read(store: S3ObjectStore, source: IngestionSource) -> ObjectStoreRefusedError:
    with pytest.raises(ObjectStoreRefusedError) as raised:
        read(store, source)
    return raised.value


def test_role_is_assumed_with_the_external_id_and_a_telling_session_name(
    store: S3ObjectStore, source: IngestionSource, server: ScriptedServer, sts: Sts
) -> None:
    """Once for all requests; the stage's own key signs this one request only."""
    read(store, source)
    read(store, source)
    assert sts.assumed == 1
    (asked,) = server.asked("POST")
    assert asked.form["Action"] == "AssumeRole"
    assert asked.form["RoleArn"] == ROLE
    assert asked.form["ExternalId"] == EXTERNAL_ID
    assert asked.form["RoleSessionName"] == f"openai-compliance-{source.id}"
    assert "Credential=test/" in asked.headers["authorization"]


def test_requests_are_signed_with_the_credentials_of_the_role(
    store: S3ObjectStore, source: IngestionSource, server: ScriptedServer, sts: Sts
) -> None:
    """The question for the region included."""
    read(store, source)
    assert sts.assumed == 1
    for asked in (*server.asked("HEAD"), *server.asked("GET")):
        assert "Credential=KEY1/" in asked.headers["authorization"]
        assert asked.headers["x-amz-security-token"] == "token1"


def test_role_without_external_id_is_assumed_without(
    store: S3ObjectStore, source: IngestionSource, server: ScriptedServer, sts: Sts
) -> None:
    """None is sent, rather than an empty one; here STS wants one."""
    refusal = refusal_of_read(store, msgspec.structs.replace(source, external_id=None))
    assert refusal.reason is Reason.ROLE_NOT_ASSUMABLE
    assert "ExternalId" not in server.asked("POST")[0].form
    assert sts.assumed == 0


def test_wrong_external_id_is_refused_by_name_and_not_repeated(
    store: S3ObjectStore, source: IngestionSource, sts: Sts
) -> None:
    """The refusal says what to check, and does not tell the id that was sent."""
    sts.external_id = "another"
    refusal = refusal_of_read(store, source)
    assert refusal.reason is Reason.ROLE_NOT_ASSUMABLE
    assert "external id" in refusal.detail
    assert ROLE in refusal.detail
    assert EXTERNAL_ID not in refusal.detail


def test_role_that_becomes_assumable_is_assumed(
    store: S3ObjectStore, source: IngestionSource, sts: Sts
) -> None:
    """A refusal is not remembered."""
    sts.external_id = "another"
    refusal_of_read(store, source)
    sts.external_id = EXTERNAL_ID
    read(store, source)
    assert sts.assumed == 1


def test_credentials_are_renewed_before_they_expire(
    store: S3ObjectStore, source: IngestionSource, server: ScriptedServer, sts: Sts
) -> None:
    """Credentials that would not last are replaced for the next request, whoever sends it."""
    sts.lasts = TOO_SHORT_A_TIME
    read(store, source)
    assumed_at_first = sts.assumed
    sts.lasts = A_LONG_TIME
    read(store, source)
    assert sts.assumed == assumed_at_first + 1
    last = server.asked()[-1]
    assert last.headers["x-amz-security-token"] == f"token{sts.assumed}"


def test_source_that_changes_is_read_as_it_is_now(
    store: S3ObjectStore, source: IngestionSource, server: ScriptedServer, sts: Sts
) -> None:
    """A new external id is used at once, without a restart."""
    read(store, source)
    sts.external_id = "rotated"
    read(store, msgspec.structs.replace(source, external_id="rotated"))
    assert [asked.form["ExternalId"] for asked in server.asked("POST")] == [EXTERNAL_ID, "rotated"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (error_of_sts(400, "ValidationError", "no"), Reason.ROLE_NOT_ASSUMABLE),
        (error_of_sts(403, "InvalidClientTokenId", "no"), Reason.ROLE_NOT_ASSUMABLE),
        (error_of_sts(403, "RegionDisabledException", "no"), Reason.ROLE_NOT_ASSUMABLE),
        (error_of_sts(400, "Throttling", "no"), Reason.THROTTLED),
        (error_of_sts(403, "RequestExpired", "no"), Reason.CLOCK_SKEW),
        (error_of_sts(500, "InternalFailure", "no"), Reason.UNAVAILABLE),
    ],
)
def test_refusals_of_sts_are_told_apart(
    store: S3ObjectStore,
    source: IngestionSource,
    server: ScriptedServer,
    answer: Answer,
    reason: Reason,
) -> None:
    """What may pass by itself is not blamed on the role."""
    server.script = lambda _: answer
    assert refusal_of_read(store, source).reason is reason


def test_credentials_that_arrive_expired_are_a_matter_of_the_clock(
    store: S3ObjectStore, source: IngestionSource, sts: Sts
) -> None:
    """The role was assumed, so it is not the role."""
    sts.lasts = -A_LONG_TIME
    assert refusal_of_read(store, source).reason is Reason.CLOCK_SKEW


def test_source_without_a_role_is_refused_before_anything_is_asked(
    store: S3ObjectStore, source: IngestionSource, server: ScriptedServer
) -> None:
    """Or the stage's own identity would read whatever bucket a tenant names."""
    without = msgspec.structs.replace(source, role_arn=None)
    assert refusal_of_read(store, without).reason is Reason.AMBIENT_CREDENTIALS_REFUSED
    with pytest.raises(ObjectStoreRefusedError) as raised:
        list(store.list_pages(without))
    assert raised.value.reason is Reason.AMBIENT_CREDENTIALS_REFUSED
    assert server.requests == []


@pytest.mark.parametrize("source_id", ["a", "a" * 46, "a" * 128])
def test_session_name_keeps_to_the_limit_of_aws(source_id: str) -> None:
    """At most 64 characters, of which most are the source's."""
    name = role_session_name(source_id)
    assert name == f"openai-compliance-{source_id}"[: len(name)]
    assert len(name) == min(64, 18 + len(source_id))
