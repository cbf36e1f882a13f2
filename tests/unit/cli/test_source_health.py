"""How a source's health is told."""

from typing import Any

import pytest
from msgspec.structs import replace

from producer.cli.rooms import ListedSource
from producer.cli.source_events import EventCounts
from producer.cli.source_health import SourceHealth, health_as_json, health_as_text
from producer.contract.status import SourceStatus, Status
from tests.support.builders import NOW, SECOND, a_source

COUNTS = EventCounts(last_day=1, last_week=2, last_month=3, newest_at=NOW - SECOND)
NEWEST = "2026-05-28T20:26:39.000Z"
STATUS = SourceStatus(
    source_id="src_acme",
    organization_id="org_acme",
    name="Acme",
    status=Status.ACTIVE,
    healthy=True,
    failures_in_a_row=0,
    listings=7,
    last_listing_at=NOW - 60 * SECOND,
    last_whole_listing_at=NOW - 120 * SECOND,
    last_event_at=NOW - 30 * SECOND,
    high_water_key="compliance/b",
    bucket="acme-compliance",
    prefix="compliance/",
    listed_through="compliance/c",
    objects_found=10,
    objects_behind=2,
    bytes_behind=300,
    seconds_behind=40,
    objects_quarantined=1,
    objects_late=4,
    last_command_id="command-1",
    last_command_objects=5,
    last_command_failure="access_denied",
    updated_at=NOW - 20 * SECOND,
)
DENIED: dict[str, Any] = {
    "healthy": False,
    "problem": "access_denied",
    "problem_detail": "listing bucket 'x': AccessDenied; allow s3:ListBucket",
    "failures_in_a_row": 5,
}


def told(
    status: SourceStatus | None = STATUS,
    *,
    is_running: bool | None = None,
    events: EventCounts = COUNTS,
    **changes: Any,  # noqa: ANN401 - any field of the source
) -> SourceHealth:
    """Give what is told of a source, at NOW."""
    listed = ListedSource(source=a_source(**changes), status=status)
    return SourceHealth(listed=listed, events=events, is_pull_running=is_running, now=NOW)


def rows(health: SourceHealth) -> dict[str, str]:
    """Give the text's lines by their names."""
    split = [line.split(":", 1) for line in health_as_text(health)]
    return {name: text.strip() for name, text in split}


def test_health_as_text_begins_with_what_langwatch_prints() -> None:
    """The first lines are those of `langwatch ingest health`."""
    assert [
        "Status:               active",
        "Events (24h):         1",
        "Events (7d):          2",
        "Events (30d):         3",
        f"Last event:           {NEWEST}",
    ] == health_as_text(told())[:5]


def test_health_as_text_tells_what_discovery_knows() -> None:
    """Every figure of the status has a line, and times are told with their age."""
    assert {
        "Health": "healthy",
        "Problem": "none",
        "Failures in a row": "0",
        "Last listing": "2026-05-28T20:25:40.000Z",
        "Last whole listing": "2026-05-28T20:24:40.000Z",
        "High-water key": "compliance/b",
        "Listed through": "compliance/c",
        "In": "bucket 'acme-compliance', prefix 'compliance/'",
        "Objects found": "10",
        "Objects behind": "2, 300 bytes, the oldest for 60 s (60 s)",
        "Objects quarantined": "1",
        "Objects late": "4",
        "Last command": "command-1: 5 objects, then access_denied",
        "Told": "2026-05-28T20:26:20.000Z, 20 s ago",
    } == dict(list(rows(told()).items())[5:])


def test_health_as_json_has_the_keys_of_langwatch_and_ours_beside_them() -> None:
    """What LangWatch reads is where it looks for it."""
    assert {
        "source": {"id": "src_acme", "name": "Acme", "status": "active"},
        "health": {"events24h": 1, "events7d": 2, "events30d": 3, "lastSuccessIso": NEWEST},
        "discovery": {
            "healthy": True,
            "problem": None,
            "problemDetail": None,
            "failuresInARow": 0,
            "listings": 7,
            "lastListingAt": "2026-05-28T20:25:40.000Z",
            "lastWholeListingAt": "2026-05-28T20:24:40.000Z",
            "lastEventAt": "2026-05-28T20:26:10.000Z",
            "highWaterKey": "compliance/b",
            "bucket": "acme-compliance",
            "prefix": "compliance/",
            "listedThrough": "compliance/c",
            "objectsFound": 10,
            "objectsBehind": 2,
            "bytesBehind": 300,
            "secondsBehind": 40,
            "objectsQuarantined": 1,
            "objectsLate": 4,
            "lastCommandId": "command-1",
            "lastCommandObjects": 5,
            "lastCommandFailure": "access_denied",
            "updatedAt": "2026-05-28T20:26:20.000Z",
            "ageSeconds": 20,
            "isPullRunning": True,
        },
    } == health_as_json(told(is_running=True))


def test_health_names_the_problem_and_what_to_do() -> None:
    """An unhealthy source says why it is so; a disabled one is not listed, which is no outage."""
    status = replace(STATUS, **DENIED)
    found = rows(told(status))
    assert ("unhealthy", "5") == (found["Health"], found["Failures in a row"])
    assert (
        "access_denied: listing bucket 'x': AccessDenied; allow s3:ListBucket"
        == (found["Problem"])
    )
    assert "healthy" == rows(told(status, disabled=True))["Health"]


@pytest.mark.parametrize(
    ("is_running", "expected"),
    [
        (None, ""),
        (True, ""),
        (
            False,
            "; no `openai-compliance pull` is running, so nothing new is told: start one",
        ),
    ],
)
def test_health_says_that_nobody_tells_more_where_that_is_known(
    *, is_running: bool | None, expected: str
) -> None:
    """That a status is old proves nothing; that the group has no member does."""
    status = replace(STATUS, updated_at=NOW - 3 * 86_400 * SECOND)
    found = rows(told(status, is_running=is_running))
    assert f"2026-05-25T20:26:40.000Z, 3 days ago{expected}" == found["Told"]
    assert "2, 300 bytes, the oldest for 3 days (259240 s)" == found["Objects behind"]
    nothing = told(None, is_running=is_running)
    assert f"nothing yet{expected}" == rows(nothing)["Told"]
    assert None is health_as_json(nothing)["discovery"]


def test_health_is_not_misled_by_a_clock_ahead() -> None:
    """A status from the future is told as new."""
    assert rows(told(replace(STATUS, updated_at=NOW + SECOND)))["Told"].endswith("0 s ago")


def test_health_says_where_its_keys_are_not_the_sources() -> None:
    """A change that discovery has not seen yet must not look as if the key were of the new one."""
    assert (
        "bucket 'acme-compliance', prefix 'compliance/', which is not the source's any more"
        == (rows(told(prefix="other/"))["In"])
    )
    status = replace(STATUS, bucket=None, prefix=None)
    assert "a bucket that is not told" == rows(told(status))["In"]


def test_health_of_a_source_without_events_says_never() -> None:
    """Before the first listing there is nothing to tell but zeros."""
    status = replace(
        STATUS,
        status=Status.AWAITING_FIRST_EVENT,
        last_listing_at=None,
        last_whole_listing_at=None,
        high_water_key=None,
        listed_through=None,
        objects_behind=0,
        bytes_behind=0,
        seconds_behind=0,
    )
    none = EventCounts(last_day=0, last_week=0, last_month=0, newest_at=None)
    found = rows(told(status, events=none))
    assert ["awaiting_first_event", "never", "never", "never", "none", "nothing", "0"] == [
        found[name]
        for name in (
            "Status",
            "Last event",
            "Last listing",
            "Last whole listing",
            "High-water key",
            "Listed through",
            "Objects behind",
        )
    ]
    assert None is health_as_json(told(events=none))["health"]["lastSuccessIso"]  # type: ignore[index]


def test_health_as_text_is_harmless() -> None:
    """A key is a customer's text, and a terminal obeys control characters."""
    status = replace(STATUS, high_water_key="a\x1b[2J", problem="x", problem_detail="\x1b")
    assert "\x1b" not in "".join(health_as_text(told(status)))
