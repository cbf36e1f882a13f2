"""Reading a sources file."""

import json
from collections.abc import Callable, Mapping

import pytest
import yaml

from producer.cli.source_fields import IGNORED, NOTED, ContainerFields, SourceFields, spellings
from producer.cli.sources_file import SourcesFile, read_sources
from producer.contract.source import Include, IngestionSource
from producer.errors import ConfigurationError

CANARY = "canary-7Q"
ROLE = "arn:aws:iam::123456789012:role/compliance-reader"
AMBIENT = "OPENAI_COMPLIANCE_ALLOW_AMBIENT_CREDENTIALS"
CONTAINER = {"bucket": "acme-compliance", "roleArn": ROLE}
SOURCE = {
    "id": "src_acme",
    "organizationId": "org_acme",
    "name": "Acme",
    "sourceType": "openai_compliance",
    "payloadConfig": CONTAINER,
}
EXPECTED = IngestionSource(
    id="src_acme",
    organization_id="org_acme",
    name="Acme",
    bucket="acme-compliance",
    role_arn=ROLE,
)
FULL = IngestionSource(
    id="src_acme",
    organization_id="org_acme",
    team_id="team_1",
    name="Acme",
    disabled=True,
    bucket="acme-compliance",
    prefix="logs/",
    role_arn=ROLE,
    external_id="lw-0123",
    region="eu-central-1",
    poll_every_seconds=300,
    include=Include(email=True, network=True, content=True),
)
FULL_CAMEL = {
    "id": "src_acme",
    "organizationId": "org_acme",
    "teamId": "team_1",
    "name": "Acme",
    "sourceType": "openai_compliance",
    "status": "disabled",
    "payloadConfig": {
        "bucket": "acme-compliance",
        "prefix": "logs/",
        "roleArn": ROLE,
        "externalId": "lw-0123",
        "region": "eu-central-1",
        "pollEverySec": 300,
        "includeEmail": True,
        "includeNetwork": True,
        "includeContent": True,
    },
}
FULL_SNAKE = {
    "id": "src_acme",
    "organization_id": "org_acme",
    "team_id": "team_1",
    "name": "Acme",
    "source_type": "openai_compliance",
    "disabled": True,
    "payload_config": {
        "bucket": "acme-compliance",
        "prefix": "logs/",
        "role_arn": ROLE,
        "external_id": "lw-0123",
        "region": "eu-central-1",
        "poll_every_sec": 300,
        "include_email": True,
        "include_network": True,
        "include_content": True,
    },
}


def read(document: object, *, allow_ambient_credentials: bool = False) -> SourcesFile:
    """Read a document as JSON."""
    return read_sources(
        json.dumps(document).encode(),
        name="sources.yaml",
        allow_ambient_credentials=allow_ambient_credentials,
    )


def a_source(
    *, container: Mapping[str, object] | None = None, **changes: object
) -> dict[str, object]:
    """Give a source with changes in it and in its container; None takes a field away."""
    fields: Mapping[str, object] = {**CONTAINER, **(container or {})}
    inside = {name: value for name, value in fields.items() if value is not None}
    source = SOURCE | {"payloadConfig": inside} | changes
    return {name: value for name, value in source.items() if value is not None}


def the_problems(document: object) -> list[str]:
    """Give the problems of a refusal, without the source's name."""
    with pytest.raises(ConfigurationError) as refused:
        read(document)
    first, *problems = str(refused.value).splitlines()
    assert "sources.yaml was not applied:" == first
    return [problem.strip().removeprefix("source 'src_acme': ") for problem in problems]


@pytest.mark.parametrize(
    "document",
    [{"sources": [SOURCE]}, [SOURCE], SOURCE],
    ids=["sources", "bare list", "one source"],
)
@pytest.mark.parametrize("write", [json.dumps, yaml.safe_dump], ids=["json", "yaml"])
def test_read_sources_takes_each_form(document: object, write: Callable[[object], str]) -> None:
    """A file is `sources:`, a list or one source, in YAML or JSON; the rest has defaults."""
    found = read_sources(write(document).encode(), name="x")
    assert SourcesFile(sources=(EXPECTED,)) == found


