"""The properties of each client, whole: a change of one is a decision, and shows here."""

from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from pydantic import SecretStr

from producer.kafka import configuration
from producer.settings import KafkaSettings

_SETTINGS = KafkaSettings(bootstrap_servers="kafka-1:9092,kafka-2:9092")
_CONNECTION = {
    "bootstrap.servers": "kafka-1:9092,kafka-2:9092",
    "client.id": "test",
    "enable.metrics.push": False,
    "log_level": 2,
    "security.protocol": "PLAINTEXT",
    "socket.timeout.ms": 10_000,
}
_READING = {
    "auto.offset.reset": "error",
    "check.crcs": True,
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "enable.partition.eof": True,
    "fetch.max.bytes": 71_303_168,
    "fetch.message.max.bytes": 17_825_792,
    "fetch.queue.backoff.ms": 20,
    "isolation.level": "read_committed",
    "queued.max.messages.kbytes": 65_536,
    "receive.message.max.bytes": 142_606_336,
}
_PUBLISHING = {
    "batch.num.messages": 10_000,
    "batch.size": 1_000_000,
    "compression.type": "lz4",
    "delivery.report.only.error": True,
    "enable.idempotence": True,
    "linger.ms": 20,
    "message.max.bytes": 17_825_792,
    "partitioner": "murmur2_random",
    "queue.buffering.max.kbytes": 262_144,
    "queue.buffering.max.messages": 1_000_000,
}


def _settings(**changes: Any) -> KafkaSettings:  # noqa: ANN401 - any field's value
    return KafkaSettings(bootstrap_servers="kafka-1:9092,kafka-2:9092", **changes)


def test_connection_is_the_whole_of_what_every_client_has() -> None:
    """Without security settings there is the address, and what keeps clients quiet."""
    assert configuration.connection(_SETTINGS, client_id="test") == _CONNECTION


def test_member_of_the_classic_protocol() -> None:
    """Cooperative, read_committed, and without a commit of its own."""
    expected = {
        **_CONNECTION,
        **_READING,
        "fetch.wait.max.ms": 100,
        "group.id": "group",
        "group.protocol": "classic",
        "heartbeat.interval.ms": 1000,
        "max.poll.interval.ms": 300_000,
        "partition.assignment.strategy": "cooperative-sticky",
        "session.timeout.ms": 45_000,
    }
    assert (
        configuration.group_member(_SETTINGS, client_id="test", group="group", name="name")
        == expected
    )


def test_static_member_is_known_by_its_name() -> None:
    """A successor of the same name is given what the group still keeps for it."""
    settings = _settings(static_membership=True)
    properties = configuration.group_member(settings, client_id="test", group="group", name="name")
    expected = configuration.group_member(_SETTINGS, client_id="test", group="group", name="name")
    assert expected | {"group.instance.id": "name"} == properties


def test_member_of_the_consumer_protocol_leaves_the_session_to_the_broker() -> None:
    """What the classic protocol alone knows is not said: librdkafka would refuse it."""
    settings = _settings(group_protocol="consumer")
    expected = {
        **_CONNECTION,
        **_READING,
        "fetch.wait.max.ms": 100,
        "group.id": "group",
        "group.protocol": "consumer",
        "max.poll.interval.ms": 300_000,
    }
    assert (
        configuration.group_member(settings, client_id="test", group="group", name="name")
        == expected
    )


def test_table_reader_joins_no_group() -> None:
    """It is told its partitions; the group that librdkafka demands is its own."""
    expected = {
        **_CONNECTION,
        **_READING,
        "fetch.wait.max.ms": 20,
        "queued.max.messages.kbytes": 1024,
        "fetch.message.max.bytes": 1_048_576,
        "fetch.max.bytes": 1_048_576,
        "group.id": "test-table",
    }
    assert configuration.table_reader(_SETTINGS, client_id="test") == expected


def test_publisher_is_transactional_and_tells_of_retries() -> None:
    """No request outlives the transaction, and the traces of a retried one are heard."""
    callbacks = {"error_cb": print, "stats_cb": print}
    expected = {
        **_CONNECTION,
        **_PUBLISHING,
        **callbacks,
        "log_level": 6,
        "message.timeout.ms": 29_000,
        "socket.timeout.ms": 10_000,
        "statistics.interval.ms": 1000,
        "transaction.timeout.ms": 30_000,
        "transactional.id": "group-slot",
    }
    assert expected == configuration.publisher(
        _SETTINGS, client_id="test", transactional_id="group-slot", callbacks=callbacks
    )


def test_plain_publisher_is_idempotent() -> None:
    """The command line publishes without transactions, and each message once."""
    expected = {**_CONNECTION, **_PUBLISHING}
    assert configuration.plain_publisher(_SETTINGS, client_id="test") == expected


