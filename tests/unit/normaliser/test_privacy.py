"""Personal data reaches an event only where the source lets it in.

A canary is put into every string of every sample but those that say what a record is; where it
comes out again is told by its path.
"""

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from producer.contract.source import Include
from producer.normaliser.normalise import Normalised, normalise
from producer.normaliser.privacy import json_text
from producer.normaliser.reading import NumberText
from tests.unit.normaliser.lines import a_raw_line, a_record

# Any value that JSON has.
Json: TypeAlias = Any

SAMPLES = Path(__file__).parents[2] / "samples"

# What a record is cannot be replaced without making it another one.
STRUCTURE = frozenset({"type", "event_type", "timestamp", "day", "unit", "detail_type"})

# What may show with every option off: the provider's ids, its enumerations, and the names of
# models, tools, apps, clients, features and price items. Nothing else.
SHOWN = frozenset(
    {
        "event_id",
        "app_id",
        "app_name",
        "app_type",
        "link_id",
        "actor.user_id",
        "actor.redacted_id",
        "payload.identity.user_id",
        "action_data.user_id",
        "message.id",
        "message.files.id",
        "conversation.id",
        "conversation.gpt_id",
        "conversation.project_id",
        "conversation_id",
        "event_details.session_id",
        "event_details.environment_id",
        "event_details.scan_configuration_id",
        "event_details.scan_configuration_fields.environment_id",
        "event_details.scan_configuration_fields.owner_id",
        "event_details.scan_configuration_fields.repo_id",
        "event_details.scan_configuration_fields.scan_type",
        "event_details.scan_configuration_fields.state",
        "payload.turn_id",
        "payload.session_id",
        "client_id",
        "payload.product_client_id",
        "message.author.client_type",
        "message.author.model",
        "event_details.model",
        "payload.model",
        "event_details.tool_name",
        "event_details.decision",
        "action",
        "action_data.action",
        "action_data.auth_provider_name",
        "action_data.feature",
        "action_data.role",
        "action_data.seat_type",
        "action_privilege",
        "action_result",
        "log_type",
        "payload.measures.billing.sku",
    }
)
EMAILS = frozenset({"actor.user_email", "payload.identity.email"})
NETWORK = frozenset({"request_metadata.client_ip", "request_metadata.client_user_agent"})
ADDRESSES_IN_CONTENT = frozenset({"action_data.email_addresses"})
CONTENT = frozenset(
    {
        "action_data.auth_provider_name",
        "action_data.feature",
        "action_data.role",
        "action_data.seat_type",
        "action_data.user_id",
        "conversation.gpt_name",
        "conversation.project_name",
        "conversation.title",
        "event_details.prompt_text",
        "event_details.response_text",
        "event_details.scan_configuration_fields.repo_url",
        "event_details.scan_configuration_fields.workspace_id",
        "event_details.tool_input",
        "input.query",
        "message.content.value",
        "message.files.name",
    }
)


def sample_records() -> Iterator[dict[str, Any]]:
    for path in sorted(SAMPLES.rglob("*.jsonl")):
        for line in path.read_text().splitlines():
            if line:
                yield json.loads(line)


def with_canaries(value: Json, path: str = "") -> Json:
    """Replace each string by a canary that tells its path."""
    if isinstance(value, dict):
        return {
            name: item if name in STRUCTURE else with_canaries(item, f"{path}.{name}".strip("."))
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [with_canaries(item, path) for item in value]
    if isinstance(value, str):
        at = "@example.org" if "email" in path else ""
        return f"canary<{path}>{at}"
    return value


def shown_paths(normalised: Normalised) -> set[str]:
    """Give the paths whose canaries are in an event or in a failure."""
    failures = [refused.failures for refused in normalised.failures]
    text = repr((normalised.events, failures))
    return {part.partition(">")[0] for part in text.split("canary<")[1:]}


def all_shown_paths(include: Include) -> set[str]:
    shown: set[str] = set()
    for record in sample_records():
        line = json.dumps(with_canaries(record)).encode()
        shown |= shown_paths(normalise(a_raw_line(line, include=include)))
    return shown


def test_nothing_personal_shows_by_default() -> None:
    """Ids and enumerations show, and nothing else does."""
    assert set() == all_shown_paths(Include()) - SHOWN


@pytest.mark.parametrize(("email", "network", "content"), list(product([False, True], repeat=3)))
def test_each_option_shows_its_own_and_no_more(
    *, email: bool, network: bool, content: bool
) -> None:
    """The options do not depend on one another."""
    by_default = all_shown_paths(Include())
    shown = all_shown_paths(Include(email=email, network=network, content=content))
    allowed = (EMAILS if email else set()) | (NETWORK if network else set())
    allowed |= CONTENT if content else set()
    allowed |= ADDRESSES_IN_CONTENT if content and email else set()
    assert set() == shown - by_default - allowed
    if email:
        assert shown >= EMAILS
    if network:
        assert shown >= NETWORK
    if content:
        assert {path for path in CONTENT if "action_data" not in path} - shown <= {
            "conversation.gpt_name"
        }


@pytest.mark.parametrize("line", ["CANARY", '{"CANARY":"CANARY"}', '{"type":["CANARY"]}'])
def test_failures_do_not_quote_the_record(line: str) -> None:
    """The payload holds the line; the reason does not."""
    (refused,) = normalise(a_raw_line(line.encode())).failures
    assert "CANARY" not in repr(refused.failures)


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
