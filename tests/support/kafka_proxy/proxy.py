"""A proxy between Kafka's clients and a listener of one broker, which does what the faults say.

The broker advertises the proxy's port for that listener, so nothing has to be rewritten.
"""

import socket
import threading

from tests.support.kafka_proxy.connection import Connection, Way, close
from tests.support.kafka_proxy.faults import Action, Faults


class KafkaProxy:
    """Passes everything on, but for what it is told to delay, hold, repeat, drop or cut."""

    def __init__(
        self,
        listening: socket.socket,
        upstream: tuple[str, int],
        *,
        broker: int = 1,
        faults: Faults | None = None,
    ) -> None:
        self.faults = faults or Faults()
        self._listening = listening
        self._way = Way(broker, upstream, self.faults)
        self._connections: set[Connection] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()

    def cut_all(self) -> None:
        """Cut off every client that is connected now."""
        self.faults.note(self._way.broker, Action.CUT_ALL)
        for connection in self._snapshot():
            connection.cut()

    def pause(self, *, requests: bool = True, answers: bool = True) -> None:
        """Let nothing pass, in one direction or both, and keep all connections open."""
        directions = [
            name for name, is_meant in (("requests", requests), ("answers", answers)) if is_meant
        ]
        self.faults.note(self._way.broker, Action.PAUSE, detail=" and ".join(directions))
        if requests:
            self._way.requests_pass.clear()
        if answers:
            self._way.answers_pass.clear()

    def resume(self) -> None:
        """Let everything pass, also what was kept back."""
        if not (self._way.requests_pass.is_set() and self._way.answers_pass.is_set()):
            self._way.requests_pass.set()
            self._way.answers_pass.set()
            self.faults.note(self._way.broker, Action.RESUME)

    def close(self) -> None:
        """Take no more connections, and end those that are open."""
        self._way.is_closed.set()
        self.resume()
        close(self._listening)
        for connection in self._snapshot():
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(client, self._way)
            with self._lock:
                self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        try:
            connection.serve()
        finally:
            connection.close()
            with self._lock:
                self._connections.discard(connection)

    def _snapshot(self) -> list[Connection]:
        with self._lock:
            return list(self._connections)
