"""One connection of a client, and that to the broker behind it: a thread for either direction."""

import contextlib
import socket
import threading
from dataclasses import dataclass, field
from typing import Final

from tests.support.kafka_proxy.faults import Action, Faults, Rule
from tests.support.kafka_proxy.frames import Request, answered_id, read_frame
from tests.support.kafka_proxy.holding import Held

_CONNECT_SECONDS: Final = 5.0


def _open_gate() -> threading.Event:
    gate = threading.Event()
    gate.set()
    return gate


@dataclass(frozen=True)
class Way:
    """What lies before one broker: its address, the faults, and a gate for each direction."""

    broker: int
    upstream: tuple[str, int]
    faults: Faults
    requests_pass: threading.Event = field(default_factory=_open_gate)
    answers_pass: threading.Event = field(default_factory=_open_gate)
    is_closed: threading.Event = field(default_factory=threading.Event)

    def delay(self, gate: threading.Event) -> None:
        """Wait as long as a frame in this direction has to."""
        self.wait(self.faults.latency_seconds)
        gate.wait()

    def wait(self, seconds: float) -> None:
        """Wait, but for no proxy that is closed."""
        if seconds:
            self.is_closed.wait(seconds)

    def connect(self) -> socket.socket:
        connection = socket.create_connection(self.upstream, _CONNECT_SECONDS)
        connection.settimeout(None)
        return connection


class Connection:
    """Passes requests and answers on, and does to them what the faults say."""

    def __init__(self, client: socket.socket, way: Way) -> None:
        self._client, self._way = client, way
        self._upstream: socket.socket | None = None
        self._held: dict[int, Held] = {}
        self._unanswered: dict[int, Action] = {}
        """The requests whose answers must not reach the client, and what happens instead."""

    def serve(self) -> None:
        """Pass requests on until the client leaves or is cut off."""
        try:
            upstream = self._way.connect()
        except OSError:
            # As near to a refused connection as somebody who has accepted it can come.
            close(self._client)
            return
        self._upstream = upstream
        thread = threading.Thread(target=self._pass_answers, args=(upstream,), daemon=True)
        thread.start()
        with contextlib.suppress(OSError):
            while frame := read_frame(self._client):
                self._way.delay(self._way.requests_pass)
                if not self._meet(Request.of(frame), upstream):
                    break
        with contextlib.suppress(OSError):
            # The broker reads what was sent before it sees the end.
            upstream.shutdown(socket.SHUT_WR)
        thread.join()

    def cut(self) -> None:
        """Cut the client off; what is held arrives nevertheless when it is released."""
        close(self._client)

    def close(self) -> None:
        """End both sides."""
        close(self._client)
        if self._upstream is not None:
            close(self._upstream)

    def _meet(self, request: Request, upstream: socket.socket) -> bool:
        """Do to a request what the faults say; false where nothing may follow it."""
        found = self._way.faults.decide(self._way.broker, request)
        if found is None:
            upstream.sendall(request.frame)
            return True
        rule, held = found
        match rule.action:
            case Action.DROP:
                self._drop_what_follows()
                return False
            case Action.CUT_BEFORE:
                self.cut()
                return False
            case Action.HOLD:
                assert held is not None
                self._hold(held, upstream)
            case Action.HOLD_AND_CUT:
                assert held is not None
                self.cut()
                self._hold(held, upstream)
                return False
            case Action.DELAY:
                self._way.wait(rule.seconds)
                upstream.sendall(request.frame)
            case Action.DROP_ANSWER | Action.CUT_BEHIND:
                self._unanswered[request.correlation_id] = rule.action
                upstream.sendall(request.frame)
            case _:
                self._send_twice((request, rule, held), upstream)
        return True

    def _drop_what_follows(self) -> None:
        while frame := read_frame(self._client):
            note = self._way.faults.note
            note(self._way.broker, Action.DROP, request=Request.of(frame), detail="behind another")

    def _hold(self, held: Held, upstream: socket.socket) -> None:
        held.wait()
        self._way.requests_pass.wait()
        self._held[held.request.correlation_id] = held
        try:
            upstream.sendall(held.request.frame)
        except OSError:
            held.settle(b"")
            raise

    def _send_twice(
        self, copied: tuple[Request, Rule, Held | None], upstream: socket.socket
    ) -> None:
        request, rule, _ = copied
        if rule.action is Action.PRECEDE:
            self._send_copy(*copied)
            upstream.sendall(request.frame)
            return
        upstream.sendall(request.frame)
        threading.Thread(target=self._send_copy, args=copied, daemon=True).start()

    def _send_copy(self, request: Request, rule: Rule, held: Held | None) -> None:
        """Let a copy arrive on a connection of its own, as its correlation id is taken."""
        self._way.wait(rule.seconds)
        if held is not None:
            held.wait()
        self._way.requests_pass.wait()
        answer = b""
        with contextlib.suppress(OSError), self._way.connect() as connection:
            connection.sendall(request.frame)
            answer = read_frame(connection)
        self._note_late(request, answer)
        if held is not None:
            held.settle(answer)

    def _pass_answers(self, upstream: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while answer := read_frame(upstream):
                self._settle(answer)
                self._way.delay(self._way.answers_pass)
                action = self._unanswered.get(answered_id(answer))
                if action is Action.CUT_BEHIND:
                    break
                if action is Action.DROP_ANSWER:
                    # The broker is heard on, so that it does not wait for a reader.
                    while read_frame(upstream):
                        pass
                    break
                # A client that has left is no reason to leave: something may still be held.
                with contextlib.suppress(OSError):
                    self._client.sendall(answer)
        for held in self._held.values():
            held.settle(b"")
        self.close()

    def _settle(self, answer: bytes) -> None:
        held = self._held.pop(answered_id(answer), None)
        if held is not None:
            self._note_late(held.request, answer)
            held.settle(answer)

    def _note_late(self, request: Request, answer: bytes) -> None:
        detail = "answered" if answer else "not answered"
        self._way.faults.note(self._way.broker, Action.RELEASE, request=request, detail=detail)


def close(connection: socket.socket) -> None:
    """Close a socket, and wake whoever waits for it."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
