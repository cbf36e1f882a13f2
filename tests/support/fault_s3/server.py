"""S3 and STS on the loopback: they check what they are asked, keep it, and fail as they are told.

    with FaultS3() as s3:
        s3.roles.add(ARN, external_id="lw-1", buckets=["bucket"])
        s3.put("bucket", "key", b"content")
        s3.script(GetObject(key="key").cut_at(5).times(2))
        outage = s3.script(AssumeRole().hanging_up().always())
        outage.stop()
        assert [asked.range for asked in s3.asked("GetObject")] == [None, "bytes=5-"]

They are read only: tests fill them by calling. What AWS does and moto does not: a role is assumed
only with its external id, credentials end, a request is signed for the bucket's region, and keys
are listed in the order of their bytes.
"""

import contextlib
import os
import select
import socket
import struct
import threading
from collections.abc import Collection, Iterable, Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final, Self

from tests.support.fault_s3.answers import Answer
from tests.support.fault_s3.faults import Plan
from tests.support.fault_s3.requests import Request, request_of
from tests.support.fault_s3.service import Service

_LOOK_SECONDS: Final = 0.02
_REGION: Final = "eu-central-1"
# Closing a connection then resets it.
_LINGER_NOT: Final = struct.pack("ii", 1, 0)


class FaultS3(Service):
    """S3 and STS at one address, with faults to order.

    The stage's own identity may assume roles, but reads no bucket unless
    `roles.own_identity_reads` says so. Signatures are not verified; all else about credentials is.
    """

    def __init__(
        self, *, region: str = _REGION, own_access_keys: Collection[str] = ("test",)
    ) -> None:
        super().__init__(region=region, own_access_keys=own_access_keys)
        self._gate = _Gate()
        self._stalling = threading.Condition()
        self._stopping = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._connection_class())
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="fault-s3"
        )

    @property
    def url(self) -> str:
        """The endpoint of both services."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def wait_until_stalled(self, answers: int = 1, *, within_seconds: float = 30) -> None:
        """Wait until so many answers have stalled and were not released."""
        with self._stalling:
            have_stalled = self._stalling.wait_for(
                lambda: self._gate.answers >= answers, within_seconds
            )
        assert have_stalled, f"{self._gate.answers} answers have stalled"

    def release(self) -> None:
        """Let the stalled answers go on; those that stall from now on stay so."""
        with self._stalling:
            gate, self._gate = self._gate, _Gate()
        gate.is_open.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self, seconds: float) -> None:
        """Wait for a time, but not beyond the server's end."""
        self._stopping.wait(seconds)

    def stall(self, connection: socket.socket) -> None:
        """Wait until the answer is released, the client goes, or the server ends."""
        with self._stalling:
            gate = self._gate
            gate.answers += 1
            self._stalling.notify_all()
        while not (gate.is_open.wait(_LOOK_SECONDS) or self._stopping.is_set()):
            if _is_gone(connection):
                break
        with self._stalling:
            gate.answers -= 1

    def _connection_class(self) -> type["_Connection"]:
        class Connection(_Connection):
            service = self

        return Connection


class _Gate:
    """What stalled answers wait at, and how many of them do."""

    def __init__(self) -> None:
        self.is_open = threading.Event()
        self.answers = 0


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class _Connection(BaseHTTPRequestHandler):
    """One connection of a client; the method names are those that the standard library calls."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    service: FaultS3

    def do_GET(self) -> None:
        request = self._request()
        plan = self.service.plan_for(request)
        if plan.before is not None:
            plan.before()
        if plan.wait_seconds:
            self.service.wait(plan.wait_seconds)
        try:
            if plan.hangs_up:
                self.close_connection = True
            else:
                self._send(self.service.answer(request, plan), plan)
        finally:
            if plan.afterwards is not None:
                plan.afterwards()

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.do_GET()

    def date_time_string(self, timestamp: float | None = None) -> str:
        del timestamp
        return formatdate(self.service.now() / 1_000_000, usegmt=True)

    def log_message(self, *_: object) -> None:
        """Say nothing; the requests are kept."""

    def handle(self) -> None:
        # A client may leave before it has read everything.
        with contextlib.suppress(ConnectionError):
            super().handle()

    def _request(self) -> Request:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        return request_of(
            self.service.next_order(),
            method=self.command,
            target=self.path,
            headers=dict(self.headers.items()),
            body=body,
        )

    def _send(self, answer: Answer, plan: Plan) -> None:
        length = answer.length if plan.shortened_to is None else plan.shortened_to
        said = length if plan.content_length is None else plan.content_length
        self.send_response(answer.status)
        for name, value in {**answer.headers, **plan.headers}.items():
            self.send_header(name, value)
        if self.command != "HEAD" or answer.status < 300:
            self.send_header("Content-Length", str(said))
        self.end_headers()
        if self.command == "HEAD":
            return
        if said != length:
            self.close_connection = True
        self._send_body(answer, plan, length)

    def _send_body(self, answer: Answer, plan: Plan, length: int) -> None:
        end = length if plan.cut_at is None else min(plan.cut_at, length)
        position = 0
        for part in _parts(answer.body, end, plan.stall_at):
            self._stall_at(position, plan)
            self.wfile.write(part)
            position += len(part)
        self._stall_at(position, plan)
        if plan.cut_at is not None:
            self.close_connection = True
            if plan.resets:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
                os.close(self.connection.detach())

    def _stall_at(self, position: int, plan: Plan) -> None:
        if position == plan.stall_at:
            self.service.stall(self.connection)


def _parts(pieces: Iterable[bytes], end: int, border: int | None) -> Iterator[bytes]:
    """Give the pieces up to the end, none across the border."""
    position = 0
    for piece in pieces:
        part = piece[: end - position]
        if border is not None and position < border < position + len(part):
            yield part[: border - position]
            part = part[border - position :]
            position = border
        if part:
            yield part
        position += len(part)
        if position >= end:
            return


def _is_gone(connection: socket.socket) -> bool:
    readable, _, _ = select.select([connection], [], [], 0)
    if not readable:
        return False
    try:
        return not connection.recv(1, socket.MSG_PEEK)
    except ConnectionError:
        return True
