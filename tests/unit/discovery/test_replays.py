"""Replays that people ask for: what is pulled once more, when, and what is not."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

import pytest

from producer.contract.objects import ObjectVersion, Place, Reason
from producer.discovery.orders import Order, Replaying
from producer.kafka.stages import Committed
from tests.support.builders import DAY, NOW, SECOND, a_source, a_version
from tests.support.waiting import eventually
from tests.unit.discovery.commanding import (
    KEYS,
    a_command,
    a_discovery,
    ask,
    carry_out,
    finish,
)
from tests.unit.discovery.driving import (
    BUCKET,
    FIRST,
    Discovery,
    a_store,
    keys_of,
)
from tests.unit.discovery.listing_stores import a_page
from tests.unit.discovery.looking_after import DENIED, DONE, Arrival, ScriptedListing, a_ledger
from tests.unit.discovery.tables import ScriptedTopics

if TYPE_CHECKING:
    from producer.discovery.listing import Listing


def test_replay_pulls_known_versions_once_more(topics: ScriptedTopics) -> None:
    """From one key to another, both included, under its own replay id and pulls of their own."""
    discovery = a_discovery(topics, "a", "b", "c", "d")
    before = {version.pull_id for version in discovery.counted}
    ask(topics, a_command(from_key=KEYS[1], to_key=KEYS[2]))

    versions = carry_out(discovery)

    assert list(KEYS[1:3]) == keys_of(versions)
    assert {("command-1", 1, Place())} == {
        (version.replay_id, version.attempt, version.resume_from) for version in versions
    }
    assert 2 == len({version.pull_id for version in versions} - before)
    ((command, objects, failure),) = discovery.carried_out
    assert (a_command(from_key=KEYS[1], to_key=KEYS[2]), 2, None) == (command, objects, failure)


def test_replay_goes_on_behind_what_a_predecessor_published(topics: ScriptedTopics) -> None:
    """What it committed is not published again, and its offset is not lost."""
    store_keys = ("a", "b", "c")
    a_discovery(topics, *store_keys)
    ask(topics, a_command())

    def committed(_: Sequence[int]) -> Mapping[int, Committed]:
        return {0: Committed(0, "after=compliance/b")}

    successor = Discovery(topics, a_store(*store_keys), committed_of_commands=committed)
    successor.apply(a_source(id=FIRST))
    successor.acquire(0)

    assert ["compliance/c"] == [
        version.key for version in carry_out(successor) if version.replay_id is not None
    ]


def test_replay_waits_for_an_object_that_is_on_its_way(topics: ScriptedTopics) -> None:
    """Two attempts at one object never race."""
    discovery = a_discovery(topics, "a", "b")
    overwritten = discovery.store.put(BUCKET, KEYS[0], b"other")
    (version,) = discovery.list_all()
    assert overwritten.etag == version.etag
    ask(topics, a_command())

    for _ in range(20):
        assert [] == discovery.published_in_a_step()
    finish(topics, [version])

    assert list(KEYS[:2]) == keys_of(carry_out(discovery))


def test_replay_leaves_what_is_new_to_discovery(topics: ScriptedTopics) -> None:
    """An object that was never pulled, or was overwritten, is pulled as new, once."""
    discovery = a_discovery(topics, "a", "b")
    discovery.store.put(BUCKET, KEYS[1], b"other")
    discovery.store.put(BUCKET, KEYS[2], b"new")
    ask(topics, a_command())

    assert [KEYS[0]] == keys_of(carry_out(discovery))
    found = discovery.list_all()
    assert [(KEYS[1], None), (KEYS[2], None)] == [(each.key, each.replay_id) for each in found]


def test_replay_stays_within_the_bound_on_unfinished_objects(topics: ScriptedTopics) -> None:
    """A whole bucket that is replayed holds up nobody more than a new one does."""
    discovery = a_discovery(topics, "a", "b", "c", in_flight_max=1)
    ask(topics, a_command())

    eventually(lambda: 1 == discovery.stage.waiting() or discovery.step(), every_seconds=0.005)
    for _ in range(20):
        discovery.step()

    unfinished = sum(source.ledger.unfinished_count for source in discovery.stage._owned())
    assert 1 == unfinished


def test_new_objects_do_not_wait_for_the_end_of_a_replay(topics: ScriptedTopics) -> None:
    """Command and listing take turns in what the source has pending."""
    discovery = a_discovery(topics, *(f"k{number:03}" for number in range(40)), in_flight_max=1)
    discovery.store.put(BUCKET, "compliance/z", b"new")
    ask(topics, a_command())
    discovery.clock.pass_time(60)

    order = [(version.key, version.replay_id is not None) for version in carry_out(discovery)]

    assert ("compliance/z", False) in order


@pytest.mark.parametrize(
    ("reason", "refusals"), [(Reason.ACCESS_DENIED, 3), (Reason.THROTTLED, 6)]
)
def test_replay_of_a_bucket_that_cannot_be_listed_ends(
    topics: ScriptedTopics, reason: Reason, refusals: int
) -> None:
    """After so many refusals in a row, with the reason; the next command has its turn."""
    discovery = a_discovery(topics, "a")
    discovery.store.refuse_listing(BUCKET, reason)
    ask(topics, a_command(), a_command(command_id="command-2"))
    asked = discovery.store.listings

    def is_carried_out() -> bool:
        discovery.step()
        discovery.clock.pass_time(7)
        return bool(discovery.carried_out)

    eventually(is_carried_out, every_seconds=0.005)
    assert [(a_command(), 0, reason.value)] == discovery.carried_out
    assert discovery.store.listings - asked >= refusals
    discovery.store.refuse_listing(BUCKET, None)
    eventually(lambda: is_carried_out() and 2 == len(discovery.carried_out), every_seconds=0.005)
    assert (1, None) == discovery.carried_out[1][1:]


def a_replay(*listings: tuple[Arrival, ...]) -> Replaying:
    """Give a replay that begins one listing after another."""
    scripted = deque(ScriptedListing(*each) for each in listings)
    return Replaying(
        Order(0, a_command()),
        a_command(),
        a_ledger(),
        begin=lambda _: cast("Listing", scripted.popleft()),
        build=lambda found: a_version(key=found.key),
    )


def test_replay_that_gets_on_is_not_given_up() -> None:
    """However often it is refused in all: what counts is in a row."""
    replay, now = a_replay(*[(a_page("k1"), DENIED)] * 9, (DONE,)), NOW
    while not replay.is_done():
        replay.next_versions(now=now, most=10)
        now += 3600 * SECOND

    assert replay.failure is None


def test_replay_does_not_wait_for_a_clock_that_was_set_back() -> None:
    """It would hold up the commands of all others for that time."""
    replay = a_replay((DENIED,), (DONE,))
    replay.next_versions(now=NOW, most=10)
    assert not replay.is_done()

    replay.next_versions(now=NOW - DAY, most=10)
    assert replay.is_done()


def test_object_that_is_replayed_is_found_once(topics: ScriptedTopics) -> None:
    """A replay is no new version."""
    discovery = a_discovery(topics, "a", "b")
    ask(topics, a_command())
    carry_out(discovery)
    discovery.clock.pass_time(60)

    (source,) = discovery.stage._owned()
    assert 2 == source.status(now=NOW).objects_found


def test_source_that_changes_while_it_is_replayed_goes_on(topics: ScriptedTopics) -> None:
    """Behind the last key that is committed."""
    discovery = a_discovery(topics, "a", "b", "c", in_flight_max=1)
    ask(topics, a_command())
    published: list[ObjectVersion] = []

    def has_begun() -> bool:
        published.extend(discovery.published_in_a_step())
        return bool(published)

    eventually(has_begun, every_seconds=0.005)
    discovery.apply(a_source(id=FIRST, poll_every_seconds=7))
    finish(topics, published)
    published += carry_out(discovery)

    assert list(KEYS[:3]) == keys_of([each for each in published if each.replay_id])
    assert 3 == discovery.carried_out[0][1]
