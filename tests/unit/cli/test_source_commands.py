"""What the commands about one source ask, print and exit with."""

import io
import json
import sys

import pytest
from msgspec.structs import replace

from producer.cli.rooms import ListedSource, TriedStep
from producer.contract.source import IngestionSource
from producer.contract.status import SourceStatus, Status
from producer.errors import FatalError
from tests.support.builders import an_event
from tests.unit.cli.recording import Finished, Invoke, RecordingRooms

ACME = IngestionSource(id="src_acme", organization_id="org_acme", name="Ac\x1bme", bucket="b")
STATUS = SourceStatus(
    source_id="src_acme",
    organization_id="org_acme",
    name="Acme",
    status=Status.ACTIVE,
    healthy=False,
    problem="access_denied",
    problem_detail="listing bucket 'b': \x1b; allow s3:ListBucket",
    objects_behind=3,
    updated_at=1_000_000,
)
COMMANDS = [("health",), ("tail",), ("check",), ("remove", "--yes")]


class Terminal(io.StringIO):
    """A person who types this."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _source(rooms: RecordingRooms) -> None:
    """Let there be a source that cannot be listed."""
    rooms.listed = [ListedSource(source=ACME, status=STATUS)]


@pytest.fixture(params=COMMANDS, ids=lambda command: command[0])
def command(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Give each of the commands, with the options that let it do what it does."""
    given: tuple[str, ...] = request.param
    return given


@pytest.mark.parametrize(
    ("source_id", "hint"), [("src_acm", "did you mean 'src_acme'"), ("zzz", "sources list")]
)
def test_unknown_source_is_wrong_usage(
    invoke: Invoke, rooms: RecordingRooms, command: tuple[str, ...], source_id: str, hint: str
) -> None:
    """The nearest id that is known is named, and nothing is done."""
    finished = invoke("sources", *command, source_id)
    assert (2, "", [("list_sources",)]) == (finished.code, finished.out, rooms.asked)
    assert f"there is no source {source_id!r}" in finished.err
    assert hint in finished.err


def test_source_must_be_named(
    invoke: Invoke, rooms: RecordingRooms, command: tuple[str, ...]
) -> None:
    """Without an id there is nothing to ask about."""
    finished = invoke("sources", *command)
    assert (2, "", []) == (finished.code, finished.out, rooms.asked)
    assert "Missing argument 'ID'" in finished.err


def test_wrong_settings_and_errors_are_told(
    invoke: Invoke,
    rooms: RecordingRooms,
    environment: pytest.MonkeyPatch,
    command: tuple[str, ...],
) -> None:
    """In a sentence, with its exit code and no traceback."""
    rooms.failure = FatalError("why; what to do")
    finished = invoke("sources", *command, "src_acme")
    assert (1, "", "error: why; what to do\n") == (finished.code, finished.out, finished.err)
    environment.setenv("OPENAI_COMPLIANCE_TOPICS__PREFX", "x")
    assert 2 == invoke("sources", *command, "src_acme").code


def test_unhealthy_sources_are_named_beside_the_list(
    invoke: Invoke, rooms: RecordingRooms
) -> None:
    """With the problem and what to do, on stderr: the columns are LangWatch's."""
    healthy = replace(STATUS, source_id="src_well", healthy=True)
    rooms.listed += [
        ListedSource(source=replace(ACME, id="src_well"), status=healthy),
        ListedSource(source=replace(ACME, id="src_off", disabled=True), status=STATUS),
        ListedSource(source=replace(ACME, id="src_new"), status=None),
    ]
    finished = invoke("sources", "list")
    assert 0 == finished.code
    assert 5 == len(finished.out.splitlines())
    assert (
        "src_acme: unhealthy: access_denied: listing bucket 'b': �; allow s3:ListBucket\n"
        == finished.err
    )
    assert "" == invoke("sources", "list", "--json").err


def test_health_asks_for_events_and_processes(invoke: Invoke, rooms: RecordingRooms) -> None:
    """Text and JSON tell the same."""
    rooms.running = False
    finished = invoke("sources", "health", "src_acme")
    assert [("list_sources",), ("count_events", "src_acme"), ("is_pull_running",)] == rooms.asked
    assert (0, "") == (finished.code, finished.err)
    assert finished.out.splitlines()[0].startswith("Status: ")
    assert "no `openai-compliance pull` is running" in finished.out
    found = json.loads(invoke("sources", "health", "src_acme", "--json").out)
    assert {"source", "health", "discovery"} == set(found)
    assert found["discovery"]["ageSeconds"] > 0


