"""Times as S3 writes them, read a hundred times faster than botocore does by itself.

A page of a listing has a thousand of them, and botocore's way, which takes times of any form, is
three quarters of what reading the page costs.
"""

from datetime import datetime

from botocore.utils import parse_timestamp


def timestamp(text: str) -> datetime:
    """Read a time of the one form that listings have, and leave all others to botocore."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return parse_timestamp(text)
    return parse_timestamp(text) if read.tzinfo is None else read
