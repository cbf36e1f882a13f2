"""A slow S3: a proxy that lets bodies through at a limited rate until its gate is opened."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

_PIECE_BYTES: Final = 16 * 1024
_UPSTREAM_SECONDS: Final = 30
_HOP_BY_HOP: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "server", "date"})


class ThrottledS3:
    """Stands in front of an S3 for reading alone: what is not GET or HEAD is refused."""

    def __init__(self, upstream_url: str, *, bytes_per_second: int) -> None:
        self._server = _Server(upstream_url, bytes_per_second)
        self._thread = threading.Thread(target=self._server.serve_forever, name="throttled-s3")

    @property
    def url(self) -> str:
        """The endpoint to be used in place of the real one."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def refused(self) -> list[str]:
        """The requests that were not for reading."""
        return self._server.refused

    def open_gate(self) -> None:
        """Let everything through at once from now on."""
        self._server.gate.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.open_gate()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, upstream_url: str, bytes_per_second: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = urlsplit(upstream_url).netloc
        self.seconds_a_byte = 1 / bytes_per_second
        self.gate = threading.Event()
        self.refused: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._pass_on()

    def do_HEAD(self) -> None:
        self._pass_on()

    def do_PUT(self) -> None:
        self._refuse()

    def do_POST(self) -> None:
        self._refuse()

    def do_DELETE(self) -> None:
        self._refuse()

    def log_message(self, *_: object) -> None:
        """Nothing: who needs the requests asks the real server."""

    def _refuse(self) -> None:
        self.server.refused.append(self.requestline)
        self.close_connection = True
        self.send_error(405)

    def _pass_on(self) -> None:
        upstream = http.client.HTTPConnection(self.server.upstream, timeout=_UPSTREAM_SECONDS)
        try:
            upstream.request(self.command, self.path, headers=dict(self.headers.items()))
            self._answer_with(upstream.getresponse())
        except (BrokenPipeError, ConnectionResetError):
            # The client was killed, which is what a slow server is for.
            self.close_connection = True
        finally:
            upstream.close()

    def _answer_with(self, response: http.client.HTTPResponse) -> None:
        self.send_response(response.status)
        for name, value in response.getheaders():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        if response.getheader("content-length") is None:
            # Its end is the end of the connection then.
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        while piece := response.read(_PIECE_BYTES):
            self.server.gate.wait(len(piece) * self.server.seconds_a_byte)
            self.wfile.write(piece)
