"""The forms of what leaks, and how objects are written out as content."""

import json

import pytest

from producer.contract.source import Include
from producer.normaliser.forms import are_plain, holds_address, is_word
from producer.normaliser.normalise import normalise
from producer.normaliser.privacy import json_text
from producer.normaliser.reading import NumberText
from tests.unit.normaliser.lines import a_raw_line, a_record, the_event


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("203.0.113.5", True),
        ("203.0.113.5:443", True),
        ("client-203.0.113.5", True),
        ("flags.203.0.113.5", True),
        ("2001:db8::7", True),
        ("[2001:db8::7]:443", True),
        ("::ffff:203.0.113.5", True),
        ("fe80::1", True),
        ("gpt-5.5", False),
        ("1.2.3", False),
        ("256.1.1.x", False),
        ("2026-09-15T10:00:00Z", False),
        ("10:00:00", False),
        ("ft:gpt-4o-mini:acme::abc123", False),
        ("openai_compliance:src:evt-1", False),
        ("7d1f0c52-3b1e-4c7a-9a55-0f2f3d0c9e11", False),
    ],
)
def test_addresses_of_the_network_are_told_from_ids(text: str, *, expected: bool) -> None:
    """Versions, times, UUIDs and names of models hold dots and colons too."""
    assert expected is holds_address(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("user-1", True),
        ("api_key:sk-...abcd", True),
        ("auth0|abc+/=~", True),
        ("gpt-5-5@2026-01", True),
        ("x" * 256, True),
        ("x" * 257, False),
        ("", False),
        ("Alice Smith", False),
        ("a\nb", False),
        ("a\x00b", False),
        ("Zo\xeb", False),
        ('"quoted"', False),
    ],
)
def test_words_have_no_white_space_and_an_end(text: str, *, expected: bool) -> None:
    """What shows by default has the form of an id."""
    assert expected is is_word(text)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], True),
        (["user-1", "gpt-5.5", "gpt-5.5", "gpt-5.5"], True),
        (["user-1", ""], True),
        (["user-1", "a b"], False),
        (["user-1", "a\nb"], False),
        (["user-1", "a@b.cd"], False),
        (["user-1", "203.0.113.5"], False),
        (["user-1", "fe80::1"], False),
        (["user-1", "x" * 257], False),
        (["user-1", "\u540d\u524d"], False),
        (["x" * 200, "y" * 200], True),
    ],
)
def test_the_quick_look_misses_nothing(texts: list[str], *, expected: bool) -> None:
    """Of several words, one that is none spoils all."""
    assert expected is are_plain(texts)


def test_a_list_shows_the_words_in_it() -> None:
    """One text among ids hides itself alone."""
    author = {"type": "assistant", "tools_used": ["browser", "what Alice said"]}
    event = the_event(a_record("CONVERSATION_MESSAGE", message={"author": author}))
    assert "browser" == event["attributes"]["openai_compliance.tools"]
    assert {"withheld.openai_compliance.tools": "is a text, not an id or a word"} == event["flags"]


def test_text_with_commas_is_one_text() -> None:
    """Only lists of words are judged word by word, and a word of theirs has no comma."""
    data = {"new_role": "owner,Ada,said so", "role_id": "role-1,Bob"}
    event = the_event(a_record("AUDIT_LOG", action="USER_ROLE_UPDATED", action_data=data))
    assert not {"openai_compliance.role", "openai_compliance.role.id"} & {*event["attributes"]}
    author = {"type": "assistant", "tools_used": ["browser", "so,Ada,said"], "skills_used": [","]}
    for include in (Include(), Include(content=True)):
        record = a_record("CONVERSATION_MESSAGE", message={"author": author})
        event = the_event(record, include=include)
        assert "browser" == event["attributes"]["openai_compliance.tools"]
        assert "openai_compliance.skill.ids" not in event["attributes"]
        assert {
            "withheld.openai_compliance.tools": "is a text, not an id or a word",
            "withheld.openai_compliance.skill.ids": "is a text, not an id or a word",
        } == event["flags"]


