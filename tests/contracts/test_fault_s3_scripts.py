"""Faults of the fault server: which requests they meet, and what a client sees of them."""

import http.client
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from tests.support.fault_s3.faults import (
    AnyRequest,
    AssumeRole,
    Fault,
    GetObject,
    HeadBucket,
    ListObjectsV2,
)
from tests.support.fault_s3.server import FaultS3
from tests.support.waiting import eventually

CONTENT = b"0123456789" * 100
SCOPE = "test/20260101/eu-central-1/s3/aws4_request"
IDENTITY = {"Authorization": f"AWS4-HMAC-SHA256 Credential={SCOPE}, Signature=0"}


@pytest.fixture
def server(fault_s3: FaultS3) -> FaultS3:
    """Give a server with three objects."""
    fault_s3.roles.own_identity_reads = True
    for key in ("a", "b", "c"):
        fault_s3.put("bucket", key, CONTENT)
    return fault_s3


class Client:
    """Asks on one connection, without a client of AWS."""

    def __init__(self, server: FaultS3) -> None:
        self.connection = http.client.HTTPConnection(
            server.url.removeprefix("http://"), timeout=30
        )

    def ask(self, path: str = "/bucket/a", **headers: str) -> http.client.HTTPResponse:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request("GET", path, headers={**IDENTITY, **given})
        return self.connection.getresponse()

    def close(self) -> None:
        self.connection.close()


def answer_of(server: FaultS3, path: str = "/bucket/a", **headers: str) -> tuple[int, bytes]:
    with closing(Client(server)) as client:
        response = client.ask(path, **headers)
        return response.status, response.read()


def broken_answer_of(server: FaultS3, path: str = "/bucket/a") -> bytes:
    """Give what came before the connection was closed too early."""
    with closing(Client(server)) as client:
        response = client.ask(path)
        with pytest.raises(http.client.IncompleteRead) as raised:
            response.read()
        return bytes(raised.value.partial)


def statuses(server: FaultS3, count: int, path: str = "/bucket/a") -> list[int]:
    return [answer_of(server, path)[0] for _ in range(count)]


def listing(server: FaultS3, query: str = "") -> str:
    status, body = answer_of(server, f"/bucket?list-type=2{query}")
    assert status == 200
    return body.decode()


def keys_of(page: str) -> list[str]:
    return re.findall("<Key>(.*?)</Key>", page)


def test_fault_meets_one_request_of_its_kind(server: FaultS3) -> None:
    """Others pass, and so does the next."""
    script = server.script(GetObject(key="a").slowed_down())
    assert answer_of(server, "/bucket/b")[0] == 200
    assert statuses(server, 2) == [503, 200]
    assert script.hits == 1


def test_fault_meets_requests_as_often_and_as_late_as_it_is_told(server: FaultS3) -> None:
    """Counted among those that it is about."""
    server.script(GetObject(key="a").failed().after(1).times(2))
    assert statuses(server, 5) == [200, 500, 500, 200, 200]


def test_fault_lasts_until_it_is_stopped(server: FaultS3) -> None:
    """An outage is over when the test says so."""
    outage = server.script(AnyRequest(bucket="bucket").refused(503, "ServiceUnavailable").always())
    assert statuses(server, 2) == [503, 503]
    outage.stop()
    assert statuses(server, 1) == [200]


def test_fault_may_be_about_any_property_of_a_request(server: FaultS3) -> None:
    """Here about those that go on in the middle."""
    server.script(GetObject(where=lambda request: request.range is not None).failed().always())
    assert answer_of(server)[0] == 200
    assert answer_of(server, Range="bytes=10-")[0] == 500


def test_several_faults_meet_one_request(server: FaultS3) -> None:
    """Each adds what it does, the later one where they disagree."""
    server.script(GetObject().with_etag("one").cut_at(10))
    server.script(GetObject().with_etag("two"))
    with closing(Client(server)) as client:
        response = client.ask()
        assert response.headers["ETag"] == '"two"'
        with pytest.raises(http.client.IncompleteRead):
            response.read()


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (GetObject().slowed_down(), 503, b"SlowDown"),
        (GetObject().failed(), 500, b"InternalError"),
        (GetObject().refused(403, "AccessDenied", "for a reason"), 403, b"for a reason"),
        (GetObject().failed_late(), 200, b"InternalError"),
    ],
)
def test_refusals_have_the_words_of_s3(
    server: FaultS3, fault: Fault, status: int, code: bytes
) -> None:
    """A status, a code and a message."""
    server.script(fault)
    answered, body = answer_of(server)
    assert answered == status
    assert code in body


def test_connection_is_cut_at_a_byte(server: FaultS3) -> None:
    """The length that was told is not reached."""
    server.script(GetObject().cut_at(123))
    assert broken_answer_of(server) == CONTENT[:123]


def test_connection_is_reset_at_a_byte(server: FaultS3) -> None:
    """Which is an error, and no end."""
    server.script(GetObject().cut_at(123, resets=True))
    with closing(Client(server)) as client, pytest.raises(ConnectionResetError):
        client.ask().read()


def test_connection_is_closed_without_an_answer(server: FaultS3) -> None:
    """As where nobody listens any more."""
    server.script(AnyRequest().hanging_up())
    with closing(Client(server)) as client, pytest.raises(http.client.RemoteDisconnected):
        client.ask()


def test_body_is_short_and_looks_whole(server: FaultS3) -> None:
    """Only whoever knows the size sees it."""
    server.script(GetObject().shortened_to(123))
    assert answer_of(server) == (200, CONTENT[:123])


