"""A proxy between Kafka's clients and the second listener of a broker, which holds and cuts.

The broker advertises the proxy's port for that listener, so nothing has to be rewritten: a request
is a length, then a header that begins with the number of its kind.
"""

import contextlib
import socket
import struct
import threading
from typing import Final

END_TXN: Final = 26
_LENGTH: Final = struct.Struct(">i")
_KIND: Final = struct.Struct(">h")
_PIECE: Final = 65_536
_SECONDS: Final = 30.0


class KafkaProxy:
    """Passes everything on, but for the request that it is told to hold or to cut off behind."""

    def __init__(self, listening: socket.socket, upstream: tuple[str, int]) -> None:
        self._listening = listening
        self._upstream = upstream
        self._connections: list[socket.socket] = []
        self._hold_kind: int | None = None
        self._cut_kind: int | None = None
        self._held: tuple[socket.socket, bytes] | None = None
        self._is_released = False
        self._is_answered = threading.Event()
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()

    def hold_next(self, kind: int) -> None:
        """Keep the next request of a kind back; its connection stays open on the broker's side."""
        self._held, self._is_released = None, False
        self._is_answered.clear()
        self._hold_kind = kind

    def release(self) -> None:
        """Let the request that is held arrive at last, and return once the broker answered it."""
        assert self._held is not None
        upstream, request = self._held
        self._is_released = True
        upstream.sendall(request)
        assert self._is_answered.wait(_SECONDS)

    def cut_behind_next(self, kind: int) -> None:
        """Pass the next request of a kind on, and cut the connection before it is answered."""
        self._cut_kind = kind

    def cut_all(self) -> None:
        """Cut every connection that is open now."""
        connections, self._connections = self._connections, []
        for connection in connections:
            _close(connection)

    def close(self) -> None:
        """Take no more connections, and end those that are open."""
        _close(self._listening)
        self.cut_all()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            upstream = socket.create_connection(self._upstream)
            self._connections += [client, upstream]
            for target in (self._pass_requests, self._pass_answers):
                way = (client, upstream)
                threading.Thread(target=target, args=way, name="proxy", daemon=True).start()

    def _pass_requests(self, client: socket.socket, upstream: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while request := _request(client):
                (kind,) = _KIND.unpack_from(request, _LENGTH.size)
                if kind == self._hold_kind:
                    self._hold_kind, self._held = None, (upstream, request)
                    continue
                upstream.sendall(request)
                if kind == self._cut_kind:
                    self._cut_kind = None
                    _close(client)
        if self._held is None or self._held[0] is not upstream:
            with contextlib.suppress(OSError):
                # The broker reads what was sent before it sees the end.
                upstream.shutdown(socket.SHUT_WR)

    def _pass_answers(self, client: socket.socket, upstream: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := upstream.recv(_PIECE):
                if self._is_released and self._held is not None and self._held[0] is upstream:
                    self._is_answered.set()
                client.sendall(piece)
        _close(client)
        _close(upstream)


def _request(client: socket.socket) -> bytes:
    """Read one whole request; nothing at the end."""
    length = client.recv(_LENGTH.size, socket.MSG_WAITALL)
    if len(length) < _LENGTH.size:
        return b""
    return length + client.recv(_LENGTH.unpack(length)[0], socket.MSG_WAITALL)


def _close(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
