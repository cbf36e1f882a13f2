"""Settings that must hold together."""

from pathlib import Path

import pytest

from producer.errors import ConfigurationError
from producer.settings import load
from producer.settings.kinds import PREFIX

REQUIRED = {
    "KAFKA__BOOTSTRAP_SERVERS": "kafka:9092",
    "SCHEMA_REGISTRY__URL": "https://registry:8081",
}
SASL = {"KAFKA__SECURITY_PROTOCOL": "SASL_SSL"}
PLAIN = SASL | {
    "KAFKA__SASL_MECHANISM": "PLAIN",
    "KAFKA__SASL_USERNAME": "u",
    "KAFKA__SASL_PASSWORD": "p",
}
OAUTH = SASL | {
    "KAFKA__SASL_MECHANISM": "OAUTHBEARER",
    "KAFKA__OAUTH_TOKEN_ENDPOINT_URL": "https://tokens/x",
    "KAFKA__OAUTH_CLIENT_ID": "i",
    "KAFKA__OAUTH_CLIENT_SECRET": "s",
}
IAM = SASL | {"KAFKA__SASL_MECHANISM": "AWS_MSK_IAM", "KAFKA__AWS_REGION": "eu-central-1"}


def an_environment(changes: dict[str, str]) -> dict[str, str]:
    """Give the required variables with changes, with the prefix put before."""
    return {PREFIX + name: value for name, value in (REQUIRED | changes).items()}


def the_problem(changes: dict[str, str]) -> str:
    """Give the one problem found, without the prefix."""
    with pytest.raises(ConfigurationError) as refused:
        load(an_environment(changes))
    problem = str(refused.value)
    assert "\n" not in problem
    return problem.replace(PREFIX, "")


@pytest.mark.parametrize(
    "changes",
    [
        PLAIN,
        PLAIN | {"KAFKA__SASL_MECHANISM": "SCRAM-SHA-256"},
        PLAIN | {"KAFKA__SASL_MECHANISM": "SCRAM-SHA-512"},
        PLAIN | {"KAFKA__SECURITY_PROTOCOL": "SASL_PLAINTEXT"},
        OAUTH,
        OAUTH | {"KAFKA__OAUTH_SCOPE": "kafka"},
        IAM,
        {"KAFKA__SECURITY_PROTOCOL": "SSL"},
        {"KAFKA__GROUP_PROTOCOL": "consumer"},
        {"KAFKA__SESSION_TIMEOUT_SECONDS": "6", "KAFKA__TRANSACTION_TIMEOUT_SECONDS": "5"},
        {"TOPICS__PREFIX": "a" * 236},
        {"METRICS_PORT": "9464", "METRICS_HOST": "0.0.0.0"},  # noqa: S104 - only its spelling
    ],
)
def test_relations_hold_for_every_way_in(changes: dict[str, str]) -> None:
    """Each way to be let in is accepted with what it needs."""
    found = load(an_environment(changes)).kafka.security_protocol
    assert changes.get("KAFKA__SECURITY_PROTOCOL", "PLAINTEXT") == found


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (SASL, "KAFKA__SASL_MECHANISM is required with KAFKA__SECURITY_PROTOCOL=SASL_SSL"),
        (
            {"KAFKA__SASL_MECHANISM": "PLAIN"},
            (
                "KAFKA__SASL_MECHANISM is set, but KAFKA__SECURITY_PROTOCOL=PLAINTEXT; "
                "set KAFKA__SECURITY_PROTOCOL to SASL_SSL or SASL_PLAINTEXT"
            ),
        ),
        (
            PLAIN | {"KAFKA__SASL_PASSWORD": ""},
            "KAFKA__SASL_PASSWORD is required with KAFKA__SASL_MECHANISM=PLAIN",
        ),
        (
            OAUTH | {"KAFKA__OAUTH_CLIENT_ID": ""},
            "KAFKA__OAUTH_CLIENT_ID is required with KAFKA__SASL_MECHANISM=OAUTHBEARER",
        ),
        (
            IAM | {"KAFKA__AWS_REGION": ""},
            "KAFKA__AWS_REGION is required with KAFKA__SASL_MECHANISM=AWS_MSK_IAM",
        ),
        (
            IAM | {"KAFKA__SASL_USERNAME": "u"},
            (
                "KAFKA__SASL_USERNAME is set, but has no use with "
                "KAFKA__SASL_MECHANISM=AWS_MSK_IAM; unset it"
            ),
        ),
        (
            PLAIN | {"KAFKA__OAUTH_SCOPE": "u"},
            "KAFKA__OAUTH_SCOPE is set, but has no use with KAFKA__SASL_MECHANISM=PLAIN; unset it",
        ),
        (
            {"KAFKA__SSL_KEY_PASSWORD": "p"},
            (
                "KAFKA__SSL_KEY_PASSWORD is set, but has no use with "
                "KAFKA__SECURITY_PROTOCOL=PLAINTEXT; unset it"
            ),
        ),
        (
            {"KAFKA__SECURITY_PROTOCOL": "SSL", "KAFKA__SSL_KEY_PASSWORD": "p"},
            "KAFKA__SSL_KEY_LOCATION is required with KAFKA__SSL_KEY_PASSWORD",
        ),
        (
            {"KAFKA__SESSION_TIMEOUT_SECONDS": "30"},
            "KAFKA__TRANSACTION_TIMEOUT_SECONDS must be less than KAFKA__SESSION_TIMEOUT_SECONDS",
        ),
        (
            {"KAFKA__GROUP_PROTOCOL": "consumer", "KAFKA__SESSION_TIMEOUT_SECONDS": "60"},
            (
                "KAFKA__SESSION_TIMEOUT_SECONDS is set, but has no use with "
                "KAFKA__GROUP_PROTOCOL=consumer; unset it: the broker's "
                "group.consumer.session.timeout.ms counts"
            ),
        ),
        (
            {"KAFKA__GROUP_PROTOCOL": "consumer", "KAFKA__STATIC_MEMBERSHIP": "true"},
            (
                "KAFKA__STATIC_MEMBERSHIP is set, but has no use with "
                "KAFKA__GROUP_PROTOCOL=consumer; unset it"
            ),
        ),
        (
            {"SCHEMA_REGISTRY__USERNAME": "u"},
            "SCHEMA_REGISTRY__PASSWORD is required with SCHEMA_REGISTRY__USERNAME",
        ),
        (
            {"SCHEMA_REGISTRY__PASSWORD": "u"},
            "SCHEMA_REGISTRY__USERNAME is required with SCHEMA_REGISTRY__PASSWORD",
        ),
        (
            {"TOPICS__PREFIX": "a b"},
            "TOPICS__PREFIX must be letters, digits, '.', '_' and '-', at most 236 of them",
        ),
        (
            {"TOPICS__PREFIX": "a" * 237},
            "TOPICS__PREFIX must be letters, digits, '.', '_' and '-', at most 236 of them",
        ),
        (
            {"TOPICS__EVENTS": ".."},
            "TOPICS__EVENTS must be letters, digits, '.', '_' and '-', at most 249 of them",
        ),
        (
            {"TOPICS__EVENTS": "openai-compliance-raw"},
            "TOPICS__EVENTS is the name of another topic under TOPICS__PREFIX",
        ),
        (
            {"DISCOVERY__RETRY_LONGEST_SECONDS": "59"},
            (
                "DISCOVERY__RETRY_FIRST_SECONDS must not be more than "
                "DISCOVERY__RETRY_LONGEST_SECONDS"
            ),
        ),
        ({"METRICS_HOST": "::1"}, "METRICS_HOST is set, but METRICS_PORT is not"),
    ],
)
def test_relations_that_do_not_hold_are_named(changes: dict[str, str], expected: str) -> None:
    """Settings that contradict each other are refused, with both their names."""
    assert expected == the_problem(changes)


