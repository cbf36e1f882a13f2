"""What a process's store of ids remembers, read from a copy of it."""

import shutil
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rocksdict import AccessType, Options, Rdict

_DIGEST_BYTES: Final = 16


def remembered(state_directory: Path) -> set[bytes]:
    """Give the digests of all ids in the stores of all slots."""
    return {digest for store in state_directory.glob("*/*/*") for digest in _digests(store)}


def digest_of(event_id: str) -> bytes:
    """Give what a store remembers of an id."""
    return blake2b(event_id.encode(), digest_size=_DIGEST_BYTES).digest()


def _digests(store: Path) -> Iterator[bytes]:
    with TemporaryDirectory() as directory:
        copied = Path(directory) / "store"
        shutil.copytree(store, copied)
        rocks = Rdict(str(copied), Options(raw_mode=True), access_type=AccessType.read_only())
        for key in rocks.keys():  # noqa: SIM118 - not a mapping
            if isinstance(key, bytes) and len(key) == _DIGEST_BYTES:
                yield key
        rocks.close()
