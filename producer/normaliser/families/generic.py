"""Everything else: family, action, actor, time and ids, from where they usually are."""

from typing import Final

from producer.normaliser.actors import who_acted
from producer.normaliser.envelope import epoch_instant, read_timestamp
from producer.normaliser.ocsf import API_ACTIVITY, OTHER
from producer.normaliser.reading import EMPTY, Findings, JsonObject, identifier, text
from producer.normaliser.rules import Draft, Family, Rule

_GENERIC: Final = Rule("agent.action", API_ACTIVITY, OTHER)

# Where families write their action: here, or inside `action_data`.
_ACTION_NAMES: Final = ("action", "event_type", "log_type")
# The objects in which families keep their details, and with them ids.
_BODIES: Final = ("event_details", "payload")
# The times of OpenAI's other interfaces: epoch seconds.
_EPOCH_NAMES: Final = ("effective_at", "start_time", "created_at")


def occurred_at(record: JsonObject, findings: Findings) -> int:
    if record.get("timestamp") is None:
        for name in _EPOCH_NAMES:
            if record.get(name) is not None:
                return epoch_instant(record, name, findings)
    return read_timestamp(record, findings)


def describe(record: JsonObject, findings: Findings) -> Draft:
    """Say what a record of an unknown family tells."""
    return Draft(
        rule=_GENERIC,
        action=_action(record, findings),
        conversation=_conversation(record, findings),
        session=_session(record, findings),
        client=text(record, "client_id", findings),
    )


def _action(record: JsonObject, findings: Findings) -> str:
    for name in _ACTION_NAMES:
        found = text(record, name, findings)
        if found is not None:
            return found
    nested = text(_inner(record, "action_data"), "action", findings)
    # An API-platform audit log says by its type what was done, as `api_key.created`.
    return nested or (text(record, "type", findings) or "" if "effective_at" in record else "")


def _conversation(record: JsonObject, findings: Findings) -> str | None:
    found = identifier(record, "conversation_id", findings)
    return found or identifier(_inner(record, "conversation"), "id", findings)


def _session(record: JsonObject, findings: Findings) -> str | None:
    found = identifier(record, "session_id", findings) or identifier(record, "run_id", findings)
    for name in _BODIES:
        found = found or identifier(_inner(record, name), "session_id", findings)
        found = found or identifier(_inner(record, name), "run_id", findings)
    return found


def _inner(record: JsonObject, name: str) -> JsonObject:
    value = record.get(name)
    return value if type(value) is dict else EMPTY


FAMILY: Final = Family(
    describe=describe,
    occurred_at=occurred_at,
    who=who_acted,
    id_names=("event_id", "id"),
    type_names=("type", "event_type", "object"),
)
