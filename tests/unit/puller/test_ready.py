"""What waits between the thread that reads and the loop: in order, and bounded by its bytes."""

import threading

from producer.puller.ready import ReadyPieces
from tests.support.waiting import eventually

NOW = 0.0
PATIENCE = 30.0


def test_pieces_come_in_order() -> None:
    """Each once, and nothing where there is none."""
    ready = ReadyPieces[str](bytes_max=10)
    assert not ready
    assert [True, True] == [ready.put(name, 1, timeout_seconds=NOW) for name in "ab"]

    assert ready
    assert ["a", "b", None] == [ready.take() for _ in range(3)]


def test_pieces_are_bounded_by_their_bytes() -> None:
    """Many small ones wait together, and make room when they are taken."""
    ready = ReadyPieces[int](bytes_max=10)
    taken = [ready.put(number, 3, timeout_seconds=NOW) for number in range(5)]
    assert [True, True, True, False, False] == taken

    ready.take()
    assert ready.put(5, 3, timeout_seconds=NOW)
    assert not ready.put(6, 3, timeout_seconds=NOW)


def test_piece_that_is_larger_than_all_waits_alone() -> None:
    """Or it could never be handed over."""
    ready = ReadyPieces[int](bytes_max=10)
    assert ready.put(1, 11, timeout_seconds=NOW)
    assert not ready.put(2, 0, timeout_seconds=NOW)

    ready.take()
    assert ready.put(2, 0, timeout_seconds=NOW)


def test_pieces_without_bytes_are_bounded_too() -> None:
    """Outcomes of empty objects, a million of them perhaps."""
    ready = ReadyPieces[int](bytes_max=10)

    assert 1000 == sum(ready.put(number, 0, timeout_seconds=NOW) for number in range(1001))


def test_waiting_for_room_ends_when_there_is_some() -> None:
    """The thread that reads does not have to look again and again."""
    ready = ReadyPieces[int](bytes_max=10)
    ready.put(1, 10, timeout_seconds=NOW)
    put: list[bool] = []
    thread = threading.Thread(
        target=lambda: put.append(ready.put(2, 10, timeout_seconds=PATIENCE)), daemon=True
    )
    thread.start()

    assert 1 == ready.take()
    assert [True] == eventually(lambda: put, every_seconds=0.001)
    assert 2 == ready.take()
