"""librdkafka's properties, pinned one by one with the reason. Pure: a test compares them whole.

All durations in settings are seconds; librdkafka's milliseconds appear only here.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import SecretStr

from producer.kafka.aws_msk_iam import token_source
from producer.settings import KafkaSettings

Properties: TypeAlias = dict[str, Any]

# The largest message: a line of 16 MiB with what surrounds it. `schemas/topics.yaml` sets the same
# on topics.
MESSAGE_BYTES_MAX = 17 * 1024 * 1024
_MEBIBYTE = 1024 * 1024
_MILLISECONDS = 1000


def connection(settings: KafkaSettings, *, client_id: str) -> Properties:
    """Build what every client needs to reach the cluster."""
    properties: Properties = {
        "bootstrap.servers": settings.bootstrap_servers,
        "client.id": client_id,
        "security.protocol": settings.security_protocol,
        # Telemetry pushed to the broker serves nobody here, and its code once crashed clients
        # (2.5.0).
        "enable.metrics.push": False,
        # librdkafka's own lines would go to stderr past our format; what matters comes as errors.
        "log_level": 2,
        # Shorter than any transaction time-out less 100 ms, as librdkafka demands of publishers.
        "socket.timeout.ms": 10_000,
    }
    optional: Mapping[str, Any] = {
        "sasl.mechanism": _mechanism(settings),
        "sasl.username": settings.sasl_username,
        "sasl.password": _secret(settings.sasl_password),
        "sasl.oauthbearer.token.endpoint.url": settings.oauth_token_endpoint_url,
        "sasl.oauthbearer.client.id": settings.oauth_client_id,
        "sasl.oauthbearer.client.secret": _secret(settings.oauth_client_secret),
        "sasl.oauthbearer.scope": settings.oauth_scope,
        "ssl.ca.location": _path(settings.ssl_ca_location),
        "ssl.certificate.location": _path(settings.ssl_certificate_location),
        "ssl.key.location": _path(settings.ssl_key_location),
        "ssl.key.password": _secret(settings.ssl_key_password),
    }
    properties |= {name: value for name, value in optional.items() if value is not None}
    if settings.oauth_token_endpoint_url is not None:
        properties["sasl.oauthbearer.method"] = "oidc"
    if settings.sasl_mechanism == "AWS_MSK_IAM" and settings.aws_region is not None:
        properties["oauth_cb"] = token_source(settings.aws_region)
    return properties


def group_member(settings: KafkaSettings, *, client_id: str, group: str, name: str) -> Properties:
    """Build a consumer of the transactional loop.

    A member of `group` that commits nothing by itself. Its `name` is its own in the group, and the
    same each time that its process runs.
    """
    session_ms = round(settings.session_timeout_seconds * _MILLISECONDS)
    properties = (
        connection(settings, client_id=client_id)
        | _reading()
        | {
            "group.id": group,
            "group.protocol": settings.group_protocol,
            # Offsets travel in transactions alone.
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            # The end of a partition is where an idle loop may move the committed offset to.
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 100,
            # The longest step; librdkafka demands that it be no shorter than the session.
            "max.poll.interval.ms": max(300_000, session_ms),
        }
    )
    if settings.group_protocol == "classic":
        properties |= {
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": session_ms,
            # A join waits until all others have heard of it, each by its next heartbeat.
            "heartbeat.interval.ms": min(1000, session_ms // 10),
        }
    if settings.static_membership:
        properties["group.instance.id"] = name
    return properties


def table_reader(settings: KafkaSettings, *, client_id: str) -> Properties:
    """Build a consumer that is told its partitions and offsets and belongs to no group."""
    return (
        connection(settings, client_id=client_id)
        | _reading()
        | {
            # Demanded by librdkafka, never joined: partitions are assigned by hand and nothing is
            # committed.
            "group.id": f"{client_id}-table",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "enable.partition.eof": True,
            # A table is waited for: an empty fetch must return soon.
            "fetch.wait.max.ms": 20,
            # What reads a table is slower than the network, so that a larger queue is memory and
            # nothing else. Answers are counted as they come, and held as they are decompressed, so
            # their size matters more than the queue's. A message beyond these limits is fetched
            # all the same, alone.
            "queued.max.messages.kbytes": 1024,
            "fetch.message.max.bytes": _MEBIBYTE,
            "fetch.max.bytes": _MEBIBYTE,
        }
    )


def _reading() -> Properties:
    return {
        # Also makes OffsetFetch ask for stable offsets: without it a successor may read the offset
        # that its predecessor's pending commit is about to replace.
        "isolation.level": "read_committed",
        # A missing or outdated offset is for a person to decide about; neither end is a safe
        # guess.
        "auto.offset.reset": "error",
        "check.crcs": True,
        # The default of 1 s stalls a consumer whose queue was full for a moment.
        "fetch.queue.backoff.ms": 20,
        "queued.max.messages.kbytes": 65_536,
        "fetch.message.max.bytes": MESSAGE_BYTES_MAX,
        "receive.message.max.bytes": 8 * MESSAGE_BYTES_MAX,
        "fetch.max.bytes": 4 * MESSAGE_BYTES_MAX,
    }


def publisher(
    settings: KafkaSettings,
    *,
    client_id: str,
    transactional_id: str,
    callbacks: Mapping[str, Callable[..., None]],
) -> Properties:
    """Build the transactional publisher; `callbacks` are those by which it is found suspect."""
    transaction_ms = round(settings.transaction_timeout_seconds * _MILLISECONDS)
    return (
        connection(settings, client_id=client_id)
        | _publishing(settings)
        | {
            "transactional.id": transactional_id,
            # Heard by the publisher alone, for the traces that a retried request leaves.
            "log_level": 6,
            "transaction.timeout.ms": transaction_ms,
            "socket.timeout.ms": min(10_000, transaction_ms - 1000),
            "message.timeout.ms": transaction_ms - 1000,
            # The state of the coordinator's connection is read from the statistics.
            "statistics.interval.ms": 1000,
            **callbacks,
        }
    )


def plain_publisher(settings: KafkaSettings, *, client_id: str) -> Properties:
    """Build an idempotent publisher without transactions, for the command line."""
    return connection(settings, client_id=client_id) | _publishing(settings)


def _publishing(settings: KafkaSettings) -> Properties:
    return {
        "enable.idempotence": True,
        # As the Java client: topics of the same key must agree on the partition.
        "partitioner": "murmur2_random",
        "compression.type": settings.compression,
        # A commit flushes regardless of linger; until then larger batches compress better.
        "linger.ms": 20,
        "batch.size": 1_000_000,
        "batch.num.messages": 10_000,
        "message.max.bytes": MESSAGE_BYTES_MAX,
        "queue.buffering.max.messages": 1_000_000,
        "queue.buffering.max.kbytes": 262_144,
        "delivery.report.only.error": True,
    }


def _mechanism(settings: KafkaSettings) -> str | None:
    if settings.sasl_mechanism == "AWS_MSK_IAM":
        return "OAUTHBEARER"
    return settings.sasl_mechanism


def _path(value: Path | None) -> str | None:
    return None if value is None else str(value)


def _secret(value: SecretStr | None) -> str | None:
    return None if value is None else value.get_secret_value()
