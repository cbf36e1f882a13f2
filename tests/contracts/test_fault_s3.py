"""The fault server: what it checks, which moto does not, and what it holds without memory."""

import gzip
import http.client
import re
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.support.fault_s3.buckets import Bytes, Generated, Joined, NumberedKeys, Repeated
from tests.support.fault_s3.server import FaultS3

if TYPE_CHECKING:
    from tests.support.fault_s3.service import WrongRegionAnswer

OWN = "test"
ROLE = "arn:aws:iam::123456789012:role/compliance"
EXTERNAL_ID = "lw-1"
# A client of boto3 for either service, of which the tests use many verbs.
Client: TypeAlias = Any
MEBIBYTE = 1024 * 1024


def client_of(server: FaultS3, service: str = "s3", **given: str) -> Client:
    config = Config(retries={"total_max_attempts": 1})
    make: Any = boto3.client
    return make(service, endpoint_url=server.url, config=config, **given)


def refusal_of(client: Client, verb: str, **asked: object) -> ClientError:
    with pytest.raises(ClientError) as raised:
        getattr(client, verb)(**asked)
    return raised.value


def code_of(client: Client, verb: str, **asked: object) -> str:
    return str(refusal_of(client, verb, **asked).response["Error"]["Code"])


def read(client: Client, key: str = "key", **asked: object) -> bytes:
    with closing(client.get_object(Bucket="bucket", Key=key, **asked)["Body"]) as body:
        content: bytes = body.read()
        return content


def plain(server: FaultS3, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Ask without a client of AWS, as the stage's own identity."""
    scope = f"{OWN}/20260101/eu-central-1/s3/aws4_request"
    headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, Signature=0"}
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)
    with closing(connection):
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


@pytest.fixture
def server(fault_s3: FaultS3) -> FaultS3:
    """Give a server with a role, and an object that it may read."""
    fault_s3.roles.add(ROLE, external_id=EXTERNAL_ID, buckets=["bucket"])
    fault_s3.put("bucket", "key", b"content")
    fault_s3.put("another", "key", b"content")
    return fault_s3


@pytest.fixture
def sts(server: FaultS3) -> Iterator[Client]:
    """Give a client of STS with the stage's own identity."""
    with closing(client_of(server, "sts")) as client:
        yield client


def assume(sts: Client, **changes: str) -> dict[str, Any]:
    asked = {"RoleArn": ROLE, "RoleSessionName": "session", "ExternalId": EXTERNAL_ID, **changes}
    issued: dict[str, Any] = sts.assume_role(**asked)["Credentials"]
    return issued


def client_with(server: FaultS3, issued: dict[str, Any], **given: str) -> Client:
    return client_of(
        server,
        aws_access_key_id=issued["AccessKeyId"],
        aws_secret_access_key=issued["SecretAccessKey"],
        aws_session_token=issued["SessionToken"],
        **given,
    )


def test_role_is_assumed_with_its_external_id_alone(server: FaultS3, sts: Client) -> None:
    """A wrong id, none, and a role that does not exist are refused in the same words."""
    assert assume(sts)["SecretAccessKey"]
    asked = {"RoleArn": ROLE, "RoleSessionName": "session"}
    for wrong in ({**asked, "ExternalId": "another"}, asked, {**asked, "RoleArn": f"{ROLE}-not"}):
        refusal = refusal_of(sts, "assume_role", **wrong)
        assert refusal.response["Error"]["Code"] == "AccessDenied"
        assert "sts:AssumeRole" in refusal.response["Error"]["Message"]
    assert [request.external_id for request in server.asked("AssumeRole")] == [
        EXTERNAL_ID,
        "another",
        None,
        None,
    ]


def test_role_that_asks_for_no_external_id_takes_any(server: FaultS3, sts: Client) -> None:
    """A condition that a trust policy does not have is not checked."""
    server.roles.add(ROLE)
    assert assume(sts)
    assert assume(sts, ExternalId="whatever")


