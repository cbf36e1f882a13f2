"""What each command asks, prints and exits with."""

import json
import os
import signal
import threading
from importlib.metadata import version
from pathlib import Path

import pytest

from producer.cli.rooms import ListedSource, SystemCheck
from producer.contract.source import IngestionSource
from producer.contract.status import SourceStatus, Status
from producer.errors import BrokerUnavailableError, ConfigurationError, FatalError
from tests.unit.cli.recording import Invoke, RecordingRooms

CANARY = "canary-7Q"
SOURCES_FILE = """
sources:
  - id: src_acme
    organizationId: org_acme
    name: Acme
    sourceType: openai_compliance
    payloadConfig:
      bucket: acme-compliance
      roleArn: "arn:aws:iam::123456789012:role/reader"
      watermark: x
"""
ACME = IngestionSource(
    id="src_acme",
    organization_id="org_acme",
    name="Acme",
    bucket="acme-compliance",
    role_arn="arn:aws:iam::123456789012:role/reader",
)


@pytest.fixture
def sources_file(tmp_path: Path) -> Path:
    """Give a file with one source."""
    path = tmp_path / "sources.yaml"
    path.write_text(SOURCES_FILE)
    return path


def test_version_is_that_of_the_distribution(invoke: Invoke) -> None:
    """The version printed is the one installed."""
    assert f"{version('openai-compliance')}\n" == invoke("version").out


def test_topics_apply_prints_what_was_done(invoke: Invoke, rooms: RecordingRooms) -> None:
    """Each thing done is a line on stdout."""
    rooms.done = ["created topic 'x'", "registered 'Y'"]
    finished = invoke("topics", "apply")
    assert (0, "created topic 'x'\nregistered 'Y'\n", "") == (
        finished.code,
        finished.out,
        finished.err,
    )
    assert [("apply_topics", "openai-compliance-")] == rooms.asked


def test_topics_apply_says_that_nothing_was_to_do(invoke: Invoke) -> None:
    """A second run is not silent."""
    assert invoke("topics", "apply").out.startswith("nothing to do")


def test_sources_apply_publishes_the_file(
    invoke: Invoke, rooms: RecordingRooms, sources_file: Path
) -> None:
    """Sources are applied and told one by one; notes go to stderr."""
    finished = invoke("sources", "apply", str(sources_file))
    assert (0, "src_acme: created\n") == (finished.code, finished.out)
    assert [("list_sources",), ("apply_sources", ACME)] == rooms.asked
    assert (
        "warning: source 'src_acme': watermark is ignored: the ledger says what was read\n"
        == finished.err
    )


def test_sources_apply_warns_of_an_overlap_with_what_is_there(
    invoke: Invoke, rooms: RecordingRooms, sources_file: Path
) -> None:
    """A source overlaps with those applied before as well as with those of its file."""
    there = IngestionSource(
        id="src_other", organization_id="org_acme", name="x", bucket="acme-compliance"
    )
    rooms.listed = [ListedSource(source=there, status=None)]
    finished = invoke("sources", "apply", str(sources_file))
    assert 0 == finished.code
    assert "sources 'src_acme' and 'src_other' of organization 'org_acme' overlap" in finished.err


def test_sources_apply_compares_a_source_with_its_new_self(
    invoke: Invoke, rooms: RecordingRooms, sources_file: Path
) -> None:
    """A source that is there already does not overlap with itself."""
    rooms.listed = [ListedSource(source=ACME, status=None)]
    assert "overlap" not in invoke("sources", "apply", str(sources_file)).err


def test_sources_apply_takes_a_wrong_file_not_at_all(
    invoke: Invoke, rooms: RecordingRooms, sources_file: Path
) -> None:
    """A file with a problem asks nothing of any room."""
    sources_file.write_text(SOURCES_FILE.replace("roleArn", "roleArm"))
    finished = invoke("sources", "apply", str(sources_file))
    assert (2, "", []) == (finished.code, finished.out, rooms.asked)
    assert "roleArm is not a field; did you mean roleArn" in finished.err


@pytest.mark.parametrize(
    ("status", "is_disabled", "expected"),
    [
        (None, False, "awaiting_first_event"),
        (None, True, "disabled"),
        (Status.ACTIVE, False, "active"),
        (Status.ACTIVE, True, "disabled"),
        (Status.DISABLED, False, "awaiting_first_event"),
    ],
)
def test_sources_list_shows_the_columns_of_langwatch(
    invoke: Invoke,
    rooms: RecordingRooms,
    status: Status | None,
    *,
    is_disabled: bool,
    expected: str,
) -> None:
    """A source is listed with the status that it has, or will have once discovery has seen it."""
    rooms.listed = [a_listed_source(status, is_disabled=is_disabled)]
    header, row = invoke("sources", "list").out.splitlines()
    assert ["NAME", "TYPE", "STATUS", "LAST", "EVENT", "ID"] == header.split()
    when = "never" if status is None else "1970-01-01T00:00:01.500Z"
    assert ["A�e", "openai_compliance", expected, when, "src_1"] == row.split()
    (found,) = json.loads(invoke("sources", "list", "--json").out)
    assert {
        "id": "src_1",
        "name": "A\x1be",
        "sourceType": "openai_compliance",
        "description": None,
        "status": expected,
        "lastEventAt": None if status is None else when,
        "createdAt": None,
        "archivedAt": None,
        "organizationId": "org_1",
        "healthy": None if status is None else False,
        "problem": None if status is None else "access_denied",
        "problemDetail": None,
    } == found


