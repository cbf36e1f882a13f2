"""The clients of each source: made when they are first needed, kept until the source changes.

Nothing here is shared between sources but STS's client and the description of S3's interface, so
that a source that cannot be reached does not hold up another. Making a client takes some 50
milliseconds, and a session must not make two at once; using one is safe in all threads.
"""

import logging
import threading
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import boto3
import botocore.session
import msgspec
from botocore.config import Config
from botocore.credentials import CredentialResolver, ReadOnlyCredentials
from botocore.exceptions import ClientError
from obstore.store import S3Store

from producer.contract.objects import Reason
from producer.contract.source import IngestionSource
from producer.s3.credentials import RoleOfSource
from producer.s3.endpoints import is_allowed
from producer.s3.pace import LONG_WAIT_SECONDS, Pace
from producer.s3.refusals import refused, translated
from producer.s3.timestamps import timestamp

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sts import STSClient
    from obstore.store import ClientConfig, S3Credential

_CONNECT_SECONDS: Final = 5
_CONNECTIONS: Final = 16
# AWS answers there for buckets of all regions of its main partition, and says which one it is.
_REGION_TO_ASK: Final = "us-east-1"
_REGION_HEADER: Final = "x-amz-bucket-region"
# Such an answer says nothing about the bucket, and the next one may.
_PASSING_STATUSES: Final = frozenset({429, 500, 502, 503, 504})
_DIRECTORY_BUCKET_SUFFIX: Final = "--x-s3"


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """Where S3 and STS are, what may be asked there, and how often."""

    endpoint_url: str | None = None
    sts_endpoint_url: str | None = None
    # What a source may name as its own endpoint.
    allowed_endpoint_hosts: frozenset[str] = frozenset()
    allow_ambient_credentials: bool = False
    # A partition's objects wait while a request is tried again: the patient retrying is
    # discovery's.
    attempts: int = 3
    read_seconds: float = 30
    # A store that was waited for in vain for so long is not asked for a while.
    long_wait_seconds: float = LONG_WAIT_SECONDS


def can_obstore_reach(source: IngestionSource, bucket: str) -> bool:
    """Whether obstore reaches a bucket of the source's as boto3 does."""
    # A version may be of the bucket that the source had before, and an access point is named by
    # its ARN. And obstore follows redirections to any host, which boto3 does not: whoever answers
    # at an endpoint of a source's own must not choose where this stage asks next.
    is_own = bucket == source.bucket and source.endpoint_url is None
    return is_own and not bucket.startswith("arn:")


class SourceAccess:
    """What it takes to read one source's bucket: credentials, region, a client of each kind."""

    def __init__(
        self, source: IngestionSource, session: botocore.session.Session, reach: Reach
    ) -> None:
        self._source = source
        self._session = session
        # A second one over the same session of botocore's would break both.
        self._session_of_boto3 = boto3.session.Session(botocore_session=session)
        self._reach = reach
        self._endpoint_url = source.endpoint_url or reach.endpoint_url
        self._making = threading.Lock()
        self._client: S3Client | None = None
        self._fast: tuple[ReadOnlyCredentials, S3Store] | None = None

    @property
    def client(self) -> "S3Client":
        """The boto3 client for the bucket's own region."""
        with self._making:
            if self._client is None:
                self._client = self._make_client()
            return self._client

    def fast_store(self) -> S3Store:
        """Give the obstore client; it is made anew when the credentials were renewed."""
        client = self.client
        with self._making:
            credentials = self._credentials()
            if self._fast is None or self._fast[0] != credentials:
                self._fast = (credentials, self._make_fast_store(client, credentials))
            return self._fast[1]

    def close(self) -> None:
        """Close the connections."""
        with self._making:
            if self._client is not None:
                self._client.close()
            self._client = self._fast = None

    def _make_client(self) -> "S3Client":
        source = self._source
        fallback = source.region or self._session.get_config_variable("region")
        with translated(f"asking for the region of {source.bucket!r} for source {source.id!r}"):
            client = self._client_in(fallback or _REGION_TO_ASK)
            region = self._region_of_bucket(client)
            if region in {None, client.meta.region_name}:
                return client
            client.close()
            return self._client_in(region)

    def _region_of_bucket(self, client: "S3Client") -> str | None:
        """Ask for the region; S3 tells it also where it denies everything else."""
        source = self._source
        try:
            headers = client.head_bucket(Bucket=source.bucket)["ResponseMetadata"]["HTTPHeaders"]
        except ClientError as error:
            answer = error.response["ResponseMetadata"]
            if answer["HTTPStatusCode"] in _PASSING_STATUSES:
                raise
            headers = answer["HTTPHeaders"]
        return headers.get(_REGION_HEADER)

    def _client_in(self, region: str | None) -> "S3Client":
        config = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=self._reach.read_seconds,
            max_pool_connections=_CONNECTIONS,
            retries={"mode": "standard", "total_max_attempts": self._reach.attempts},
            signature_version="s3v4",
            s3={"addressing_style": "path" if self._endpoint_url else "auto"},
            # The digests of the content are the puller's; stores other than AWS lack S3's.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        return self._session_of_boto3.client(
            "s3", region_name=region, endpoint_url=self._endpoint_url, config=config
        )

    def _credentials(self) -> ReadOnlyCredentials:
        source = self._source
        asked = f"finding credentials for source {source.id!r}"
        with translated(asked):
            credentials = self._session.get_credentials()
            if credentials is None:
                raise refused(Reason.ACCESS_DENIED, f"{asked}: there are none")
            return credentials.get_frozen_credentials()

    def _make_fast_store(self, client: "S3Client", credentials: ReadOnlyCredentials) -> S3Store:
        bucket, endpoint = self._source.bucket, client.meta.endpoint_url
        is_virtual_hosted = self._endpoint_url is None and "." not in bucket
        if is_virtual_hosted:
            endpoint = endpoint.replace("://", f"://{bucket}.", 1)
        options: ClientConfig = {
            "allow_http": endpoint.startswith("http://"),
            "connect_timeout": f"{_CONNECT_SECONDS}s",
            "read_timeout": timedelta(seconds=self._reach.read_seconds),
            # Bounds the whole of an object, which may take hours under backpressure.
            "timeout": "365d",
            "user_agent": "openai-compliance",
        }
        authorities = self._session.get_config_variable("ca_bundle")
        if authorities is not None and endpoint.startswith("https://"):
            options["root_certificate"] = Path(authorities).read_bytes()
        fixed: S3Credential = {
            "access_key_id": credentials.access_key or "",
            "secret_access_key": credentials.secret_key or "",
            "token": credentials.token,
            "expires_at": None,
        }
        # obstore reads AWS_* variables by itself: whatever could make it disagree with boto3 is
        # given explicitly.
        return S3Store(
            bucket,
            aws_endpoint_url_s3=endpoint,
            region=client.meta.region_name,
            virtual_hosted_style_request=is_virtual_hosted,
            skip_signature=False,
            request_payer=True,
            credential_provider=lambda: fixed,
            client_options=options,
            retry_config={"max_retries": 0},
        )


