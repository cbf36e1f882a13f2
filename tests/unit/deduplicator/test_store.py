"""The cache of ids: what it keeps, what it is bound to, and what it survives."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rocksdict import Options, Rdict

from producer.deduplicator.decision import Owner, id_digest
from producer.deduplicator.store import SWEEP_PARTS, IdStore
from producer.errors import FatalError

DAY = 86_400
IDENTITY = "cluster topic 0"
ID, OTHER = b"i" * 16, b"o" * 16
OWNER = Owner(b"p" * 16, b"q" * 16, 1_780_000_000_000)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a place for a store, in a directory that is not there yet."""
    return tmp_path / "state" / "group" / "0"


def opened(path: Path, identity: str = IDENTITY, *, window_seconds: int = 35 * DAY) -> IdStore:
    return IdStore(path, identity=identity, window_seconds=window_seconds)


def leave_one(path: Path) -> None:
    store = opened(path)
    store.write({ID: OWNER}, checkpoint=7)
    store.close()


def is_empty(store: IdStore) -> bool:
    return store.checkpoint is None and store.owners([ID]) == [None]


def test_owners_are_kept(path: Path) -> None:
    """Also over a restart; unknown ids are told in their place."""
    leave_one(path)
    store = opened(path)

    assert [None, OWNER, OWNER] == store.owners([OTHER, ID, ID])
    assert 7 == store.checkpoint
    assert [] == store.owners([])
    store.close()


def test_new_store_knows_nothing(path: Path) -> None:
    """Not even how far: it has to be restored."""
    store = opened(path)

    assert is_empty(store)
    store.close()


def test_checkpoint_stays_until_it_is_told(path: Path) -> None:
    """Owners may be written without one, and one without owners."""
    store = opened(path)
    store.write({}, checkpoint=7)
    store.write({ID: OWNER})

    assert 7 == store.checkpoint
    assert [OWNER] == store.owners([ID])
    store.close()


@pytest.mark.parametrize("identity", ["other topic 0", "cluster other 0", "cluster topic 1"])
def test_store_of_something_else_is_thrown_away(path: Path, identity: str) -> None:
    """Ids that another topic holds were never published to this one."""
    leave_one(path)
    store = opened(path, identity)
    assert is_empty(store)
    store.close()

    again = opened(path)
    assert is_empty(again)
    again.close()


def test_store_of_another_window_is_thrown_away(path: Path) -> None:
    """A longer window must know ids that the shorter one has let go of."""
    leave_one(path)
    store = opened(path, window_seconds=36 * DAY)

    assert is_empty(store)
    store.close()


def test_store_without_an_identity_is_thrown_away(path: Path) -> None:
    """The process ended between making it and saying whose it is."""
    path.parent.mkdir(parents=True)
    options = Options(raw_mode=True)
    rocks = Rdict(str(path), options=options)
    rocks[ID] = b"?"
    rocks.close()
    store = opened(path)

    assert is_empty(store)
    store.close()


def test_deleted_store_is_new(path: Path) -> None:
    """The directory may go at any time, also while it is in use; letting go is no error then."""
    store = opened(path)
    store.write({ID: OWNER}, checkpoint=7)

    shutil.rmtree(path.parent)
    store.close()

    again = opened(path)
    assert is_empty(again)
    again.close()


@pytest.mark.parametrize("damage", [b"", b"garbage"], ids=["emptied", "overwritten"])
def test_store_that_cannot_be_opened_is_thrown_away(path: Path, damage: bytes) -> None:
    """A cache is not repaired."""
    leave_one(path)
    (path / "CURRENT").write_bytes(damage)
    store = opened(path)

    assert is_empty(store)
    store.close()


