"""Objects that each hold one line, which tells whose it is."""

from collections import Counter
from collections.abc import Iterable

from tests.scenarios.ingestion import Ingestion
from tests.support.builders import a_source
from tests.support.fault_s3.server import FaultS3

BUCKET = "drops"
SOURCE = a_source(bucket=BUCKET, prefix="")
HOUR, DAY = 3600, 86_400


def content_of(key: str) -> bytes:
    return f"a line of {key!r}".encode()


def put(s3: FaultS3, *keys: str) -> list[str]:
    for key in keys:
        s3.put(BUCKET, key, content_of(key))
    return list(keys)


def put_at(s3: FaultS3, ingestion: Ingestion, seconds: float, *keys: str) -> list[str]:
    """Let objects have a time that is so many seconds from now."""
    for key in keys:
        s3.put(BUCKET, key, content_of(key), last_modified=ingestion.time(seconds=seconds))
    return list(keys)


def lines_of(*keys: str) -> Counter[tuple[str, bytes]]:
    """Each object's line, once."""
    return Counter((key, content_of(key)) for key in keys)


def numbered(before: str, numbers: Iterable[int]) -> list[str]:
    return [f"{before}{number:05}" for number in numbers]


def begun_behind(s3: FaultS3) -> str | None:
    """The key behind which the last listing of one page began."""
    return s3.asked("ListObjectsV2")[-1].query.get("start-after")
