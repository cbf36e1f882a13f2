"""Listing and reading where the network and S3 fail: nothing is lost, doubled or joined wrongly.

Against the fault server, with a role whose session is good; what goes wrong with that is another
file's.
"""

from collections.abc import Callable, Iterator
from contextlib import closing

import msgspec
import pytest

from producer.contract.objects import Reason
from producer.contract.source import IngestionSource
from producer.s3.object_store import ListedObject, ObjectBody, ObjectStoreRefusedError, Page
from producer.s3.s3_object_store import S3ObjectStore
from tests.contracts.conftest import a_source, version_of
from tests.support.fault_s3.buckets import Bytes, Repeated
from tests.support.fault_s3.faults import Fault, GetObject, ListObjectsV2
from tests.support.fault_s3.server import FaultS3

ROLE = "arn:aws:iam::123456789012:role/compliance"
SOURCE = msgspec.structs.replace(a_source("bucket"), role_arn=ROLE)
MEBIBYTE = 1024 * 1024
CONTENT = bytes(range(256)) * 4096
SIZE = len(CONTENT)
ETAG = Bytes(CONTENT).etag


@pytest.fixture
def server(fault_s3: FaultS3) -> FaultS3:
    """Give a server with one object."""
    fault_s3.roles.add(ROLE)
    fault_s3.put("bucket", "key", CONTENT)
    return fault_s3


@pytest.fixture
def store(store_of_roles: S3ObjectStore, server: FaultS3) -> S3ObjectStore:
    """Give a store whose endpoints are the server's."""
    del server
    return store_of_roles


@pytest.fixture(params=["obstore", "boto3"])
def impatient_store(
    request: pytest.FixtureRequest, fault_s3_to_script: FaultS3
) -> Iterator[S3ObjectStore]:
    """Give a store that does not wait for long."""
    with closing(
        S3ObjectStore(
            endpoint_url=fault_s3_to_script.url,
            sts_endpoint_url=fault_s3_to_script.url,
            reads_with_obstore=request.param == "obstore",
            attempts=1,
            read_seconds=0.5,
        )
    ) as store:
        yield store


def opened(store: S3ObjectStore, *, etag: str = ETAG, size_bytes: int = SIZE) -> ObjectBody:
    found = ListedObject(key="key", etag=etag, size_bytes=size_bytes, last_modified=0)
    return store.open(SOURCE, version_of(SOURCE, found))


def read(store: S3ObjectStore) -> bytes:
    with closing(opened(store)) as body:
        return b"".join(body)


def read_until_refused(store: S3ObjectStore) -> tuple[bytes, Reason]:
    """Give what came, and why no more did."""
    given: list[bytes] = []
    with closing(opened(store)) as body, pytest.raises(ObjectStoreRefusedError) as raised:
        given.extend(body)
    return b"".join(given), raised.value.reason


def refusal_of(call: Callable[[], object]) -> Reason:
    with pytest.raises(ObjectStoreRefusedError) as raised:
        call()
    return raised.value.reason


def ranges(server: FaultS3) -> list[int | None]:
    """The byte that each request for the object began at."""
    return [
        None if asked.range is None else int(asked.range.removeprefix("bytes=").rstrip("-"))
        for asked in server.asked("GetObject")
    ]