def test_read_sources_takes_yaml_that_begins_like_json() -> None:
    """Flow style is YAML too, and a byte order mark belongs to the file."""
    text = (
        "\ufeff{id: src_acme, organizationId: org_acme, name: Acme, sourceType: openai_compliance,"
        f" payloadConfig: {{bucket: acme-compliance, roleArn: '{ROLE}'}}}}"
    )
    assert (EXPECTED,) == read_sources(text.encode(), name="x").sources


def test_read_sources_takes_tabs_in_json() -> None:
    """JSON that YAML would refuse is read as JSON, behind a byte order mark too."""
    text = "\ufeff" + json.dumps(SOURCE, indent="\t")
    assert (EXPECTED,) == read_sources(text.encode(), name="x").sources


def test_read_sources_takes_yaml_anchors() -> None:
    """Sources that share a container say it once."""
    text = yaml.safe_dump([SOURCE, SOURCE | {"id": "src_2"}])
    assert "&id001" in text
    merged = f"""
- &first
  id: src_acme
  organizationId: org_acme
  name: Acme
  sourceType: openai_compliance
  payloadConfig: {{bucket: acme-compliance, roleArn: "{ROLE}"}}
- <<: *first
  id: src_2
"""
    ids = [source.id for source in read_sources(merged.encode(), name="x").sources]
    assert ["src_acme", "src_2"] == ids
    assert ids == [source.id for source in read_sources(text.encode(), name="x").sources]


@pytest.mark.parametrize("document", [FULL_CAMEL, FULL_SNAKE], ids=["camelCase", "snake_case"])
@pytest.mark.parametrize("container", ["payloadConfig", "parserConfig", "parser_config"])
def test_read_sources_takes_both_spellings_and_containers(
    document: dict[str, object], container: str
) -> None:
    """Names are read as documented, as the column is called, and as people spell them."""
    changed = dict(document)
    changed[container] = changed.pop("payloadConfig", None) or changed.pop("payload_config")
    assert SourcesFile(sources=(FULL,)) == read(changed)


def test_read_sources_joins_both_containers() -> None:
    """What is in both is in one as well as in the other, as long as they agree."""
    document = SOURCE | {
        "payloadConfig": {"bucket": "acme-compliance"},
        "parserConfig": {"bucket": "acme-compliance", "roleArn": ROLE},
    }
    assert (EXPECTED,) == read(document).sources
    document["payloadConfig"] = {"bucket": "other"}
    assert ["bucket has different values in two containers"] == the_problems(document)


def test_read_sources_counts_what_was_left_empty_as_absent() -> None:
    """Null is absent; an empty text too, but for the prefix, where it means the whole bucket."""
    empty = {"region": "", "externalId": "", "pollEverySec": None, "prefix": ""}
    (found,) = read(a_source(teamId="", container=empty)).sources
    assert ("", None, None, None, 60) == (
        found.prefix,
        found.region,
        found.external_id,
        found.team_id,
        found.poll_every_seconds,
    )


@pytest.mark.parametrize(
    ("changes", "is_disabled"),
    [
        ({"status": "active"}, False),
        ({"status": "awaiting_first_event"}, False),
        ({"status": "disabled"}, True),
        ({"disabled": True}, True),
        ({"disabled": False}, False),
        ({"archivedAt": "2026-01-01T00:00:00Z"}, True),
        ({"archivedAt": None}, False),
    ],
)
def test_read_sources_knows_a_disabled_source(
    changes: dict[str, object], *, is_disabled: bool
) -> None:
    """A source is disabled by its status, by a flag, or by being archived."""
    (found,) = read(SOURCE | changes).sources
    assert is_disabled == found.disabled


def test_read_sources_reads_a_number_that_a_form_stored_as_text() -> None:
    """The poll interval may be text, as LangWatch's form stores it."""
    (found,) = read(a_source(container={"pollEverySec": "90"})).sources
    assert 90 == found.poll_every_seconds


