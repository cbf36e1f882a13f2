"""How the real object store asks for listings, and what it does not take."""

from collections.abc import Iterator
from contextlib import closing

import msgspec
import pytest

from producer.contract.objects import Reason
from producer.s3.object_store import ObjectStoreRefusedError
from producer.s3.s3_object_store import S3ObjectStore
from tests.contracts.conftest import a_source
from tests.contracts.scripted_server import Answer, Request, ScriptedServer, error

SOURCE = msgspec.structs.replace(a_source("bucket"), prefix="p/")


@pytest.fixture(scope="module")
def store(server_of_session: ScriptedServer) -> Iterator[S3ObjectStore]:
    """Give a store that asks once."""
    with closing(
        S3ObjectStore(
            endpoint_url=server_of_session.url, allow_ambient_credentials=True, attempts=1
        )
    ) as store:
        yield store


def page(*keys: str, token: str | None = None, is_encoded: bool = True) -> Answer:
    contents = "".join(
        f"<Contents><Key>{key}</Key><ETag>&quot;e&quot;</ETag><Size>3</Size>"
        "<LastModified>2026-07-15T13:49:25.123Z</LastModified>"
        "<StorageClass>GLACIER</StorageClass></Contents>"
        for key in keys
    )
    token_text = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    return Answer(
        body=(
            f"<ListBucketResult><IsTruncated>{str(bool(token)).lower()}</IsTruncated>{token_text}"
            f"{'<EncodingType>url</EncodingType>' if is_encoded else ''}{contents}"
            "</ListBucketResult>"
        ).encode()
    )


def listed_keys(store: S3ObjectStore, start_after: str | None = None) -> list[str]:
    pages = store.list_pages(SOURCE, start_after=start_after)
    return [found.key for page in pages for found in page.objects]


def refusal_of_listing(store: S3ObjectStore) -> ObjectStoreRefusedError:
    with pytest.raises(ObjectStoreRefusedError) as raised:
        listed_keys(store)
    return raised.value


def test_listing_asks_for_prefix_and_position_with_encoded_keys(
    store: S3ObjectStore, server: ScriptedServer
) -> None:
    """The prefix goes with every page, the position with the first, then S3's token."""

    def script(request: Request) -> Answer:
        return page("p/b") if "continuation-token" in request.query else page("p/a+b", token="t+1")

    server.script = script
    assert listed_keys(store, "p/ +") == ["p/a b", "p/b"]
    first, second = server.asked()
    assert (first.query["prefix"], second.query["prefix"]) == ("p/", "p/")
    assert first.query["encoding-type"] == second.query["encoding-type"] == "url"
    assert first.query["start-after"] == "p/ +"
    assert second.query["continuation-token"] == "t+1"


def test_keys_are_decoded_as_they_were_encoded(
    store: S3ObjectStore, server: ScriptedServer
) -> None:
    """A plus is a space, an encoded plus is a plus, and control characters come through."""
    server.script = lambda _: page(
        "p/%00%0A%1F", "p/a+b", "p/a%252Bb", "p/a%2Bb", "p/%F0%90%80%80"
    )
    assert listed_keys(store) == ["p/\x00\n\x1f", "p/a b", "p/a%2Bb", "p/a+b", "p/\U00010000"]


def test_keys_of_a_store_that_does_not_encode_are_taken_as_they_are(
    store: S3ObjectStore, server: ScriptedServer
) -> None:
    """It says whether it did what it was asked."""
    server.script = lambda _: page("p/a%2Bb", "p/a+b", is_encoded=False)
    assert listed_keys(store) == ["p/a%2Bb", "p/a+b"]


def test_listed_object_is_taken_over_exactly(store: S3ObjectStore, server: ScriptedServer) -> None:
    """Time in microseconds, the etag without quotes, the storage class by its name."""
    server.script = lambda _: page("p/a")
    ((found,),) = (one.objects for one in store.list_pages(SOURCE))
    assert (found.etag, found.size_bytes) == ("e", 3)
    assert found.last_modified == 1_784_123_365_123_000
    assert found.storage_class == "GLACIER"