def test_malformed_names_are_refused_before_the_role_is_looked_at(sts: Client) -> None:
    """A session name has no spaces."""
    asked = {"RoleArn": ROLE, "RoleSessionName": "a session", "ExternalId": EXTERNAL_ID}
    assert code_of(sts, "assume_role", **asked) == "ValidationError"
    assert (
        code_of(sts, "assume_role", **{**asked, "RoleSessionName": "session", "ExternalId": "a b"})
        == "ValidationError"
    )


def test_only_the_own_identity_assumes_roles(server: FaultS3) -> None:
    """Whoever is not known to STS is told so."""
    stranger = client_of(
        server, "sts", aws_access_key_id="stranger", aws_secret_access_key="secret"
    )
    asked = {"RoleArn": ROLE, "RoleSessionName": "session", "ExternalId": EXTERNAL_ID}
    assert code_of(stranger, "assume_role", **asked) == "InvalidClientTokenId"


def test_credentials_read_the_buckets_of_their_role_alone(server: FaultS3, sts: Client) -> None:
    """What is denied names the session, the permission and the resource."""
    client = client_with(server, assume(sts))
    assert read(client) == b"content"
    refusal = refusal_of(client, "get_object", Bucket="another", Key="key")
    assert refusal.response["Error"]["Code"] == "AccessDenied"
    message = refusal.response["Error"]["Message"]
    assert "assumed-role/compliance/session" in message
    assert "s3:GetObject" in message
    assert "arn:aws:s3:::another/key" in message
    assert code_of(client, "list_objects_v2", Bucket="another") == "AccessDenied"


def test_credentials_are_looked_at(server: FaultS3, sts: Client) -> None:
    """Unknown keys, tokens that are not theirs, credentials that have ended, and deleted roles."""
    asked = {"Bucket": "bucket", "Key": "key"}
    issued = assume(sts)
    stranger = client_with(server, {**issued, "AccessKeyId": "stranger"})
    assert code_of(stranger, "get_object", **asked) == "InvalidAccessKeyId"
    mixed = client_with(server, {**issued, "SessionToken": "another"})
    assert code_of(mixed, "get_object", **asked) == "InvalidToken"
    own = client_of(server)
    assert code_of(own, "get_object", **asked) == "AccessDenied"
    client = client_with(server, issued)
    server.roles.expire()
    assert code_of(client, "get_object", **asked) == "ExpiredToken"
    server.roles.remove(ROLE)
    server.roles.add(ROLE)
    assert code_of(client, "get_object", **asked) == "InvalidAccessKeyId"


def test_credentials_end_at_the_time_they_tell(server: FaultS3, sts: Client) -> None:
    """The role says how long they last, and the server's clock when that is over."""
    server.roles.add(ROLE, lifetime_seconds=60)
    issued = assume(sts)
    assert 50 < issued["Expiration"].timestamp() - server.now() / 1_000_000 <= 60
    client = client_with(server, issued)
    assert read(client) == b"content"
    server.clock_offset_seconds = 61
    assert code_of(client, "get_object", Bucket="bucket", Key="key") == "ExpiredToken"


@pytest.mark.parametrize("offset_seconds", [-16 * 60, 16 * 60])
def test_clock_that_is_off_is_seen_and_named(
    server: FaultS3, sts: Client, offset_seconds: float
) -> None:
    """S3 and STS have a code each; the Date of the answer tells by how much."""
    client = client_with(server, assume(sts))
    server.clock_offset_seconds = offset_seconds
    refusal = refusal_of(client, "get_object", Bucket="bucket", Key="key")
    assert refusal.response["Error"]["Code"] == "RequestTimeTooSkewed"
    told = refusal.response["ResponseMetadata"]["HTTPHeaders"]["date"]
    off = datetime.strptime(told, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC).timestamp()
    assert abs(off - time.time_ns() / 1e9 - offset_seconds) < 60
    asked = {"RoleArn": ROLE, "RoleSessionName": "session", "ExternalId": EXTERNAL_ID}
    refusal = refusal_of(sts, "assume_role", **asked)
    assert refusal.response["Error"]["Code"] == "SignatureDoesNotMatch"
    assert "Signature expired" in refusal.response["Error"]["Message"]


