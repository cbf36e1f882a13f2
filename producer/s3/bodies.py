"""Bodies of objects: opened with If-Match, checked to their end, continued where they break.

Two clients read them. obstore costs a seventh of boto3's processor time, but cannot say every key:
empty segments, `.`, `..` and control characters it refuses, and a slash at either end of a key it
drops silently, which names another object. So boto3 reads those, and whatever obstore was refused:
boto3's refusals have codes, obstore's only text.
"""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, Self

import obstore
from botocore.exceptions import BotoCoreError
from obstore.exceptions import BaseError
from urllib3.exceptions import HTTPError

from producer.contract.objects import ObjectVersion, Reason
from producer.s3.asking import Asking
from producer.s3.object_store import ObjectStoreRefusedError
from producer.s3.refusals import refused

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3.type_defs import GetObjectRequestTypeDef
    from obstore import BytesStream, GetOptions

_CHUNK_BYTES = 128 * 1024
# A body that breaks more often without getting on is given up; the object is read again later.
_REOPENINGS_MAX = 2
_PROGRESS_BYTES = 8 * 1024 * 1024
_SEGMENTS_OBSTORE_CANNOT_SAY = frozenset({"", ".", ".."})


class Stream(Protocol):
    """A version's bytes from some position on, as one response brings them."""

    def next_chunk(self) -> bytes:
        """Give the next bytes, none at the end; raises `ObjectStoreRefusedError`."""

    def close(self) -> None: ...


OpenFrom = Callable[[int], Stream]


def can_obstore_say(key: str) -> bool:
    """Whether obstore asks for exactly this key."""
    return _SEGMENTS_OBSTORE_CANNOT_SAY.isdisjoint(key.split("/")) and not any(
        character < " " or character == "\x7f" for character in key
    )


class ContinuedBody:
    """A version's bytes; where the connection breaks, they are asked for again from there."""

    def __init__(self, open_from: OpenFrom, version: ObjectVersion, asking: Asking) -> None:
        self._open_from = open_from
        self._size_bytes = version.size_bytes
        self._asking = asking
        self._asked = asking.asked
        self._position = 0
        self._reopenings = 0
        self._reopened_at = 0
        self._is_finished = False
        self._is_closed = False
        self._reading = threading.Lock()
        self._stream = open_from(0)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        try:
            with self._reading:
                return self._next_chunk()
        finally:
            if self._is_closed:
                self._close_if_idle()

    def close(self) -> None:
        """Let go of the connection; a read under way in another thread does so when it returns."""
        self._is_closed = True
        self._close_if_idle()

    def _close_if_idle(self) -> None:
        # Whoever holds the lock looks again when it has let go of it.
        if self._reading.acquire(blocking=False):
            try:
                self._stream.close()
            finally:
                self._reading.release()

    def _next_chunk(self) -> bytes:
        if self._is_finished:
            raise StopIteration
        if self._is_closed:
            raise refused(Reason.UNAVAILABLE, f"{self._asked}: closed before the end")
        with self._asking.waiting_for_bytes():
            chunk = self._chunk_of_some_stream()
        self._position += len(chunk)
        if not chunk:
            self._is_finished = True
            self._stream.close()
            raise StopIteration
        return chunk

    def _chunk_of_some_stream(self) -> bytes:
        while True:
            try:
                return self._chunk_of_this_stream()
            except ObjectStoreRefusedError:
                self._stream.close()
                if self._position - self._reopened_at >= _PROGRESS_BYTES:
                    self._reopenings = 0
                if self._reopenings == _REOPENINGS_MAX or self._is_closed:
                    raise
                self._reopenings += 1
                self._reopened_at = self._position
                self._stream = self._open_from(self._position)

    def _chunk_of_this_stream(self) -> bytes:
        try:
            chunk = self._stream.next_chunk()
        except ObjectStoreRefusedError:
            if self._position == self._size_bytes:
                # It broke behind the last byte, where nothing is left to be asked for.
                return b""
            raise
        reached = self._position + len(chunk)
        if reached > self._size_bytes:
            self._reopenings = _REOPENINGS_MAX
        if reached > self._size_bytes or (not chunk and reached != self._size_bytes):
            what = f"{self._asked}: {reached} bytes came of {self._size_bytes}"
            raise refused(Reason.UNAVAILABLE, what)
        return chunk


def opening_with_boto3(asking: Asking, version: ObjectVersion) -> OpenFrom:
    """Open with boto3, which can say every key."""
    asked = asking.asked
    request: GetObjectRequestTypeDef = {
        "Bucket": version.bucket,
        "Key": version.key,
        "IfMatch": f'"{version.etag}"',
        # Where the requester pays, this must be said; elsewhere it is ignored.
        "RequestPayer": "requester",
    }
    if version.version_id is not None:
        request["VersionId"] = version.version_id

    def open_from(position: int) -> Stream:
        if position:
            request["Range"] = f"bytes={position}-"
        answer = asking.with_boto3(lambda client: client.get_object(**request))
        stream = _StreamOfBoto3(answer["Body"], asked)
        try:
            _check_etag(answer.get("ETag"), version, asked)
            if position and not answer.get("ContentRange", "").startswith(f"bytes {position}-"):
                raise refused(Reason.UNAVAILABLE, f"{asked}: cannot be continued from a byte")
        except ObjectStoreRefusedError:
            stream.close()
            raise
        return stream

    return open_from


def opening_with_obstore(
    asking: Asking, version: ObjectVersion, *, otherwise: OpenFrom
) -> OpenFrom:
    """Open with obstore, and in another way what it is refused."""
    asked = asking.asked
    options: GetOptions = {"if_match": f'"{version.etag}"'}
    if version.version_id is not None:
        options["version"] = version.version_id

    def open_from(position: int) -> Stream:
        if position:
            options["range"] = {"offset": position}
        try:
            found = asking.with_obstore(
                lambda store: obstore.get(store, version.key, options=options)
            )
        except (BaseError, OSError, ValueError):
            return otherwise(position)
        _check_etag(found.meta["e_tag"], version, asked)
        return _StreamOfObstore(found.stream(min_chunk_size=_CHUNK_BYTES), asked)

    return open_from


def _check_etag(etag: str | None, version: ObjectVersion, asked: str) -> None:
    """Refuse what a store gives that does not know If-Match."""
    if etag is not None and etag.strip('"') != version.etag:
        raise refused(Reason.ETAG_CHANGED, f"{asked}: the object is another version now")


class _StreamOfBoto3:
    """One response to boto3."""

    def __init__(self, body: "StreamingBody", asked: str) -> None:
        self._body = body
        self._asked = asked

    def next_chunk(self) -> bytes:
        try:
            return self._body.read(_CHUNK_BYTES)
        except (BotoCoreError, HTTPError, OSError) as error:
            raise refused(Reason.UNAVAILABLE, f"{self._asked}: {error}") from error

    def close(self) -> None:
        self._body.close()


class _StreamOfObstore:
    """One response to obstore."""

    def __init__(self, stream: "BytesStream", asked: str) -> None:
        self._stream: BytesStream | None = stream
        self._asked = asked

    def next_chunk(self) -> bytes:
        if self._stream is None:
            return b""
        try:
            return next(self._stream, b"")
        except (BaseError, OSError) as error:
            # The text goes on for pages.
            why = str(error).partition("\n")[0]
            raise refused(Reason.UNAVAILABLE, f"{self._asked}: {why}") from error

    def close(self) -> None:
        # The connection is closed with the last reference to the stream.
        self._stream = None
