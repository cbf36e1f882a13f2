"""The environment of the demonstration's processes."""

from pathlib import Path

import pytest

from producer.cli.demo.environment import (
    TOPIC_SETTINGS,
    Addresses,
    Run,
    addresses,
    environment_of_run,
    settings_before_start,
)
from producer.embedded.parts import Parts
from producer.errors import ConfigurationError
from producer.settings import load

PREFIX = "OPENAI_COMPLIANCE_"
PARTS = Parts(
    kafka_bootstrap_servers="127.0.0.1:1001",
    schema_registry_url="http://127.0.0.1:1002",
    s3_endpoint_url="http://127.0.0.1:1003",
)


def of_run(environment: dict[str, str], *, has_samples: bool = True) -> dict[str, str]:
    """Build the environment of a run, and check that a process could be started with it."""
    run = Run(name="n1", directory=Path("/run-of-test"), has_samples=has_samples)
    built = environment_of_run(run, PARTS, environment=environment, topics_prefix="prefix-")
    load(built)
    return built


def test_addresses_that_are_set_are_found() -> None:
    """Only what is set and not empty counts as an address."""
    assert Addresses(kafka="k:1", registry=None, s3=None) == addresses(
        {
            f"{PREFIX}KAFKA__BOOTSTRAP_SERVERS": "k:1",
            f"{PREFIX}SCHEMA_REGISTRY__URL": "",
            "KAFKA": "x",
        }
    )


def test_settings_can_be_checked_before_anything_is_started() -> None:
    """Addresses may be missing, but nothing may be wrong."""
    given = {f"{PREFIX}KAFKA__BOOTSTRAP_SERVERS": "", f"{PREFIX}TOPICS__PREFIX": "x-"}
    assert "x-" == settings_before_start(given).topics.prefix

    with pytest.raises(ConfigurationError, match="did you mean"):
        settings_before_start({f"{PREFIX}TOPICS__PREFLX": "x-"})


def test_started_parts_are_used_and_nothing_else_of_a_deployment() -> None:
    """What belongs to another cluster, registry, store or process does not reach the run."""
    built = of_run(
        {
            f"{PREFIX}KAFKA__SECURITY_PROTOCOL": "SASL_SSL",
            f"{PREFIX}KAFKA__SASL_MECHANISM": "PLAIN",
            f"{PREFIX}SCHEMA_REGISTRY__USERNAME": "somebody",
            f"{PREFIX}STS__ENDPOINT_URL": "https://sts.test",
            f"{PREFIX}TOPICS__REPLICATION": "3",
            f"{PREFIX}STATE_DIRECTORY": "/var/lib/real",
            f"{PREFIX}INSTANCE": "real",
            f"{PREFIX}METRICS_PORT": "9000",
            "AWS_PROFILE": "real",
            "AWS_SESSION_TOKEN": "real",
            "AWS_ACCESS_KEY_ID": "real",
            "PATH": "/bin",
        }
    )

    settings = load(built)
    assert "127.0.0.1:1001" == settings.kafka.bootstrap_servers
    assert "PLAINTEXT" == settings.kafka.security_protocol
    assert ("http://127.0.0.1:1002", None) == (
        settings.schema_registry.url,
        settings.schema_registry.username,
    )
    assert "http://127.0.0.1:1003" == settings.s3.endpoint_url == settings.sts.endpoint_url
    assert (1, 3) == (settings.topics.replication, settings.topics.partitions)
    assert (Path("/run-of-test/state"), "demo", None) == (
        settings.state_directory,
        settings.instance,
        settings.metrics_port,
    )
    assert "real" not in built.values()
    assert "/bin" == built["PATH"]


def test_topics_on_a_given_cluster_are_the_runs_own() -> None:
    """On somebody's cluster no run meets the deployment there, nor another run."""
    given = {
        f"{PREFIX}KAFKA__BOOTSTRAP_SERVERS": PARTS.kafka_bootstrap_servers,
        f"{PREFIX}TOPICS__EVENTS": "governance-events",
        f"{PREFIX}TOPICS__REPLICATION": "3",
    }
    built = of_run(given)

    assert {
        f"{PREFIX}TOPICS__PREFIX": "prefix-demo-n1-",
        f"{PREFIX}TOPICS__EVENTS": "prefix-demo-n1-governance-events",
        f"{PREFIX}TOPICS__PARTITIONS": "3",
        f"{PREFIX}TOPICS__REPLICATION": "3",
    } == {name: built[name] for name in TOPIC_SETTINGS}


def test_security_of_a_given_cluster_is_kept() -> None:
    """The way into a cluster that is given is given too."""
    way_in = {
        f"{PREFIX}KAFKA__BOOTSTRAP_SERVERS": PARTS.kafka_bootstrap_servers,
        f"{PREFIX}KAFKA__SECURITY_PROTOCOL": "SSL",
    }
    assert "SSL" == of_run(way_in)[f"{PREFIX}KAFKA__SECURITY_PROTOCOL"]


def test_bucket_is_read_as_the_environment_says() -> None:
    """Without samples the store and the identity are those of whoever runs it."""
    built = of_run({"AWS_PROFILE": "mine", "AWS_ACCESS_KEY_ID": "mine"}, has_samples=False)

    assert "mine" == built["AWS_PROFILE"] == built["AWS_ACCESS_KEY_ID"]
    assert (None, None) == (load(built).s3.endpoint_url, load(built).sts.endpoint_url)
