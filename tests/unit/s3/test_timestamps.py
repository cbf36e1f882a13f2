"""Times are read as botocore reads them, whatever their form."""

import pytest
from botocore.utils import parse_timestamp

from producer.s3.timestamps import timestamp


@pytest.mark.parametrize(
    "text",
    [
        "2026-07-15T13:49:25.123Z",
        "2026-07-15T13:49:25.000Z",
        "2026-07-15T13:49:25Z",
        "2026-07-15T13:49:25+02:00",
        "2026-07-15T13:49:25",
        "20260715T134925Z",
        "Wed, 15 Jul 2026 13:49:25 GMT",
        "1784123365",
    ],
)
def test_time_is_the_one_that_botocore_reads(text: str) -> None:
    """Those of listings by a short way, and all others by botocore's own."""
    assert timestamp(text) == parse_timestamp(text)
    assert timestamp(text).utcoffset() == parse_timestamp(text).utcoffset()


def test_what_is_no_time_is_refused_as_by_botocore() -> None:
    """Its parser takes this for an answer that is not S3's."""
    with pytest.raises(ValueError, match="yesterday"):
        timestamp("yesterday")