def test_request_for_another_region_is_sent_there(server: FaultS3) -> None:
    """Either with an error that names the region or with a redirection, as the test chooses."""
    server.roles.own_identity_reads = True
    server.add_bucket("far", region="ap-southeast-2")
    status, headers, _ = plain(server, "/far", "HEAD")
    assert (status, headers["x-amz-bucket-region"]) == (400, "ap-southeast-2")
    # Each client redirects itself, and remembers that it did.
    answers: tuple[WrongRegionAnswer, ...] = ("malformed", "redirect")
    for answer, status in zip(answers, (400, 301), strict=True):
        server.wrong_region_answer = answer
        server.forget_requests()
        assert plain(server, "/far?list-type=2")[0] == status
        with closing(client_of(server)) as client:
            client.list_objects_v2(Bucket="far")
        regions = [request.region for request in server.asked("ListObjectsV2")]
        assert (regions[0], regions[-1]) == ("eu-central-1", "ap-southeast-2")


def test_requester_pays_bucket_wants_to_hear_that_the_requester_pays(server: FaultS3) -> None:
    """Else it denies everything."""
    server.roles.own_identity_reads = True
    server.add_bucket("bucket", requester_pays=True)
    server.put("bucket", "key", b"content")
    client = client_of(server)
    assert code_of(client, "list_objects_v2", Bucket="bucket") == "AccessDenied"
    assert code_of(client, "get_object", Bucket="bucket", Key="key") == "AccessDenied"
    assert read(client, RequestPayer="requester") == b"content"
    assert client.list_objects_v2(Bucket="bucket", RequestPayer="requester")["KeyCount"] == 1


def test_objects_that_cannot_be_read_say_why(server: FaultS3) -> None:
    """KMS is named in the message alone; a customer's own key is asked for."""
    server.roles.own_identity_reads = True
    server.put("bucket", "kms", b"content", is_denied_by_kms=True)
    server.put("bucket", "acl", b"content", is_denied=True)
    server.put("bucket", "sse-c", b"content", has_customer_key=True)
    server.put("bucket", "cold", b"content", storage_class="GLACIER")
    client = client_of(server)
    by_kms = refusal_of(client, "get_object", Bucket="bucket", Key="kms").response["Error"]
    assert by_kms["Code"] == "AccessDenied"
    assert "kms:Decrypt" in by_kms["Message"]
    by_s3 = refusal_of(client, "get_object", Bucket="bucket", Key="acl").response["Error"]
    assert by_s3 == {"Code": "AccessDenied", "Message": "Access Denied"}
    assert code_of(client, "get_object", Bucket="bucket", Key="sse-c") == "InvalidRequest"
    assert code_of(client, "get_object", Bucket="bucket", Key="cold") == "InvalidObjectState"
    server.change("bucket", "cold", is_archived=False)
    assert read(client, "cold") == b"content"


def test_missing_key_is_denied_to_those_who_may_not_list(server: FaultS3, sts: Client) -> None:
    """As on AWS, which does not tell them what there is."""
    server.roles.add(ROLE, denied_actions={"ListObjectsV2"})
    client = client_with(server, assume(sts))
    assert read(client) == b"content"
    assert code_of(client, "get_object", Bucket="bucket", Key="missing") == "AccessDenied"


def test_version_is_read_by_its_id(server: FaultS3) -> None:
    """Also when another has taken its place."""
    server.roles.own_identity_reads = True
    server.put("bucket", "key", b"one", version_id="v1", content_encoding="gzip")
    server.put("bucket", "key", b"two", version_id="v2")
    client = client_of(server)
    one = client.get_object(Bucket="bucket", Key="key", VersionId="v1")
    assert (one["Body"].read(), one["ContentEncoding"]) == (b"one", "gzip")
    assert read(client) == b"two"
    asked = {"Bucket": "bucket", "Key": "key", "VersionId": "v3"}
    assert code_of(client, "get_object", **asked) == "NoSuchVersion"


