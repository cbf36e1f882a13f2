"""Access to a bucket as AWS checks it: each problem has a name and is its source's own.

Against the fault server, which assumes a role only with its external id, ends credentials, and
wants each request signed for the bucket's region.
"""

import hashlib
from collections.abc import Callable
from contextlib import closing

import msgspec
import pytest

from producer.contract.objects import MAY_PASS, Reason
from producer.contract.source import IngestionSource
from producer.s3.object_store import ListedObject, ObjectBody, ObjectStoreRefusedError
from producer.s3.s3_object_store import S3ObjectStore
from tests.contracts.conftest import a_source, version_of
from tests.support.fault_s3.faults import (
    AnyRequest,
    AssumeRole,
    Fault,
    GetObject,
    HeadBucket,
    ListObjectsV2,
)
from tests.support.fault_s3.server import FaultS3
from tests.support.fault_s3.service import WrongRegionAnswer

ROLE = "arn:aws:iam::123456789012:role/compliance"
EXTERNAL_ID = "lw-external-id"
SOURCE = msgspec.structs.replace(a_source("bucket"), role_arn=ROLE, external_id=EXTERNAL_ID)
OTHER = msgspec.structs.replace(SOURCE, id="src_other", bucket="other")
CONTENT = b"0123456789abcdef" * 65536
HALF = len(CONTENT) // 2
ETAG = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


@pytest.fixture
def server(fault_s3: FaultS3) -> FaultS3:
    """Give a server with two buckets that one role may read."""
    fault_s3.roles.add(ROLE, external_id=EXTERNAL_ID, buckets=["bucket", "other"])
    fault_s3.put("bucket", "key", CONTENT)
    fault_s3.put("other", "key", CONTENT)
    return fault_s3


@pytest.fixture
def store(store_of_roles: S3ObjectStore, server: FaultS3) -> S3ObjectStore:
    """Give a store whose endpoints are the server's."""
    del server
    return store_of_roles


def listed(store: S3ObjectStore, source: IngestionSource = SOURCE) -> list[str]:
    return [found.key for page in store.list_pages(source) for found in page.objects]


def opened(
    store: S3ObjectStore, source: IngestionSource = SOURCE, *, key: str = "key"
) -> ObjectBody:
    found = ListedObject(key=key, etag=ETAG, size_bytes=len(CONTENT), last_modified=0)
    return store.open(source, version_of(source, found))


def read(store: S3ObjectStore, source: IngestionSource = SOURCE, *, key: str = "key") -> bytes:
    with closing(opened(store, source, key=key)) as body:
        return b"".join(body)


def refusal_of(call: Callable[[], object]) -> ObjectStoreRefusedError:
    with pytest.raises(ObjectStoreRefusedError) as raised:
        call()
    return raised.value


def reasons(store: S3ObjectStore, source: IngestionSource = SOURCE) -> set[Reason]:
    """Why the source can neither be listed nor read."""
    return {
        refusal_of(lambda: listed(store, source)).reason,
        refusal_of(lambda: read(store, source)).reason,
    }


def test_role_is_assumed_with_the_external_id_and_a_session_named_after_the_source(
    store: S3ObjectStore, server: FaultS3
) -> None:
    """Seen on the wire, once; what is listed and read then bears the session's credentials."""
    assert listed(store) == ["key"]
    assert read(store) == CONTENT
    (asked,) = server.asked("AssumeRole")
    assert (asked.role_arn, asked.external_id) == (ROLE, EXTERNAL_ID)
    assert asked.session_name == "openai-compliance-src_bucket"
    (issued,) = server.roles.issued
    others = [request for request in server.requests if request.action != "AssumeRole"]
    assert {request.access_key for request in others} == {issued.access_key}
    assert {request.session_token for request in others} == {issued.token}


@pytest.mark.parametrize("external_id", ["another", None])
def test_wrong_or_missing_external_id_is_refused_and_touches_no_other_source(
    store: S3ObjectStore, server: FaultS3, external_id: str | None
) -> None:
    """AWS does not say that it was the id, so the refusal says what was sent and what to check."""
    wrong = msgspec.structs.replace(SOURCE, id="src_wrong", external_id=external_id)
    assert reasons(store, wrong) == {Reason.ROLE_NOT_ASSUMABLE}
    assert {asked.external_id for asked in server.asked("AssumeRole")} == {external_id}
    detail = refusal_of(lambda: listed(store, wrong)).detail
    assert ("without an external id" in detail) == (external_id is None)
    assert "external id" in detail
    assert "another" not in detail
    assert listed(store) == ["key"]


