"""Kafka's frames as they are on the wire: a length, then a header, then what the proxy leaves be.

A request's header begins with the number of its kind, the version, the correlation id that its
answer repeats, and the client's id, in all versions of the header.
"""

import socket
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

_LENGTH: Final = struct.Struct(">i")
_HEADER: Final = struct.Struct(">ihhih")


class Api(IntEnum):
    """The kinds of requests that librdkafka sends, and one that brokers send each other."""

    PRODUCE = 0
    FETCH = 1
    LIST_OFFSETS = 2
    METADATA = 3
    OFFSET_COMMIT = 8
    OFFSET_FETCH = 9
    FIND_COORDINATOR = 10
    JOIN_GROUP = 11
    HEARTBEAT = 12
    LEAVE_GROUP = 13
    SYNC_GROUP = 14
    DESCRIBE_GROUPS = 15
    LIST_GROUPS = 16
    API_VERSIONS = 18
    CREATE_TOPICS = 19
    DELETE_TOPICS = 20
    DELETE_RECORDS = 21
    INIT_PRODUCER_ID = 22
    OFFSET_FOR_LEADER_EPOCH = 23
    ADD_PARTITIONS_TO_TXN = 24
    ADD_OFFSETS_TO_TXN = 25
    END_TXN = 26
    WRITE_TXN_MARKERS = 27
    TXN_OFFSET_COMMIT = 28
    DESCRIBE_CONFIGS = 32
    CREATE_PARTITIONS = 37
    DELETE_GROUPS = 42
    ELECT_LEADERS = 43
    INCREMENTAL_ALTER_CONFIGS = 44
    DESCRIBE_CLUSTER = 60
    CONSUMER_GROUP_HEARTBEAT = 68
    CONSUMER_GROUP_DESCRIBE = 69


@dataclass(frozen=True)
class Request:
    """One whole request of a client, its length in front."""

    frame: bytes
    kind: int
    version: int
    correlation_id: int
    client_id: str

    @classmethod
    def of(cls, frame: bytes) -> "Request":
        """Read the header of a frame."""
        _, kind, version, correlation_id, client_id_bytes = _HEADER.unpack_from(frame)
        client_id = frame[_HEADER.size : _HEADER.size + max(0, client_id_bytes)].decode()
        return cls(frame, kind, version, correlation_id, client_id)

    @property
    def name(self) -> str:
        """The name of its kind, or the number of one that is not known here."""
        return Api(self.kind).name if self.kind in set(Api) else str(self.kind)

    def mentions(self, text: str) -> bool:
        """Whether a name is in it: of a client, a transaction, a group, a topic.

        Names are plain in all requests but for what the batches of a Produce hold.
        """
        return text.encode() in self.frame


def read_frame(connection: socket.socket) -> bytes:
    """Read one whole frame, its length in front; nothing at the end of the connection."""
    length = _read(connection, _LENGTH.size)
    if not length:
        return b""
    body_bytes = int(_LENGTH.unpack(length)[0])
    body = _read(connection, body_bytes)
    return length + body if len(body) == body_bytes else b""


def answered_id(answer: bytes) -> int:
    """Tell the correlation id of the request that is answered."""
    return int(_LENGTH.unpack_from(answer, _LENGTH.size)[0])


def _read(connection: socket.socket, count: int) -> bytes:
    """Read so many bytes, or nothing where the connection ends before them."""
    pieces = bytearray()
    while len(pieces) < count:
        piece = connection.recv(count - len(pieces), socket.MSG_WAITALL)
        if not piece:
            return b""
        pieces += piece
    return bytes(pieces)
