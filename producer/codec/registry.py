"""The door to the schema registry: any that speaks Confluent's interface, Apicurio's included.

Every answer that is no success becomes an error of this program by the table below; what is not in
it is fatal. The client's own retries are the whole budget.
"""

import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Protocol

import httpx2
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient, SchemaRegistryError

from producer.errors import (
    ConfigurationError,
    FatalError,
    ProducerError,
    RegistryUnavailableError,
    SchemaMismatchError,
)

# Three tries, a fifth of a second and more apart: enough for a restart behind a load balancer.
_RETRIES_MAX: Final = 2
_RETRY_WAIT_MS: Final = 200
# Confluent quotes both schemas when it refuses one; the beginning says why.
_REASON_CHARACTERS_MAX: Final = 400

# Subject, version or schema not known; compatibility of a subject not set.
_NOT_FOUND: Final = frozenset({40401, 40402, 40403, 40408})

_SETTINGS: Final = "OPENAI_COMPLIANCE_SCHEMA_REGISTRY__"
_WRONG_ADDRESS: Final = (
    f"check that {_SETTINGS}URL ends in the path of the Confluent-compatible interface, "
    "as /apis/ccompat/v7 of Apicurio"
)
_UNAVAILABLE: Final = (RegistryUnavailableError, "is it up, and not overloaded?")
_STATUSES: Final[Mapping[int, tuple[type[ProducerError], str]]] = {
    401: (ConfigurationError, f"check the user name and password in {_SETTINGS}*"),
    403: (ConfigurationError, "give this user the right to do it"),
    # A thing that is not found has a code of its own; a bare 404 is another program's answer.
    404: (ConfigurationError, _WRONG_ADDRESS),
    408: _UNAVAILABLE,
    409: (
        SchemaMismatchError,
        "a new schema must read what all earlier versions wrote, see schemas/README.md",
    ),
    422: (SchemaMismatchError, "does the registry accept Avro schemas?"),
    429: _UNAVAILABLE,
    500: _UNAVAILABLE,
    502: _UNAVAILABLE,
    503: _UNAVAILABLE,
    504: _UNAVAILABLE,
}
_UNKNOWN: Final = (FatalError, "this answer is not known to the program, report it")


class Registry(Protocol):
    """Knows the id of each schema under each subject, and the schema of each id."""

    def register(self, subject: str, schema_text: str) -> int:
        """Add a version to a subject, or find the same one; refused if it breaks compatibility."""

    def set_compatibility(self, subject: str, level: str) -> None:
        """Say what later versions of a subject must be able to read."""

    def compatibility(self, subject: str) -> str | None:
        """Tell the level set for this subject; `None` where none is."""

    def find_id(self, subject: str, schema_text: str) -> int | None:
        """Look up a schema under a subject; `None` where it is not registered."""

    def schema_by_id(self, schema_id: int) -> str:
        """Fetch the text of a schema; an unknown id is a `SchemaMismatchError`."""


class SchemaRegistry:
    """The real registry, over HTTP."""

    def __init__(  # noqa: PLR0913 - one for each property of the client
        self,
        url: str,
        *,
        username: str | None = None,
        password: str | None = None,
        ca_location: str | None = None,
        certificate_location: str | None = None,
        key_location: str | None = None,
        timeout_seconds: float = 10.0,
    ) -> None:
        self._shown_url = re.sub(r"//[^/@]*@", "//", url)
        properties: dict[str, Any] = {
            "url": url,
            "timeout": timeout_seconds,
            "max.retries": _RETRIES_MAX,
            "retries.wait.ms": _RETRY_WAIT_MS,
        }
        optional = {
            "basic.auth.user.info": None if username is None else f"{username}:{password or ''}",
            "ssl.ca.location": ca_location,
            "ssl.certificate.location": certificate_location,
            "ssl.key.location": key_location,
        }
        properties |= {name: value for name, value in optional.items() if value is not None}
        try:
            self._client = SchemaRegistryClient(properties)
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"the settings of the schema registry {self._shown_url!r} do not work "
                f"({_one_line(error)}); check {_SETTINGS}*"
            ) from error

    def __repr__(self) -> str:
        return f"SchemaRegistry({self._shown_url!r})"

    def register(self, subject: str, schema_text: str) -> int:
        with self._answer_to(f"register a schema under {subject!r}"):
            return self._client.register_schema(subject, Schema(schema_text, "AVRO"))

    def set_compatibility(self, subject: str, level: str) -> None:
        with self._answer_to(f"set the compatibility of {subject!r} to {level}"):
            self._client.set_compatibility(subject, level)

    def compatibility(self, subject: str) -> str | None:
        with self._answer_to(f"tell the compatibility of {subject!r}"):
            try:
                return self._client.get_compatibility(subject)
            except SchemaRegistryError as error:
                if error.error_code in _NOT_FOUND:
                    return None
                raise

    def find_id(self, subject: str, schema_text: str) -> int | None:
        with self._answer_to(f"look up a schema under {subject!r}"):
            try:
                found = self._client.lookup_schema(subject, Schema(schema_text, "AVRO"))
            except SchemaRegistryError as error:
                if error.error_code in _NOT_FOUND:
                    return None
                raise
            return found.schema_id

    def schema_by_id(self, schema_id: int) -> str:
        with self._answer_to(f"fetch the schema of id {schema_id}"):
            try:
                schema = self._client.get_schema(schema_id)
            except SchemaRegistryError as error:
                if error.error_code not in _NOT_FOUND:
                    raise
                raise SchemaMismatchError(
                    f"the schema registry {self._shown_url!r} has no schema of id {schema_id}; "
                    "was the topic written with another registry?"
                ) from error
        if schema.schema_type != "AVRO" or schema.references or schema.schema_str is None:
            raise SchemaMismatchError(
                f"the schema of id {schema_id} is not one Avro document; "
                "was the topic written by another program?"
            )
        return schema.schema_str

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        self._client.close()

    @contextmanager
    def _answer_to(self, request: str) -> Iterator[None]:
        """Translate what the client raises."""
        try:
            yield
        except SchemaRegistryError as error:
            kind, remedy = _STATUSES.get(error.http_status_code, _UNKNOWN)
            answer = f"answered {error.http_status_code} ({_one_line(error.error_message)})"
            raise kind(self._failed(request, answer, remedy)) from error
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
            remedy = f"set {_SETTINGS}URL to an http or https address"
            raise ConfigurationError(self._failed(request, _one_line(error), remedy)) from error
        except httpx2.TransportError as error:
            if _is_distrust(error):
                remedy = f"name the authority that signed its certificate in {_SETTINGS}*"
                raise ConfigurationError(
                    self._failed(request, _one_line(error), remedy)
                ) from error
            remedy = f"is it up, and is {_SETTINGS}URL its address?"
            reason = _one_line(error) or type(error).__name__
            raise RegistryUnavailableError(self._failed(request, reason, remedy)) from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # The client expects JSON of a certain form in each answer.
            reason = "it answered as no registry does"
            raise ConfigurationError(self._failed(request, reason, _WRONG_ADDRESS)) from error

    def _failed(self, request: str, reason: str, remedy: str) -> str:
        return f"the schema registry {self._shown_url!r} did not {request}: {reason}; {remedy}"


def _one_line(reason: object) -> str:
    return " ".join(str(reason).split())[:_REASON_CHARACTERS_MAX]


def _is_distrust(error: BaseException | None) -> bool:
    """Tell whether a certificate was refused, which no waiting heals."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