def test_external_id_that_sts_names_is_the_named_problem(
    store: S3ObjectStore, server: FaultS3
) -> None:
    """A malformed one, which STS refuses by name."""
    malformed = msgspec.structs.replace(SOURCE, external_id="no spaces, please")
    assert reasons(store, malformed) == {Reason.EXTERNAL_ID_REJECTED}
    assert Reason.EXTERNAL_ID_REJECTED in MAY_PASS
    assert "no spaces" not in refusal_of(lambda: listed(store, malformed)).detail
    assert len(server.asked("AssumeRole")) == 3


def test_external_id_that_was_rotated_is_used_at_once(
    store: S3ObjectStore, server: FaultS3
) -> None:
    """On both sides; the session of before is not used any more."""
    read(store)
    server.roles.add(ROLE, external_id="rotated")
    assert read(store, msgspec.structs.replace(SOURCE, external_id="rotated")) == CONTENT
    assert [asked.external_id for asked in server.asked("AssumeRole")] == [EXTERNAL_ID, "rotated"]


def test_credentials_are_renewed_before_they_expire(store: S3ObjectStore, server: FaultS3) -> None:
    """No request is ever sent with credentials that have ended."""
    server.roles.add(ROLE, external_id=EXTERNAL_ID, lifetime_seconds=120)
    read(store)
    assumed = len(server.asked("AssumeRole"))
    read(store)
    assert len(server.asked("AssumeRole")) > assumed
    assert server.asked("GetObject")[-1].session_token == server.roles.issued[-1].token


def test_credentials_are_renewed_in_the_middle_of_an_object(
    store: S3ObjectStore, server: FaultS3
) -> None:
    """They end while it is read; where it breaks it is gone on with under new ones."""
    server.script(GetObject(key="key").doing_afterwards(server.roles.expire).cut_at(HALF))
    assert read(store) == CONTENT
    first, *_, last = server.asked("GetObject")
    assert first.session_token != last.session_token
    assert last.session_token == server.roles.issued[-1].token
    assert last.range is not None
    assert last.if_match == f'"{ETAG}"'


def test_credentials_that_s3_does_not_take_any_more_are_replaced(
    store: S3ObjectStore, server: FaultS3
) -> None:
    """Ended early, or of a role that was deleted and created again: the role is assumed anew."""
    read(store)
    server.roles.expire()
    assert read(store) == CONTENT
    assert listed(store) == ["key"]
    server.roles.remove(ROLE)
    assert reasons(store) == {Reason.ROLE_NOT_ASSUMABLE}
    server.roles.add(ROLE, external_id=EXTERNAL_ID)
    assert listed(store) == ["key"]
    assert read(store) == CONTENT


def test_credentials_that_are_never_taken_are_not_replaced_for_ever(
    store: S3ObjectStore, server: FaultS3
) -> None:
    """Once, then it is refused: a token that S3 denies is a matter of access."""
    server.script(
        AnyRequest(bucket="bucket").refused(400, "ExpiredToken", "it has expired").always()
    )
    assert refusal_of(lambda: listed(store)).reason is Reason.ACCESS_DENIED
    assert len(server.asked("AssumeRole")) == 2
    assert len(server.asked("ListObjectsV2")) == 2


@pytest.mark.parametrize(
    "outage",
    [
        AssumeRole().hanging_up(),
        AssumeRole().refused(503, "ServiceUnavailable"),
        AssumeRole().failed(),
    ],
    ids=["no answer", "503", "500"],
)
def test_outage_of_sts_passes_by_and_is_not_blamed_on_the_role(
    store: S3ObjectStore, server: FaultS3, outage: Fault
) -> None:
    """Sources whose role was assumed before go on meanwhile; the others do when it is over."""
    read(store, OTHER)
    script = server.script(outage.always())
    assert reasons(store) <= {Reason.UNAVAILABLE, Reason.THROTTLED}
    assert read(store, OTHER) == CONTENT
    script.stop()
    new = msgspec.structs.replace(SOURCE, id="src_new")
    assert listed(store, new) == ["key"]