def test_read_sources_accepts_every_column_that_langwatch_stores() -> None:
    """What means nothing here is ignored in both spellings; what would mean something is noted."""
    columns = dict.fromkeys(spellings(IGNORED[SourceFields]), "x")
    inside = dict.fromkeys(spellings(IGNORED[ContainerFields]), "x")
    assert SourcesFile(sources=(EXPECTED,)) == read(a_source(container=inside, **columns))
    columns = dict.fromkeys(NOTED[SourceFields], "x")
    inside = dict.fromkeys(NOTED[ContainerFields], "x")
    notes = read(a_source(container=inside, **columns)).notes
    assert sorted([*columns, *inside]) == sorted(note.split()[2] for note in notes)
    assert "source 'src_acme': watermark is ignored: the ledger says what was read" in notes


def test_read_sources_does_not_note_what_is_not_set() -> None:
    """An empty schedule is no schedule."""
    document = a_source(container={"credentials": {}}, pullSchedule=None)
    assert () == read(document).notes


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            a_source(organizationID="x"),
            "organizationID is not a field; did you mean organizationId",
        ),
        (
            a_source(organisation_id="x"),
            "organisation_id is not a field; did you mean organization_id",
        ),
        (a_source(payloadConfg={}), "payloadConfg is not a field; did you mean payloadConfig"),
        (
            a_source(container={"bukcet": "x"}),
            "bukcet is not a field; did you mean bucket",
        ),
        (
            a_source(container={"role_arm": "x"}),
            "role_arm is not a field; did you mean role_arn",
        ),
        (a_source(container={"zzz": 1}), "zzz is not a field; README.md lists the fields"),
        (a_source(region="eu-west-1"), "region belongs into payloadConfig"),
        (
            a_source(container={"teamId": "x"}),
            "teamId belongs beside payloadConfig, not into it",
        ),
        (a_source(container={"role_arn": ROLE}), "roleArn is set in both spellings"),
        (
            a_source(container={"endpointUrl": "http://x"}),
            (
                "endpointUrl is refused: a source must not say where requests go; "
                "OPENAI_COMPLIANCE_S3__ENDPOINT_URL does, unless"
                " OPENAI_COMPLIANCE_S3__ALLOWED_ENDPOINT_HOSTS lists its host"
            ),
        ),
        (
            a_source(sts_endpoint="http://x"),
            (
                "sts_endpoint is refused: a source must not say where requests go; "
                "OPENAI_COMPLIANCE_S3__ENDPOINT_URL does"
            ),
        ),
        (a_source(organizationId=None), "organizationId is missing"),
        (a_source(name=None), "name is missing"),
        (a_source(sourceType=None), "sourceType is missing"),
        (a_source(sourceType="s3_custom"), "sourceType: input should be 'openai_compliance'"),
        (a_source(payloadConfig=None), "payloadConfig is missing"),
        (a_source(payloadConfig=[1]), "payloadConfig is not a mapping of fields"),
        (a_source(status=CANARY), "status: input should be"),
        (a_source(disabled="yes"), "disabled: input should be a valid boolean"),
        (a_source(container={"bucket": None}), "bucket is missing"),
        (a_source(container={"bucket": f"{CANARY}_"}), "bucket: must be the name of a bucket"),
        (a_source(container={"bucket": "127.0.0.1"}), "bucket: must be the name of a bucket"),
        (a_source(container={"bucket": "a..b"}), "bucket: must be the name of a bucket"),
        (
            a_source(container={"bucket": "acme--eun1-az1--x-s3"}),
            "bucket: must be a general purpose bucket",
        ),
        (
            a_source(container={"bucket": "acme-abcdef--ol-s3"}),
            "bucket: must be a general purpose bucket",
        ),
        (
            a_source(
                container={"bucket": "arn:aws:s3:eu-central-1:123456789012:accesspoint/acme"}
            ),
            "bucket: must be the name of a bucket",
        ),
        (a_source(container={"roleArn": CANARY}), "roleArn: must be the ARN of a role"),
        (
            a_source(container={"roleArn": "arn:aws:iam::123456789012:user/x"}),
            "roleArn: must be the ARN of a role",
        ),
        (a_source(container={"externalId": f"{CANARY} "}), "externalId: must be 2 to 1224"),
        (a_source(container={"externalId": 12345}), "externalId: input should be a valid string"),
        (a_source(container={"region": CANARY}), "region: must be a region"),
        (a_source(container={"prefix": "ä" * 513}), "prefix: must be at most 1024 bytes"),
        (a_source(container={"pollEverySec": 0}), "pollEverySec: input should be greater"),
        (a_source(container={"pollEverySec": True}), "pollEverySec: input should be a valid int"),
        (a_source(container={"pollEverySec": "1m"}), "pollEverySec: input should be a valid int"),
        (a_source(container={"includeEmail": 1}), "includeEmail: input should be a valid boolean"),
    ],
)
def test_read_sources_refuses_what_is_wrong(document: object, expected: str) -> None:
    """A wrong field is named, with the nearest right one; its value is not told."""
    problems = the_problems(document)
    assert [expected] == [problem[: len(expected)] for problem in problems]
    assert CANARY not in str(problems)


