"""What the demonstration reads: its own samples, or a bucket that the command line names. Pure."""

import json
import re
from dataclasses import dataclass
from typing import Final

from producer.cli.sources_file import read_sources
from producer.contract.source import IngestionSource
from producer.embedded import samples
from producer.errors import ConfigurationError
from producer.settings.kinds import variable

SOURCE_ID: Final = "demo"
_URL: Final = re.compile(r"s3://([^/]+)(?:/(.*))?\Z", re.DOTALL)
# Nobody's: the account is AWS's own example, and the stand-in lets any role be assumed.
_SAMPLE_ROLE: Final = "arn:aws:iam::123456789012:role/openai-compliance-demo"
_SAMPLE_EXTERNAL_ID: Final = "demo"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the command line asks for; without an address, it is the samples."""

    url: str | None = None
    role_arn: str | None = None
    external_id: str | None = None


def source_of(asked: Asked, *, sample_bucket: str, may_use_ambient: bool) -> IngestionSource:
    """Build the source; raises `ConfigurationError` where it cannot be read as asked."""
    if asked.url is None:
        _refuse_role_of_nothing(asked)
        return _validated(
            {
                "bucket": sample_bucket,
                "prefix": samples.PREFIX,
                "roleArn": _SAMPLE_ROLE,
                "externalId": _SAMPLE_EXTERNAL_ID,
            }
        )
    found = _URL.match(asked.url)
    if found is None:
        raise ConfigurationError(f"--source {asked.url!r} is not s3://bucket/prefix")
    if asked.role_arn is None and not may_use_ambient:
        raise ConfigurationError(
            "--source needs an identity to read the bucket with: give --role-arn (and "
            "--external-id, if the role asks for one), or set "
            f"{variable('allow_ambient_credentials')}=true to use the AWS credentials of this "
            "machine"
        )
    return _validated(
        {
            "bucket": found[1],
            "prefix": found[2] or "",
            "roleArn": asked.role_arn,
            "externalId": asked.external_id,
        }
    )


def _refuse_role_of_nothing(asked: Asked) -> None:
    for option, value in (("--role-arn", asked.role_arn), ("--external-id", asked.external_id)):
        if value is not None:
            raise ConfigurationError(f"{option} has no use without --source s3://bucket/prefix")


def _validated(payload: dict[str, str | None]) -> IngestionSource:
    row = {
        "id": SOURCE_ID,
        "organizationId": "org_demo",
        "name": "Demo",
        "sourceType": "openai_compliance",
        "payloadConfig": payload,
    }
    content = json.dumps({"sources": [row]}).encode()
    # Who may use which identity was decided above.
    read = read_sources(content, name="--source", allow_ambient_credentials=True)
    return read.sources[0]
