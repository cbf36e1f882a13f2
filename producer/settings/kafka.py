"""The settings of the Kafka cluster and of the schema registry: where they are, and the way in.

What a way in needs is a table, and what it has no use for is refused: a password beside a way
that never sends it is a mistake, and more likely one in the way.
"""

from collections.abc import Iterable, Iterator
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from producer.settings.kinds import (
    BootstrapServers,
    ExistingPath,
    HttpUrl,
    Seconds,
    Secret,
    Section,
    Text,
    variable,
)

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER", "AWS_MSK_IAM"]

_PASSWORD: Final = ("sasl_username", "sasl_password")
_OAUTH: Final = ("oauth_token_endpoint_url", "oauth_client_id", "oauth_client_secret")
_NEEDED: Final[dict[str, tuple[str, ...]]] = {
    "PLAIN": _PASSWORD,
    "SCRAM-SHA-256": _PASSWORD,
    "SCRAM-SHA-512": _PASSWORD,
    "OAUTHBEARER": _OAUTH,
    "AWS_MSK_IAM": ("aws_region",),
}
_ALLOWED: Final = {**_NEEDED, "OAUTHBEARER": (*_OAUTH, "oauth_scope")}
_CREDENTIALS: Final = (*_PASSWORD, *_OAUTH, "oauth_scope", "aws_region")
_TLS: Final = (
    "ssl_ca_location",
    "ssl_certificate_location",
    "ssl_key_location",
    "ssl_key_password",
)


class KafkaSettings(Section):
    """The cluster, the way in, and the few of its client's properties that an operator may set."""

    bootstrap_servers: BootstrapServers = Field(
        description="Brokers to ask for the cluster: host:port, several with commas between."
    )
    security_protocol: SecurityProtocol = Field(
        default="PLAINTEXT",
        description="PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL, as the listener has it.",
    )
    sasl_mechanism: SaslMechanism | None = Field(
        default=None,
        description="PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER or AWS_MSK_IAM; for SASL.",
    )
    sasl_username: Text | None = Field(default=None, description="User name for PLAIN and SCRAM.")
    sasl_password: Secret | None = Field(default=None, description="Password for PLAIN and SCRAM.")
    oauth_token_endpoint_url: HttpUrl | None = Field(
        default=None, description="Where OAUTHBEARER fetches its tokens."
    )
    oauth_client_id: Text | None = Field(default=None, description="Client id for OAUTHBEARER.")
    oauth_client_secret: Secret | None = Field(
        default=None, description="Client secret for OAUTHBEARER."
    )
    oauth_scope: Text | None = Field(
        default=None,
        description="Scope to ask for with OAUTHBEARER, if the token server wants one.",
    )
    aws_region: Text | None = Field(
        default=None,
        description="Region of the cluster for AWS_MSK_IAM; the identity is from AWS's own chain.",
    )
    ssl_ca_location: ExistingPath | None = Field(
        default=None,
        description="PEM file or directory of the authorities to trust; default: the system's.",
    )
    ssl_certificate_location: ExistingPath | None = Field(
        default=None, description="PEM file of this client's certificate, for mutual TLS."
    )
    ssl_key_location: ExistingPath | None = Field(
        default=None, description="PEM file of this client's private key, for mutual TLS."
    )
    ssl_key_password: Secret | None = Field(
        default=None, description="Password of the private key, if it has one."
    )
    group_protocol: Literal["classic", "consumer"] = Field(
        default="classic",
        description="classic, or consumer (KIP-848, Kafka 4: the broker sets the session).",
    )
    session_timeout_seconds: Seconds = Field(
        default=45.0,
        ge=6.0,
        le=1800.0,
        description="How long a silent process keeps its partitions, with the classic protocol.",
    )
    static_membership: bool = Field(
        default=False,
        description="Whether a process keeps its partitions for its next run, by instance name.",
    )
    transaction_timeout_seconds: Seconds = Field(
        default=30.0,
        ge=5.0,
        le=900.0,
        description="After how long the broker aborts a transaction that its process left open.",
    )
    compression: Literal["lz4", "zstd", "none"] = Field(
        default="lz4", description="lz4, zstd or none, for all that is published."
    )

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        problems = [*self._sasl_problems(), *self._tls_problems(), *self._timeout_problems()]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _is_set(self, name: str) -> bool:
        return getattr(self, name) is not None

    def _sasl_problems(self) -> list[str]:
        # Three cases: SASL without a mechanism, a mechanism without SASL, or the two together (or
        # neither), when the mechanism (or its absence) says which credentials belong.
        uses_sasl = self.security_protocol.startswith("SASL_")
        protocol, mechanism = _name("security_protocol"), _name("sasl_mechanism")
        if uses_sasl and self.sasl_mechanism is None:
            return [f"{mechanism} is required with {protocol}={self.security_protocol}"]
        if not uses_sasl and self.sasl_mechanism is not None:
            remedy = f"set {protocol} to SASL_SSL or SASL_PLAINTEXT"
            return [f"{mechanism} is set, but {protocol}={self.security_protocol}; {remedy}"]
        if self.sasl_mechanism is None:
            return self._useless(_CREDENTIALS, way=f"{protocol}={self.security_protocol}")
        way = f"{mechanism}={self.sasl_mechanism}"
        needed, allowed = _NEEDED[self.sasl_mechanism], _ALLOWED[self.sasl_mechanism]
        return [
            *(f"{_name(n)} is required with {way}" for n in needed if not self._is_set(n)),
            *self._useless([n for n in _CREDENTIALS if n not in allowed], way=way),
        ]

    def _useless(self, names: Iterable[str], *, way: str) -> list[str]:
        return [
            f"{_name(n)} is set, but has no use with {way}; unset it"
            for n in names
            if self._is_set(n)
        ]

    def _tls_problems(self) -> list[str]:
        if not self.security_protocol.endswith("SSL"):
            return self._useless(
                _TLS, way=f"{_name('security_protocol')}={self.security_protocol}"
            )
        problems = _pair_problems(
            section="kafka",
            certificate=self._is_set("ssl_certificate_location"),
            key=self._is_set("ssl_key_location"),
        )
        if self._is_set("ssl_key_password") and not self._is_set("ssl_key_location"):
            problems.append(
                f"{_name('ssl_key_location')} is required with {_name('ssl_key_password')}"
            )
        return problems

    def _timeout_problems(self) -> list[str]:
        session, transaction = (
            _name("session_timeout_seconds"),
            _name("transaction_timeout_seconds"),
        )
        if self.group_protocol == "consumer":
            return list(self._useless_with_consumer_protocol())
        # A successor waits for the transaction that a dead process left open. If that outlived the
        # session, the successor would own partitions that it cannot yet work on.
        if self.transaction_timeout_seconds >= self.session_timeout_seconds:
            return [f"{transaction} must be less than {session}"]
        return []

    def _useless_with_consumer_protocol(self) -> Iterator[str]:
        way = f"{_name('group_protocol')}=consumer"
        if "session_timeout_seconds" in self.model_fields_set:
            remedy = "unset it: the broker's group.consumer.session.timeout.ms counts"
            yield f"{_name('session_timeout_seconds')} is set, but has no use with {way}; {remedy}"
        if self.static_membership:
            # The broker refuses the successor's name until the session of a process that was
            # killed has timed out.
            yield f"{_name('static_membership')} is set, but has no use with {way}; unset it"


