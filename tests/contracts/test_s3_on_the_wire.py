"""What the real object store says to S3 and STS, and how it takes what they answer.

moto accepts whatever it is sent, so these promises are held against a server that looks.
"""

import contextlib
import gzip
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import msgspec
import pytest

from producer.contract.objects import ObjectVersion, Reason
from producer.contract.source import IngestionSource
from producer.s3.object_store import ListedObject, ObjectBody, ObjectStoreRefusedError
from producer.s3.s3_object_store import S3ObjectStore
from tests.contracts.conftest import a_source, version_of
from tests.contracts.scripted_server import (
    Answer,
    ScriptedServer,
    error,
    object_answer,
    range_answer,
)

CONTENT = bytes(range(256)) * 4096
ETAG = "0123456789abcdef"
KEYS_OF_OBSTORE = [
    "a",
    "a b/c+d%2Be",
    "caf\u00e9/\U00010000\uffee",
    "..a/b..",
    "a?b#c&d=e\\f",
    "\x85\u2028",
]
KEYS_OF_BOTO3 = ["a//b", "/a", "a/", "../a", "a/./b", "..", "line\nfeed", "a\x01b", "a\x7fb"]


def a_version(
    key: str = "key", *, source: IngestionSource | None = None, size_bytes: int = len(CONTENT)
) -> ObjectVersion:
    listed = ListedObject(key=key, etag=ETAG, size_bytes=size_bytes, last_modified=0)
    return version_of(source or a_source("bucket"), listed)


@pytest.fixture(scope="module", params=["obstore", "boto3"])
def store(
    request: pytest.FixtureRequest, server_of_session: ScriptedServer
) -> Iterator[S3ObjectStore]:
    """Give a store that reads with one of its readers and asks once."""
    with closing(
        S3ObjectStore(
            endpoint_url=server_of_session.url,
            sts_endpoint_url=server_of_session.url,
            allow_ambient_credentials=True,
            reads_with_obstore=request.param == "obstore",
            attempts=1,
        )
    ) as store:
        yield store


