"""Sources whose store accepts what is asked and does not answer: how often they are waited for."""

from contextlib import closing

import msgspec
import pytest

from producer.contract.objects import Reason
from producer.contract.source import IngestionSource
from producer.s3.object_store import ListedObject, ObjectStoreRefusedError
from producer.s3.s3_object_store import S3ObjectStore
from tests.contracts.conftest import a_source, version_of
from tests.support.fault_s3.buckets import Bytes
from tests.support.fault_s3.faults import GetObject
from tests.support.fault_s3.server import FaultS3

ROLE = "arn:aws:iam::123456789012:role/compliance"
SOURCE = msgspec.structs.replace(a_source("bucket"), role_arn=ROLE)
OTHER = msgspec.structs.replace(a_source("other"), role_arn=ROLE)
CONTENT = bytes(range(256)) * 4096


def read(store: S3ObjectStore, source: IngestionSource) -> bytes:
    etag, size = Bytes(CONTENT).etag, len(CONTENT)
    found = ListedObject(key="key", etag=etag, size_bytes=size, last_modified=0)
    with closing(store.open(source, version_of(source, found))) as body:
        return b"".join(body)


def reason_of_refusal(store: S3ObjectStore) -> Reason:
    with pytest.raises(ObjectStoreRefusedError) as raised:
        read(store, SOURCE)
    return raised.value.reason


@pytest.mark.parametrize("reads_with_obstore", [True, False], ids=["obstore", "boto3"])
@pytest.mark.parametrize(
    "fault",
    [
        GetObject(bucket="bucket").stalled_at(1000).always(),
        GetObject(bucket="bucket").waiting(2).always(),
    ],
    ids=["body", "answer"],
)
def test_source_that_stalls_is_waited_for_once(
    fault_s3: FaultS3, fault: GetObject, *, reads_with_obstore: bool
) -> None:
    """Then it is refused unasked for a while, and another is read."""
    fault_s3.roles.add(ROLE)
    for bucket in ("bucket", "other"):
        fault_s3.put(bucket, "key", CONTENT)
    fault_s3.script(fault)
    with closing(
        S3ObjectStore(
            endpoint_url=fault_s3.url,
            sts_endpoint_url=fault_s3.url,
            reads_with_obstore=reads_with_obstore,
            attempts=1,
            read_seconds=0.5,
            long_wait_seconds=0.4,
        )
    ) as store:
        assert reason_of_refusal(store) is Reason.UNAVAILABLE
        asked = len(fault_s3.asked("GetObject", bucket="bucket"))
        assert [Reason.UNAVAILABLE] * 20 == [reason_of_refusal(store) for _ in range(20)]
        assert asked == len(fault_s3.asked("GetObject", bucket="bucket"))
        assert read(store, OTHER) == CONTENT
