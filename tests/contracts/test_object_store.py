"""What every object store promises: the one in memory, and the real one with either reader.

The real one is tried against moto and against the fault server, which so keeps what it promises.
"""

import gzip
from collections.abc import Callable
from contextlib import closing

import pytest

from producer.contract.objects import Reason
from producer.s3.object_store import ListedObject, ObjectStoreRefusedError, Page
from tests.contracts.conftest import Bucket, a_source, version_of

ODD_KEYS = [
    "a b",
    "a+b",
    "a%20b",
    "a%2Bb",
    "a&b=c?d#e",
    "caf\u00e9",
    "cafe\u0301",
    "\U00010000",
    "\uffee",
    'quote"<&>',
    "AUTH_LOG_2026-07-15T13:49:25+00:00.jsonl",
]


def listed(bucket: Bucket, *, prefix: str = "", after: str | None = None) -> list[ListedObject]:
    return [found for page in pages(bucket, prefix=prefix, after=after) for found in page.objects]


def pages(bucket: Bucket, *, prefix: str = "", after: str | None = None) -> list[Page]:
    source = a_source(bucket.source.bucket, prefix)
    return list(bucket.store.list_pages(source, start_after=after))


def content_of(bucket: Bucket, found: ListedObject) -> bytes:
    with closing(bucket.store.open(bucket.source, version_of(bucket.source, found))) as body:
        return b"".join(body)


def refusal_of(call: Callable[[], object]) -> Reason:
    with pytest.raises(ObjectStoreRefusedError) as raised:
        call()
    return raised.value.reason


def test_listing_of_nothing_is_one_page_without_objects(bucket: Bucket) -> None:
    """Whoever lists learns that the end was reached, also where there is nothing."""
    assert pages(bucket) == [Page(objects=(), read_through="", is_last=True)]
    assert pages(bucket, after="m") == [Page(objects=(), read_through="m", is_last=True)]


def test_listing_tells_size_and_etag_without_quotes(bucket: Bucket) -> None:
    """What is listed is what a version is made of."""
    bucket.put("key", b"content")
    (found,) = listed(bucket)
    assert (found.key, found.size_bytes) == ("key", 7)
    assert found.etag == "9a0364b9e99bb480dd25e1f0284c8555"
    assert found.storage_class == "STANDARD"


def test_listing_is_bound_to_the_prefix(bucket: Bucket) -> None:
    """A prefix is text and no directory, and may be a key itself."""
    for key in ("a", "p", "p/1", "p/2", "pq", "q"):
        bucket.put(key, b"")
    assert [found.key for found in listed(bucket, prefix="p")] == ["p", "p/1", "p/2", "pq"]
    assert [found.key for found in listed(bucket, prefix="p/")] == ["p/1", "p/2"]


def test_listing_goes_on_behind_any_key_whether_it_exists_or_not(bucket: Bucket) -> None:
    """A position stays good when the object at it was deleted."""
    for key in ("a", "b", "c"):
        bucket.put(key, b"")
    assert [found.key for found in listed(bucket, after="a")] == ["b", "c"]
    assert [found.key for found in listed(bucket, after="ab")] == ["b", "c"]
    assert [found.key for found in listed(bucket, after="c")] == []


@pytest.mark.parametrize(
    "make_bucket", ["memory", "boto3", "boto3-of-fault-server"], indirect=True
)
def test_listing_pages_at_a_thousand_objects(bucket: Bucket) -> None:
    """A full page may be the last one, and one object more makes another page."""
    keys = [f"p/{number:04}" for number in range(1000)]
    bucket.put_empty([*keys, "q"])
    (only,) = pages(bucket, prefix="p/")
    assert [found.key for found in only.objects] == keys
    assert (only.read_through, only.is_last) == (keys[-1], True)
    first, second = pages(bucket)
    assert (len(first.objects), first.read_through, first.is_last) == (1000, keys[-1], False)
    assert [found.key for found in second.objects] == ["q"]
    assert (second.read_through, second.is_last) == ("q", True)
    assert [found.key for found in listed(bucket, after=first.read_through)] == ["q"]


def test_odd_keys_are_listed_and_read_exactly(bucket: Bucket) -> None:
    """In the order of their UTF-8 bytes, which is not the order of UTF-16."""
    for key in ODD_KEYS:
        bucket.put(key, key.encode())
    found = listed(bucket)
    assert [one.key for one in found] == sorted(ODD_KEYS, key=str.encode)
    assert [content_of(bucket, one) for one in found] == sorted(key.encode() for key in ODD_KEYS)
    for position, one in enumerate(found):
        assert listed(bucket, after=one.key) == found[position + 1 :]


@pytest.mark.parametrize("size_bytes", [0, 1, 1_000_000])
def test_body_is_the_whole_object(bucket: Bucket, size_bytes: int) -> None:
    """Empty, small, or of many chunks, none of which is empty or huge."""
    content = b"0123456789" * (size_bytes // 10) + b"x" * (size_bytes % 10)
    bucket.put("key", content)
    (found,) = listed(bucket)
    with closing(bucket.store.open(bucket.source, version_of(bucket.source, found))) as body:
        chunks = list(body)
    assert b"".join(chunks) == content
    assert all(0 < len(chunk) <= 1_000_000 for chunk in chunks)


def test_body_is_given_as_it_is_stored(bucket: Bucket) -> None:
    """Decompressing is the puller's, who reads all members."""
    content = gzip.compress(b"one\n") + gzip.compress(b"two\n")
    bucket.put("key.gz", content)
    (found,) = listed(bucket)
    assert content_of(bucket, found) == content


def test_body_closed_before_its_end_gives_no_end(bucket: Bucket) -> None:
    """A body that was let go of must not look like one that was read."""
    bucket.put("key", b"x" * 1_000_000)
    (found,) = listed(bucket)
    body = bucket.store.open(bucket.source, version_of(bucket.source, found))
    assert next(body)
    body.close()
    body.close()
    assert refusal_of(lambda: next(body)) is Reason.UNAVAILABLE


def test_overwritten_object_is_refused_as_changed(bucket: Bucket) -> None:
    """The version asked for is no longer there, whatever now bears its key."""
    bucket.put("key", b"before")
    (found,) = listed(bucket)
    bucket.put("key", b"after")
    assert refusal_of(lambda: content_of(bucket, found)) is Reason.ETAG_CHANGED


def test_deleted_object_is_refused_as_gone(bucket: Bucket) -> None:
    """Between the listing and the read it was deleted."""
    bucket.put("key", b"before")
    (found,) = listed(bucket)
    bucket.delete("key")
    assert refusal_of(lambda: content_of(bucket, found)) is Reason.OBJECT_GONE


def test_missing_bucket_is_refused_as_such(bucket: Bucket) -> None:
    """To be told from a bucket that is empty and from an object that is gone."""
    bucket.put("key", b"before")
    (found,) = listed(bucket)
    missing = a_source(f"{bucket.source.bucket}-missing")
    assert refusal_of(lambda: list(bucket.store.list_pages(missing))) is Reason.BUCKET_GONE
    version = version_of(missing, found)
    assert refusal_of(lambda: bucket.store.open(missing, version)) is Reason.BUCKET_GONE
