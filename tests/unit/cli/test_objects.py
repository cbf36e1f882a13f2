"""What the commands about objects ask, print and exit with."""

import json

import pytest
from msgspec.structs import replace

from producer.cli.rooms import CommandEnd, KnownObject, ListedSource
from producer.contract.objects import Outcome, Place, Reason
from producer.contract.source import CommandKind, SourceCommand
from producer.errors import FatalError
from tests.support.builders import NOW, a_source, a_version, an_outcome
from tests.unit.cli.recording import Invoke, RecordingRooms

PULLED = KnownObject(
    version=a_version(key="k1"), outcome=an_outcome(a_version(key="k1")), retry_at=None
)
VERSION = a_version(key="k2\n", attempt=3)
QUARANTINED = KnownObject(
    version=VERSION,
    outcome=an_outcome(
        VERSION, outcome=Outcome.QUARANTINED, reason=Reason.ACCESS_DENIED, place=Place(line=4)
    ),
    retry_at=NOW,
)
UNFINISHED = KnownObject(version=a_version(key="k3"), outcome=None, retry_at=None)
ALL = [PULLED, QUARANTINED, UNFINISHED]


@pytest.fixture(autouse=True)
def _source(rooms: RecordingRooms) -> None:
    """Let there be one source with objects in each state."""
    rooms.listed = [ListedSource(source=a_source(), status=None)]
    rooms.known = [ALL]


def commands(rooms: RecordingRooms) -> list[SourceCommand]:
    """What was put to discovery."""
    return [
        question[1]
        for question in rooms.asked
        if isinstance(question, tuple) and question[0] == "carry_out"
    ]


def tried_again(known: KnownObject) -> KnownObject:
    version = replace(known.version, attempt=known.version.attempt + 1)
    return KnownObject(version=version, outcome=None, retry_at=None)


def test_list_shows_each_object_on_a_line(invoke: Invoke) -> None:
    """Whatever is in a key: a terminal obeys control characters."""
    header, first, second, third = invoke("objects", "list", "--source", "src_acme").out.split(
        "\n"
    )[:4]
    assert ["KEY", "STATE", "ATTEMPT", "LINES", "BYTES", "REASON", "ENDED"] == header.split()[:7]
    assert ["k1", "pulled", "1"] == first.split()[:3]
    assert ["k2�", "quarantined", "3"] == second.split()[:3]
    assert "access_denied" in second
    assert ["k3", "unfinished", "1"] == third.split()[:3]


def test_list_as_json_tells_keys_exactly(invoke: Invoke) -> None:
    """With when it is tried again, and nothing in place of what is not known."""
    found = json.loads(invoke("objects", "list", "--source", "src_acme", "--json").out)
    assert ["k1", "k2\n", "k3"] == [each["key"] for each in found]
    assert [None, "2026-05-28T20:26:40.000Z", None] == [each["retry_at"] for each in found]
    assert [10, 10, None] == [each["lines"] for each in found]


def test_list_can_be_narrowed_to_a_state(invoke: Invoke) -> None:
    """As an operator who looks for what went wrong wants it."""
    out = invoke("objects", "list", "--source", "src_acme", "--state", "quarantined").out
    assert 2 == len(out.splitlines())


def test_retry_asks_for_all_that_are_quarantined(invoke: Invoke, rooms: RecordingRooms) -> None:
    """And tells of those that have a new attempt now."""
    rooms.known = [ALL, [PULLED, tried_again(QUARANTINED), UNFINISHED]]
    finished = invoke("objects", "retry", "--source", "src_acme", "--json")
    (command,) = commands(rooms)
    assert (CommandKind.RETRY, "src_acme", ()) == (command.kind, command.source_id, command.keys)
    assert command.requested_by
    assert [("k2\n", 4)] == [(each["key"], each["attempt"]) for each in json.loads(finished.out)]
    assert "1 object of 1 tried again\n" == finished.err


def test_retry_says_why_a_key_is_not_tried(invoke: Invoke, rooms: RecordingRooms) -> None:
    """Nothing is asked for where nothing would come of it."""
    keys = [text for key in ("k1", "k3", "k9") for text in ("--key", key)]
    finished = invoke("objects", "retry", "--source", "src_acme", *keys)
    assert (0, []) == (finished.code, commands(rooms))
    assert [
        "k1: was pulled; `replay` pulls again",
        "k3: is on its way",
        "k9: is not known; discovery has not found it",
        "nothing to try again",
    ] == finished.err.splitlines()


