"""The object store that the settings describe, and the trial of what stands before it."""

from producer.s3.access import Reach
from producer.s3.s3_object_store import S3ObjectStore
from producer.s3.trial import Trial
from producer.settings import Settings


def object_store(settings: Settings) -> S3ObjectStore:
    """Build the store that lists and reads."""
    return S3ObjectStore(
        endpoint_url=_text(settings.s3.endpoint_url),
        sts_endpoint_url=_text(settings.sts.endpoint_url),
        allowed_endpoint_hosts=settings.s3.endpoint_hosts,
        allow_ambient_credentials=settings.allow_ambient_credentials,
        read_seconds=settings.s3.read_timeout_seconds,
    )


def trial(settings: Settings) -> Trial:
    """Build the trial of sources that the store would list and read."""
    return Trial(
        Reach(
            endpoint_url=_text(settings.s3.endpoint_url),
            sts_endpoint_url=_text(settings.sts.endpoint_url),
            allowed_endpoint_hosts=settings.s3.endpoint_hosts,
            allow_ambient_credentials=settings.allow_ambient_credentials,
        )
    )


def _text(url: object | None) -> str | None:
    return None if url is None else str(url).rstrip("/")