def test_read_sources_refuses_a_bad_id() -> None:
    """An id with other characters is refused, and the source is named by its number."""
    expected = "source 1 of the file: id: must be letters, digits, - and _, 128 at most"
    assert [expected] == the_problems(a_source(id="a/b"))


def test_read_sources_refuses_a_source_without_a_role() -> None:
    """Without a role this program's own identity would read what a tenant names."""
    document = a_source(container={"roleArn": None})
    (problem,) = the_problems(document)
    assert problem.startswith("has no roleArn")
    assert problem.endswith(f"set {AMBIENT}=true")
    (found,) = read(document, allow_ambient_credentials=True).sources
    assert found.role_arn is None


def test_read_sources_refuses_an_external_id_without_a_role() -> None:
    """An external id is sent when a role is assumed and never else."""
    document = a_source(container={"roleArn": None, "externalId": "lw-1"})
    with pytest.raises(ConfigurationError, match="externalId has no use without roleArn"):
        read(document, allow_ambient_credentials=True)


def test_read_sources_lists_every_problem_of_every_source() -> None:
    """All that is wrong is told at once, and nothing of the file is taken."""
    first = a_source(nam="x", name=None, container={"bucket": "A", "pollEverySec": -1})
    assert [
        "nam is not a field; did you mean name",
        "name is missing",
        "bucket: must be the name of a bucket, as S3 allows it",
        "pollEverySec: input should be greater than or equal to 1",
        "source 2 of the file: is not a mapping of fields",
        "source 'src_3': payloadConfig is not a mapping of fields",
    ] == the_problems([first, "x", SOURCE | {"id": "src_3", "payloadConfig": 1}])


def test_read_sources_refuses_an_id_that_is_there_twice() -> None:
    """Of two sources with one id, one would be lost."""
    assert ["is in the file 2 times"] == the_problems([SOURCE, SOURCE])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "sources.yaml holds no sources; see README.md for what one looks like"),
        (b"sources: []", "sources.yaml holds no sources; see README.md for what one looks like"),
        (b"text", "sources.yaml holds no sources; see README.md for what one looks like"),
        (b"sources: {}", "sources.yaml has 'sources' that are not a list"),
        (b"sources: []\nversion: 1", "sources.yaml has version beside 'sources'"),
        (b"\xff", "sources.yaml is not UTF-8 text (byte 0)"),
        (
            b"a: [canary",
            (
                "sources.yaml is neither YAML nor JSON: expected ',' or ']', but got "
                "'<stream end>' at line 1, column 11"
            ),
        ),
        (b"a: !!python/name:os.system x", "sources.yaml is neither YAML nor JSON: could not"),
        (b"id: a\nid: b", "sources.yaml is neither YAML nor JSON: 'id' is set twice"),
        (b'{"id": 1, "id": 2}', "sources.yaml is neither YAML nor JSON: 'id' is set twice"),
        (b"[" * 5000, "sources.yaml is neither YAML nor JSON: "),
        (b"---\na: 1\n---\nb: 2", "sources.yaml is neither YAML nor JSON: but found another"),
    ],
)
def test_read_sources_refuses_what_is_no_sources_file(content: bytes, expected: str) -> None:
    """Any bytes are read or refused in one sentence, without quoting them."""
    with pytest.raises(ConfigurationError) as refused:
        read_sources(content, name="sources.yaml")
    assert expected == str(refused.value)[: len(expected)]
    assert "canary" not in str(refused.value)
