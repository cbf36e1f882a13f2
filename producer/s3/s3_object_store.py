"""AWS S3, or what speaks its language, behind the door of `object_store`."""

from collections.abc import Iterator

from producer.contract.objects import ObjectVersion
from producer.contract.source import IngestionSource
from producer.s3.access import Accesses, Reach, SourceAccess
from producer.s3.bodies import (
    ContinuedBody,
    can_obstore_say,
    opening_with_boto3,
    opening_with_obstore,
)
from producer.s3.listing import list_pages
from producer.s3.object_store import Page


class S3ObjectStore:
    """Lists and reads each source's bucket under the role of that source.

    Nothing is connected to before the first page or body is asked for. Endpoints are given for
    stores other than AWS alone. Reading with obstore may be turned off; all is read with boto3
    then.
    """

    def __init__(
        self,
        *,
        endpoint_url: str | None = None,
        sts_endpoint_url: str | None = None,
        allow_ambient_credentials: bool = False,
        reads_with_obstore: bool = True,
        attempts: int = 3,
    ) -> None:
        self._reads_with_obstore = reads_with_obstore
        reach = Reach(
            endpoint_url=endpoint_url,
            sts_endpoint_url=sts_endpoint_url,
            allow_ambient_credentials=allow_ambient_credentials,
            attempts=attempts,
        )
        self._accesses = Accesses(reach)

    def list_pages(
        self, source: IngestionSource, *, start_after: str | None = None
    ) -> Iterator[Page]:
        """List what lies under the source's prefix, behind a key; a page when it is asked for."""
        client = self._accesses.of(source).client
        yield from list_pages(client, source, start_after=start_after)

    def open(self, source: IngestionSource, version: ObjectVersion) -> ContinuedBody:
        """Open exactly that version; an object with another etag is refused."""
        asked = f"reading {version.key!r} of bucket {version.bucket!r} for source {source.id!r}"
        access = self._accesses.of(source)
        opening = opening_with_boto3(access.client, version, asked)
        if self._reads_fast(access, version):
            opening = opening_with_obstore(access.fast_store, version, asked, otherwise=opening)
        return ContinuedBody(opening, asked)

    def _reads_fast(self, access: SourceAccess, version: ObjectVersion) -> bool:
        return (
            self._reads_with_obstore
            and access.can_read_fast(version.bucket)
            and can_obstore_say(version.key)
        )

    def close(self) -> None:
        """Close all connections; bodies still open end with an error."""
        self._accesses.close()
