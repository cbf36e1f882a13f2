"""Which partition a key belongs to: murmur2 as the Java client does it, so that any client agrees.

librdkafka partitions by the same rule (`partitioner=murmur2_random`). It is spelt out here because
discovery has to know which partition of `sources` a source id belongs to without publishing
anything, and because publishing to an explicit partition is cheaper than hashing the same key for
every line of an object.
"""

_M = 0x5BD1E995
_SEED = 0x9747B28C
_MASK = 0xFFFFFFFF


def murmur2(key: bytes) -> int:
    """Hash `key` as `org.apache.kafka.common.utils.Utils.murmur2` does; the result is unsigned."""
    length = len(key)
    hashed = _SEED ^ length
    whole = length - length % 4
    for start in range(0, whole, 4):
        block = int.from_bytes(key[start : start + 4], "little") * _M & _MASK
        block = (block ^ block >> 24) * _M & _MASK
        hashed = (hashed * _M & _MASK) ^ block
    if tail := key[whole:]:
        hashed = (hashed ^ int.from_bytes(tail, "little")) * _M & _MASK
    hashed = (hashed ^ hashed >> 13) * _M & _MASK
    return hashed ^ hashed >> 15


def partition_of(key: bytes, *, partitions: int) -> int:
    """Tell which of `partitions` holds messages with `key`."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions
