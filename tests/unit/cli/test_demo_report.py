"""What the demonstration prints, and how it ends when the counts do not agree."""

import io
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path

import pytest
from rich.console import Console

from producer.cli.demo import running
from producer.cli.demo.report import show_report
from producer.cli.demo.tally import Tally
from producer.cli.rooms import Record
from producer.contract.objects import Outcome, Reason
from tests.support.builders import a_raw_line, a_version, an_event, an_outcome
from tests.unit.cli.recording import Invoke, NoRecords, RecordingRooms


def shown(*records: Record) -> list[str]:
    """Give the lines of the report of these records."""
    tally = Tally()
    tally.take(records)
    written = io.StringIO()
    show_report(Console(file=written, width=150), tally, prefix="compliance/")
    return [" ".join(line.split()) for line in written.getvalue().splitlines()]


def test_report_tells_what_became_of_each_object() -> None:
    """Each object has a line with outcome, reason and counts; the prefix of keys is left out."""
    whole = an_outcome(a_version(key="compliance/a.gz"))
    cut = an_outcome(
        a_version(key="compliance/b.gz"),
        outcome=Outcome.QUARANTINED,
        reason=Reason.TRUNCATED,
        lines=3,
        raw_lines=2,
        blank_lines=1,
    )

    lines = shown(whole, cut)

    assert "a.gz pulled 10 10 0 0" in lines
    assert "b.gz quarantined truncated 3 2 1 0" in lines
    assert "quarantined objects 1" in lines


def test_report_marks_a_law_that_does_not_hold() -> None:
    """Where the counts disagree, both sides are shown, and that they do."""
    lines = shown(an_outcome(lines=2, raw_lines=2), a_raw_line())

    assert "✗ lines = raw + blank + dead letters: 2 ≠ 1 + 0 + 0" in lines


def test_report_does_not_obey_what_customers_wrote() -> None:
    """Neither control characters nor the marks of the library that draws tables do anything."""
    (line,) = [each for each in shown(an_event(action="[bold]\x1b[2J[/bold]")) if "bold" in each]

    assert "[bold]�[2J[/bold]" in line


class _Ended:
    """Stands for a process that has done its work."""

    exit_code = 0

    def __init__(self, *_arguments: object, **_named: object) -> None:
        self.stop = self.check = lambda: None

    def output(self) -> list[str]:
        return ["compliance/z will be tried again"]


class _Published(NoRecords):
    """What lies in the topics at the end."""

    def __init__(self, *records: Record) -> None:
        self._records = list(records)

    def rest(self) -> Iterable[Record]:
        """Give each record once."""
        given, self._records = self._records, []
        return given


@pytest.mark.parametrize(
    ("records", "code", "complaint"),
    [
        ((), 0, ""),
        ((a_raw_line(),), 1, "error: what went in is not what came out (lines = raw + blank"),
    ],
)
def test_demo_fails_where_something_was_lost(  # noqa: PLR0917 - fixtures are arguments
    invoke: Invoke,
    rooms: RecordingRooms,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    records: tuple[Record, ...],
    code: int,
    complaint: str,
) -> None:
    """The report is printed all the same, with what is left for later, and how to go on."""
    monkeypatch.setattr(running, "CommandProcess", _Ended)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(rooms, "records", lambda _settings: nullcontext(_Published(*records)))

    finished = invoke(
        "demo", "--source", "s3://acme-logs/x", "--role-arn", "arn:aws:iam::123456789012:role/r"
    )

    assert code == finished.code
    assert complaint in finished.err
    assert "compliance/z will be tried again" in finished.out
    # On a cluster that is not the run's own its topics stay, so they are named.
    assert "TOPICS__PREFIX=openai-compliance-demo-" in finished.out
    assert [] == list(tmp_path.iterdir())