def a_listed_source(status: Status | None, *, is_disabled: bool) -> ListedSource:
    """Give a source whose name would move a terminal's cursor."""
    source = IngestionSource(
        id="src_1", organization_id="org_1", name="A\x1be", bucket="b", disabled=is_disabled
    )
    if status is None:
        return ListedSource(source=source, status=None)
    return ListedSource(
        source=source,
        status=SourceStatus(
            source_id="src_1",
            organization_id="org_1",
            name="A",
            status=status,
            healthy=False,
            problem="access_denied",
            last_event_at=1_500_000,
            updated_at=2_000_000,
        ),
    )


@pytest.mark.parametrize("command", ["pull", "normalise"])
@pytest.mark.parametrize("once", [True, False])
def test_processes_are_run_as_asked(
    invoke: Invoke, rooms: RecordingRooms, command: str, *, once: bool
) -> None:
    """A process is told whether to return, and begins unstopped."""
    finished = invoke(command, *(["--once"] if once else []))
    assert (0, [(command, once, False)]) == (finished.code, rooms.asked)


def test_pull_once_names_what_is_left_for_later(invoke: Invoke, rooms: RecordingRooms) -> None:
    """A retry that is due later is told on stdout."""
    rooms.done = ["1 retry is due later"]
    assert "1 retry is due later\n" == invoke("pull", "--once").out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_processes_stop_at_a_signal(
    invoke: Invoke, rooms: RecordingRooms, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """The first signal asks the loop to end, and the process ends well."""
    before = signal.getsignal(number)

    def normalise(*_: object, stop: threading.Event, **__: object) -> None:
        os.kill(os.getpid(), number)
        assert stop.wait(10)
        assert before == signal.getsignal(number)

    monkeypatch.setattr(rooms, "normalise", normalise)
    assert 0 == invoke("normalise").code
    assert before == signal.getsignal(number)


def test_processes_log_how_they_ended(
    invoke: Invoke, rooms: RecordingRooms, environment: pytest.MonkeyPatch
) -> None:
    """A process says that it started and how it ended, as JSON on stderr."""
    environment.setenv("OPENAI_COMPLIANCE_LOG_LEVEL", "INFO")
    environment.setenv("OPENAI_COMPLIANCE_INSTANCE", "one")
    lines = [json.loads(line) for line in invoke("normalise").err.splitlines()]
    assert [
        {"level": "INFO", "event": "process.started", "process": "normalise", "instance": "one"},
        {
            "level": "INFO",
            "event": "process.stopped",
            "process": "normalise",
            "signalled": False,
        },
    ] == [{name: value for name, value in line.items() if name != "at"} for line in lines]
    rooms.failure = FatalError("topics are missing; apply them")
    finished = invoke("normalise")
    assert '"event": "process.failed"' in finished.err
    assert finished.err.endswith("error: topics are missing; apply them\n")


def test_processes_show_their_metrics(
    invoke: Invoke, environment: pytest.MonkeyPatch, rooms: RecordingRooms
) -> None:
    """A metrics port that is taken is a mistake in the settings, and nothing is started."""
    environment.setenv("OPENAI_COMPLIANCE_METRICS_PORT", "65000")
    environment.setenv("OPENAI_COMPLIANCE_METRICS_HOST", "192.0.2.1")
    finished = invoke("pull")
    assert (2, []) == (finished.code, rooms.asked)
    assert "set OPENAI_COMPLIANCE_METRICS_PORT to a free port" in finished.err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ("tail_events", 10, False)),
        (["--from-beginning"], ("tail_events", None, False)),
        (["--follow"], ("tail_events", 10, True)),
    ],
)
def test_events_tail_starts_where_it_is_told(
    invoke: Invoke, rooms: RecordingRooms, arguments: list[str], expected: tuple[object, ...]
) -> None:
    """Without a word it shows the last events; the beginning and following are asked for."""
    assert 0 == invoke("events", "tail", *arguments).code
    assert [expected] == rooms.asked


def test_check_shows_settings_and_systems(
    invoke: Invoke, rooms: RecordingRooms, environment: pytest.MonkeyPatch
) -> None:
    """Settings are shown by the names of their variables, secrets masked, then each system."""
    environment.setenv("OPENAI_COMPLIANCE_SCHEMA_REGISTRY__USERNAME", "user")
    environment.setenv("OPENAI_COMPLIANCE_SCHEMA_REGISTRY__PASSWORD", CANARY)
    rooms.checks = [SystemCheck(system="kafka", answer="cluster x")]
    finished = invoke("check")
    assert 0 == finished.code
    lines = [line.split() for line in finished.out.splitlines()]
    assert ["OPENAI_COMPLIANCE_SCHEMA_REGISTRY__PASSWORD", "********"] in lines
    assert ["ok", "kafka:", "cluster", "x"] == lines[-1]
    assert CANARY not in finished.out + finished.err


