"""What a memory of events decides, live and read back from what was published."""

import itertools

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from producer.deduplicator.decision import (
    Claim,
    Owner,
    Verdict,
    claim_of,
    judge,
    owner_after,
    owner_restored,
)
from tests.support.builders import an_origin

WINDOW = 1000
IDS = ("evt-1", "evt-2")


class Arrival(msgspec.Struct, frozen=True):
    """An event that wants to pass, and how long after the one before it comes."""

    event: str
    claim: Claim
    after: int


class Published(msgspec.Struct, frozen=True):
    """An event that passed, and when."""

    event: str
    claim: Claim
    at: int


def claims(*, with_replays: bool) -> st.SearchStrategy[Claim]:
    """A few places in a few pulls, so that they meet."""
    pulls = st.sampled_from([("pull-1", None), ("pull-2", None)])
    if with_replays:
        pulls |= st.sampled_from([("pull-3", "replay-1"), ("pull-4", "replay-2")])
    return st.builds(
        lambda key, pull: claim_of(an_origin(key=key, pull_id=pull[0], replay_id=pull[1])),
        st.sampled_from(["object", "copy"]),
        pulls,
    )


def histories(*, with_replays: bool = True) -> st.SearchStrategy[list[Arrival]]:
    """Arrivals, some of them a window apart."""
    after = st.integers(0, 300) | st.sampled_from([WINDOW - 1, WINDOW, WINDOW + 1, 3 * WINDOW])
    arrival = st.builds(Arrival, st.sampled_from(IDS), claims(with_replays=with_replays), after)
    return st.lists(arrival, max_size=30)


def lived_through(history: list[Arrival]) -> tuple[dict[str, Owner], list[Published], int]:
    """Judge arrivals one by one: who owns what then, what was published, what time it is."""
    owners: dict[str, Owner] = {}
    published, now = list[Published](), 0
    for arrival in history:
        now += arrival.after
        owner = owners.get(arrival.event)
        verdict = judge(owner, arrival.claim, now=now, window=WINDOW)
        if verdict is not Verdict.SUPPRESSED:
            owners[arrival.event] = owner_after(verdict, owner, arrival.claim, now=now)
            published.append(Published(arrival.event, arrival.claim, now))
    return owners, published, now


def read_back(
    published: list[Published], owners: dict[str, Owner] | None = None
) -> dict[str, Owner]:
    """Restore who owns what, from nothing or from what a store has kept."""
    restored = dict(owners or {})
    for event in published:
        restored[event.event] = owner_restored(
            restored.get(event.event), event.claim, published_at=event.at, window=WINDOW
        )
    return restored


@given(histories())
def test_all_that_was_published_restores_what_was_known(history: list[Arrival]) -> None:
    """To the owner and to the millisecond."""
    owners, published, _ = lived_through(history)

    assert owners == read_back(published)


@given(histories(), st.data())
def test_store_that_is_older_or_younger_than_its_checkpoint_comes_to_the_same(
    history: list[Arrival], data: st.DataObject
) -> None:
    """Events are read that it knows already: the last of each id decides."""
    owners, published, _ = lived_through(history)
    kept = data.draw(st.integers(0, len(published)))
    checkpoint = data.draw(st.integers(0, kept))
    store = read_back(published[:kept])

    assert owners == read_back(published[checkpoint:], store)


@given(histories(with_replays=False), claims(with_replays=True), st.integers(0, 2 * WINDOW))
def test_events_of_the_window_restore_every_verdict(
    history: list[Arrival], claim: Claim, after: int
) -> None:
    """What is older has no say. Replays apart: they renew an id whose first pull is not told."""
    owners, published, now = lived_through(history)
    restored = read_back([event for event in published if event.at >= now - WINDOW])

    for event in IDS:
        assert judge(owners.get(event), claim, now=now + after, window=WINDOW) == judge(
            restored.get(event), claim, now=now + after, window=WINDOW
        )


@given(histories(), claims(with_replays=True))
def test_events_of_the_window_never_suppress_a_new_owner(
    history: list[Arrival], claim: Claim
) -> None:
    """To remember too much loses events, so that is the direction that must not happen."""
    owners, published, now = lived_through(history)
    restored = read_back([event for event in published if event.at >= now - WINDOW])

    for event in IDS:
        live = judge(owners.get(event), claim, now=now, window=WINDOW)
        if live in {Verdict.FIRST, Verdict.REPLAYED}:
            assert Verdict.SUPPRESSED != judge(restored.get(event), claim, now=now, window=WINDOW)


@given(histories())
def test_one_event_is_published_for_an_id(history: list[Arrival]) -> None:
    """Within a window all that is published of it comes from one place."""
    _, published, _ = lived_through(history)
    for event in IDS:
        of_one = [each for each in published if each.event == event]
        for one, next_one in itertools.pairwise(of_one):
            if next_one.at - one.at <= WINDOW:
                assert one.claim.place == next_one.claim.place


@given(histories())
def test_nothing_is_lost(history: list[Arrival]) -> None:
    """Of each id that arrives, something was published within the window before it, or it was."""
    assume(history)
    _, published, _ = lived_through(history)
    now = 0
    for arrival in history:
        now += arrival.after
        assert any(
            each.event == arrival.event and now - WINDOW <= each.at <= now for each in published
        )