@pytest.fixture
def body(store: S3ObjectStore, server: ScriptedServer) -> Iterator[ObjectBody]:
    """Give a body of which half has been sent when the connection is cut."""
    server.script = lambda _: object_answer(CONTENT, ETAG, cut_at=len(CONTENT) // 2)
    with closing(store.open(a_source("bucket"), a_version())) as body:
        yield body


def refusal_of(call: Callable[[], object]) -> ObjectStoreRefusedError:
    with pytest.raises(ObjectStoreRefusedError) as raised:
        call()
    return raised.value


def read(store: S3ObjectStore, key: str = "key") -> bytes:
    with closing(store.open(a_source("bucket"), a_version(key))) as body:
        return b"".join(body)


@pytest.mark.parametrize("key", [*KEYS_OF_OBSTORE, *KEYS_OF_BOTO3])
def test_key_is_asked_for_exactly(store: S3ObjectStore, server: ScriptedServer, key: str) -> None:
    """Whatever it holds, under If-Match of the version's etag."""
    server.script = lambda _: object_answer(CONTENT, ETAG)
    assert read(store, key) == CONTENT
    (asked,) = server.asked()
    assert asked.path == f"/bucket/{key}"
    assert asked.headers["if-match"] == f'"{ETAG}"'


def test_keys_are_read_with_the_client_that_can_say_them(server: ScriptedServer) -> None:
    """What obstore can name it reads, and boto3 the rest."""
    server.script = lambda _: object_answer(CONTENT, ETAG)
    with closing(S3ObjectStore(endpoint_url=server.url, allow_ambient_credentials=True)) as store:
        for key in [*KEYS_OF_OBSTORE, *KEYS_OF_BOTO3]:
            read(store, key)
    by_boto3 = [asked.path for asked in server.asked() if asked.is_of_boto3]
    assert by_boto3 == [f"/bucket/{key}" for key in KEYS_OF_BOTO3]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_endpoint_of_a_source_cannot_send_the_stage_elsewhere(
    server: ScriptedServer, status: int
) -> None:
    """It is listed and read at its own host alone, wherever that redirects to."""
    with ScriptedServer() as inside, closing(_store_that_allows_the_loopback()) as store:
        inside.script = lambda _: object_answer(CONTENT, ETAG)
        location = {"Location": f"{inside.url}/latest/meta-data"}
        server.script = lambda _: Answer(status=status, headers=location)
        source = msgspec.structs.replace(a_source("bucket"), endpoint_url=server.url)

        refusal_of(lambda: next(store.list_pages(source)))
        refusal_of(lambda: store.open(source, a_version(source=source)))

        assert [] == inside.asked()


def _store_that_allows_the_loopback() -> S3ObjectStore:
    hosts = frozenset({"127.0.0.1"})
    return S3ObjectStore(allowed_endpoint_hosts=hosts, allow_ambient_credentials=True, attempts=1)


def test_version_id_is_asked_for_where_it_is_known(
    store: S3ObjectStore, server: ScriptedServer
) -> None:
    """A version that was named is read, and no other."""
    server.script = lambda _: object_answer(CONTENT, ETAG)
    version = msgspec.structs.replace(a_version(), version_id="v1")
    store.open(a_source("bucket"), version).close()
    assert server.asked()[0].query["versionId"] == "v1"


def test_variables_of_the_environment_do_not_lead_a_reader_astray(
    store: S3ObjectStore,
    server: ScriptedServer,
    new_source: IngestionSource,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """AWS_* is read by obstore itself; what the stage was told wins."""
    server.script = lambda _: object_answer(CONTENT, ETAG)
    read(store)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_BUCKET", "another")
    monkeypatch.setenv("AWS_REGION", "ap-south-1")
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    with closing(store.open(new_source, a_version(source=new_source))) as body:
        assert b"".join(body) == CONTENT
    before, asked = server.asked()
    assert before.is_of_boto3 == asked.is_of_boto3
    assert "Credential=test/" in asked.headers["authorization"]
    assert "/eu-central-1/s3/" in asked.headers["authorization"]


def test_content_encoding_is_not_decoded_on_the_way(
    store: S3ObjectStore, server: ScriptedServer
) -> None:
    """A header that says gzip is no reason to lose all members but the first."""
    stored = gzip.compress(b"one\n") + gzip.compress(b"two\n")
    answer = object_answer(stored, ETAG)
    headers = {**answer.headers, "Content-Encoding": "gzip"}
    server.script = lambda _: msgspec.structs.replace(answer, headers=headers)
    version = a_version(size_bytes=len(stored))
    with closing(store.open(a_source("bucket"), version)) as body:
        assert b"".join(body) == stored


def test_body_that_breaks_is_continued_from_its_byte(
    body: ObjectBody, server: ScriptedServer
) -> None:
    """Under the same etag, so that two versions are never joined."""
    server.script = lambda request: range_answer(CONTENT, ETAG, request)
    assert b"".join(body) == CONTENT
    first, second = server.asked()
    assert "range" not in first.headers
    assert 0 < int(second.headers["range"].removeprefix("bytes=").removesuffix("-")) < len(CONTENT)
    assert second.headers["if-match"] == f'"{ETAG}"'


def test_body_that_keeps_breaking_is_given_up_and_never_looks_whole(
    body: ObjectBody, server: ScriptedServer
) -> None:
    """Its bytes so far come first, then the refusal."""
    server.script = lambda request: msgspec.structs.replace(
        range_answer(CONTENT, ETAG, request), cut_at=1000
    )
    given = b""

    def read_on() -> None:
        nonlocal given
        for chunk in body:
            given += chunk

    assert refusal_of(read_on).reason is Reason.UNAVAILABLE
    assert CONTENT.startswith(given)
    assert len(given) < len(CONTENT)
    assert len(server.asked()) == 3
    assert refusal_of(lambda: next(body)).reason is Reason.UNAVAILABLE


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (error(412, "PreconditionFailed"), Reason.ETAG_CHANGED),
        (error(404, "NoSuchKey"), Reason.OBJECT_GONE),
        (error(403, "AccessDenied"), Reason.ACCESS_DENIED),
        (object_answer(CONTENT, "another"), Reason.ETAG_CHANGED),
        (object_answer(CONTENT, ETAG), Reason.UNAVAILABLE),
    ],
    ids=["changed", "gone", "denied", "If-Match ignored", "Range ignored"],
)
def test_body_that_cannot_be_continued_is_refused(
    body: ObjectBody, server: ScriptedServer, answer: Answer, reason: Reason
) -> None:
    """The reason is that of the second request."""
    server.script = lambda _: answer
    assert refusal_of(lambda: list(body)).reason is reason


