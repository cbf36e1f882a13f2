"""APP_LOG by hand: as documented, and as MCP servers were seen to answer."""

import pytest

from producer.contract.source import Include
from tests.unit.normaliser.lines import (
    EVERYTHING,
    Record,
    a_record,
    ocsf_of,
    own_attributes,
    the_event,
)

APP: Record = {
    "app_id": "asdk_app_1",
    "app_name": "Slack",
    "app_type": "MCP",
    "conversation_id": "c-1",
}
PLACE = {
    "openai/userAgent": "AGENT",
    "openai/userLocation": {"city": "CITY", "latitude": "51.5"},
    "openai/session": "v1/session",
}


def an_answer(**changes: object) -> Record:
    """Build the answer of an MCP server, nested as it was seen."""
    response = {
        "result": {"content": [{"type": "text", "text": "SECRET"}], "isError": False},
        "connector_id": "asdk_app_1",
        "connector_name": "Slack",
        "action_name": "slack_search_public",
        "is_sync": False,
        "internal": {"external_call_time_ms": 539},
    }
    return {"response": {**response, **changes}}


@pytest.mark.parametrize(
    ("phase", "event_type", "operation"),
    [
        ("request", "tool.invocation", "execute_tool"),
        ("response", "tool.invocation", "execute_tool"),
        ("retry", "agent.action", None),
        ("", "agent.action", None),
    ],
)
def test_phases_are_mapped(phase: str, event_type: str, operation: str | None) -> None:
    """Both halves of a call by table; another phase is generic and keeps its name and ids."""
    event = the_event(a_record("APP_LOG", log_type=phase, **APP))
    assert ("APP_LOG", phase, event_type, "unknown", (6003, 99, 0)) == (
        event["family"],
        event["action"],
        event["event_type"],
        event["outcome"],
        ocsf_of(event),
    )
    assert operation == event["attributes"].get("gen_ai.operation.name")
    assert ("c-1", {"kind": "app", "id": "asdk_app_1", "name": "Slack"}) == (
        event["conversation"],
        event["target"],
    )


def test_a_request_shows_the_app_and_nothing_of_its_input() -> None:
    """Where the user is goes nowhere by default; the finer than a country never."""
    record = a_record("APP_LOG", log_type="request", **APP, input={"query": "Q", "_meta": PLACE})
    event = the_event(record, include=Include(email=True))
    assert {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.conversation.id": "c-1",
        "openai_compliance.app.type": "MCP",
    } == own_attributes(event)
    assert (None, {}, None) == (event["content"], event["flags"], event["network"])
    assert [False] * 3 == [text in repr(event) for text in ("AGENT", "CITY", "v1/session")]
    event = the_event(record, include=Include(network=True))
    assert {"ip": None, "user_agent": "AGENT", "country": None} == event["network"]
    assert [False] * 2 == [text in repr(event) for text in ("CITY", "v1/session")]


def test_an_answer_of_an_mcp_server_names_the_tool() -> None:
    """The action is in the answer; the texts are not in the event."""
    event = the_event(a_record("APP_LOG", log_type="response", **APP, output=[an_answer()]))
    assert {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.conversation.id": "c-1",
        "gen_ai.tool.name": "slack_search_public",
        "openai_compliance.app.type": "MCP",
        "openai_compliance.connector.id": "asdk_app_1",
    } == own_attributes(event)
    assert ("success", (6003, 99, 1)) == (event["outcome"], ocsf_of(event))
    assert "SECRET" not in repr(event)


@pytest.mark.parametrize(
    ("output", "outcome"),
    [
        ([an_answer()], "success"),
        ([an_answer(result={"isError": True})], "failure"),
        ([an_answer(), an_answer(result={"isError": True})], "failure"),
        ([an_answer(), an_answer(result={})], "success"),
        ([an_answer(result={"isError": "true"})], "unknown"),
        ([an_answer(result=None)], "unknown"),
        ([{"display_title": "T", "display_url": "U"}], "unknown"),
        ([{"response": "text"}], "unknown"),
        ([], "unknown"),
        (None, "unknown"),
        ("text", "unknown"),
    ],
)
def test_errors_are_the_outcome(output: object, outcome: str) -> None:
    """Only MCP servers say whether it went well; one error of several is one."""
    record = a_record("APP_LOG", log_type="response", **APP, output=output)
    assert outcome == the_event(record)["outcome"]


@pytest.mark.parametrize(
    ("changes", "target"),
    [
        ({"app_id": "conn-1", "app_name": "gdrive"}, ("app", "conn-1", "gdrive")),
        ({"app_name": "gdrive"}, ("app", None, "gdrive")),
        ({"app_id": "conn-1", "app_name": None}, ("app", "conn-1", None)),
        ({"app_id": None, "conversation_id": "c-1"}, ("conversation", "c-1", None)),
        ({"conversation_id": None}, None),
    ],
)
def test_the_app_is_the_target(changes: Record, target: object) -> None:
    """The app, else the conversation; calls in the background have none."""
    found = the_event(a_record("APP_LOG", log_type="request", **changes))["target"]
    assert target == (found and tuple(found.values()))


def test_content_shows_where_it_is_included() -> None:
    """Input and output are written out, without addresses."""
    include = Include(content=True)
    request = a_record("APP_LOG", log_type="request", input={"query": "Q", "to": "a@b.c"})
    assert {"input": '{"query":"Q","to":"withheld"}'} == the_event(request, include=include)[
        "content"
    ]
    output = [{"display_title": "T", "display_url": "U"}]
    response = a_record("APP_LOG", log_type="response", input=None, output=output)
    assert {"output": '[{"display_title":"T","display_url":"U"}]'} == the_event(
        response, include=include
    )["content"]


def test_where_the_user_is_needs_both_options() -> None:
    """It is a part of the input and tells of the network, at any depth."""
    record = a_record(
        "APP_LOG",
        log_type="request",
        input={"query": "Q", "deep": [{"_meta": PLACE, **PLACE}], "_meta": PLACE},
    )
    content = the_event(record, include=Include(content=True))["content"]
    assert {"input": '{"deep":[{"openai/session":"v1/session"}],"query":"Q"}'} == content
    shown = the_event(record, include=EVERYTHING)["content"]
    assert [3, 3] == [repr(shown).count(text) for text in ("AGENT", "CITY")]


def test_an_input_that_is_all_about_the_user_is_no_content() -> None:
    """What is left of it is empty."""
    record = a_record("APP_LOG", log_type="request", input={"_meta": PLACE})
    assert None is the_event(record, include=Include(content=True))["content"]