@pytest.mark.parametrize(
    "arguments", [("retry",), ("replay", "--from", "k1", "--to", "k2")], ids=" ".join
)
def test_rehearsal_asks_for_nothing(
    invoke: Invoke, rooms: RecordingRooms, arguments: tuple[str, ...]
) -> None:
    """It only reads."""
    finished = invoke("objects", *arguments, "--source", "src_acme", "--dry-run")
    assert (0, []) == (finished.code, commands(rooms))
    assert "1 object would be" in finished.err


def test_replay_asks_for_a_range(invoke: Invoke, rooms: RecordingRooms) -> None:
    """And tells under which id the lines are in raw again."""
    rooms.end = CommandEnd(objects=7)
    finished = invoke("objects", "replay", "--source", "src_acme", "--from", "k1", "--to", "k2")
    (command,) = commands(rooms)
    assert (CommandKind.REPLAY, "k1", "k2") == (command.kind, command.from_key, command.to_key)
    assert finished.err.endswith(f"7 objects of 1 pulled again, replay id {command.command_id}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("retry", "--key", "k\udcff"),
        ("replay", "--from", "a", "--to", "\udcff"),
        ("replay", "--from", "\udcff", "--to", "\udcff"),
    ],
)
def test_key_that_is_not_utf_8_is_wrong_usage(
    invoke: Invoke, rooms: RecordingRooms, arguments: tuple[str, ...]
) -> None:
    """No object has such a key, and no command can name it."""
    finished = invoke("objects", *arguments, "--source", "src_acme")
    assert (2, []) == (finished.code, rooms.asked)
    assert "is not UTF-8, as all keys are" in finished.err


def test_replay_of_an_empty_range_asks_for_nothing(invoke: Invoke, rooms: RecordingRooms) -> None:
    """What discovery has not found is not replayed but discovered."""
    finished = invoke("objects", "replay", "--source", "src_acme", "--from", "x", "--to", "y")
    assert ([], "nothing is known in that range\n") == (commands(rooms), finished.err)


def test_reconcile_asks_for_a_whole_listing(invoke: Invoke, rooms: RecordingRooms) -> None:
    """It waits only until discovery has taken the command."""
    finished = invoke("objects", "reconcile", "--source", "src_acme", "--timeout", "7")
    (command,) = commands(rooms)
    assert (CommandKind.RECONCILE, 0) == (command.kind, finished.code)
    assert ("carry_out", command, 7) in rooms.asked


def test_command_that_is_not_carried_out_is_a_fatal_stop(
    invoke: Invoke, rooms: RecordingRooms
) -> None:
    """The sentence of the rooms is what a person sees."""
    rooms.failure = FatalError("command x is published but not carried out")
    finished = invoke("objects", "reconcile", "--source", "src_acme")
    assert (1, "error: command x is published but not carried out\n") == (
        finished.code,
        finished.err,
    )


@pytest.mark.parametrize(
    ("failure", "advice"),
    [
        ("access_denied", "`sources check src_acme` tries what discovery does"),
        ("source_disabled", "enable the source with `sources apply`"),
        ("unknown_source", "`sources list` shows what there is"),
    ],
)
def test_failure_of_a_command_is_a_fatal_stop(
    invoke: Invoke, rooms: RecordingRooms, failure: str, advice: str
) -> None:
    """What, of which source, why, how far it got, and what to do."""
    rooms.end = CommandEnd(objects=2, failure=failure)
    finished = invoke("objects", "replay", "--source", "src_acme", "--from", "k1", "--to", "k2")
    (command,) = commands(rooms)
    assert (1, "") == (finished.code, finished.out)
    assert finished.err.startswith(
        f"error: replay {command.command_id} of source 'src_acme' ended after 2 objects:"
        f" {failure}; {advice}"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("retry",),
        ("retry", "--dry-run"),
        ("replay", "--from", "k1", "--to", "k2"),
        ("reconcile",),
    ],
    ids=" ".join,
)
def test_disabled_source_is_refused_at_once(
    invoke: Invoke, rooms: RecordingRooms, arguments: tuple[str, ...]
) -> None:
    """Discovery would refuse it too, when its turn came."""
    rooms.listed = [ListedSource(source=a_source(disabled=True), status=None)]
    finished = invoke("objects", *arguments, "--source", "src_acme")
    assert (2, []) == (finished.code, commands(rooms))
    assert "source 'src_acme' is disabled" in finished.err


def test_objects_of_a_disabled_source_are_listed(invoke: Invoke, rooms: RecordingRooms) -> None:
    """To look changes nothing."""
    rooms.listed = [ListedSource(source=a_source(disabled=True), status=None)]
    assert 0 == invoke("objects", "list", "--source", "src_acme").code


def test_unknown_source_is_wrong_usage(invoke: Invoke) -> None:
    """The nearest ones are named."""
    finished = invoke("objects", "list", "--source", "src_acm")
    assert 2 == finished.code
    assert "did you mean 'src_acme'?" in finished.err
