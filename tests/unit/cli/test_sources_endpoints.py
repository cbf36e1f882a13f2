"""Endpoints that a sources file names."""

import json

import pytest

from producer.cli.sources_file import SourcesFile, read_sources
from producer.errors import ConfigurationError


def read(endpoint_url: str, *hosts: str) -> SourcesFile:
    """Read a source with an endpoint of its own, where these hosts are allowed."""
    source = {
        "id": "src_acme",
        "organizationId": "org_acme",
        "name": "Acme",
        "sourceType": "openai_compliance",
        "payloadConfig": {
            "bucket": "acme-compliance",
            "roleArn": "arn:aws:iam::111122223333:role/reader",
            "endpointUrl": endpoint_url,
        },
    }
    content = json.dumps(source).encode()
    return read_sources(content, name="sources.json", allowed_endpoint_hosts=hosts)


@pytest.mark.parametrize(
    ("endpoint_url", "host"),
    [
        ("https://S3.example.com:9000", "s3.example.com"),
        ("http://169.254.169.254", "169.254.169.254"),
        ("http://[::1]:9000/", "::1"),
    ],
)
def test_endpoint_is_taken_where_its_host_is_listed(endpoint_url: str, host: str) -> None:
    """Whatever its port and case; the address of a metadata service too, if it is listed so."""
    (source,) = read(endpoint_url, "other.example", host).sources
    assert endpoint_url == source.endpoint_url


@pytest.mark.parametrize("endpoint_url", ["http://169.254.169.254", "http://10.0.0.8:9000"])
def test_endpoint_is_refused_where_its_host_is_not_listed(endpoint_url: str) -> None:
    """The setting that allows it is named, the address is not."""
    with pytest.raises(ConfigurationError) as refused:
        read(endpoint_url, "s3.example.com")
    assert "OPENAI_COMPLIANCE_S3__ALLOWED_ENDPOINT_HOSTS lists its host" in str(refused.value)
    assert endpoint_url not in str(refused.value)