class Accesses:
    """The access to each source, by its id."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._making = threading.Lock()
        self._interface = botocore.session.get_session().get_component("data_loader")
        self._sts: STSClient | None = None
        # It logs the whole trace of each failed renewal, with what STS said; the refusal has it.
        logging.getLogger("botocore.credentials").setLevel(logging.ERROR)
        self._paces: dict[str, Pace] = {}
        self._of_id: dict[str, tuple[tuple[str | None, ...], SourceAccess]] = {}

    def of(self, source: IngestionSource) -> SourceAccess:
        """Give the access to a source as it is now; raises `ObjectStoreRefusedError`."""
        if source.role_arn is None and not self._reach.allow_ambient_credentials:
            what = f"source {source.id!r} has no role"
            raise refused(Reason.AMBIENT_CREDENTIALS_REFUSED, what)
        endpoint = source.endpoint_url
        if endpoint is not None and not is_allowed(endpoint, self._reach.allowed_endpoint_hosts):
            what = f"source {source.id!r} names an endpoint whose host is not allowed"
            raise refused(Reason.ENDPOINT_REFUSED, what)
        if source.bucket.endswith(_DIRECTORY_BUCKET_SUFFIX):
            what = f"bucket {source.bucket!r} of source {source.id!r} is a directory bucket,"
            raise refused(Reason.DIRECTORY_BUCKET, f"{what} which lists in no order")
        wanted = (source.bucket, source.region, source.role_arn, source.external_id, endpoint)
        with self._making:
            found = self._of_id.get(source.id)
            if found is None or found[0] != wanted:
                found = (wanted, SourceAccess(source, self._session(source), self._reach))
                self._of_id[source.id] = found
            return found[1]

    def pace_of(self, source_id: str) -> Pace:
        """Give the pace at which the source is asked; it outlives the access."""
        with self._making:
            if source_id not in self._paces:
                self._paces[source_id] = Pace(long_wait_seconds=self._reach.long_wait_seconds)
            return self._paces[source_id]

    def discard(self, source_id: str, access: SourceAccess) -> None:
        """Let the source's access be made anew, unless another thread has done so already."""
        with self._making:
            found = self._of_id.get(source_id)
            if found is not None and found[1] is access:
                del self._of_id[source_id]

    def close(self) -> None:
        """Close all connections."""
        with self._making:
            accesses = [access for _, access in self._of_id.values()]
            self._of_id.clear()
            self._paces.clear()
            sts, self._sts = self._sts, None
        # Without the lock: an access that is being used may need it to renew its credentials.
        for access in accesses:
            access.close()
        if sts is not None:
            sts.close()

    def _session(self, source: IngestionSource) -> botocore.session.Session:
        session = self._bare_session()
        parsers = session.get_component("response_parser_factory")
        parsers.set_parser_defaults(timestamp_parser=timestamp)
        if source.role_arn is not None:
            role = RoleOfSource(source, self._sts_client)
            session.register_component("credential_provider", CredentialResolver([role]))
        return session

    def _bare_session(self) -> botocore.session.Session:
        session = botocore.session.get_session()
        # Parsed once, it is several megabytes.
        session.register_component("data_loader", self._interface)
        return session

    def _sts_client(self) -> "STSClient":
        with self._making:
            if self._sts is None:
                session = boto3.session.Session(botocore_session=self._bare_session())
                self._sts = session.client(
                    "sts",
                    region_name=session.region_name or _REGION_TO_ASK,
                    endpoint_url=self._reach.sts_endpoint_url,
                    config=Config(
                        connect_timeout=_CONNECT_SECONDS,
                        read_timeout=self._reach.read_seconds,
                        retries={"mode": "standard", "total_max_attempts": self._reach.attempts},
                    ),
                )
            return self._sts
