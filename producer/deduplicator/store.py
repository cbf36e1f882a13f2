"""The ids of one partition on local disk: a cache that may be deleted at any time.

Laws of this file:

1. What is written here was committed to `governance-events`; a remembered id whose event was
   not published would be a lost event.
2. `checkpoint` is an offset of the events partition: the store knows everything before it. It
   is written in the same batch as what it stands for, or later, never earlier.
3. A store that belongs to another cluster, topic, window or format, or cannot be read, is thrown
   away. One that another process holds is left alone, and one beside it is used.
4. What is too old to matter goes when it is swept, and not by RocksDB's own expiry: that takes
   everything it meets in a compaction which runs while the store is being closed.
"""

import contextlib
import shutil
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

from rocksdict import BlockBasedOptions, Cache, Options, Rdict, WriteBatch

from producer.deduplicator.decision import DIGEST_BYTES, Owner
from producer.errors import FatalError

_FORMAT = "2"
_IDENTITY = b"\0identity"
_CHECKPOINT = b"\0checkpoint"
_OWNER = struct.Struct(f">{DIGEST_BYTES}s{DIGEST_BYTES}sq")
_OFFSET = struct.Struct(">q")
# Digests are spread evenly, so a part is all those with a range of first bytes.
SWEEP_PARTS = 2048
_PREFIX_BYTES = 2
_PREFIXES_A_PART = 256**_PREFIX_BYTES // SWEEP_PARTS
# A slot's predecessor that was stopped, not ended, keeps its store; so may the one before.
_STORES_MAX = 4
# RocksDB's defaults are two buffers of 64 MiB and a cache of 32 MiB, for each store.
_WRITE_BUFFER_BYTES = 4 * 1024 * 1024
_READ_CACHE = Cache(16 * 1024 * 1024)
_LOCKED = ("IO error: While lock file", "IO error: lock hold by current process")


class IdStore:
    """Ids and their owners. One thread at a time."""

    def __init__(self, path: Path, *, identity: str, window_seconds: int) -> None:
        self._path = path
        # What was built for a shorter window lacks what a longer one must know.
        self._identity = f"{_FORMAT} {window_seconds} {identity}".encode()
        self._rocks = self._open_unheld(path)

    @property
    def checkpoint(self) -> int | None:
        """Everything before this offset of the events partition is known.

        `None` in a new store.
        """
        packed = self._rocks.get(_CHECKPOINT)
        return None if packed is None else int(_OFFSET.unpack(packed)[0])

    def owners(self, digests: Sequence[bytes]) -> list[Owner | None]:
        """Look up many ids at once."""
        try:
            found = self._rocks.get(list(digests)) or []
        except Exception as raised:
            self.close()
            shutil.rmtree(self._path, ignore_errors=True)
            raise FatalError(
                f"could not read the store of ids in {str(self._path)!r}: {raised}; it was thrown "
                "away, so start this process again: the store is rebuilt by itself"
            ) from raised
        return [None if packed is None else Owner(*_OWNER.unpack(packed)) for packed in found]

    def write(self, owners: Mapping[bytes, Owner], *, checkpoint: int | None = None) -> None:
        """Remember owners of committed events, and how far the store knows the topic then."""
        batch = WriteBatch(raw_mode=True)
        for digest, owner in owners.items():
            batch.put(digest, _OWNER.pack(*owner))
        if checkpoint is not None:
            batch.put(_CHECKPOINT, _OFFSET.pack(checkpoint))
        self._write(batch)

    def sweep(self, part: int, *, published_before: int) -> int:
        """Forget the old ones in one of `SWEEP_PARTS` parts of all ids; tell how many."""
        first, last = part * _PREFIXES_A_PART, (part + 1) * _PREFIXES_A_PART - 1
        batch = WriteBatch(raw_mode=True)
        for key, packed in self._items(from_key=first.to_bytes(_PREFIX_BYTES)):
            if int.from_bytes(key[:_PREFIX_BYTES]) > last:
                break
            is_id = len(key) == DIGEST_BYTES
            if is_id and Owner(*_OWNER.unpack(packed)).published_at < published_before:
                batch.delete(key)
        forgotten = len(batch)
        self._write(batch)
        return forgotten

    def start_afresh(self) -> None:
        """Throw everything away."""
        self.close()
        self._rocks = self._open_empty()

    def close(self) -> None:
        """Let go of the files."""
        # It raises, and nothing narrower, where the directory was deleted: a cache has nothing to
        # save.
        with contextlib.suppress(Exception):
            self._rocks.close()

    def _items(self, *, from_key: bytes) -> Iterator[tuple[bytes, bytes]]:
        return cast("Iterator[tuple[bytes, bytes]]", self._rocks.items(from_key=from_key))

    def _write(self, batch: WriteBatch) -> None:
        try:
            self._rocks.write(batch)
        except Exception as raised:
            raise FatalError(
                f"could not write to the store of ids in {str(self._path)!r}: {raised}; make room "
                "on the disk, or point OPENAI_COMPLIANCE_STATE_DIRECTORY elsewhere; the store is "
                "rebuilt by itself"
            ) from raised

    def _open_unheld(self, path: Path) -> Rdict:
        """Open the store, or one beside it where another process has this one.

        To take the files from under that one would mix what the two of them write.
        """
        for number in range(_STORES_MAX):
            self._path = path if number == 0 else path.with_name(f"{path.name}-{number}")
            try:
                return self._open_own()
            except _HeldError:
                continue
        raise FatalError(
            f"the store of ids in {str(path)!r} and those beside it are held by other processes; "
            "give every process on a host a name of its own with OPENAI_COMPLIANCE_INSTANCE"
        )

    def _open_own(self) -> Rdict:
        if not self._path.exists():
            return self._open_empty()
        try:
            rocks = self._open()
            if rocks.get(_IDENTITY) == self._identity:
                return rocks
            rocks.close()
        except Exception as raised:
            if str(raised).startswith(_LOCKED):
                raise _HeldError from raised
        return self._open_empty()

    def _open_empty(self) -> Rdict:
        """Open a new store, in place of one that is of no use."""
        try:
            if self._path.exists():
                shutil.rmtree(self._path)
            rocks = self._open()
            rocks.put(_IDENTITY, self._identity)
        except Exception as raised:
            raise FatalError(
                f"could not open the store of ids in {str(self._path)!r}: {raised}; "
                "check that OPENAI_COMPLIANCE_STATE_DIRECTORY is writable and has room"
            ) from raised
        return rocks

    def _open(self) -> Rdict:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        options = Options(raw_mode=True)
        options.create_if_missing(create_if_missing=True)
        table = BlockBasedOptions()
        # An id that was never seen is the common case: ten bits keep nine tenths of those off the
        # disk.
        table.set_bloom_filter(10, block_based=False)
        # One for all stores of the process, so that it does not grow with the partitions.
        table.set_block_cache(_READ_CACHE)
        options.set_block_based_table_factory(table)
        options.set_write_buffer_size(_WRITE_BUFFER_BYTES)
        return Rdict(str(self._path), options=options)


class _HeldError(Exception):
    """Another process has the store open."""
