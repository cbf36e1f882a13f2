"""The ids of one partition on local disk: a cache that may be deleted at any time.

Laws of this file:

1. What is written here was committed to `governance-events`; a remembered id whose event was
   not published would be a lost event.
2. `checkpoint` is an offset of the events partition: the store knows everything before it. It
   is written in the same batch as what it stands for, or later, never earlier.
3. A store that belongs to another cluster, topic or format, or cannot be opened, is thrown away.
"""

import shutil
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

from rocksdict import AccessType, BlockBasedOptions, Options, Rdict, WriteBatch

from producer.deduplicator.decision import DIGEST_BYTES, Owner
from producer.errors import FatalError

_FORMAT = "1"
_IDENTITY = b"\0identity"
_CHECKPOINT = b"\0checkpoint"
_OWNER = struct.Struct(f">{DIGEST_BYTES}s{DIGEST_BYTES}sq")
_OFFSET = struct.Struct(">q")
# RocksDB drops entries by itself some days after the window has closed over them.
_SPARE_SECONDS = 2 * 86_400


class IdStore:
    """Ids and their owners. One thread at a time."""

    def __init__(self, path: Path, *, identity: str, window_seconds: int) -> None:
        self._path = path
        self._identity = f"{_FORMAT} {identity}".encode()
        self._lifetime_seconds = window_seconds + _SPARE_SECONDS
        self._rocks = self._open_own()

    @property
    def checkpoint(self) -> int | None:
        """Everything before this offset of the events partition is known.

        `None` in a new store.
        """
        packed = self._rocks.get(_CHECKPOINT)
        return None if packed is None else int(_OFFSET.unpack(packed)[0])

    def owners(self, digests: Sequence[bytes]) -> list[Owner | None]:
        """Look up many ids at once."""
        found = self._rocks.get(list(digests)) or []
        return [None if packed is None else Owner(*_OWNER.unpack(packed)) for packed in found]

    def write(self, owners: Mapping[bytes, Owner], *, checkpoint: int | None = None) -> None:
        """Remember owners of committed events, and how far the store knows the topic then."""
        batch = WriteBatch(raw_mode=True)
        for digest, owner in owners.items():
            batch.put(digest, _OWNER.pack(*owner))
        if checkpoint is not None:
            batch.put(_CHECKPOINT, _OFFSET.pack(checkpoint))
        try:
            self._rocks.write(batch)
        except Exception as raised:
            raise FatalError(
                f"could not write to the store of ids in {str(self._path)!r}: {raised}; make room "
                "on the disk, or point OPENAI_COMPLIANCE_STATE_DIRECTORY elsewhere; the store is "
                "rebuilt by itself"
            ) from raised

    def start_afresh(self) -> None:
        """Throw everything away."""
        self._rocks.close()
        shutil.rmtree(self._path, ignore_errors=True)
        self._rocks = self._open()

    def close(self) -> None:
        """Let go of the files."""
        self._rocks.close()

    def _open_own(self) -> Rdict:
        try:
            rocks = self._open()
        except Exception:  # noqa: BLE001 - the library raises nothing narrower, and a cache may go
            shutil.rmtree(self._path, ignore_errors=True)
            rocks = self._open_or_explain()
        if rocks.get(_IDENTITY) != self._identity:
            rocks.close()
            shutil.rmtree(self._path, ignore_errors=True)
            rocks = self._open_or_explain()
        return rocks

    def _open_or_explain(self) -> Rdict:
        try:
            return self._open()
        except Exception as raised:
            raise FatalError(
                f"could not open the store of ids in {str(self._path)!r}: {raised}; "
                "check that OPENAI_COMPLIANCE_STATE_DIRECTORY is writable and has room, and that "
                "no other process on this host has the same OPENAI_COMPLIANCE_INSTANCE"
            ) from raised

    def _open(self) -> Rdict:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not self._path.exists()
        options = Options(raw_mode=True)
        options.create_if_missing(create_if_missing=True)
        table = BlockBasedOptions()
        # An id that was never seen is the common case: ten bits keep nine tenths of those off the
        # disk.
        table.set_bloom_filter(10, block_based=False)
        options.set_block_based_table_factory(table)
        rocks = Rdict(
            str(self._path),
            options=options,
            access_type=AccessType.with_ttl(self._lifetime_seconds),
        )
        if is_new:
            rocks.put(_IDENTITY, self._identity)
        return rocks
