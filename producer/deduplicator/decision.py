"""Whether an event passes: pure, time passed in.

An origin is a place (object key, etag, line, index in the line) and a pull (one for each
discovered version, kept by its retries). The cases, for an id that is known within the window:

1. same place, same pull: the normaliser's offsets were reset; passes.
2. same place, another pull, under a replay id: pulled again on purpose; passes.
3. same place, another pull, no replay id: the object was overwritten and put back, A, B, A;
   suppressed.
4. another place: OpenAI delivered it again, or the object was copied; suppressed.

An id that is unknown, or was last published before the window, passes and is owned by this origin.
"""

from collections.abc import Mapping
from enum import StrEnum
from hashlib import blake2b
from typing import Any, NamedTuple

# 128 bits: among 10^12 ids two collide with a chance of about 10^-15; a collision would lose an
# event.
DIGEST_BYTES = 16


class Owner(NamedTuple):
    """Who owns an id, as digests; when its event was last published, in epoch milliseconds."""

    place: bytes
    pull: bytes
    published_at: int


class Claim(NamedTuple):
    """The origin of an event that wants to pass."""

    place: bytes
    pull: bytes
    is_replay: bool


class Verdict(StrEnum):
    """What is done with an event, and why."""

    FIRST = "first"
    REPEATED = "repeated"
    REPLAYED = "replayed"
    SUPPRESSED = "suppressed"


def id_digest(event_id: bytes) -> bytes:
    """Shorten an event id to what is remembered of it."""
    return blake2b(event_id, digest_size=DIGEST_BYTES).digest()


def claim_of(origin: Mapping[str, Any]) -> Claim:
    """Build the claim of an event's `origin` field."""
    # A NUL cannot end a number or an etag, and the key comes last, so no two places are spelt
    # alike.
    place = f"{origin['line']}\0{origin['index']}\0{origin['etag']}\0{origin['key']}"
    return Claim(
        place=blake2b(place.encode(), digest_size=DIGEST_BYTES).digest(),
        pull=blake2b(origin["pull_id"].encode(), digest_size=DIGEST_BYTES).digest(),
        is_replay=origin["replay_id"] is not None,
    )


def judge(owner: Owner | None, claim: Claim, *, now: int, window: int) -> Verdict:
    """Decide about one event; `now` and `window` are milliseconds."""
    if owner is None or owner.published_at < now - window:
        return Verdict.FIRST
    if owner.place != claim.place:
        return Verdict.SUPPRESSED
    if owner.pull == claim.pull:
        return Verdict.REPEATED
    return Verdict.REPLAYED if claim.is_replay else Verdict.SUPPRESSED


def owner_after(verdict: Verdict, owner: Owner | None, claim: Claim, *, now: int) -> Owner:
    """Who owns the id once the event has passed; publishing again renews the window."""
    if verdict is Verdict.FIRST or owner is None:
        return Owner(claim.place, claim.pull, now)
    return owner._replace(published_at=now)


def owner_restored(owner: Owner | None, claim: Claim, *, published_at: int, window: int) -> Owner:
    """Who owns an id, given an event of it that was published after what is known of it.

    One that would be suppressed today was published all the same, so it was the first of its
    window as it was counted then.
    """
    verdict = judge(owner, claim, now=published_at, window=window)
    if verdict is Verdict.SUPPRESSED:
        verdict = Verdict.FIRST
    return owner_after(verdict, owner, claim, now=published_at)
