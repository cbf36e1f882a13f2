"""Tokens for Amazon MSK."""

import base64
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from producer.kafka import configuration
from producer.kafka.aws_msk_iam import token_source
from producer.kafka.clients import open_admin
from producer.settings import KafkaSettings

_SETTINGS = KafkaSettings(
    bootstrap_servers="127.0.0.1:1",
    security_protocol="SASL_SSL",
    sasl_mechanism="AWS_MSK_IAM",
    aws_region="eu-central-1",
)


@pytest.fixture(autouse=True)
def _identity() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "opens-nothing")
        yield


def test_token_is_a_signed_request_to_connect() -> None:
    """A token holds a request to connect to clusters of the region, signed by AWS's identity."""
    token, _ = token_source("eu-central-1")("")
    url = urlsplit(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode())
    query = parse_qs(url.query)
    assert (url.hostname, query["Action"]) == (
        "kafka.eu-central-1.amazonaws.com",
        ["kafka-cluster:Connect"],
    )
    assert query["X-Amz-Credential"][0].startswith("AKIDEXAMPLE/")
    assert query["X-Amz-Credential"][0].endswith("/eu-central-1/kafka-cluster/aws4_request")


def test_token_expires_in_seconds_of_the_epoch() -> None:
    """The expiry is in librdkafka's unit: a quarter of an hour from the moment of signing."""
    token, expires_at = token_source("eu-central-1")("")
    decoded = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    query = parse_qs(urlsplit(decoded).query)
    assert ["900"] == query["X-Amz-Expires"]
    assert 1_700_000_000 < expires_at < 10_000_000_000


def test_client_is_opened_with_a_token() -> None:
    """No client is opened unless librdkafka took the token."""
    open_admin(configuration.connection(_SETTINGS, client_id="test"))
