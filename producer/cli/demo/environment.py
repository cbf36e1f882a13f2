"""The environment of the demonstration's processes, made of this one's. Pure.

An address that is set wins over an embedded part. But what is set for a real deployment is not
touched: on a cluster of somebody's own the topics and groups get names that no other run has, and
local state lies in the run's own directory.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from producer.embedded.parts import Parts
from producer.settings import Settings, load
from producer.settings.kinds import LEVEL, PREFIX, variable

_KAFKA: Final = variable("kafka", "bootstrap_servers")
_REGISTRY: Final = variable("schema_registry", "url")
_S3: Final = variable("s3", "endpoint_url")
_STS: Final = variable("sts", "endpoint_url")
_TOPICS_PREFIX: Final = variable("topics", "prefix")
_TOPICS_EVENTS: Final = variable("topics", "events")
_REPLICATION: Final = variable("topics", "replication")
_PARTITIONS: Final = variable("topics", "partitions")
# What another process must be told to find the topics of a run.
TOPIC_SETTINGS: Final = (_TOPICS_PREFIX, _TOPICS_EVENTS, _PARTITIONS, _REPLICATION)

# Stands for the address of a part that is not up yet, while everything else is checked.
_NOT_YET: Final = {_KAFKA: "127.0.0.1:1", _REGISTRY: "http://127.0.0.1:1"}
# What a process of a deployment has for itself.
_OF_ONE_PROCESS: Final = (variable("metrics_port"), variable("metrics_host"))
# The stand-in takes any; those of whoever runs this are not for it.
_STAND_IN_IDENTITY: Final = {
    "AWS_ACCESS_KEY_ID": "demo",
    "AWS_SECRET_ACCESS_KEY": "demo",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}
_OTHER_IDENTITY: Final = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION")


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """What the environment names itself; the rest is to be started."""

    kafka: str | None
    registry: str | None
    s3: str | None


def addresses(environment: Mapping[str, str]) -> Addresses:
    """Read the addresses that are set. An empty variable counts as not set."""
    return Addresses(
        kafka=environment.get(_KAFKA) or None,
        registry=environment.get(_REGISTRY) or None,
        s3=environment.get(_S3) or None,
    )


def settings_before_start(environment: Mapping[str, str]) -> Settings:
    """Read the settings while there are no parts; raises `ConfigurationError`."""
    given = {name: text for name, text in environment.items() if text}
    return load({**_NOT_YET, **given})


@dataclass(frozen=True, kw_only=True)
class Run:
    """What is particular to one run: its name, its directory, and whether it reads samples."""

    name: str
    directory: Path
    has_samples: bool


def environment_of_run(
    run: Run, parts: Parts, *, environment: Mapping[str, str], topics_prefix: str
) -> dict[str, str]:
    """Build the environment of the processes of one run.

    Only where samples are read does the address of S3 among the parts count.
    """
    given = addresses(environment)
    result = {name: text for name, text in environment.items() if name not in _OF_ONE_PROCESS}
    for section, address in (("KAFKA", given.kafka), ("SCHEMA_REGISTRY", given.registry)):
        if address is None:
            # A way in that is meant for somewhere else.
            result = _without(result, f"{PREFIX}{section}{LEVEL}")
    result |= {_KAFKA: parts.kafka_bootstrap_servers, _REGISTRY: parts.schema_registry_url}
    result |= {
        variable("state_directory"): str(run.directory / "state"),
        variable("instance"): "demo",
        # Few partitions are up sooner.
        _PARTITIONS: result.get(_PARTITIONS) or "3",
    }
    if given.kafka is None:
        result[_REPLICATION] = "1"
    else:
        prefix = f"{topics_prefix}demo-{run.name}-"
        result |= {_TOPICS_PREFIX: prefix, _TOPICS_EVENTS: f"{prefix}governance-events"}
        result[_REPLICATION] = result.get(_REPLICATION) or "1"
    if run.has_samples:
        result = {name: text for name, text in result.items() if name not in _OTHER_IDENTITY}
        result |= _STAND_IN_IDENTITY | {_S3: parts.s3_endpoint_url}
        result[_STS] = (given.s3 and environment.get(_STS)) or parts.s3_endpoint_url
    return result


def _without(environment: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {name: text for name, text in environment.items() if not name.startswith(prefix)}