def test_socket_gives_up_before_the_transaction_does() -> None:
    """With a short time-out of transactions, requests and messages are given up earlier still."""
    properties = configuration.publisher(
        _settings(transaction_timeout_seconds=5),
        client_id="test",
        transactional_id="slot",
        callbacks={},
    )
    timeouts = ("socket.timeout.ms", "message.timeout.ms", "transaction.timeout.ms")
    assert [4000, 4000, 5000] == [properties[name] for name in timeouts]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {
                "security_protocol": "SASL_SSL",
                "sasl_mechanism": "SCRAM-SHA-512",
                "sasl_username": "stage",
                "sasl_password": SecretStr("opens-nothing"),
            },
            {
                "sasl.mechanism": "SCRAM-SHA-512",
                "sasl.password": "opens-nothing",
                "sasl.username": "stage",
                "security.protocol": "SASL_SSL",
            },
        ),
        (
            {
                "security_protocol": "SASL_PLAINTEXT",
                "sasl_mechanism": "OAUTHBEARER",
                "oauth_token_endpoint_url": "https://tokens.example/oauth2",
                "oauth_client_id": "stage",
                "oauth_client_secret": SecretStr("opens-nothing"),
                "oauth_scope": "kafka",
            },
            {
                "sasl.mechanism": "OAUTHBEARER",
                "sasl.oauthbearer.client.id": "stage",
                "sasl.oauthbearer.client.secret": "opens-nothing",
                "sasl.oauthbearer.method": "oidc",
                "sasl.oauthbearer.scope": "kafka",
                "sasl.oauthbearer.token.endpoint.url": "https://tokens.example/oauth2",
                "security.protocol": "SASL_PLAINTEXT",
            },
        ),
    ],
)
def test_way_in_is_passed_on(changes: dict[str, Any], expected: dict[str, str]) -> None:
    """What the settings say of passwords and tokens is what librdkafka is told."""
    properties = configuration.connection(_settings(**changes), client_id="test")
    assert {**_CONNECTION, **expected} == properties


def test_certificates_are_passed_on_as_text(tmp_path: Path) -> None:
    """Files for TLS are named as librdkafka wants them named."""
    authority, certificate, key = (tmp_path / name for name in ("ca", "certificate", "key"))
    for path in (authority, certificate, key):
        path.touch()
    settings = _settings(
        security_protocol="SSL",
        ssl_ca_location=authority,
        ssl_certificate_location=certificate,
        ssl_key_location=key,
        ssl_key_password=SecretStr("opens-nothing"),
    )
    expected = {
        **_CONNECTION,
        "security.protocol": "SSL",
        "ssl.ca.location": str(authority),
        "ssl.certificate.location": str(certificate),
        "ssl.key.location": str(key),
        "ssl.key.password": "opens-nothing",
    }
    assert configuration.connection(settings, client_id="test") == expected


def test_msk_is_entered_with_tokens_of_our_own() -> None:
    """For Amazon MSK librdkafka gets a source of tokens, and no method of its own."""
    settings = _settings(
        security_protocol="SASL_SSL", sasl_mechanism="AWS_MSK_IAM", aws_region="eu-central-1"
    )
    properties = configuration.connection(settings, client_id="test")
    assert callable(properties.pop("oauth_cb"))
    expected = {
        **_CONNECTION,
        "sasl.mechanism": "OAUTHBEARER",
        "security.protocol": "SASL_SSL",
    }
    assert properties == expected


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"compression": "none"},
        {"compression": "zstd"},
        {"group_protocol": "consumer"},
        {"session_timeout_seconds": 1800, "transaction_timeout_seconds": 900},
        {"session_timeout_seconds": 6, "transaction_timeout_seconds": 5},
        {
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "OAUTHBEARER",
            "oauth_token_endpoint_url": "https://127.0.0.1:1/oauth2",
            "oauth_client_id": "stage",
            "oauth_client_secret": SecretStr("opens-nothing"),
        },
    ],
)
def test_properties_are_accepted_by_librdkafka(changes: dict[str, Any]) -> None:
    """Every client can be opened with what the bounds of the settings allow."""
    settings = KafkaSettings(bootstrap_servers="127.0.0.1:1", **changes)
    AdminClient(configuration.connection(settings, client_id="test"))
    Consumer(
        configuration.group_member(settings, client_id="test", group="group", name="name")
    ).close()
    Consumer(configuration.table_reader(settings, client_id="test")).close()
    Producer(configuration.plain_publisher(settings, client_id="test"))
    Producer(
        configuration.publisher(
            settings, client_id="test", transactional_id="slot", callbacks={"error_cb": print}
        )
    )
