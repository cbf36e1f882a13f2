"""Everything that has no rule of its own passes through."""

import pytest

from producer.normaliser.normalise import normalise
from tests.unit.normaliser.lines import (
    TEN_O_CLOCK,
    Record,
    a_raw_line,
    a_record,
    ocsf_of,
    the_event,
    the_failures,
)


@pytest.mark.parametrize(
    ("family", "changes", "action"),
    [
        ("NEW_LOG", {"log_type": "request", "input": {"query": "SECRET"}}, "request"),
        (
            "NEW_LOG",
            {"event_type": "DONE", "event_details": {"prompt_text": "SECRET"}},
            "DONE",
        ),
        ("CHATGPT_USER_ANALYTICS", {}, ""),
        ("SOMETHING_NEW", {"action_data": {"action": "did"}}, "did"),
    ],
)
def test_unknown_families_pass_through(family: str, changes: Record, action: str) -> None:
    """Family, action, actor, time and ids are kept; content is not."""
    event = the_event(a_record(family, **changes))
    assert (family, action, "agent.action", "unknown", (6003, 99, 0)) == (
        event["family"],
        event["action"],
        event["event_type"],
        event["outcome"],
        ocsf_of(event),
    )
    assert ("evt-1", "user-1", TEN_O_CLOCK) == (
        event["provider_event_id"],
        event["actor"]["id"],
        event["occurred_at"],
    )
    assert "SECRET" not in repr(event)


@pytest.mark.parametrize(
    ("changes", "ids"),
    [
        ({"conversation_id": "c-1"}, ("c-1", None, None)),
        ({"conversation": {"id": "c-1"}}, ("c-1", None, None)),
        ({"event_details": {"session_id": "s-1"}, "client_id": "x"}, (None, "s-1", "x")),
        ({"event_details": {"run_id": "thread_1"}}, (None, "thread_1", None)),
        ({"run_id": "thread_1"}, (None, "thread_1", None)),
        ({"payload": {"session_id": "s-1"}}, (None, "s-1", None)),
        ({"conversation_id": None, "payload": [1]}, (None, None, None)),
    ],
)
def test_ids_are_found_where_they_usually_are(changes: Record, ids: object) -> None:
    """Conversation, session or run, and client."""
    event = the_event(a_record("SOMETHING_NEW", **changes))
    assert ids == (event["conversation"], event["session"], event["client"])


def test_what_other_interfaces_give_passes_through() -> None:
    """Usage buckets have a beginning; users, projects and the like when they were made."""
    bucket = the_event({"object": "bucket", "start_time": 1_789_466_400, "results": []})
    assert ("bucket", TEN_O_CLOCK) == (bucket["family"], bucket["occurred_at"])
    line = b'{"object":"compliance.workspace.project","id":"p-1","name":"SECRET",'
    line += b'"created_at":1789466400.25,"user_id":"user-1","user_email":"a@example.org"}'
    (project,) = normalise(a_raw_line(line)).events
    assert ("p-1", "compliance.workspace.project", "user-1", TEN_O_CLOCK + 250_000) == (
        project["provider_event_id"],
        project["family"],
        project["actor"]["id"],
        project["occurred_at"],
    )
    assert "SECRET" not in repr(project)


@pytest.mark.parametrize("name", ["effective_at", "start_time"])
def test_an_epoch_that_is_none_is_refused(name: str) -> None:
    """Also for records that have epochs."""
    failures = the_failures({"id": "x", "object": "organization.something", name: "1789466400"})
    assert [name] == [failure.field for failure in failures]