@pytest.mark.parametrize(
    ("options", "limit", "follow"),
    [((), 50, False), (("--limit", "3"), 3, False), (("--follow",), 50, True)],
)
def test_tail_asks_for_the_last_events(
    invoke: Invoke, rooms: RecordingRooms, options: tuple[str, ...], limit: int, *, follow: bool
) -> None:
    """Events are printed as they come, as text or as JSON."""
    rooms.events = [an_event("one"), an_event("two", cost=money("2.5", "USD"))]
    finished = invoke("sources", "tail", "src_acme", *options)
    assert [("list_sources",), ("tail_source", "src_acme", limit, follow)] == rooms.asked
    assert (0, "") == (finished.code, finished.err)
    assert ["login.succeeded", "login.succeeded  $2.5000"] == [
        line.split("  ", 2)[2] for line in finished.out.splitlines()
    ]
    as_json = invoke("sources", "tail", "src_acme", "--json").out.splitlines()
    assert list(rooms.events) == [json.loads(line) for line in as_json]


def test_tail_wants_at_least_one_event(invoke: Invoke, rooms: RecordingRooms) -> None:
    """Less than one is wrong usage."""
    assert (2, []) == (invoke("sources", "tail", "src_acme", "--limit", "0").code, rooms.asked)


def money(amount: str, currency: str) -> dict[str, str | None]:
    """Give a cost as an event states it."""
    return {
        "amount": amount,
        "currency": currency,
        "basis": "provider_reported",
        "estimated_usd": None,
    }


def test_check_ends_well_where_every_step_does(invoke: Invoke, rooms: RecordingRooms) -> None:
    """Each step is a line with what came of it."""
    rooms.steps = [
        TriedStep(step="identity", answer="who"),
        TriedStep(step="listing", answer="1 objects\x1b"),
    ]
    finished = invoke("sources", "check", "src_acme")
    assert [("list_sources",), ("try_source", "src_acme")] == rooms.asked
    assert (0, "ok      identity: who\nok      listing: 1 objects�\n", "") == (
        finished.code,
        finished.out,
        finished.err,
    )
    assert {
        "source": {"id": "src_acme", "name": "Ac\x1bme"},
        "ok": True,
        "steps": [
            {"step": "identity", "ok": True, "problem": None, "detail": "who"},
            {"step": "listing", "ok": True, "problem": None, "detail": "1 objects\x1b"},
        ],
    } == json.loads(invoke("sources", "check", "src_acme", "--json").out)


def test_check_fails_with_a_step(invoke: Invoke, rooms: RecordingRooms) -> None:
    """With 1, the problem's name and what to do."""
    rooms.steps = [TriedStep(step="region", answer="why; what to do", problem="bucket_gone")]
    finished = invoke("sources", "check", "src_acme")
    assert (1, "FAILED  region: bucket_gone: why; what to do\n") == (finished.code, finished.out)
    finished = invoke("sources", "check", "src_acme", "--json")
    assert (1, False) == (finished.code, json.loads(finished.out)["ok"])


def answering(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, typed: str, *options: str
) -> Finished:
    """Remove the source at a terminal, and type this when asked."""
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    return invoke("sources", "remove", "src_acme", *options)


def test_remove_says_what_it_means_and_asks(
    invoke: Invoke, rooms: RecordingRooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who agrees has it removed; what is said goes to stderr, what was done to stdout."""
    finished = answering(invoke, monkeypatch, "y\n")
    assert (0, "src_acme: removed\n") == (finished.code, finished.out)
    assert [("list_sources",), ("remove_source", "src_acme")] == rooms.asked
    for part in ("removing source 'src_acme': Ac�me, bucket 'b'", "(3 when that", "goes on where"):
        assert part in finished.err


@pytest.mark.parametrize("typed", ["n\n", "\n", ""])
def test_remove_is_called_off(
    invoke: Invoke, rooms: RecordingRooms, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    """By a no, by no answer, and by the end of input."""
    finished = answering(invoke, monkeypatch, typed)
    assert (1, "", [("list_sources",)]) == (finished.code, finished.out, rooms.asked)


def test_remove_without_a_terminal_needs_a_yes(
    invoke: Invoke, rooms: RecordingRooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script must say that it means it."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    finished = invoke("sources", "remove", "src_acme")
    assert (2, "", [("list_sources",)]) == (finished.code, finished.out, rooms.asked)
    assert "there is no terminal to ask at; say --yes" in finished.err
    finished = invoke("sources", "remove", "src_acme", "--yes", "--json")
    assert (0, {"id": "src_acme", "change": "removed"}) == (
        finished.code,
        json.loads(finished.out),
    )
    assert ("remove_source", "src_acme") == rooms.asked[-1]