def test_time_of_an_object_is_the_tests_to_say(server: FaultS3) -> None:
    """In listings and with bodies."""
    server.roles.own_identity_reads = True
    then = datetime(2026, 6, 1, 12, 30, 15, tzinfo=UTC)
    server.put("bucket", "key", b"content", last_modified=then)
    client = client_of(server)
    (found,) = client.list_objects_v2(Bucket="bucket")["Contents"]
    assert found["LastModified"] == then
    assert client.get_object(Bucket="bucket", Key="key")["LastModified"] == then


def test_directory_bucket_lists_without_order_and_knows_no_position(server: FaultS3) -> None:
    """Page by page it still gives each key once."""
    server.roles.own_identity_reads = True
    bucket = "bucket--euc1-az1--x-s3"
    keys = [f"{number:02}" for number in range(20)]
    for key in keys:
        server.put(bucket, key, b"")
    listed: list[str] = []
    token: str | None = ""
    while token is not None:
        page = plain(server, f"/{bucket}?list-type=2&max-keys=7{token}")[2].decode()
        listed += re.findall("<Key>(.*?)</Key>", page)
        found = re.search("<NextContinuationToken>(.*?)</NextContinuationToken>", page)
        token = f"&continuation-token={quote(found[1])}" if found else None
    assert sorted(listed) == keys
    assert listed != keys
    assert plain(server, f"/{bucket}?list-type=2&start-after=05")[0] == 400


@pytest.mark.parametrize(("first", "last"), [(0, 8), (0, 2), (2, 3), (3, 5), (5, 8), (7, 8)])
def test_contents_may_stand_one_behind_the_other(server: FaultS3, first: int, last: int) -> None:
    """Any part of the whole, within one of them or across."""
    server.roles.own_identity_reads = True
    server.put(
        "bucket", "key", Joined(Bytes(b"abc"), Repeated(b"de", 2), Bytes(b""), Bytes(b"fg"))
    )
    found = read(client_of(server), "key", Range=f"bytes={first}-{last}")
    assert found == b"abcdedefg"[first : last + 1]


def test_huge_objects_need_no_memory(server: FaultS3) -> None:
    """Gigabytes that are made as they are sent, any part of them."""
    server.roles.own_identity_reads = True
    member = gzip.compress(b"line\n" * 1000)
    server.put("bucket", "repeated", Repeated(member, 5 * 1024 * MEBIBYTE // len(member)))
    server.put(
        "bucket",
        "generated",
        Generated(5 * 1024 * MEBIBYTE, lambda first: iter([b"%d" % first, b"x" * MEBIBYTE])),
    )
    client = client_of(server)
    tracemalloc.start()
    head = client.head_object(Bucket="bucket", Key="repeated")
    size = head["ContentLength"]
    assert size > 5 * 1024 * MEBIBYTE - len(member)
    last = read(client, "repeated", Range=f"bytes={size - len(member)}-")
    assert gzip.decompress(last) == b"line\n" * 1000
    part = read(
        client, "generated", Range=f"bytes={4 * 1024 * MEBIBYTE}-{4 * 1024 * MEBIBYTE + 11}"
    )
    assert part == b"4294967296xx"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * MEBIBYTE


def test_millions_of_keys_need_no_memory(server: FaultS3) -> None:
    """They are made as they are listed, in order with those that were put."""
    server.roles.own_identity_reads = True
    stored = server.put("bucket", "p/0000500.5", b"put")
    server.generate("bucket", NumberedKeys("p/", 2_000_000, ".gz", stored=stored))
    client = client_of(server)
    first = client.list_objects_v2(Bucket="bucket", Prefix="p/")
    keys = [found["Key"] for found in first["Contents"]]
    assert len(keys) == 1000
    assert keys[499:503] == ["p/0000499.gz", "p/0000500.5", "p/0000500.gz", "p/0000501.gz"]
    last = client.list_objects_v2(Bucket="bucket", StartAfter="p/1999998.gz")
    assert [found["Key"] for found in last["Contents"]] == ["p/1999999.gz"]
    assert read(client, "p/1999999.gz") == b"put"
    assert code_of(client, "get_object", Bucket="bucket", Key="p/2000000.gz") == "NoSuchKey"