def test_version_that_a_store_gives_in_spite_of_if_match_is_refused(
    store: S3ObjectStore, server: ScriptedServer
) -> None:
    """Stores that do not know If-Match are caught by the etag that they answer with."""
    server.script = lambda _: object_answer(CONTENT, "another")
    refusal = refusal_of(lambda: store.open(a_source("bucket"), a_version()))
    assert refusal.reason is Reason.ETAG_CHANGED


def test_body_may_be_closed_while_another_thread_reads_it(
    store: S3ObjectStore, server: ScriptedServer
) -> None:
    """Closing does not wait for a stalled read, which ends in a refusal when it ends."""
    is_stalled, may_go_on = threading.Event(), threading.Event()

    def stall() -> None:
        is_stalled.set()
        may_go_on.wait()

    server.script = lambda _: msgspec.structs.replace(
        object_answer(CONTENT, ETAG, cut_at=10), before_cut=stall
    )
    body = store.open(a_source("bucket"), a_version())
    with ThreadPoolExecutor(max_workers=1) as pool:
        reading = pool.submit(list, body)
        is_stalled.wait()
        body.close()
        may_go_on.set()
        assert refusal_of(reading.result).reason is Reason.UNAVAILABLE
    assert len(server.asked()) == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (error(403, "AccessDenied", "no policy allows s3:GetObject"), Reason.ACCESS_DENIED),
        (
            error(403, "AccessDenied", "not authorized to perform: kms:Decrypt"),
            Reason.KEY_DENIED_BY_KMS,
        ),
        (error(400, "KMS.DisabledException", "the key is disabled"), Reason.KEY_DENIED_BY_KMS),
        (error(400, "KMS.ThrottlingException", "slower"), Reason.THROTTLED),
        (error(400, "ExpiredToken", "expired"), Reason.ACCESS_DENIED),
        (error(404, "NoSuchBucket", "no"), Reason.BUCKET_GONE),
        (error(404, "NoSuchKey", "no"), Reason.OBJECT_GONE),
        (error(412, "PreconditionFailed", "no"), Reason.ETAG_CHANGED),
        (error(403, "InvalidObjectState", "archived"), Reason.ARCHIVED),
        (error(503, "SlowDown", "slower"), Reason.THROTTLED),
        (error(429, "Whatever", "slower"), Reason.THROTTLED),
        (error(403, "RequestTimeTooSkewed", "skewed"), Reason.CLOCK_SKEW),
        (error(301, "PermanentRedirect", "elsewhere"), Reason.WRONG_REGION),
        (error(400, "AuthorizationHeaderMalformed", "elsewhere"), Reason.WRONG_REGION),
        (error(500, "InternalError", "sorry"), Reason.UNAVAILABLE),
        (error(502, "", "not of S3"), Reason.UNAVAILABLE),
        (error(400, "InvalidRequest", "a customer's own key is needed"), Reason.UNKNOWN_REFUSAL),
    ],
)
def test_refusals_are_told_apart(
    store: S3ObjectStore,
    server: ScriptedServer,
    new_source: IngestionSource,
    answer: Answer,
    reason: Reason,
) -> None:
    """For listing and reading alike, whichever client met them."""
    server.script = lambda _: answer
    source = new_source
    refusal = refusal_of(lambda: store.open(source, a_version(source=source)))
    assert refusal.reason is reason
    what = f"reading 'key' of bucket {source.bucket!r} for source {source.id!r}: "
    assert refusal.detail.startswith(what)
    assert refusal_of(lambda: list(store.list_pages(source))).reason is reason