@pytest.mark.parametrize("said", [len(CONTENT) - 1, len(CONTENT) + 1])
def test_length_that_is_told_is_wrong(server: FaultS3, said: int) -> None:
    """One less loses a byte without a trace; with one more the end does not come."""
    server.script(GetObject().with_content_length(said))
    if said < len(CONTENT):
        assert answer_of(server) == (200, CONTENT[:-1])
    else:
        assert broken_answer_of(server) == CONTENT


def test_body_stalls_until_it_is_released(server: FaultS3) -> None:
    """Those that stall later stall again."""
    server.script(GetObject().stalled_at(500).times(2))
    with closing(Client(server)) as client:
        for _ in range(2):
            response = client.ask()
            assert response.read(500) == CONTENT[:500]
            server.wait_until_stalled()
            server.release()
            assert response.read() == CONTENT[500:]


def test_stall_ends_when_the_client_goes(server: FaultS3) -> None:
    """So that a server may be left with clients that gave up."""
    gone = threading.Event()
    server.script(GetObject().stalled_at(0).doing_afterwards(gone.set))
    client = Client(server)
    client.connection.request("GET", "/bucket/a", headers=IDENTITY)
    server.wait_until_stalled()
    client.close()
    assert gone.wait(30)


def test_object_is_replaced_between_two_ranges(server: FaultS3) -> None:
    """The second one meets another version."""
    server.script(GetObject().after(1).doing(lambda: server.put("bucket", "a", b"another")))
    with closing(Client(server)) as client:
        response = client.ask(Range="bytes=0-9")
        etag = response.headers["ETag"]
        response.read()
    assert answer_of(server, Range="bytes=10-19", If_Match=etag)[0] == 412


def test_object_is_replaced_between_listing_and_read(server: FaultS3) -> None:
    """What was listed is not what is found."""
    server.script(ListObjectsV2().doing_afterwards(lambda: server.put("bucket", "a", b"another")))
    assert f"<Size>{len(CONTENT)}</Size>" in listing(server)
    assert eventually(lambda: answer_of(server)[1] == b"another")


def test_headers_of_a_request_are_ignored(server: FaultS3) -> None:
    """As by stores that do not know them."""
    server.script(GetObject().ignoring("If-Match", "Range").always())
    assert answer_of(server, Range="bytes=10-19", If_Match='"another"') == (200, CONTENT)


def test_page_comes_again(server: FaultS3) -> None:
    """With the token of the page before."""
    server.script(ListObjectsV2().after(1).repeating_page())
    first = listing(server, "&max-keys=1")
    assert listing(server, "&max-keys=1&start-after=a") == first
    assert listing(server, "&max-keys=1&start-after=a") != first


def test_key_is_missing_from_a_page(server: FaultS3) -> None:
    """The next listing has it."""
    server.script(ListObjectsV2().dropping("b"))
    assert keys_of(listing(server)) == ["a", "c"]
    assert keys_of(listing(server)) == ["a", "b", "c"]


def test_listing_ends_half_way(server: FaultS3) -> None:
    """In the middle of a page, or on a later one."""
    server.script(ListObjectsV2().cut_at(300))
    assert len(broken_answer_of(server, "/bucket?list-type=2")) == 300
    server.script(ListObjectsV2().after(1).failed())
    assert statuses(server, 2, "/bucket?list-type=2&max-keys=1") == [200, 500]


def test_outage_of_sts_does_not_touch_s3(server: FaultS3) -> None:
    """They are two services at one address."""
    outage = server.script(AssumeRole().hanging_up().always())
    asking_for_region = server.script(HeadBucket().failed().always())
    with closing(Client(server)) as client:
        client.connection.request("POST", "/", body="Action=AssumeRole", headers=IDENTITY)
        with pytest.raises(http.client.RemoteDisconnected):
            client.connection.getresponse()
    assert statuses(server, 1) == [200]
    assert (outage.hits, asking_for_region.hits) == (1, 0)


def test_one_bucket_is_slow(server: FaultS3) -> None:
    """While an answer of it is awaited, another bucket's comes."""
    server.put("another", "a", CONTENT)
    server.script(GetObject(bucket="bucket").stalled_at(0))
    with ThreadPoolExecutor(max_workers=1) as pool:
        slow = pool.submit(answer_of, server)
        server.wait_until_stalled()
        assert answer_of(server, "/another/a") == (200, CONTENT)
        assert not slow.done()
        server.release()
        assert slow.result() == (200, CONTENT)


def test_answer_that_waits_is_given_all_the_same(server: FaultS3) -> None:
    """A latency is no error."""
    server.script(AnyRequest(bucket="bucket").waiting(0.01).always())
    assert answer_of(server) == (200, CONTENT)


def test_requests_are_kept_in_their_order(server: FaultS3) -> None:
    """With all that a test may want to see."""
    answer_of(server, Range="bytes=1-", If_Match="*")
    listing(server, "&start-after=a&prefix=p%2F")
    first, second = server.requests
    assert (first.action, first.bucket, first.key) == ("GetObject", "bucket", "a")
    assert (first.range, first.if_match, first.access_key) == ("bytes=1-", "*", "test")
    assert (second.action, second.start_after) == ("ListObjectsV2", "a")
    assert second.query["prefix"] == "p/"
    assert first.order < second.order
    assert server.asked("GetObject", key="a") == [first]


def test_threads_may_ask_and_fill_at_once(server: FaultS3) -> None:
    """A count is met exactly, whoever is met."""
    server.script(GetObject().failed().times(20))

    def use(number: int) -> list[int]:
        server.put("bucket", f"key/{number}", CONTENT)
        return statuses(server, 5, f"/bucket/key/{number}")

    with ThreadPoolExecutor(max_workers=8) as pool:
        answered = [status for some in pool.map(use, range(16)) for status in some]
    assert (answered.count(500), answered.count(200)) == (20, 60)
