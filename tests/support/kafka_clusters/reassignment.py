"""The request that gives a partition its replicas, which librdkafka does not know.

Kafka's own tool for it takes seconds to start. This is version 0 of AlterPartitionReassignments:
counts and lengths of its arrays and strings are one more than they are, and each structure ends
with the number of its tagged fields, of which there are none.
"""

import socket
import struct
from collections.abc import Sequence
from typing import Final

from tests.support.kafka_proxy.frames import answered_id, read_frame

_KIND: Final = 45
_VERSION: Final = 0
_CORRELATION_ID: Final = 1
_NO_CLIENT_ID: Final = -1
_NO_TAGS: Final = b"\0"
_SECONDS: Final = 10
# Where an answer tells its error: behind its length, correlation id, tags and throttling.
_ERROR: Final = slice(13, 15)


def reassign(
    bootstrap_servers: str, topic: str, partition: int, *, replicas: Sequence[int]
) -> None:
    """Give a partition these replicas, the one that is to lead it first."""
    header = struct.pack(">hhih", _KIND, _VERSION, _CORRELATION_ID, _NO_CLIENT_ID) + _NO_TAGS
    wanted = struct.pack(f">iB{len(replicas)}i", partition, len(replicas) + 1, *replicas)
    name = topic.encode()
    topics = _count(1) + _count(len(name)) + name + _count(1) + wanted + _NO_TAGS + _NO_TAGS
    request = header + struct.pack(">i", _SECONDS * 1000) + topics + _NO_TAGS
    with _connected(bootstrap_servers) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        answer = read_frame(connection)
    assert _CORRELATION_ID == answered_id(answer)
    error = int.from_bytes(answer[_ERROR], signed=True)
    assert error == 0, f"{topic} {partition} cannot have the replicas {replicas}: error {error}"


def _connected(bootstrap_servers: str) -> socket.socket:
    """Connect to any broker that is up: each passes the request on to the one in charge."""
    for address in bootstrap_servers.split(","):
        host, _, port = address.rpartition(":")
        try:
            return socket.create_connection((host, int(port)), _SECONDS)
        except OSError:
            continue
    raise AssertionError(f"none of {bootstrap_servers} is up")


def _count(number: int) -> bytes:
    assert number < 2**14 - 1
    number += 1
    return bytes([number]) if number < 128 else bytes([number & 127 | 128, number >> 7])