def test_page_without_objects_does_not_end_a_listing(
    store: S3ObjectStore, server: ScriptedServer
) -> None:
    """S3 may find nothing to show on its way; the position stays where it was."""
    answers = iter([page("p/a", token="1"), page(token="2"), page("p/b")])
    server.script = lambda _: next(answers)
    pages = list(store.list_pages(SOURCE))
    assert [one.read_through for one in pages] == ["p/a", "p/a", "p/b"]
    assert [one.is_last for one in pages] == [False, False, True]


def test_page_is_asked_for_when_it_is_wanted(store: S3ObjectStore, server: ScriptedServer) -> None:
    """The first objects are there before the listing ends, and nothing is fetched ahead."""
    server.script = lambda _: page("p/a", token="1")
    pages = store.list_pages(SOURCE)
    next(pages)
    assert len(server.asked()) == 1


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([page("p/b", "p/a")], id="unordered within a page"),
        pytest.param([page("p/b", token="1"), page("p/a")], id="unordered between pages"),
        pytest.param([page("p/a", token="1"), page("p/a")], id="a page that repeats"),
        pytest.param([page("p/%F0%90%80%80", "p/%EF%BF%AE")], id="ordered as UTF-16"),
        pytest.param([page(token="1"), page(token="1"), page(token="1")], id="the same token"),
        pytest.param([page("p/%FF")], id="a key that is not UTF-8"),
    ],
)
def test_listing_that_gives_no_position_is_refused(
    store: S3ObjectStore, server: ScriptedServer, answers: list[Answer]
) -> None:
    """Going on would skip keys or go round in circles."""
    remaining = iter(answers)
    server.script = lambda _: next(remaining)
    assert refusal_of_listing(store).reason is Reason.UNKNOWN_REFUSAL


def test_error_inside_a_good_answer_is_an_error(
    store: S3ObjectStore, server: ScriptedServer
) -> None:
    """S3 may find out late that it failed, and says so in the body of a 200."""
    server.script = lambda _: error(200, "InternalError")
    assert refusal_of_listing(store).reason is Reason.UNAVAILABLE


def test_answer_that_is_cut_or_not_of_s3_is_unavailable(
    store: S3ObjectStore, server: ScriptedServer
) -> None:
    """Half a page is no page."""
    whole = page("p/a")
    server.script = lambda _: msgspec.structs.replace(whole, cut_at=len(whole.body) - 5)
    assert refusal_of_listing(store).reason is Reason.UNAVAILABLE
    server.script = lambda _: Answer(body=b"<html>please log in<br></html>")
    assert refusal_of_listing(store).reason is Reason.UNAVAILABLE


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>please log in</body></html>",
        page("p/a").body.replace(b"<ETag>&quot;e&quot;</ETag>", b""),
        page("p/a").body.replace(b"<Size>3</Size>", b"<Size>three</Size>"),
        page("p/a").body.replace(b"2026-07-15T13:49:25.123Z", b"yesterday"),
    ],
    ids=["empty", "a page of something else", "no etag", "no number", "no time"],
)
def test_answer_that_lacks_what_all_of_s3s_have_is_unavailable(
    store: S3ObjectStore, server: ScriptedServer, body: bytes
) -> None:
    """It is this source's trouble: an error that nobody knows would stop all others too."""
    server.script = lambda _: Answer(body=body)
    assert refusal_of_listing(store).reason is Reason.UNAVAILABLE


def test_failure_on_a_later_page_keeps_the_earlier_ones(
    store: S3ObjectStore, server: ScriptedServer
) -> None:
    """And does not look like the listing's end."""
    answers = iter([page("p/a", token="1"), error(503, "SlowDown")])
    server.script = lambda _: next(answers)
    pages = store.list_pages(SOURCE)
    assert next(pages).read_through == "p/a"
    with pytest.raises(ObjectStoreRefusedError) as raised:
        next(pages)
    assert raised.value.reason is Reason.THROTTLED