def test_check_fails_where_a_system_does(invoke: Invoke, rooms: RecordingRooms) -> None:
    """One system that fails makes the check fail, and all are shown."""
    rooms.checks = [
        SystemCheck(system="kafka", answer="", problem="no broker; start one"),
        SystemCheck(system="registry", answer="fine"),
    ]
    finished = invoke("check")
    assert 1 == finished.code
    assert ["FAILED  kafka: no broker; start one", "ok      registry: fine"] == (
        finished.out.splitlines()[-2:]
    )


COMMANDS = [
    ("topics", "apply"),
    ("sources", "list"),
    ("pull",),
    ("normalise",),
    ("events", "tail"),
    ("check",),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_wrong_settings_start_nothing(
    invoke: Invoke,
    rooms: RecordingRooms,
    environment: pytest.MonkeyPatch,
    command: tuple[str, ...],
) -> None:
    """Each command that needs settings refuses wrong ones with 2, before it asks anything."""
    environment.setenv("OPENAI_COMPLIANCE_KAFKA__SASL_PASWORD", CANARY)
    finished = invoke(*command)
    assert (2, "", []) == (finished.code, finished.out, rooms.asked)
    assert "did you mean OPENAI_COMPLIANCE_KAFKA__SASL_PASSWORD" in finished.err
    assert CANARY not in finished.err


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("failure", "code", "expected"),
    [
        (FatalError("why; what to do"), 1, "error: why; what to do\n"),
        (BrokerUnavailableError("no broker"), 1, "error: no broker\n"),
        (ConfigurationError("wrong"), 2, "error: wrong\n"),
        (KeyboardInterrupt(), 1, "interrupted\n"),
    ],
)
def test_an_error_is_a_sentence_and_a_code(
    invoke: Invoke,
    rooms: RecordingRooms,
    command: tuple[str, ...],
    *,
    failure: BaseException,
    code: int,
    expected: str,
) -> None:
    """What a room raises on purpose ends in one line and its exit code, without a traceback."""
    rooms.failure = failure
    finished = invoke(*command)
    assert code == finished.code
    assert finished.err.endswith(expected)
    assert "Traceback" not in finished.err + finished.out


def test_a_bug_is_named_without_what_it_says(invoke: Invoke, rooms: RecordingRooms) -> None:
    """An unexpected error may quote a record, so only its type and place are told."""
    rooms.failure = KeyError(CANARY)
    finished = invoke("sources", "list")
    assert 1 == finished.code
    assert finished.err.startswith("error: unexpected KeyError at ")
    assert "this is a bug" in finished.err
    assert 1 == len(finished.err.splitlines())
    assert CANARY not in finished.err


def test_a_bug_shows_the_way_to_it_when_debugging(
    invoke: Invoke, rooms: RecordingRooms, environment: pytest.MonkeyPatch
) -> None:
    """At DEBUG the frames are told too, of the causes as well, and still no message."""
    environment.setenv("OPENAI_COMPLIANCE_LOG_LEVEL", "DEBUG")
    rooms.failure = KeyError(CANARY)
    rooms.failure.__cause__ = ValueError(CANARY)
    finished = invoke("normalise")
    assert 1 == finished.code
    assert "in _ask" in finished.err
    assert "ValueError:" in finished.err
    assert CANARY not in finished.err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["pul"], "Did you mean 'pull'?"),
        (["normalize"], "Did you mean 'normalise'?"),
        (["topics", "aply"], "Did you mean 'apply'?"),
        (["pull", "--onse"], "Did you mean '--once'?"),
        (["events", "tail", "--from-begining"], "--from-beginning"),
        (["sources", "list", "--jsn"], "--json"),
        (["sources", "apply"], "Missing argument 'FILE'"),
        (["sources", "apply", "/nowhere.yaml"], "/nowhere.yaml"),
        (["pull", "now"], "unexpected extra argument"),
        ([], "Usage: openai-compliance"),
        (["events"], "Usage: openai-compliance events"),
    ],
)
def test_wrong_usage_names_what_was_meant(
    invoke: Invoke, rooms: RecordingRooms, arguments: list[str], expected: str
) -> None:
    """A misspelt command or option is answered with the nearest right one, and 2."""
    finished = invoke(*arguments)
    assert (2, "", []) == (finished.code, finished.out, rooms.asked)
    assert expected in finished.err


def test_help_lists_the_commands(invoke: Invoke) -> None:
    """Every command of the group is told with a line of its own."""
    finished = invoke("--help")
    assert 0 == finished.code
    for command in ("check", "events", "normalise", "pull", "sources", "topics", "version"):
        assert f"\n  {command} " in finished.out
    assert "" == finished.err
