"""What the door to the registry makes of bad answers, given by a server on loopback."""

import base64
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from producer.codec import registry as door
from producer.codec.registry import SchemaRegistry
from producer.errors import (
    ConfigurationError,
    FatalError,
    ProducerError,
    RegistryUnavailableError,
    SchemaMismatchError,
)

SCHEMA = '{"type": "record", "name": "R", "fields": []}'
Answer = tuple[int, bytes]


class Stub(ThreadingHTTPServer):
    """Gives one answer to whatever is asked, and counts."""

    answer: Answer = (200, b"{}")
    requests = 0
    authorization: str | None = None


class _Conversation(BaseHTTPRequestHandler):
    def _reply(self) -> None:
        assert isinstance(self.server, Stub)
        self.server.requests += 1
        self.server.authorization = self.headers.get("Authorization")
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, body = self.server.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = _reply  # noqa: N815 - the names that the server looks for

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    monkeypatch.setattr(door, "_RETRY_WAIT_MS", 0)
    with Stub(("127.0.0.1", 0), _Conversation) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def registry(stub: Stub) -> Iterator[SchemaRegistry]:
    opened = SchemaRegistry(
        f"http://127.0.0.1:{stub.server_port}", username="someone", password="hidden"
    )
    yield opened
    opened.close()


REQUESTS: dict[str, Callable[[SchemaRegistry], object]] = {
    "register": lambda registry: registry.register("x-value", SCHEMA),
    "set_compatibility": lambda registry: registry.set_compatibility("x-value", "FULL"),
    "compatibility": lambda registry: registry.compatibility("x-value"),
    "find_id": lambda registry: registry.find_id("x-value", SCHEMA),
    "schema_by_id": lambda registry: registry.schema_by_id(7),
}


def refusal(code: int, message: str = "no") -> bytes:
    return json.dumps({"error_code": code, "message": message}).encode()


@pytest.mark.parametrize("request_name", REQUESTS)
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((401, refusal(401)), (ConfigurationError, "check the user name and password")),
        ((403, refusal(403)), (ConfigurationError, "give this user the right")),
        ((404, b"<html>"), (ConfigurationError, "/apis/ccompat/v7")),
        ((404, b'{"detail": "no such page"}'), (ConfigurationError, "/apis/ccompat/v7")),
        ((200, b"<html>"), (ConfigurationError, "/apis/ccompat/v7")),
        ((408, refusal(408)), (RegistryUnavailableError, "is it up")),
        ((409, refusal(409)), (SchemaMismatchError, "see schemas/README.md")),
        ((418, refusal(418)), (FatalError, "report it")),
        ((422, refusal(42201)), (SchemaMismatchError, "accept Avro")),
        ((429, refusal(429)), (RegistryUnavailableError, "is it up")),
        ((500, refusal(50001)), (RegistryUnavailableError, "is it up")),
        ((503, b""), (RegistryUnavailableError, "is it up")),
    ],
)
def test_answer_becomes_the_error_that_says_what_to_do(
    registry: SchemaRegistry,
    stub: Stub,
    request_name: str,
    answer: Answer,
    expected: tuple[type[ProducerError], str],
) -> None:
    """Each answer has its type and its remedy, whatever was asked."""
    stub.answer = answer
    kind, remedy = expected
    with pytest.raises(ProducerError) as raised:
        REQUESTS[request_name](registry)
    assert kind is type(raised.value)
    assert remedy in str(raised.value)
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize("code", [40401, 40403, 40408])
def test_what_is_not_found_is_none_and_no_error(
    registry: SchemaRegistry, stub: Stub, code: int
) -> None:
    """A subject, a schema or a level that is not there is an answer."""
    stub.answer = (404, refusal(code))
    assert registry.find_id("x-value", SCHEMA) is None
    assert registry.compatibility("x-value") is None


def test_unknown_id_is_a_mismatch_that_names_it(registry: SchemaRegistry, stub: Stub) -> None:
    """An id of another registry says so."""
    stub.answer = (404, refusal(40403))
    with pytest.raises(SchemaMismatchError, match="has no schema of id 7; was the topic written"):
        registry.schema_by_id(7)


def test_schema_of_another_language_is_a_mismatch(registry: SchemaRegistry, stub: Stub) -> None:
    """An id that leads to a Protobuf schema is not read as Avro."""
    stub.answer = (200, b'{"schema": "message R {}", "schemaType": "PROTOBUF"}')
    with pytest.raises(SchemaMismatchError, match="id 7 is not one Avro document"):
        registry.schema_by_id(7)


def test_refusal_says_why_in_one_line_of_bounded_length(
    registry: SchemaRegistry, stub: Stub
) -> None:
    """The registry's reason is passed on, its pages of schema are not."""
    stub.answer = (409, refusal(409, "incompatible:\n the field 'x'" + "y" * 9_999))
    with pytest.raises(SchemaMismatchError, match="incompatible: the field 'x'") as raised:
        registry.register("x-value", SCHEMA)
    assert len(str(raised.value)) < 1_000


def test_passing_trouble_is_tried_three_times(registry: SchemaRegistry, stub: Stub) -> None:
    """The budget is the client's own: a first try and two more."""
    stub.answer = (503, b"")
    with pytest.raises(RegistryUnavailableError):
        registry.find_id("x-value", SCHEMA)
    assert 3 == stub.requests


def test_credentials_are_sent_and_never_shown(registry: SchemaRegistry, stub: Stub) -> None:
    """Basic authentication goes with each request; the repr has neither part."""
    stub.answer = (200, b'{"compatibilityLevel": "FULL"}')
    assert "FULL" == registry.compatibility("x-value")
    expected = "Basic " + base64.b64encode(b"someone:hidden").decode()
    assert expected == stub.authorization
    assert "hidden" not in repr(registry)


def test_credentials_in_the_address_are_not_shown(stub: Stub) -> None:
    """An error names the registry without the user and password of its address."""
    stub.answer = (401, refusal(401))
    opened = SchemaRegistry(f"http://someone:hidden@127.0.0.1:{stub.server_port}")
    with pytest.raises(ConfigurationError, match=r"'http://127\.0\.0\.1") as raised:
        opened.find_id("x-value", SCHEMA)
    assert "hidden" not in str(raised.value)
    opened.close()


def test_no_answer_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port on which nobody listens may have somebody later."""
    monkeypatch.setattr(door, "_RETRY_WAIT_MS", 0)
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        opened = SchemaRegistry(f"http://127.0.0.1:{reserved.getsockname()[1]}")
        with pytest.raises(RegistryUnavailableError, match=r"is it up, and is .*URL its address"):
            opened.find_id("x-value", SCHEMA)
        opened.close()


def test_distrust_of_a_certificate_is_told_from_an_outage() -> None:
    """No waiting heals a certificate that is not trusted, however deep the cause lies."""
    outer = ConnectionError("connect")
    outer.__context__ = ssl.SSLCertVerificationError("self-signed")
    assert door._is_distrust(outer)
    assert not door._is_distrust(ConnectionError("connect"))


def test_certificate_that_is_not_there_is_a_matter_of_settings() -> None:
    """A wrong path stops before anything is asked."""
    with pytest.raises(ConfigurationError, match=r"do not work .*No such file"):
        SchemaRegistry("https://127.0.0.1", ca_location="/nonexistent/ca.pem")
