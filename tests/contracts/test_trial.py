"""A source tried before its first listing: its identity, then its region."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from msgspec.structs import replace

from producer.contract.objects import Reason
from producer.contract.source import IngestionSource
from producer.s3.access import Reach
from producer.s3.object_store import ObjectStoreRefusedError
from producer.s3.trial import Trial
from tests.contracts.conftest import a_source
from tests.contracts.scripted_server import Answer, Request, ScriptedServer

ROLE = "arn:aws:iam::123456789012:role/compliance"
EXTERNAL_ID = "lw-canary-7Q"
SOURCE = replace(a_source("bucket"), role_arn=ROLE, external_id=EXTERNAL_ID)
ASSUMED = (
    '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>'
    "<Credentials><AccessKeyId>KEY1</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>"
    "<SessionToken>token</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration>"
    "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
)


def sts(request: Request) -> Answer:
    """Let the role be assumed with the external id alone."""
    if request.form.get("ExternalId") == EXTERNAL_ID:
        return Answer(body=ASSUMED.encode())
    body = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error>"
    return Answer(status=403, body=f"{body}</ErrorResponse>".encode())


@pytest.fixture
def trial(server: ScriptedServer) -> Iterator[Trial]:
    """Give a trial against a server that checks the external id."""
    server.script = sts
    with closing(a_trial(server)) as trial:
        yield trial


def a_trial(server: ScriptedServer, *, allow_ambient: bool = False) -> Trial:
    return Trial(
        Reach(
            endpoint_url=server.url,
            sts_endpoint_url=server.url,
            allow_ambient_credentials=allow_ambient,
            attempts=1,
        )
    )


def refusal_of_identity(trial: Trial, source: IngestionSource) -> ObjectStoreRefusedError:
    with pytest.raises(ObjectStoreRefusedError) as raised:
        trial.identity(source)
    return raised.value


def test_role_is_assumed_as_for_reading(trial: Trial, server: ScriptedServer) -> None:
    """With the external id, which is not told, under the session name of the source."""
    assert f"{ROLE} as session openai-compliance-src_bucket, with an external id" == (
        trial.identity(SOURCE)
    )
    (asked,) = server.asked("POST")
    assert ("AssumeRole", ROLE, EXTERNAL_ID, "openai-compliance-src_bucket") == tuple(
        asked.form[name] for name in ("Action", "RoleArn", "ExternalId", "RoleSessionName")
    )
    assert [] == server.asked("HEAD")


@pytest.mark.parametrize("external_id", [None, "another"])
def test_role_that_cannot_be_assumed_is_the_fault_of_the_identity(
    trial: Trial, external_id: str | None
) -> None:
    """Its refusal is named before anything is asked about the bucket."""
    refusal = refusal_of_identity(trial, replace(SOURCE, external_id=external_id))
    assert refusal.reason.value in {"role_not_assumable", "external_id_rejected"}
    assert ROLE in refusal.detail
    assert str(external_id) not in refusal.detail


def test_sts_that_fails_is_not_blamed_on_the_role(trial: Trial, server: ScriptedServer) -> None:
    """What may pass by itself is told as that."""
    server.script = lambda _: Answer(status=500)
    assert Reason.UNAVAILABLE is refusal_of_identity(trial, SOURCE).reason


def test_own_identity_is_for_those_who_allow_it(trial: Trial, server: ScriptedServer) -> None:
    """A source without a role is refused, and else says where the identity was found."""
    source = replace(SOURCE, role_arn=None)
    assert Reason.AMBIENT_CREDENTIALS_REFUSED is refusal_of_identity(trial, source).reason
    with closing(a_trial(server, allow_ambient=True)) as allowing:
        assert "no role: this machine's own identity, found by env" == allowing.identity(source)


def test_own_identity_that_is_none_is_told(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine without credentials is named as such, before a bucket is asked."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with closing(a_trial(server, allow_ambient=True)) as allowing:
        refusal = refusal_of_identity(allowing, replace(SOURCE, role_arn=None))
    assert Reason.ACCESS_DENIED is refusal.reason
    assert "there are none" in refusal.detail


def test_profile_that_does_not_exist_is_told(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong with this machine's own settings is a refusal too, and no traceback."""
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert "nobody" in refusal_of_identity(trial, SOURCE).detail


@pytest.mark.parametrize("told", ["eu-west-3", None])
def test_region_is_that_in_which_the_bucket_is_asked(
    trial: Trial, server: ScriptedServer, told: str | None
) -> None:
    """As S3 tells it, or as it would be asked where S3 does not."""
    server.region = told
    assert (told or "eu-central-1") == trial.region(SOURCE)
