"""What stands before a source's first listing, tried one by one: its identity, its region.

Who lists and reads meets both at once, and a refusal of either ends it; a person wants to know
which of them it was.
"""

from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config

from producer.contract.objects import Reason
from producer.contract.source import IngestionSource
from producer.s3.access import Accesses, Reach
from producer.s3.credentials import RoleOfSource, role_session_name
from producer.s3.refusals import refused, translated

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

_SECONDS: Final = 10
# As for the store: where STS is asked if nothing says a region.
_REGION_TO_ASK: Final = "us-east-1"


class Trial:
    """Tries sources as the store would use them. One owner thread."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._accesses = Accesses(reach)
        self._sts: STSClient | None = None

    def identity(self, source: IngestionSource) -> str:
        """Be whom the source is read as, and say who that is; raises `ObjectStoreRefusedError`."""
        # Refuses by itself what no identity helps.
        self._accesses.of(source)
        if source.role_arn is None:
            return _own_identity(source)
        RoleOfSource(source, self._sts_client).load().get_frozen_credentials()
        how = "an external id" if source.external_id is not None else "no external id"
        return f"{source.role_arn} as session {role_session_name(source.id)}, with {how}"

    def region(self, source: IngestionSource) -> str:
        """Name the region in which the bucket is asked; raises `ObjectStoreRefusedError`."""
        return self._accesses.of(source).client.meta.region_name

    def close(self) -> None:
        """Close all connections."""
        self._accesses.close()
        if self._sts is not None:
            self._sts.close()

    def _sts_client(self) -> "STSClient":
        if self._sts is None:
            session = boto3.session.Session()
            self._sts = session.client(
                "sts",
                region_name=session.region_name or _REGION_TO_ASK,
                endpoint_url=self._reach.sts_endpoint_url,
                config=Config(
                    connect_timeout=_SECONDS,
                    read_timeout=_SECONDS,
                    retries={"mode": "standard", "total_max_attempts": self._reach.attempts},
                ),
            )
        return self._sts


def _own_identity(source: IngestionSource) -> str:
    asked = f"finding credentials for source {source.id!r}"
    with translated(asked):
        credentials = boto3.session.Session().get_credentials()
        if credentials is None:
            raise refused(Reason.ACCESS_DENIED, f"{asked}: there are none")
        credentials.get_frozen_credentials()
    return f"no role: this machine's own identity, found by {credentials.method}"
