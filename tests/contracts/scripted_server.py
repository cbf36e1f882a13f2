"""An HTTP server that speaks for S3 and STS as a test dictates, and keeps what it was asked.

It is what moto cannot be: it breaks bodies, ignores or checks what it is sent, and lets keys be
seen as they came.
"""

import contextlib
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

LAST_MODIFIED = "Wed, 21 Oct 2026 07:28:00 GMT"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    form: dict[str, str]

    @property
    def is_of_boto3(self) -> bool:
        return "Boto3" in self.headers.get("user-agent", "")


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What is answered; the connection is cut after `cut_at` bytes of the body."""

    status: int = 200
    headers: Mapping[str, str] = {}
    body: bytes = b""
    cut_at: int | None = None
    before_cut: Callable[[], object] | None = None


Script = Callable[[Request], Answer]


def error(status: int, code: str, message: str = "no") -> Answer:
    """Answer as S3 words its refusals."""
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Answer(status=status, body=body.encode())


def object_answer(content: bytes, etag: str, *, cut_at: int | None = None) -> Answer:
    """Answer with an object."""
    headers = {"ETag": f'"{etag}"', "Last-Modified": LAST_MODIFIED}
    return Answer(headers=headers, body=content, cut_at=cut_at)


def range_answer(content: bytes, etag: str, request: Request) -> Answer:
    """Answer with what a Range asks for."""
    first = int(request.headers["range"].removeprefix("bytes=").removesuffix("-"))
    headers = {
        "ETag": f'"{etag}"',
        "Last-Modified": LAST_MODIFIED,
        "Content-Range": f"bytes {first}-{len(content) - 1}/{len(content)}",
    }
    return Answer(status=206, headers=headers, body=content[first:])


class ScriptedServer:
    """Listens on the loopback; HEAD is answered by itself, all else by the script."""

    def __init__(self) -> None:
        self.forget()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._connection_class())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def forget(self) -> None:
        """Begin anew: nothing is answered and nothing was asked."""
        self.script: Script = lambda _: error(501, "NotImplemented")
        self.region: str | None = None
        self.requests: list[Request] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def asked(self, method: str = "GET") -> list[Request]:
        return [request for request in self.requests if request.method == method]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, request: Request) -> Answer:
        self.requests.append(request)
        if request.method == "HEAD":
            headers = {} if self.region is None else {"x-amz-bucket-region": self.region}
            return Answer(headers=headers)
        return self.script(request)

    def _connection_class(self) -> type["_Connection"]:
        answer_to = self._answer

        class Connection(_Connection):
            def answer(self, request: Request) -> Answer:
                return answer_to(request)

        return Connection


class _Connection(BaseHTTPRequestHandler):
    """One connection of a client; the method names are those that the standard library calls."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self, request: Request) -> Answer:
        raise NotImplementedError

    def do_GET(self) -> None:
        answer = self.answer(self._request())
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body[: answer.cut_at])
        if answer.cut_at is not None:
            self.wfile.flush()
            if answer.before_cut is not None:
                answer.before_cut()
            self.close_connection = True

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing; the requests are kept."""

    def handle(self) -> None:
        # A client may leave before it has read everything.
        with contextlib.suppress(ConnectionError):
            super().handle()

    def _request(self) -> Request:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        return Request(
            method=self.command,
            path=unquote(parts.path),
            query=_single(parts.query),
            headers={name.lower(): value for name, value in self.headers.items()},
            form=_single(body.decode()),
        )


def _single(encoded: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(encoded, keep_blank_values=True).items()}
