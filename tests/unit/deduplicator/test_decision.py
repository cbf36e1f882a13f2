"""Which origins pass, case by case."""

from typing import Any

import pytest

from producer.deduplicator.decision import (
    Claim,
    Owner,
    Verdict,
    claim_of,
    id_digest,
    judge,
    owner_after,
    owner_restored,
)
from tests.support.builders import an_origin

WINDOW = 1000
THEN = 5000


def a_claim(**changes: Any) -> Claim:  # noqa: ANN401 - any field's value
    return claim_of(an_origin(**changes))


def an_owner(published_at: int = THEN, **changes: Any) -> Owner:  # noqa: ANN401 - any field's value
    claim = a_claim(**changes)
    return Owner(claim.place, claim.pull, published_at)


def verdict_on(claim: Claim, *, owner: Owner | None, now: int = THEN) -> Verdict:
    return judge(owner, claim, now=now, window=WINDOW)


def test_unknown_id_passes() -> None:
    """The first origin seen owns it."""
    assert Verdict.FIRST == verdict_on(a_claim(), owner=None)
    assert an_owner(THEN) == owner_after(Verdict.FIRST, None, a_claim(), now=THEN)


@pytest.mark.parametrize("replay_id", [None, "replay-1"])
def test_same_place_and_pull_passes(replay_id: str | None) -> None:
    """The offsets of the normaliser were reset."""
    origin: dict[str, Any] = {"replay_id": replay_id}
    assert Verdict.REPEATED == verdict_on(a_claim(**origin), owner=an_owner(**origin))


def test_same_place_in_a_replay_passes() -> None:
    """Somebody asked for it."""
    claim = a_claim(pull_id="pull-2", replay_id="replay-1")
    assert Verdict.REPLAYED == verdict_on(claim, owner=an_owner())


def test_same_place_in_another_pull_is_suppressed() -> None:
    """The object was overwritten and put back: nobody asked for its events again."""
    assert Verdict.SUPPRESSED == verdict_on(a_claim(pull_id="pull-2"), owner=an_owner())


@pytest.mark.parametrize(
    "change", [{"key": "copy"}, {"etag": "etag-b"}, {"line": 2}, {"index": 1}], ids=str
)
@pytest.mark.parametrize("replay", [{}, {"pull_id": "pull-2", "replay_id": "replay-1"}], ids=str)
def test_another_place_is_suppressed(change: dict[str, Any], replay: dict[str, Any]) -> None:
    """A copy does not own the id, and a replay of a copy does not make it do so."""
    assert Verdict.SUPPRESSED == verdict_on(a_claim(**change, **replay), owner=an_owner())


def test_bucket_is_no_part_of_a_place() -> None:
    """A source that is moved to another bucket brings the same events."""
    assert a_claim() == a_claim(bucket="acme-new")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"line": 1, "index": 11}, {"line": 11, "index": 1}),
        ({"etag": "a", "key": "b/c"}, {"etag": "a/b", "key": "c"}),
        ({"etag": "a", "key": "b\0c"}, {"etag": "ab", "key": "\0c"}),
    ],
    ids=str,
)
def test_places_are_not_spelt_alike(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Whatever a key holds."""
    assert a_claim(**one).place != a_claim(**other).place


def test_window_is_closed_to_the_millisecond() -> None:
    """At its edge an id is known, and behind it the next origin is the first."""
    claim = a_claim(key="copy")
    assert Verdict.SUPPRESSED == verdict_on(claim, owner=an_owner(), now=THEN + WINDOW)
    assert Verdict.FIRST == verdict_on(claim, owner=an_owner(), now=THEN + WINDOW + 1)


def test_owner_that_is_published_again_keeps_the_id_for_a_new_window() -> None:
    """Its pull stays the first one's: an offset reset may bring that again."""
    replay = a_claim(pull_id="pull-2", replay_id="replay-1")

    owner = owner_after(Verdict.REPLAYED, an_owner(), replay, now=THEN + 900)

    assert an_owner(THEN + 900) == owner
    assert Verdict.REPEATED == verdict_on(a_claim(), owner=owner, now=THEN + 1900)
    assert Verdict.SUPPRESSED == verdict_on(a_claim(line=2), owner=owner, now=THEN + 1900)


def test_id_that_comes_after_its_window_has_a_new_owner() -> None:
    """The old one's place is then another place."""
    owner = owner_after(Verdict.FIRST, an_owner(), a_claim(key="copy"), now=THEN + 1001)

    assert an_owner(THEN + 1001, key="copy") == owner


def test_what_was_published_by_another_place_owns_the_id_when_restored() -> None:
    """It would be suppressed as time is counted now, and was the first as it was counted then."""
    restored = owner_restored(
        an_owner(), a_claim(key="copy"), published_at=THEN + 900, window=WINDOW
    )

    assert an_owner(THEN + 900, key="copy") == restored


def test_ids_are_told_apart() -> None:
    """Sixteen bytes of each."""
    assert 16 == len(id_digest(b"openai_compliance:src_acme:evt-1"))
    assert id_digest(b"evt-1") != id_digest(b"evt-2")
