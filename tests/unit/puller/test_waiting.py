"""What stands behind an object: in order, and whether others wait there."""

from producer.puller.waiting import WAITING_MAX, WaitingTasks


def test_tasks_come_in_order() -> None:
    """And none where there is none."""
    tasks = WaitingTasks[str]()
    for task, source_id in (("one", "a"), ("two", ""), ("three", "b")):
        tasks.put(task, source_id)

    assert ["one", "two", "three", None] == [tasks.get(timeout_seconds=0) for _ in range(4)]


def test_others_are_those_of_another_source_that_still_wait() -> None:
    """Neither its own, nor what is nobody's, nor what was taken."""
    tasks = WaitingTasks[str]()
    tasks.put("own", "a")
    tasks.put("passed over")
    assert not tasks.has_others("a")
    assert tasks.has_others("b")
    tasks.put("other", "b")
    assert tasks.has_others("a")
    tasks.get(timeout_seconds=0)
    assert tasks.has_others("a")
    assert not tasks.has_others("b")
    tasks.get(timeout_seconds=0)
    tasks.get(timeout_seconds=0)
    assert not tasks.has_others("a")


def test_others_may_stand_behind_what_is_held() -> None:
    """A partition that holds as much as it may, the one being pulled included, is not fetched."""
    tasks = WaitingTasks[str]()
    for _ in range(WAITING_MAX - 2):
        tasks.put("own", "a")
    assert not tasks.has_others("a")
    tasks.put("own", "a")
    assert tasks.has_others("a")