@pytest.mark.parametrize("address", ["ada@corp", "ada%40corp", "ada%2540corp", "ada@2026corp"])
def test_email_of_any_domain_is_no_word(address: str) -> None:
    """Not where models stand either, and each is shown with its own option."""
    details = {"model": address, "session_id": address, "plugin_id": address}
    record = a_record("CODEX_LOG", event_type="PROMPT_SENT", event_details=details)
    assert address not in repr(the_event(record, include=Include(network=True, content=True)))
    event = the_event(record, include=Include(email=True))
    assert (address, address) == (event["session"], event["model"] and event["model"]["raw"])


def test_model_keeps_its_date() -> None:
    """Prices are kept by it; elsewhere it is no word."""
    details = {"model": "gpt-5-5@2026-01-01", "session_id": "gpt-5-5@2026-01-01"}
    record = a_record("CODEX_LOG", event_type="PROMPT_SENT", event_details=details)
    event = the_event(record)
    assert event["target"] == {"kind": "model", "id": "gpt-5-5@2026-01-01", "name": None}
    assert "gpt-5-5@2026-01-01" == event["attributes"]["gen_ai.request.model"]
    assert None is event["session"]


def test_locations_and_fingerprints_never_show() -> None:
    """There is no option for what is finer than a country."""
    metadata = {
        "client_ip_details": {"city": "CITY", "latitude": "1.5", "country": "DE"},
        "client_ja3": "JA3",
        "client_ja4": "JA4",
    }
    record = a_record("AUTH_LOG", request_metadata=metadata)
    everything = Include(email=True, network=True, content=True)
    shown = repr(normalise(a_raw_line(json.dumps(record).encode(), include=everything)).events)
    assert [False] * 4 == [text in shown for text in ("CITY", "1.5", "JA3", "JA4")]


def test_objects_are_written_out_in_one_order_without_addresses() -> None:
    """Keys are sorted, numbers stay as written, addresses are withheld wherever they are."""
    value = {"b": [NumberText("1.50"), 2**70, None, "x@y.z"], "a@b.c": "write to a@b.c"}
    assert (
        '{"b":[1.50,1180591620717411303424,null,"withheld"],"withheld":"write to a@b.c"}'
        == json_text(Include(content=True), value)
    )
    assert (
        '{"a@b.c":"write to a@b.c","b":[1.50,1180591620717411303424,null,"x@y.z"]}'
        == json_text(Include(content=True, email=True), value)
    )


def test_addresses_within_content_are_withheld() -> None:
    """What is an address and nothing else, also in a list of names; a sentence stays."""
    value = {"a": "203.0.113.5", "b": "ping 203.0.113.5 please", "c": "x, a@b.cd, 203.0.113.5"}
    assert '{"a":"withheld","b":"ping 203.0.113.5 please","c":"x, withheld, withheld"}' == (
        json_text(Include(content=True), value)
    )
    assert '{"a":"203.0.113.5","b":"ping 203.0.113.5 please","c":"x, withheld, 203.0.113.5"}' == (
        json_text(Include(content=True, network=True), value)
    )


def test_flags_are_no_way_around() -> None:
    """That an e-mail was found is a flag, and which one is none; a place is one of the network."""
    flags = {
        "email": True,
        "user_email": "ada",
        "email_score": 0.93,
        "clientCountry": "Germany",
        "latitude": 52.52,
        "location": False,
        "level": "high",
    }
    record = {
        "id": "flat-1",
        "type": "completion",
        "created_at": "2026-09-15T10:00:00Z",
        "flags": flags,
    }
    assert {
        "flags.email": "true",
        "flags.email_score": "0.93",
        "flags.location": "false",
        "flags.level": "high",
        "withheld.flags": "3",
    } == the_event(record)["flags"]
