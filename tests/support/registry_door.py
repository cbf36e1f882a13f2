"""A door before the schema registry: it can be shut or slow, and not know a schema that is there.

with RegistryDoor(schema_registry) as door:
    stage = deploy(SCHEMA_REGISTRY__URL=door.url)
    door.shut()
    door.open()
"""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

_UPSTREAM_SECONDS: Final = 30
_UNKNOWN: Final = b'{"error_code": 40403, "message": "Schema not found"}'
_KEPT: Final = ("Content-Type", "Accept")


class RegistryDoor:
    """Passes requests on to a registry, or does not. Any thread."""

    def __init__(self, upstream_url: str) -> None:
        upstream = urlsplit(upstream_url)
        self._server = _Server(upstream.netloc)
        self._path = upstream.path
        self._thread = threading.Thread(target=self._server.serve_forever, name="registry-door")

    @property
    def url(self) -> str:
        """The address to be used in place of the registry's."""
        return f"http://127.0.0.1:{self._server.server_port}{self._path}"

    @property
    def asked(self) -> list[str]:
        """What was asked since the door was last changed."""
        return list(self._server.asked)

    def shut(self) -> None:
        """Hang up on whoever asks."""
        self._change(is_shut=True)

    def slow_down(self, seconds: float) -> None:
        """Answer each request only after a time."""
        self._change(seconds=seconds)

    def forget(self, schema_id: int) -> None:
        """Know nothing of a schema."""
        self._change(forgotten=schema_id)

    def open(self) -> None:
        """Pass on everything, at once."""
        self._change()

    def _change(
        self, *, is_shut: bool = False, seconds: float = 0.0, forgotten: int | None = None
    ) -> None:
        server = self._server
        server.changed.set()
        server.changed = threading.Event()
        server.is_shut, server.seconds, server.forgotten = is_shut, seconds, forgotten
        server.asked.clear()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.changed.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = upstream
        self.asked: list[str] = []
        self.is_shut = False
        self.seconds = 0.0
        self.forgotten: int | None = None
        # Who waits at a slow door goes on as soon as it is another.
        self.changed = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    """One connection; the method names are those that the standard library calls."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        server = self.server
        server.asked.append(f"{self.command} {self.path}")
        if server.is_shut:
            self.close_connection = True
        elif urlsplit(self.path).path.endswith(f"/schemas/ids/{server.forgotten}"):
            self._answer(404, _UNKNOWN)
        else:
            if server.seconds:
                server.changed.wait(server.seconds)
            self._pass_on(body)

    def do_POST(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing; the requests are kept."""

    def _pass_on(self, body: bytes) -> None:
        upstream = http.client.HTTPConnection(self.server.upstream, timeout=_UPSTREAM_SECONDS)
        headers = {name: self.headers[name] for name in _KEPT if name in self.headers}
        try:
            upstream.request(self.command, self.path, body=body, headers=headers)
            response = upstream.getresponse()
            self._answer(response.status, response.read())
        except (BrokenPipeError, ConnectionResetError):
            # The client did not wait for a slow answer.
            self.close_connection = True
        finally:
            upstream.close()

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
