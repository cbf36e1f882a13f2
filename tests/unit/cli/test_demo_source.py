"""What the demonstration is asked to read, and what it refuses before it starts anything."""

import pytest

from producer.cli.demo.source import Asked, source_of
from producer.contract.source import IngestionSource
from producer.errors import ConfigurationError
from tests.unit.cli.recording import Invoke, RecordingRooms

ROLE = "arn:aws:iam::123456789012:role/reader"


def of(asked: Asked, *, may_use_ambient: bool = False) -> IngestionSource:
    """Build the source that is asked for."""
    return source_of(asked, sample_bucket="samples", may_use_ambient=may_use_ambient)


@pytest.mark.parametrize(
    ("url", "bucket", "prefix"),
    [
        ("s3://acme-logs/compliance/", "acme-logs", "compliance/"),
        ("s3://acme-logs/a/b", "acme-logs", "a/b"),
        ("s3://acme-logs/", "acme-logs", ""),
        ("s3://acme-logs", "acme-logs", ""),
    ],
)
def test_source_is_the_bucket_and_prefix_as_written(url: str, bucket: str, prefix: str) -> None:
    """Nothing is added to a prefix, so that what is listed is what was named."""
    source = of(Asked(url=url, role_arn=ROLE, external_id="lw-1"))

    assert (bucket, prefix, ROLE, "lw-1") == (
        source.bucket,
        source.prefix,
        source.role_arn,
        source.external_id,
    )


def test_samples_are_read_with_a_role() -> None:
    """The samples go the way of a customer's drops: through a role with an external id."""
    source = of(Asked())

    assert ("samples", "compliance/") == (source.bucket, source.prefix)
    assert source.role_arn
    assert source.external_id


def test_bucket_is_read_with_ambient_credentials_where_they_are_allowed() -> None:
    """Without a role it takes the setting that allows to do without one."""
    source = of(Asked(url="s3://acme-logs/x"), may_use_ambient=True)

    assert (None, None) == (source.role_arn, source.external_id)


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        (Asked(url="acme-logs/x", role_arn=ROLE), "is not s3://bucket/prefix"),
        (Asked(url="s3:///x", role_arn=ROLE), "is not s3://bucket/prefix"),
        (Asked(url="s3://Acme_Logs/x", role_arn=ROLE), "bucket: must be the name of a bucket"),
        (Asked(url="s3://acme-logs/x", role_arn="reader"), "roleArn: must be the ARN"),
        (Asked(role_arn=ROLE), "--role-arn has no use without --source"),
        (Asked(external_id="x"), "--external-id has no use without --source"),
    ],
)
def test_wrong_usage_is_told(asked: Asked, complaint: str) -> None:
    """What cannot be read as asked is refused, naming what is wrong."""
    with pytest.raises(ConfigurationError, match=complaint):
        of(asked)


def test_bucket_without_an_identity_starts_nothing(invoke: Invoke, rooms: RecordingRooms) -> None:
    """Both ways to have an identity are named, with exit code 2, before anything is started."""
    finished = invoke("demo", "--source", "s3://acme-logs/x")

    assert (2, "", []) == (finished.code, finished.out, rooms.asked)
    assert "--role-arn" in finished.err
    assert "--external-id" in finished.err
    assert "OPENAI_COMPLIANCE_ALLOW_AMBIENT_CREDENTIALS=true" in finished.err
