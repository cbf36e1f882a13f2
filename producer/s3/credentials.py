"""The identity under which a source's bucket is read: the role that its customer granted.

The role is assumed when it is first needed and again before its credentials expire, also in the
middle of an object. The session is named after the source, so that the customer's own audit log
says which source read what.
"""

from typing import TYPE_CHECKING, Final

from botocore.credentials import CredentialProvider, DeferredRefreshableCredentials

from producer.contract.source import IngestionSource
from producer.s3.refusals import translated_for_role

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_sts import STSClient
    from mypy_boto3_sts.type_defs import AssumeRoleRequestTypeDef

_SESSION_NAME_LENGTH_MAX: Final = 64


def role_session_name(source_id: str) -> str:
    """Name the session after the source, as far as AWS lets a name be long."""
    return f"openai-compliance-{source_id}"[:_SESSION_NAME_LENGTH_MAX]


class RoleOfSource(CredentialProvider):
    """Gives botocore credentials of the source's role, which it renews by itself."""

    METHOD = "assume-role"

    def __init__(self, source: IngestionSource, sts: "Callable[[], STSClient]") -> None:
        super().__init__()
        self._source = source
        self._sts = sts

    def load(self) -> DeferredRefreshableCredentials:
        """Give credentials that are fetched at their first use, in the thread that uses them."""
        return DeferredRefreshableCredentials(refresh_using=self._assume, method=self.METHOD)

    def _assume(self) -> dict[str, str]:
        source = self._source
        request: AssumeRoleRequestTypeDef = {
            "RoleArn": source.role_arn or "",
            "RoleSessionName": role_session_name(source.id),
        }
        if source.external_id is not None:
            request["ExternalId"] = source.external_id
        asked = f"assuming role {source.role_arn!r} for source {source.id!r}"
        if source.external_id is None:
            asked += " without an external id"
        with translated_for_role(asked, secret=source.external_id):
            credentials = self._sts().assume_role(**request)["Credentials"]
        return {
            "access_key": credentials["AccessKeyId"],
            "secret_key": credentials["SecretAccessKey"],
            "token": credentials["SessionToken"],
            "expiry_time": credentials["Expiration"].isoformat(),
        }
