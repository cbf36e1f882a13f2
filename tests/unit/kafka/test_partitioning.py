"""Keys belong to the partitions that Java's client puts them into."""

import pytest

from producer.kafka.partitioning import murmur2, partition_of

# Computed with `Utils.murmur2` and `Utils.toPositive(hash) % 6` of
# `org.apache.kafka.common.utils.Utils` in the jars of Kafka 4.4.0. Whole blocks and tails of one,
# two and three bytes, letters beyond ASCII, no text at all, lengths around a signed byte's.
_AS_JAVA = [
    (b"", 275646681, 3),
    (b"a", 2731586172, 4),
    (b"ab", 316155434, 2),
    (b"abc", 479470107, 3),
    (b"abcd", 2971317748, 2),
    (b"abcde", 461995741, 1),
    (b"\x00", 375494588, 2),
    (b"foobar", 3504634814, 0),
    (b"src_acme", 3846906162, 4),
    (b"src_acme/compliance/2026/06/01/audit.jsonl.gz", 321636562, 4),
    (b"openai_compliance:src_acme:evt_0001", 544656395, 5),
    ("grün/日本語.jsonl".encode(), 2243220278, 0),
    (b"x" * 127, 2837644791, 1),
    (b"x" * 128, 3649402583, 3),
    ("é".encode() * 100, 2337277689, 1),
    (b"0123456789" * 30 + b"~", 2474189171, 3),
    (bytes(range(256)), 2346620022, 4),
]


@pytest.mark.parametrize(("key", "hashed", "partition"), _AS_JAVA)
def test_key_is_hashed_as_java_does(key: bytes, hashed: int, partition: int) -> None:
    """The hash and the partition of six are those of the Java client."""
    assert (hashed, partition) == (murmur2(key), partition_of(key, partitions=6))


def test_all_keys_belong_to_the_only_partition() -> None:
    """A topic of one partition holds every key."""
    assert {0} == {partition_of(key, partitions=1) for key, _, _ in _AS_JAVA}