def test_unreachable_store_is_unavailable(server: ScriptedServer) -> None:
    """Nobody listens there."""
    with closing(
        S3ObjectStore(
            endpoint_url="http://127.0.0.1:1", allow_ambient_credentials=True, attempts=1
        )
    ) as store:
        source = a_source("bucket")
        assert refusal_of(lambda: list(store.list_pages(source))).reason is Reason.UNAVAILABLE
        assert refusal_of(lambda: store.open(source, a_version())).reason is Reason.UNAVAILABLE
    assert server.requests == []


def test_region_is_the_one_that_the_bucket_tells(
    store: S3ObjectStore, server: ScriptedServer, new_source: IngestionSource
) -> None:
    """Also where the source names another; both readers sign for it."""
    server.region = "eu-west-3"
    server.script = lambda _: object_answer(CONTENT, ETAG)
    source = msgspec.structs.replace(new_source, region="us-west-2")
    store.open(source, a_version(source=source)).close()
    assert "/eu-west-3/s3/" in server.asked()[0].headers["authorization"]


def test_region_of_the_source_is_used_where_the_bucket_tells_none(
    store: S3ObjectStore, server: ScriptedServer, new_source: IngestionSource
) -> None:
    """Stores other than AWS may not tell."""
    server.script = lambda _: object_answer(CONTENT, ETAG)
    source = msgspec.structs.replace(new_source, region="us-west-2")
    store.open(source, a_version(source=source)).close()
    assert "/us-west-2/s3/" in server.asked()[0].headers["authorization"]


def test_read_that_only_obstore_is_refused_succeeds(server: ScriptedServer) -> None:
    """A second client asks again before anything is given up."""
    server.script = lambda request: (
        object_answer(CONTENT, ETAG) if request.is_of_boto3 else error(503, "SlowDown")
    )
    with closing(S3ObjectStore(endpoint_url=server.url, allow_ambient_credentials=True)) as store:
        assert read(store) == CONTENT
    assert [asked.is_of_boto3 for asked in server.asked()] == [False, True]


@pytest.mark.parametrize("key", ["key", "key/"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Last-Modified": "nonsense"},
        {"x-amz-missing-meta": "x"},
        {"x-amz-object-lock-retain-until-date": "x"},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_headers_that_no_client_can_read_do_not_stop_the_process(
    store: S3ObjectStore, server: ScriptedServer, headers: dict[str, str], key: str
) -> None:
    """The object is read all the same, or refused."""
    answer = object_answer(CONTENT, ETAG)
    server.script = lambda _: msgspec.structs.replace(
        answer, headers={**answer.headers, **headers}
    )
    with contextlib.suppress(ObjectStoreRefusedError):
        assert CONTENT == read(store, key)


def test_threads_may_list_and_read_at_once(
    store: S3ObjectStore, server: ScriptedServer, new_source: IngestionSource
) -> None:
    """Also where they are the first to do so and the clients are yet to be made."""
    listing = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
    server.script = lambda request: (
        Answer(body=listing) if "list-type" in request.query else object_answer(CONTENT, ETAG)
    )

    def use(number: int) -> int:
        pages = list(store.list_pages(new_source))
        version = a_version(f"key/{number}", source=new_source)
        with closing(store.open(new_source, version)) as body:
            return len(pages) + len(b"".join(body))

    with ThreadPoolExecutor(max_workers=8) as pool:
        assert list(pool.map(use, range(24))) == [1 + len(CONTENT)] * 24
    assert len(server.asked("HEAD")) == 1