@pytest.mark.parametrize("section", ["KAFKA", "SCHEMA_REGISTRY"])
@pytest.mark.parametrize(
    ("given", "lacking"),
    [
        ("SSL_KEY_LOCATION", "SSL_CERTIFICATE_LOCATION"),
        ("SSL_CERTIFICATE_LOCATION", "SSL_KEY_LOCATION"),
    ],
)
def test_a_key_and_its_certificate_go_together(
    tmp_path: Path, section: str, given: str, lacking: str
) -> None:
    """Half of what mutual TLS needs is refused."""
    pem = tmp_path / "one.pem"
    pem.touch()
    changes = {"KAFKA__SECURITY_PROTOCOL": "SSL", f"{section}__{given}": str(pem)}
    expected = f"{section}__{lacking} is required with {section}__{given}"
    assert expected == the_problem(changes)


def test_tls_of_a_registry_without_https_is_refused(tmp_path: Path) -> None:
    """An authority to trust means nothing where nothing is encrypted."""
    pem = tmp_path / "one.pem"
    pem.touch()
    changes = {
        "SCHEMA_REGISTRY__URL": "http://registry",
        "SCHEMA_REGISTRY__SSL_CA_LOCATION": str(pem),
    }
    expected = "SCHEMA_REGISTRY__SSL_CA_LOCATION is set, but SCHEMA_REGISTRY__URL is not https"
    assert expected == the_problem(changes)


def test_all_contradictions_of_a_level_are_listed() -> None:
    """One refusal tells everything that does not hold together."""
    changes = SASL | {"KAFKA__SASL_MECHANISM": "PLAIN", "KAFKA__SESSION_TIMEOUT_SECONDS": "20"}
    with pytest.raises(ConfigurationError) as refused:
        load(an_environment(changes))
    assert [
        "3 settings are wrong:",
        "  KAFKA__SASL_USERNAME is required with KAFKA__SASL_MECHANISM=PLAIN",
        "  KAFKA__SASL_PASSWORD is required with KAFKA__SASL_MECHANISM=PLAIN",
        "  KAFKA__TRANSACTION_TIMEOUT_SECONDS must be less than KAFKA__SESSION_TIMEOUT_SECONDS",
    ] == str(refused.value).replace(PREFIX, "").splitlines()
