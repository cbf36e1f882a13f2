"""The tree of settings: what may be set, what it means, its bounds and its default.

Relations between fields are held by one validator a model; `environment` reads the variables.
"""

import re
from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from producer.settings.kafka import KafkaSettings, SchemaRegistrySettings
from producer.settings.kinds import (
    Count,
    Hosts,
    HttpUrl,
    LocalPath,
    Seconds,
    Section,
    Text,
    variable,
)

KIBIBYTE: Final = 1024
MEBIBYTE: Final = 1024 * KIBIBYTE
GIBIBYTE: Final = 1024 * MEBIBYTE

# Kafka's own rule for the name of a topic.
TOPIC_NAME_LENGTH_MAX: Final = 249
_TOPIC_NAME = re.compile(rf"[A-Za-z0-9._-]{{1,{TOPIC_NAME_LENGTH_MAX}}}\Z")
# What the prefix is put before; `schemas/topics.yaml` says what they are.
PREFIXED_TOPICS: Final = (
    "sources",
    "commands",
    "objects",
    "raw",
    "outcomes",
    "normalised",
    "dead-letters",
    "source-status",
)

# A part of the transactional id, of which `{group}-` is the rest.
Instance = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,128}$")]


class S3Settings(Section):
    """Where objects are read."""

    endpoint_url: HttpUrl | None = Field(
        default=None, description="Address of an S3-compatible store; default: AWS."
    )
    allowed_endpoint_hosts: Hosts | None = Field(
        default=None,
        description=(
            "Hosts, with commas between, that a source may name as its own endpoint; default:"
            " none. An internal address is one only if it is listed."
        ),
    )
    read_timeout_seconds: Seconds = Field(
        default=15.0,
        le=300.0,
        description="How long an answer of S3 or STS may bring nothing before it is asked again.",
    )

    @property
    def endpoint_hosts(self) -> frozenset[str]:
        """The hosts that a source may name."""
        return frozenset((self.allowed_endpoint_hosts or "").split(",")) - {""}


class StsSettings(Section):
    """Where roles are assumed."""

    endpoint_url: HttpUrl | None = Field(
        default=None, description="Address of an STS-compatible service; default: AWS."
    )


class TopicsSettings(Section):
    """Names and shape of the topics; the groups are `<prefix>puller` and `<prefix>normaliser`."""

    prefix: Text = Field(
        default="openai-compliance-",
        description="What the names of all topics but one, and of both groups, begin with.",
    )
    events: Text = Field(
        default="governance-events", description="Name of the topic that is read downstream."
    )
    partitions: Count = Field(
        default=6, description="Partitions of each topic; fixed for good once topics are created."
    )
    replication: Count = Field(
        default=3, le=32767, description="Replicas of each partition, when topics are created."
    )

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        prefix, events = variable("topics", "prefix"), variable("topics", "events")
        names = [self.prefix + name for name in PREFIXED_TOPICS]
        problems = []
        if not all(_TOPIC_NAME.match(name) for name in names):
            longest = TOPIC_NAME_LENGTH_MAX - max(map(len, PREFIXED_TOPICS))
            problems.append(
                f"{prefix} must be letters, digits, '.', '_' and '-', at most {longest} of them"
            )
        if not _TOPIC_NAME.match(self.events) or self.events in {".", ".."}:
            problems.append(
                f"{events} must be letters, digits, '.', '_' and '-',"
                f" at most {TOPIC_NAME_LENGTH_MAX} of them"
            )
        if self.events in names:
            problems.append(f"{events} is the name of another topic under {prefix}")
        if problems:
            raise ValueError("\n".join(problems))
        return self