def test_outage_of_sts_while_credentials_are_still_good_is_not_noticed(
    store: S3ObjectStore, server: FaultS3
) -> None:
    """They are renewed a quarter of an hour early, so there is time to try again."""
    server.roles.add(ROLE, external_id=EXTERNAL_ID, lifetime_seconds=800)
    read(store)
    outage = server.script(AssumeRole().hanging_up().always())
    assert listed(store) == ["key"]
    assert read(store) == CONTENT
    assert outage.hits > 0
    outage.stop()
    server.roles.add(ROLE, external_id=EXTERNAL_ID)
    read(store)
    assert server.asked("GetObject")[-1].session_token == server.roles.issued[-1].token


@pytest.mark.parametrize("region", [None, "us-west-2"])
@pytest.mark.parametrize("answer", ["malformed", "redirect"])
def test_bucket_of_another_region_is_followed_there(
    store: S3ObjectStore, server: FaultS3, region: str | None, answer: WrongRegionAnswer
) -> None:
    """Once: what is listed and read is signed for its region from the first request on."""
    server.wrong_region_answer = answer
    server.add_bucket("bucket", region="ap-southeast-2")
    server.put("bucket", "key", CONTENT)
    source = msgspec.structs.replace(SOURCE, region=region)
    assert listed(store, source) == ["key"]
    assert read(store, source) == CONTENT
    asked = [*server.asked("ListObjectsV2"), *server.asked("GetObject")]
    assert {request.region for request in asked} == {"ap-southeast-2"}


@pytest.mark.parametrize("answer", ["malformed", "redirect"])
def test_bucket_that_moved_to_another_region_is_followed_there(
    store: S3ObjectStore, server: FaultS3, answer: WrongRegionAnswer
) -> None:
    """Deleted and created elsewhere, without a restart of the stage; with either reader."""
    read(store)
    (before,) = server.asked("GetObject")
    server.wrong_region_answer = answer
    server.add_bucket("bucket", region="ap-southeast-2")
    server.put("bucket", "key", CONTENT)
    assert listed(store) == ["key"]
    assert read(store) == CONTENT
    server.forget_requests()
    assert read(store) == CONTENT
    (after,) = server.asked("GetObject")
    assert after.is_of_boto3 == before.is_of_boto3
    assert after.region == "ap-southeast-2"


def test_region_that_could_not_be_asked_for_is_asked_for_again(
    store: S3ObjectStore, server: FaultS3
) -> None:
    """A bad moment of S3 does not settle the region for good."""
    server.add_bucket("bucket", region="ap-southeast-2")
    server.put("bucket", "key", CONTENT)
    server.script(HeadBucket().failed())
    assert refusal_of(lambda: read(store)).reason is Reason.UNAVAILABLE
    assert read(store) == CONTENT
    assert {request.region for request in server.asked("GetObject")} == {"ap-southeast-2"}


@pytest.mark.parametrize("region", ["nowhere.example.com/#", "-", "a b", "x" * 64])
def test_region_that_is_none_is_refused_before_anything_is_asked(
    store: S3ObjectStore, server: FaultS3, region: str
) -> None:
    """It would be a part of the address."""
    assert reasons(store, msgspec.structs.replace(SOURCE, region=region)) == {Reason.WRONG_REGION}
    assert server.requests == []


@pytest.mark.parametrize(
    "bucket",
    [
        "internal.example.com/#",
        "127.0.0.1:80/x",
        "a@b",
        "a b",
        "?",
        "arn:aws:s3:internal.example.com/#:123456789012:accesspoint/x",
        "arn:aws:s3:us-east-1:internal.example.com/#:accesspoint/x",
    ],
)
def test_bucket_that_can_be_none_is_refused_before_anything_is_asked(
    store: S3ObjectStore, server: FaultS3, bucket: str
) -> None:
    """A tenant must not point the stage at an address of its own choice."""
    assert reasons(store, msgspec.structs.replace(SOURCE, bucket=bucket)) == {Reason.BUCKET_GONE}
    assert {request.action for request in server.requests} <= {"AssumeRole"}


def test_directory_bucket_is_refused_before_anything_is_asked(
    store: S3ObjectStore, server: FaultS3
) -> None:
    """It lists without order, so that no position would mean anything."""
    directory = msgspec.structs.replace(SOURCE, bucket="logs--euc1-az1--x-s3")
    assert reasons(store, directory) == {Reason.DIRECTORY_BUCKET}
    assert Reason.DIRECTORY_BUCKET not in MAY_PASS
    assert server.requests == []


