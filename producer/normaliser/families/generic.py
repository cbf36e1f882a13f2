"""Everything else: family, action, actor, time and ids, from where they usually are.

Ids are read by their names (see `ids`), in the record and in the objects that it holds: the id
that is nearest the top counts. An event that no rule of its family knows keeps
them as well.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from producer.normaliser.actors import agent_attributes, who_is_anywhere
from producer.normaliser.envelope import epoch_instant, read_timestamp
from producer.normaliser.families.ids import IdPlace, attributes_of, places_in, read_ids, read_name
from producer.normaliser.ocsf import API_ACTIVITY, OTHER
from producer.normaliser.privacy import whole
from producer.normaliser.reading import EMPTY, Findings, JsonObject, text
from producer.normaliser.rules import Draft, Family, Rule

_GENERIC: Final = Rule("agent.action", API_ACTIVITY, OTHER)

# Where families write their action: here, or inside `action_data`.
_ACTION_NAMES: Final = ("action", "event_type", "log_type")
# The objects in which families keep their details, and with them ids; others come behind.
_BODIES: Final = ("event_details", "payload", "action_data")
# Who it was is read elsewhere (see `actors`).
_ACTOR: Final = "actor"
# The times of OpenAI's other interfaces: epoch seconds.
_EPOCH_NAMES: Final = ("effective_at", "start_time", "created_at")

_CONVERSATION: Final = "conversation_id"
_AGENT: Final = "agent_id"
_SESSIONS: Final = ("session_id", "run_id", "thread_id")


def occurred_at(record: JsonObject, findings: Findings) -> int:
    if record.get("timestamp") is None:
        for name in _EPOCH_NAMES:
            if record.get(name) is not None:
                return epoch_instant(record, name, findings)
    return read_timestamp(record, findings)


def describe(record: JsonObject, findings: Findings) -> Draft:
    """Say what a record of an unknown family tells."""
    draft = Draft(
        rule=_GENERIC,
        action=_action(record, findings),
        client=text(record, "client_id", findings),
    )
    return with_ids(draft, record, findings)


def with_ids(draft: Draft, record: JsonObject, findings: Findings) -> Draft:
    """Give a draft the ids of its record that it does not have already."""
    found = read_ids(_places(record), findings)
    sessions = (found.pop(name, None) for name in _SESSIONS)
    session = next((one for one in [*sessions] if one is not None), None)
    conversation = found.pop(_CONVERSATION, None)
    agent = agent_attributes(record, found.pop(_AGENT, None), findings)
    return msgspec.structs.replace(
        draft,
        conversation=draft.conversation or conversation,
        session=draft.session or session,
        extra=(*agent, *attributes_of(found), *draft.extra),
    )


def _places(record: JsonObject) -> Iterator[IdPlace]:
    """Give the places of a record's ids, those that are nearest the top first."""
    for values in _levels(record):
        yield from places_in(values)
        for name in sorted(name for name, value in values.items() if type(value) is dict):
            # Objects are called as ids are: `role`, as in `role_id`.
            if read_name(f"{name}_id") is not None:
                yield f"{name}_id", _inner(values, name), "id"


def _levels(record: JsonObject) -> Iterator[JsonObject]:
    """Give the record, and then the objects in it, in an order that does not depend on it."""
    yield record
    bodies = sorted(name for name, value in record.items() if type(value) is dict)
    for name in (*filter(bodies.__contains__, _BODIES), *bodies):
        if name != _ACTOR:
            yield _inner(record, name)


def _action(record: JsonObject, findings: Findings) -> str:
    for name in _ACTION_NAMES:
        found = text(record, name, findings)
        if found is not None:
            return found
    nested = text(_inner(record, "action_data"), "action", findings)
    # An API-platform audit log says by its type what was done, as `api_key.created`.
    return nested or (text(record, "type", findings) or "" if "effective_at" in record else "")


def _inner(record: JsonObject, name: str) -> JsonObject:
    value = record.get(name)
    return value if type(value) is dict else EMPTY


FAMILY: Final = Family(
    describe=describe,
    occurred_at=occurred_at,
    who=who_is_anywhere,
    content=whole,
    id_names=("event_id", "id"),
    type_names=("type", "event_type", "object"),
)