def test_store_that_cannot_be_read_is_thrown_away_and_explained(path: Path) -> None:
    """It opens without an error, so it would stop the process at each start."""
    store = opened(path)
    owners = {number.to_bytes(16): OWNER for number in range(1000)}
    store.write(owners, checkpoint=7)
    store.close()
    opened(path).close()
    for file in path.glob("*.sst"):
        content = bytearray(file.read_bytes())
        content[: len(content) // 2] = bytes(len(content) // 2)
        file.write_bytes(content)
    damaged = opened(path)

    with pytest.raises(FatalError, match="was thrown away"):
        damaged.owners(list(owners))
    damaged.close()

    again = opened(path)
    assert is_empty(again)
    again.close()


def test_store_that_another_process_holds_is_left_alone(path: Path) -> None:
    """A stopped predecessor keeps its files; its successor builds a store beside them."""
    leave_one(path)
    program = (
        "import pathlib, sys; from producer.deduplicator.store import IdStore\n"
        "held = IdStore(\n"
        f"  pathlib.Path(sys.argv[1]), identity={IDENTITY!r}, window_seconds={35 * DAY}\n"
        ")\n"
        "print('open', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert b"open\n" == holder.stdout.readline()
        beside = opened(path)
        assert is_empty(beside)
        beside.write({OTHER: OWNER}, checkpoint=9)
        beside.close()
        holder.communicate()
    assert 0 == holder.returncode

    store = opened(path)
    assert [OWNER, None] == store.owners([ID, OTHER])
    store.close()


def test_only_so_many_stores_are_begun(path: Path) -> None:
    """Then somebody has to be told that processes share a name."""
    stores = [opened(path) for _ in range(4)]

    with pytest.raises(FatalError, match="OPENAI_COMPLIANCE_INSTANCE"):
        opened(path)
    for store in stores:
        store.close()


def test_place_that_cannot_be_used_is_explained(path: Path) -> None:
    """The setting that names it is told."""
    path.parent.parent.mkdir()
    path.parent.write_text("a file where a directory should be")

    with pytest.raises(FatalError, match="OPENAI_COMPLIANCE_STATE_DIRECTORY"):
        opened(path)


def test_write_that_fails_is_explained(path: Path) -> None:
    """Nothing is believed to be remembered that is not."""
    store = opened(path)
    store.close()

    with pytest.raises(FatalError, match="OPENAI_COMPLIANCE_STATE_DIRECTORY"):
        store.write({ID: OWNER})


def test_starting_afresh_leaves_nothing(path: Path) -> None:
    """And the new store is this one's own."""
    leave_one(path)
    store = opened(path)

    store.start_afresh()

    assert is_empty(store)
    store.write({ID: OWNER}, checkpoint=3)
    store.close()
    again = opened(path)
    assert [OWNER] == again.owners([ID])
    again.close()


def test_ids_survive_compaction(path: Path) -> None:
    """Which runs while the store is being closed, after some restarts."""
    ids = [number.to_bytes(16) for number in range(20)]
    for number, digest in enumerate(ids):
        store = opened(path)
        assert [OWNER] * number == store.owners(ids[:number])
        store.write({digest: OWNER}, checkpoint=number)
        store.close()


def test_sweep_forgets_what_is_too_old_in_one_part(path: Path) -> None:
    """Neither what is younger, nor what is no id."""
    part = 0
    old, young = OWNER._replace(published_at=5), OWNER._replace(published_at=6)
    first, last, behind = bytes(16), b"\0\x1f" + b"\xff" * 14, b"\0\x20" + bytes(14)
    store = opened(path)
    store.write({first: old, last: old, ID: old, behind: old, b"\0\1" * 8: young}, checkpoint=7)

    assert 2 == store.sweep(part, published_before=6)

    assert [None, None, old, old, young] == store.owners([first, last, ID, behind, b"\0\1" * 8])
    assert 7 == store.checkpoint
    store.close()
    again = opened(path)
    assert 7 == again.checkpoint
    again.close()


def test_sweeping_all_parts_forgets_all_that_is_old(path: Path) -> None:
    """Wherever the digests lie, and again when there is nothing left."""
    ids = [id_digest(b"%d" % number) for number in range(1000)] + [b"\xff" * 16, bytes(16)]
    store = opened(path)
    store.write({digest: OWNER._replace(published_at=5) for digest in ids}, checkpoint=7)

    swept = [store.sweep(part, published_before=6) for part in range(SWEEP_PARTS)]

    assert len(ids) == sum(swept)
    assert [None] * len(ids) == store.owners(ids)
    assert 0 == store.sweep(SWEEP_PARTS - 1, published_before=6)
    store.close()
