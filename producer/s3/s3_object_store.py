"""AWS S3, or what speaks its language, behind the door of `object_store`."""

from collections.abc import Iterator

from producer.contract.objects import ObjectVersion
from producer.contract.source import IngestionSource
from producer.s3.access import Accesses, Reach, can_obstore_reach
from producer.s3.asking import Asking
from producer.s3.bodies import (
    ContinuedBody,
    can_obstore_say,
    opening_with_boto3,
    opening_with_obstore,
)
from producer.s3.listing import list_pages
from producer.s3.object_store import Page
from producer.s3.pace import LONG_WAIT_SECONDS


class S3ObjectStore:
    """Lists and reads each source's bucket under the role of that source.

    Nothing is connected to before the first page or body is asked for. Endpoints are given for
    stores other than AWS alone. Reading with obstore may be turned off; all is read with boto3
    then. A body of which nothing comes for `read_seconds` is stalled, and is asked for again.
    """

    def __init__(  # noqa: PLR0913 - they are options, given by name
        self,
        *,
        endpoint_url: str | None = None,
        sts_endpoint_url: str | None = None,
        allowed_endpoint_hosts: frozenset[str] = frozenset(),
        allow_ambient_credentials: bool = False,
        reads_with_obstore: bool = True,
        attempts: int = 3,
        read_seconds: float = 30,
        long_wait_seconds: float = LONG_WAIT_SECONDS,
    ) -> None:
        self._reads_with_obstore = reads_with_obstore
        reach = Reach(
            endpoint_url=endpoint_url,
            sts_endpoint_url=sts_endpoint_url,
            allowed_endpoint_hosts=allowed_endpoint_hosts,
            allow_ambient_credentials=allow_ambient_credentials,
            attempts=attempts,
            read_seconds=read_seconds,
            long_wait_seconds=long_wait_seconds,
        )
        self._accesses = Accesses(reach)

    def list_pages(
        self, source: IngestionSource, *, start_after: str | None = None
    ) -> Iterator[Page]:
        """List what lies under the source's prefix, behind a key; a page when it is asked for."""
        asked = f"listing bucket {source.bucket!r} for source {source.id!r}"
        asking = Asking(self._accesses, source, asked)
        yield from list_pages(asking, source, start_after=start_after)

    def open(self, source: IngestionSource, version: ObjectVersion) -> ContinuedBody:
        """Open exactly that version; an object with another etag is refused."""
        asked = f"reading {version.key!r} of bucket {version.bucket!r} for source {source.id!r}"
        asking = Asking(self._accesses, source, asked)
        opening = opening_with_boto3(asking, version)
        if self._reads_fast(source, version):
            opening = opening_with_obstore(asking, version, otherwise=opening)
        return ContinuedBody(opening, version, asking)

    def _reads_fast(self, source: IngestionSource, version: ObjectVersion) -> bool:
        return (
            self._reads_with_obstore
            and can_obstore_reach(source, version.bucket)
            and can_obstore_say(version.key)
        )

    def close(self) -> None:
        """Close all connections; bodies still open end with an error."""
        self._accesses.close()