class DiscoverySettings(Section):
    """How buckets are listed."""

    objects_in_flight_max: Count = Field(
        default=1000,
        description="Unfinished objects a source that may be published at once.",
    )
    listers: Annotated[int, Field(ge=1, le=64)] = Field(
        default=4,
        description=(
            "Sources listed at once by one process; those whose store does not answer for 5"
            " seconds do not count."
        ),
    )
    lookback_seconds: Count = Field(
        default=86400,
        description=(
            "A poll of a prefix of more than 5,000 objects lists from the lowest key that was"
            " written to in this time."
        ),
    )
    reconcile_seconds: Count = Field(
        default=10800, description="How often the whole prefix is listed, wherever keys sort."
    )
    retry_first_seconds: Seconds = Field(
        default=60.0,
        description="Delay before a quarantined object whose reason may pass is tried again.",
    )
    retry_longest_seconds: Seconds = Field(
        default=86400.0, description="What that delay grows to, doubling each time."
    )

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        if self.retry_first_seconds > self.retry_longest_seconds:
            raise ValueError(
                f"{variable('discovery', 'retry_first_seconds')} must not be more than"
                f" {variable('discovery', 'retry_longest_seconds')}"
            )
        return self


class PullerSettings(Section):
    """How objects are read, and what is too much."""

    chunk_lines: Count = Field(
        default=20000, le=1_000_000, description="Lines in a transaction, at most."
    )
    chunk_bytes: Count = Field(
        default=8 * MEBIBYTE,
        le=GIBIBYTE,
        description="Bytes of lines in a transaction, at most, but for a single longer line.",
    )
    chunk_seconds: Seconds = Field(
        default=1.0, le=10.0, description="How long a transaction collects lines, at most."
    )
    # The topics that carry whole lines take messages of 17 MiB: a line, its origin, and room.
    line_bytes_max: Annotated[int, Field(ge=KIBIBYTE, le=16 * MEBIBYTE)] = Field(
        default=16 * MEBIBYTE,
        description="Length of a line beyond which it becomes a dead letter with a sample.",
    )
    compressed_bytes_max: Count = Field(
        default=64 * GIBIBYTE, description="Size of an object beyond which it is quarantined."
    )
    decompressed_bytes_max: Count = Field(
        default=256 * GIBIBYTE,
        description="Decompressed size beyond which an object is quarantined.",
    )
    # Logs come to 5 to 50; deflate cannot exceed 1032, which bombs come near.
    ratio_max: Annotated[int, Field(gt=1, le=1_000_000)] = Field(
        default=500,
        description="Decompressed bytes for each compressed byte beyond which it is quarantined.",
    )


class NormaliserSettings(Section):
    """How raw records are taken."""

    batch_messages: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=5000, description="Messages of each topic in a transaction, at most."
    )


class DeduplicatorSettings(Section):
    """What is remembered of what was published."""

    # The topic keeps 40 days, and the window is restored from it: it must be the shorter one.
    window_days: Annotated[int, Field(ge=1, le=39)] = Field(
        default=35, description="Days for which an event's id is known after it was published."
    )


class Settings(Section):
    """All settings of a process. Frozen: what a process started with is what it runs with."""

    kafka: KafkaSettings
    schema_registry: SchemaRegistrySettings
    s3: S3Settings = S3Settings()
    sts: StsSettings = StsSettings()
    topics: TopicsSettings = TopicsSettings()
    discovery: DiscoverySettings = DiscoverySettings()
    puller: PullerSettings = PullerSettings()
    normaliser: NormaliserSettings = NormaliserSettings()
    deduplicator: DeduplicatorSettings = DeduplicatorSettings()
    state_directory: LocalPath = Field(
        description="Local caches; may be deleted at any time.",
        json_schema_extra={
            "default": "$XDG_STATE_HOME/openai-compliance, or ~/.local/state/openai-compliance"
        },
    )
    instance: Instance = Field(
        description="Slot name of this process: stable, and of its own among those of one kind.",
        json_schema_extra={"default": "the host name"},
    )
    allow_ambient_credentials: bool = Field(
        default=False,
        description="Whether a source without a role is read with this process's own identity.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="DEBUG, INFO, WARNING or ERROR; logs are JSON on stderr."
    )
    metrics_port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        default=None, description="Port to show Prometheus metrics on; default: not shown."
    )
    metrics_host: Text = Field(
        default="127.0.0.1", description="Address that the metrics port binds."
    )

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        if self.metrics_port is None and "metrics_host" in self.model_fields_set:
            raise ValueError(
                f"{variable('metrics_host')} is set, but {variable('metrics_port')} is not"
            )
        return self
