"""Which partition a key belongs to: murmur2 as the Java client does it, so that any client agrees.

librdkafka partitions by the same rule (`partitioner=murmur2_random`), but over the partitions that
the topic has when it asks: where somebody adds some, what has the same key would lie in two, and
what holds for a partition would no longer hold for a key. So whoever relies on that says which
partition it means.
"""

import struct

_M = 0x5BD1E995
_SEED = 0x9747B28C
_MASK = 0xFFFFFFFF


def murmur2(key: bytes) -> int:
    """Hash `key` as `org.apache.kafka.common.utils.Utils.murmur2` does; the result is unsigned."""
    blocks = len(key) // 4
    hashed = _SEED ^ len(key)
    for block in struct.unpack_from(f"<{blocks}I", key):
        mixed = block * _M & _MASK
        hashed = (hashed * _M ^ (mixed ^ mixed >> 24) * _M) & _MASK
    if tail := key[4 * blocks :]:
        hashed = (hashed ^ int.from_bytes(tail, "little")) * _M & _MASK
    hashed = (hashed ^ hashed >> 13) * _M & _MASK
    return hashed ^ hashed >> 15


def partition_of(key: bytes, *, partitions: int) -> int:
    """Tell which of `partitions` holds messages with `key`."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions
