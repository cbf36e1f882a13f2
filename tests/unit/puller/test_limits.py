"""The bounds of the puller, held against each other."""

from producer.puller.limits import Limits

DEFLATE_RATIO_MAX = 1032
LARGEST_PROMISED_OBJECT_BYTES = 10 * 10**9


def test_limits_let_the_largest_promised_object_pass() -> None:
    """An object of 10 GB is read, compressed or not."""
    limits = Limits()
    assert limits.decompressed_bytes_max > LARGEST_PROMISED_OBJECT_BYTES
    assert limits.compressed_bytes_max > LARGEST_PROMISED_OBJECT_BYTES


def test_limits_can_all_be_reached() -> None:
    """No limit lies where another one hides it."""
    limits = Limits()
    assert limits.sample_bytes < limits.line_bytes_max
    assert limits.ratio_max < DEFLATE_RATIO_MAX
    assert limits.ratio_judged_from_bytes < limits.decompressed_bytes_max
