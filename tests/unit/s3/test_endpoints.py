"""Which endpoints a source may name."""

from contextlib import closing

import pytest

from producer.contract.objects import Reason
from producer.s3.access import Accesses, Reach
from producer.s3.endpoints import host_of, is_allowed
from producer.s3.object_store import ObjectStoreRefusedError
from tests.support.builders import a_source

ALLOWED = frozenset({"s3.example.com"})


@pytest.mark.parametrize(
    "endpoint_url",
    [
        "http://169.254.169.254",
        "http://127.0.0.1:9000",
        "http://2130706433",
        "http://0x7f.1",
        "http://localhost",
        "http://[::1]",
        "http://[::ffff:169.254.169.254]",
        "http://10.0.0.8",
        "http://s3.example.com.evil.example",
        "http://evil.example/s3.example.com",
        "http://s3.example.com@evil.example",
        "http://evil.example\\@s3.example.com",
        "http://evil.example#@s3.example.com",
        "http://s3.example.com\n.evil.example",
        "ftp://s3.example.com",
        "s3.example.com",
        "",
    ],
)
def test_endpoint_whose_host_is_not_listed_is_refused(endpoint_url: str) -> None:
    """However it is written; the problem has a name, and nothing is asked."""
    source = a_source(endpoint_url=endpoint_url, role_arn="arn:aws:iam::111122223333:role/reader")
    with (
        closing(Accesses(Reach(allowed_endpoint_hosts=ALLOWED))) as accesses,
        pytest.raises(ObjectStoreRefusedError) as refused,
    ):
        accesses.of(source)
    assert Reason.ENDPOINT_REFUSED is refused.value.reason
    assert "S3__ALLOWED_ENDPOINT_HOSTS" in refused.value.detail


@pytest.mark.parametrize(
    "endpoint_url", ["https://s3.example.com", "http://S3.Example.com:9000/"], ids=str
)
def test_endpoint_whose_host_is_listed_is_taken(endpoint_url: str) -> None:
    """Whatever its port, which is not a host's."""
    assert "s3.example.com" == host_of(endpoint_url)
    assert is_allowed(endpoint_url, ALLOWED)
    assert not is_allowed(endpoint_url, frozenset())


def test_allowed_endpoint_is_where_the_bucket_is_asked() -> None:
    """Of that source alone; the others are asked where all are."""
    reach = Reach(
        endpoint_url="http://127.0.0.1:1",
        allowed_endpoint_hosts=ALLOWED,
        allow_ambient_credentials=True,
    )
    own = a_source(id="src_own", endpoint_url="https://s3.example.com")
    with closing(Accesses(reach)) as accesses:
        asked = [
            accesses.of(source)._client_in("eu-central-1").meta.endpoint_url
            for source in (own, a_source())
        ]
    assert ["https://s3.example.com", "http://127.0.0.1:1"] == asked
