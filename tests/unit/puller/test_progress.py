"""The place in an offset's metadata: small, exact, and believed only if it is understood."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from producer.contract.names import SOURCE_ID_LENGTH_MAX
from producer.contract.objects import ObjectVersion, Outcome, Place, Reason
from producer.errors import PlaceUnreadableError
from producer.puller.progress import (
    METADATA_BYTES_MAX,
    Progress,
    from_metadata,
    progress_of,
    superseded,
    to_metadata,
)
from tests.support.builders import NOW, a_version

KEY_BYTES_MAX = 1024
BUCKET_LENGTH_MAX = 63
PLACE = Place(line=2**53, blank_lines=2**52, dead_letter_lines=2**51)


def a_progress(**changes: Any) -> Progress:  # noqa: ANN401 - any field's value
    return replace(progress_of(a_version(), place=PLACE, started_at=NOW), **changes)


def changed_metadata(**changes: Any) -> str:  # noqa: ANN401 - any field's value
    return json.dumps(json.loads(to_metadata(a_progress())) | changes)


def test_progress_comes_back_as_it_was() -> None:
    """Of a replay too."""
    progress = a_progress(replay_id="replay-1", attempt=12)

    assert progress == from_metadata(to_metadata(progress))


def test_offset_without_metadata_carries_no_place() -> None:
    """Everything before it is finished."""
    assert from_metadata("") is None


@pytest.mark.parametrize(
    "character", ["\x01", "/", "%", '"', "\\", "é", "€", "\uffff", "𝄞", " ", "+"], ids=ascii
)
def test_longest_key_fits_whatever_it_is_made_of(character: str) -> None:
    """With the longest source id, bucket and numbers beside it."""
    progress = a_progress(
        source_id="s" * SOURCE_ID_LENGTH_MAX,
        bucket="b" * BUCKET_LENGTH_MAX,
        key=character * (KEY_BYTES_MAX // len(character.encode())),
        etag="0123456789abcdef0123456789abcdef-10000",
        pull_id="f" * 32,
        replay_id="f" * 32,
        attempt=2**31 - 1,
        started_at=2**63 - 1,
    )

    metadata = to_metadata(progress)

    assert len(metadata.encode()) <= METADATA_BYTES_MAX
    assert metadata.isascii()
    assert progress == from_metadata(metadata)


@given(
    st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda key: len(key.encode()) <= 1024)
)
def test_any_key_comes_back_as_it_was(key: str) -> None:
    """To the last byte: a place is believed only for the very same key."""
    progress = a_progress(key=key)

    assert progress == from_metadata(to_metadata(progress))


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param("committed by another program", id="no JSON"),
        pytest.param("{}", id="nothing"),
        pytest.param("[]", id="a list"),
        pytest.param("7", id="a number"),
        pytest.param("null", id="null"),
        pytest.param("{" * 4000, id="many objects"),
        pytest.param("[" * 4000, id="many lists"),
        pytest.param(changed_metadata(v=2), id="a newer version"),
        pytest.param(changed_metadata(place={"line": "7"}), id="a number as text"),
        pytest.param(changed_metadata(key="%ff"), id="a key that is not UTF-8"),
        pytest.param(changed_metadata(key=None), id="no key"),
        pytest.param('{"v": 1, "key": "k", "bucket": "b", "etag": "e"}', id="fields missing"),
        pytest.param(to_metadata(a_progress())[:-1], id="cut off"),
    ],
)
def test_metadata_that_is_no_place_stops_the_process(metadata: str) -> None:
    """To guess a place loses lines or repeats them; what is in it is not shown."""
    with pytest.raises(PlaceUnreadableError, match="metadata of a committed offset") as raised:
        from_metadata(metadata)

    assert a_version().key not in str(raised.value)


@given(st.text(max_size=200))
def test_any_metadata_is_a_place_or_stops_the_process(metadata: str) -> None:
    """Nothing else happens."""
    try:
        progress = from_metadata(metadata)
    except PlaceUnreadableError:
        return
    assert progress is None or isinstance(progress, Progress)


@pytest.mark.parametrize(
    "other",
    [
        a_version(source_id="src_other"),
        a_version(key="other"),
        a_version(etag="etag-b"),
        a_version(pull_id="pull-2"),
        a_version(attempt=2),
    ],
    ids=["source", "key", "etag", "pull", "attempt"],
)
def test_place_is_of_one_attempt_alone(other: ObjectVersion) -> None:
    """Each of these makes it another record."""
    assert a_progress().is_of(a_version())
    assert not a_progress().is_of(other)


def test_metadata_alone_suffices_for_an_outcome() -> None:
    """The record may be gone; what reached raw is told all the same."""
    place = Place(line=10, blank_lines=2, dead_letter_lines=1)
    progress = a_progress(place=place, replay_id="replay-1", attempt=3)

    outcome = superseded(progress, finished_at=NOW + 5)

    assert (Outcome.SUPERSEDED, Reason.ETAG_CHANGED) == (outcome.outcome, outcome.reason)
    assert (10, 7, 2, 1) == (
        outcome.lines,
        outcome.raw_lines,
        outcome.blank_lines,
        outcome.dead_letter_lines,
    )
    version = a_version()
    assert (version.source_id, version.bucket, version.key, version.etag) == (
        outcome.source_id,
        outcome.bucket,
        outcome.key,
        outcome.etag,
    )
    assert ("pull-1", 3, "replay-1", place) == (
        outcome.pull_id,
        outcome.attempt,
        outcome.replay_id,
        outcome.place,
    )
    assert (NOW, NOW + 5) == (outcome.started_at, outcome.finished_at)