def test_bucket_whose_requester_pays_is_read(store: S3ObjectStore, server: FaultS3) -> None:
    """The role's account is the requester; each listing and read says so."""
    server.add_bucket("bucket", requester_pays=True)
    server.put("bucket", "key", CONTENT)
    assert listed(store) == ["key"]
    assert read(store) == CONTENT
    for asked in (*server.asked("ListObjectsV2"), *server.asked("GetObject")):
        assert asked.headers["x-amz-request-payer"] == "requester"


def test_denial_of_kms_is_told_from_one_of_s3(store: S3ObjectStore, server: FaultS3) -> None:
    """Both are AccessDenied; who has to allow what is different."""
    server.put("bucket", "kms", CONTENT, is_denied_by_kms=True)
    server.put("bucket", "acl", CONTENT, is_denied=True)
    by_kms = refusal_of(lambda: read(store, key="kms"))
    assert by_kms.reason is Reason.KEY_DENIED_BY_KMS
    assert "kms:Decrypt" in by_kms.detail
    assert refusal_of(lambda: read(store, key="acl")).reason is Reason.ACCESS_DENIED
    assert read(store) == CONTENT


def test_object_under_a_key_of_the_customers_own_is_named(
    store: S3ObjectStore, server: FaultS3
) -> None:
    """Nobody but the customer has that key, so waiting does not help."""
    server.put("bucket", "sse-c", CONTENT, has_customer_key=True)
    refusal = refusal_of(lambda: read(store, key="sse-c"))
    assert refusal.reason is Reason.CUSTOMER_KEY_NEEDED
    assert Reason.CUSTOMER_KEY_NEEDED not in MAY_PASS


def test_role_that_may_not_read_the_bucket_is_denied_and_keeps_its_name(
    store: S3ObjectStore, server: FaultS3
) -> None:
    """Or may only list, or only read."""
    server.roles.add(ROLE, external_id=EXTERNAL_ID, buckets=["other"])
    assert reasons(store) == {Reason.ACCESS_DENIED}
    assert read(store, OTHER) == CONTENT
    server.roles.add(ROLE, external_id=EXTERNAL_ID, denied_actions={"ListObjectsV2"})
    may_read = msgspec.structs.replace(SOURCE, id="src_may_read")
    assert refusal_of(lambda: listed(store, may_read)).reason is Reason.ACCESS_DENIED
    assert read(store, may_read) == CONTENT


def test_bucket_that_is_gone_is_named_and_found_when_it_is_back(
    store: S3ObjectStore, server: FaultS3
) -> None:
    """An object of it is not said to be gone."""
    server.remove_bucket("bucket")
    assert reasons(store) == {Reason.BUCKET_GONE}
    server.put("bucket", "key", CONTENT)
    assert listed(store) == ["key"]
    assert read(store) == CONTENT


@pytest.mark.parametrize("minutes", [-20, 20])
def test_clock_that_is_off_is_named_by_whoever_notices(
    store: S3ObjectStore, server: FaultS3, minutes: int
) -> None:
    """STS refuses before the role is assumed, S3 when the clock was set wrong later."""
    server.clock_offset_seconds = 60 * minutes
    assert reasons(store) == {Reason.CLOCK_SKEW}
    server.clock_offset_seconds = 0
    assert read(store) == CONTENT
    server.clock_offset_seconds = 60 * minutes
    assert reasons(store) == {Reason.CLOCK_SKEW}


def test_throttled_source_is_slowed_down_and_no_other(
    store: S3ObjectStore, server: FaultS3
) -> None:
    """Soon it is not even asked; other sources are, at once, and it is again when it may be."""
    read(store)
    read(store, OTHER)
    server.forget_requests()
    script = server.script(AnyRequest(bucket="bucket").slowed_down().always())
    for _ in range(20):
        assert refusal_of(lambda: listed(store)).reason is Reason.THROTTLED
        assert listed(store, OTHER) == ["key"]
    asked = len(server.asked("ListObjectsV2", bucket="bucket"))
    assert 2 <= asked < 12
    assert len(server.asked("ListObjectsV2", bucket="other")) == 20
    assert script.hits == asked


def test_burst_of_slow_down_passes(store: S3ObjectStore, server: FaultS3) -> None:
    """The request after it waits a moment, and is granted."""
    server.script(ListObjectsV2(bucket="bucket").slowed_down())
    assert refusal_of(lambda: listed(store)).reason is Reason.THROTTLED
    assert listed(store) == ["key"]
    assert read(store) == CONTENT