class SchemaRegistrySettings(Section):
    """Any registry that speaks Confluent's API."""

    url: HttpUrl = Field(description="Address of the registry's Confluent-compatible API.")
    username: Text | None = Field(default=None, description="User name for basic authentication.")
    password: Secret | None = Field(default=None, description="Password for basic authentication.")
    ssl_ca_location: ExistingPath | None = Field(
        default=None, description="PEM file of the authorities to trust; default: the system's."
    )
    ssl_certificate_location: ExistingPath | None = Field(
        default=None, description="PEM file of this client's certificate, for mutual TLS."
    )
    ssl_key_location: ExistingPath | None = Field(
        default=None, description="PEM file of this client's private key, for mutual TLS."
    )

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        section = "schema_registry"
        problems = _pair_problems(
            section=section,
            certificate=self.ssl_certificate_location is not None,
            key=self.ssl_key_location is not None,
        )
        username, password = variable(section, "username"), variable(section, "password")
        if self.username is not None and self.password is None:
            problems.append(f"{password} is required with {username}")
        if self.password is not None and self.username is None:
            problems.append(f"{username} is required with {password}")
        if not self.url.startswith("https:"):
            problems.extend(
                f"{variable(section, name)} is set, but {variable(section, 'url')} is not https"
                for name in ("ssl_ca_location", "ssl_certificate_location", "ssl_key_location")
                if getattr(self, name) is not None
            )
        if problems:
            raise ValueError("\n".join(problems))
        return self


def _name(field: str) -> str:
    return variable("kafka", field)


def _pair_problems(*, section: str, certificate: bool, key: bool) -> list[str]:
    names = {
        "certificate": variable(section, "ssl_certificate_location"),
        "key": variable(section, "ssl_key_location"),
    }
    if certificate and not key:
        return [f"{names['key']} is required with {names['certificate']}"]
    if key and not certificate:
        return [f"{names['certificate']} is required with {names['key']}"]
    return []
