"""The fields of a source as LangWatch stores them: spellings, types, syntax, and what is ignored.

Both spellings of a name are read, camelCase as documented and snake_case. A check never says the
value that it refuses.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from producer.contract.names import DEFAULT_PREFIX, SOURCE_ID_LENGTH_MAX, is_source_id
from producer.contract.source import Include, IngestionSource

CONTAINERS: Final = ("payloadConfig", "payload_config", "parserConfig", "parser_config")
# Names of S3: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET = re.compile(r"(?!.*\.\.)(?![0-9.]+\Z)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/directory-buckets-overview.html
_PLAIN_BUCKET = re.compile(r"(?!.*--(x|ol)-s3\Z)")
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]{1,512}\Z", re.ASCII)
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}\Z", re.ASCII)
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}\Z")
_KEY_BYTES_MAX: Final = 1024


def camel_case(field: str) -> str:
    """Spell a field as LangWatch documents it: `role_arn` → `roleArn`."""
    first, *rest = field.split("_")
    return first + "".join(word.capitalize() for word in rest)


def spellings(fields: Iterable[str]) -> dict[str, str]:
    """Give both spellings of each field, with the field that they mean."""
    return {spelling: field for field in fields for spelling in (field, camel_case(field))}


def _matching(pattern: re.Pattern[str], what: str) -> AfterValidator:
    def check(text: str) -> str:
        if not pattern.match(text):
            raise ValueError(f"must be {what}")
        return text

    return AfterValidator(check)


def _source_id(text: str) -> str:
    if not is_source_id(text):
        raise ValueError(f"must be letters, digits, - and _, {SOURCE_ID_LENGTH_MAX} at most")
    return text


def _prefix(text: str) -> str:
    if len(text.encode()) > _KEY_BYTES_MAX:
        raise ValueError(f"must be at most {_KEY_BYTES_MAX} bytes long")
    return text


def _number(value: object) -> object:
    # A form stores what was typed into it.
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class Fields(BaseModel):
    """Fields of one mapping: strict, since YAML and JSON both have types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class ContainerFields(Fields):
    """What lies in `payloadConfig` or `parserConfig`."""

    bucket: Annotated[
        str,
        _matching(_BUCKET, "the name of a bucket, as S3 allows it"),
        _matching(
            _PLAIN_BUCKET,
            "a general purpose bucket; a directory bucket lists its keys in no order, and behind"
            " an Object Lambda access point a program of somebody's answers",
        ),
    ]
    prefix: Annotated[str, AfterValidator(_prefix)] = DEFAULT_PREFIX
    role_arn: (
        Annotated[
            str, _matching(_ROLE_ARN, "the ARN of a role: arn:aws:iam::<account>:role/<name>")
        ]
        | None
    ) = None
    external_id: (
        Annotated[
            str, _matching(_EXTERNAL_ID, "2 to 1224 letters, digits and characters of +=,.@:/-_")
        ]
        | None
    ) = None
    region: Annotated[str, _matching(_REGION, "a region, as eu-central-1")] | None = None
    endpoint_url: str | None = None
    poll_every_sec: Annotated[int, BeforeValidator(_number), Field(ge=1, le=86400)] = 60
    include_email: bool = False
    include_network: bool = False
    include_content: bool = False

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        if self.external_id is not None and self.role_arn is None:
            raise ValueError("externalId has no use without roleArn")
        return self


class SourceFields(Fields):
    """What lies in the source itself."""

    id: Annotated[str, AfterValidator(_source_id)]
    organization_id: Text
    team_id: Text | None = None
    name: Text
    source_type: Literal["openai_compliance"]
    status: Literal["awaiting_first_event", "active", "disabled"] = "awaiting_first_event"
    disabled: bool = False
    # A time, as text or as YAML reads it; only whether there is one counts.
    archived_at: object = None


# What LangWatch stores beside these, and what means nothing here.
IGNORED: Final[Mapping[type[Fields], tuple[str, ...]]] = {
    SourceFields: (
        "created_at",
        "created_by_id",
        "description",
        "error_count",
        "ingest_secret",
        "ingest_secret_hash",
        "last_event_at",
        "last_read_through_at",
        "last_run_completeness",
        "last_success_at",
        "retention_class",
        "trace_project_archived",
        "trace_project_id",
        "updated_at",
    ),
    ContainerFields: ("_rotation", "adapter"),
}
# These do something in LangWatch: whoever set one is told that it does nothing here.
NOTED: Final[Mapping[type[Fields], Mapping[str, str]]] = {
    SourceFields: {
        "poller_cursor": "the ledger says what was read",
        "pull_schedule": "pollEverySec says how often the bucket is listed",
    },
    ContainerFields: {
        "credentials": "static keys are not used, the role is assumed",
        "ottl_statements": "lines are mapped by the rules of this program",
        "watermark": "the ledger says what was read",
    },
}


def ingestion_source(fields: SourceFields, container: ContainerFields) -> IngestionSource:
    """Build the source that the stages use."""
    return IngestionSource(
        id=fields.id,
        organization_id=fields.organization_id,
        team_id=fields.team_id,
        name=fields.name,
        source_type=fields.source_type,
        disabled=fields.disabled or fields.status == "disabled" or fields.archived_at is not None,
        bucket=container.bucket,
        prefix=container.prefix,
        role_arn=container.role_arn,
        external_id=container.external_id,
        region=container.region,
        endpoint_url=container.endpoint_url,
        poll_every_seconds=container.poll_every_sec,
        include=Include(
            email=container.include_email,
            network=container.include_network,
            content=container.include_content,
        ),
    )