@pytest.mark.parametrize(
    "fault",
    [
        GetObject().cut_at(SIZE // 2),
        GetObject().cut_at(SIZE - 1),
        GetObject().shortened_to(SIZE // 2),
        GetObject().with_content_length(SIZE // 2),
    ],
    ids=["cut", "cut at the last byte", "short", "wrong length"],
)
def test_body_that_breaks_is_continued_where_it_broke(
    store: S3ObjectStore, server: FaultS3, fault: Fault
) -> None:
    """With Range and If-Match; each byte comes once, whatever it was that broke."""
    server.script(fault)
    assert read(store) == CONTENT
    first, *_, last = ranges(server)
    assert first is None
    assert last is not None
    assert 0 < last < SIZE
    assert {asked.if_match for asked in server.asked("GetObject")} == {f'"{ETAG}"'}


def test_body_whose_connection_is_reset_is_continued(
    store: S3ObjectStore, server: FaultS3
) -> None:
    """A reset takes away what had arrived and was not read yet; still each byte comes once."""
    server.script(GetObject().cut_at(SIZE // 2, resets=True))
    assert read(store) == CONTENT
    assert [asked.if_match for asked in server.asked("GetObject")] == [f'"{ETAG}"'] * 2


@pytest.mark.parametrize("fault", [GetObject().cut_at(0), GetObject().shortened_to(0)])
def test_body_that_breaks_before_its_first_byte_is_asked_for_again(
    store: S3ObjectStore, server: FaultS3, fault: Fault
) -> None:
    """Whole: there is nothing to go on from."""
    server.script(fault)
    assert read(store) == CONTENT
    assert ranges(server) == [None, None]


@pytest.mark.parametrize("byte", [0, SIZE // 2])
def test_body_that_stalls_is_asked_for_again_where_it_stands(
    impatient_store: S3ObjectStore, server: FaultS3, byte: int
) -> None:
    """A connection that stays open and brings nothing is not waited for without end."""
    server.script(GetObject().stalled_at(byte))
    assert read(impatient_store) == CONTENT
    first, *_, last = server.asked("GetObject")
    assert first.range is None
    assert (last.range is None) == (byte == 0)
    assert last.if_match == f'"{ETAG}"'


def test_page_that_stalls_is_given_up(impatient_store: S3ObjectStore, server: FaultS3) -> None:
    """The listing is tried again as a whole, by whoever lists."""
    server.script(ListObjectsV2().stalled_at(100))
    assert refusal_of(lambda: list(impatient_store.list_pages(SOURCE))) is Reason.UNAVAILABLE
    assert [len(page.objects) for page in impatient_store.list_pages(SOURCE)] == [1]


def test_length_that_is_too_long_loses_nothing(store: S3ObjectStore, server: FaultS3) -> None:
    """What was listed is there; that more was promised changes nothing."""
    server.script(GetObject().with_content_length(SIZE + 1))
    assert read(store) == CONTENT


def test_body_with_more_bytes_than_were_listed_is_refused(
    store: S3ObjectStore, server: FaultS3
) -> None:
    """It is not the version, whatever its etag says."""
    server.put("bucket", "key", CONTENT + b"more", etag=ETAG)
    given, reason = read_until_refused(store)
    assert reason is Reason.UNAVAILABLE
    assert CONTENT.startswith(given)


def test_body_that_is_short_for_good_never_looks_whole(
    store: S3ObjectStore, server: FaultS3
) -> None:
    """Its etag is the one asked for, and yet bytes are missing."""
    server.put("bucket", "key", CONTENT[:-1000], etag=ETAG)
    given, _ = read_until_refused(store)
    assert CONTENT.startswith(given)
    assert len(given) < SIZE


def test_body_that_breaks_again_and_again_is_given_up(
    store: S3ObjectStore, server: FaultS3
) -> None:
    """Its object is read again later, from its place; others wait behind it now."""
    server.script(GetObject().cut_at(1000).always())
    given, reason = read_until_refused(store)
    assert reason is Reason.UNAVAILABLE
    assert CONTENT.startswith(given)
    assert len(server.asked("GetObject")) == 3


def test_body_that_gets_on_between_breaks_is_read_to_its_end(
    store: S3ObjectStore, server: FaultS3
) -> None:
    """A large object meets many of them in its hours; only those without progress count."""
    huge = Repeated(CONTENT, 64)
    server.put("bucket", "key", huge)
    server.script(GetObject().cut_at(9 * MEBIBYTE).always())
    position = 0
    with closing(opened(store, etag=huge.etag, size_bytes=huge.size_bytes)) as body:
        for chunk in body:
            assert chunk == _expected(position, len(chunk))
            position += len(chunk)
    assert position == 64 * SIZE
    assert len(server.asked("GetObject")) >= 7


def _expected(position: int, size: int) -> bytes:
    start = position % SIZE
    return (CONTENT * 2)[start : start + size]


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (lambda server: server.put("bucket", "key", b"another" * SIZE), Reason.ETAG_CHANGED),
        (lambda server: server.delete("bucket", "key"), Reason.OBJECT_GONE),
        (lambda server: server.remove_bucket("bucket"), Reason.BUCKET_GONE),
        (lambda server: server.change("bucket", "key", is_archived=True), Reason.ARCHIVED),
        (lambda server: server.change("bucket", "key", is_denied=True), Reason.ACCESS_DENIED),
        (
            lambda server: server.change("bucket", "key", is_denied_by_kms=True),
            Reason.KEY_DENIED_BY_KMS,
        ),
    ],
    ids=["overwritten", "deleted", "bucket removed", "archived", "denied", "key denied"],
)
@pytest.mark.parametrize("is_begun", [False, True], ids=["before", "in the middle"])
def test_what_happens_to_an_object_after_it_was_listed_is_named(
    store: S3ObjectStore,
    server: FaultS3,
    happens: Callable[[FaultS3], object],
    reason: Reason,
    is_begun: bool,  # noqa: FBT001 - a case of the test
) -> None:
    """Before it is read, or between two ranges; bytes of two versions are never joined."""
    if is_begun:
        server.script(GetObject().cut_at(SIZE // 2))
        server.script(
            GetObject(where=lambda asked: asked.range is not None)
            .doing(lambda: happens(server))
            .always()
        )
        given, why = read_until_refused(store)
        assert CONTENT.startswith(given)
        assert given
    else:
        happens(server)
        why = refusal_of(lambda: read(store))
    assert why is reason


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (GetObject().ignoring("If-Match").with_etag("another"), Reason.ETAG_CHANGED),
        (GetObject().ignoring("Range"), Reason.UNAVAILABLE),
        (GetObject().with_headers({"Content-Range": f"bytes 1-9/{SIZE}"}), Reason.UNAVAILABLE),
        (GetObject().slowed_down(), Reason.THROTTLED),
        (GetObject().failed(), Reason.UNAVAILABLE),
        (GetObject().hanging_up(), Reason.UNAVAILABLE),
    ],
    ids=["another version", "Range ignored", "another range", "503", "500", "no answer"],
)
def test_body_that_cannot_be_continued_is_refused_by_name(
    store: S3ObjectStore, server: FaultS3, fault: Fault, reason: Reason
) -> None:
    """What came of it is its beginning."""
    server.script(GetObject().cut_at(SIZE // 2))
    server.script(fault.always().after(1))
    given, why = read_until_refused(store)
    assert CONTENT.startswith(given)
    assert why is reason


def put_many(server: FaultS3, count: int) -> list[str]:
    keys = [f"p/{number:05}" for number in range(count)]
    for key in keys:
        server.put("bucket", key, b"")
    return keys


def pages_until_refused(
    store: S3ObjectStore, source: IngestionSource
) -> tuple[list[Page], Reason]:
    pages: list[Page] = []
    with pytest.raises(ObjectStoreRefusedError) as raised:
        pages.extend(store.list_pages(source))
    return pages, raised.value.reason


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (ListObjectsV2().slowed_down(), Reason.THROTTLED),
        (ListObjectsV2().failed(), Reason.UNAVAILABLE),
        (ListObjectsV2().failed_late(), Reason.UNAVAILABLE),
        (ListObjectsV2().cut_at(5000), Reason.UNAVAILABLE),
        (ListObjectsV2().shortened_to(5000), Reason.UNAVAILABLE),
        (ListObjectsV2().hanging_up(), Reason.UNAVAILABLE),
        (ListObjectsV2().repeating_page(), Reason.UNKNOWN_REFUSAL),
    ],
    ids=["503", "500", "500 in a 200", "cut", "short", "no answer", "repeated"],
)
def test_listing_that_breaks_off_is_gone_on_with_from_its_last_page(
    store: S3ObjectStore, server: FaultS3, fault: Fault, reason: Reason
) -> None:
    """Half a page is none; what was listed before it stays, and no key is left out or doubled."""
    keys = put_many(server, 2500)
    source = msgspec.structs.replace(SOURCE, prefix="p/")
    server.script(fault.after(1))
    before, why = pages_until_refused(store, source)
    assert why is reason
    assert [page.is_last for page in before] == [False]
    after = list(store.list_pages(source, start_after=before[-1].read_through))
    assert after[-1].is_last
    assert [found.key for page in [*before, *after] for found in page.objects] == keys


def test_objects_that_come_during_a_listing_are_in_it_if_they_lie_ahead(
    store: S3ObjectStore, server: FaultS3
) -> None:
    """Those that lie behind are the next listing's."""
    put_many(server, 1500)

    def put_two() -> None:
        server.put("bucket", "p/00000.5", b"")
        server.put("bucket", "p/01400.5", b"")

    server.script(ListObjectsV2().doing_afterwards(put_two))
    source = msgspec.structs.replace(SOURCE, prefix="p/")
    first, second = store.list_pages(source)
    assert "p/00000.5" not in {found.key for found in first.objects}
    assert "p/01400.5" in {found.key for found in second.objects}
    assert "p/00000.5" in {found.key for found in next(store.list_pages(source)).objects}


ODD_KEYS = [
    "a b+c%2Bd%20e",
    "caf\u00e9",
    "cafe\u0301",
    "\U00010000",
    "\uffee",
    "/leading",
    "trailing/",
    "two//slashes",
    "../up",
    "a/./b",
    "line\nfeed",
    "\x01\x1f\x7f",
    "\u2028\u0085",
    "?query#fragment&=",
    "k" * 1024,
    "\u00e9" * 512,
]


def test_keys_of_all_kinds_are_listed_and_read_exactly(
    store: S3ObjectStore, server: FaultS3
) -> None:
    """What XML, paths and queries cannot carry included; each is the object it names."""
    server.delete("bucket", "key")
    for key in ODD_KEYS:
        server.put("bucket", key, key.encode())
    found = [one for page in store.list_pages(SOURCE) for one in page.objects]
    assert [one.key for one in found] == sorted(ODD_KEYS, key=str.encode)
    for one in found:
        with closing(store.open(SOURCE, version_of(SOURCE, one))) as body:
            assert b"".join(body) == one.key.encode()
    for position, one in enumerate(found):
        (page,) = store.list_pages(SOURCE, start_after=one.key)
        assert list(page.objects) == found[position + 1 :]
