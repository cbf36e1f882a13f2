"""Everything else: family, action, actor, time and ids, from where they usually are.

Ids are read by the names that the known families give them, in the record and in the objects that
it holds: the id that is nearest the top counts. An event that no rule of its family knows keeps
them as well.
"""

from collections.abc import Iterator
from functools import cache
from typing import Final

import msgspec

from producer.normaliser.actors import agent_attributes, person_id, who_is_anywhere
from producer.normaliser.envelope import epoch_instant, read_timestamp
from producer.normaliser.ocsf import API_ACTIVITY, OTHER
from producer.normaliser.privacy import whole
from producer.normaliser.reading import EMPTY, Findings, JsonObject, identifier, text
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

# Ids that families write, as fields of these names, or as `id` of an object: `role_id`, `role`.
ID_NAMES: Final = frozenset(
    {
        "access_token_id",
        "account_user_id",
        "agent_id",
        "api_key_id",
        "app_id",
        "assignee_id",
        "assignee_user_id",
        "automation_id",
        "call_id",
        "canvas_id",
        "certificate_id",
        "connector_id",
        "conversation_id",
        "created_by_user_id",
        "credential_id",
        "current_owner_id",
        "deployment_id",
        "domain_id",
        "environment_id",
        "file_id",
        "finding_id",
        "gpt_id",
        "group_id",
        "interaction_id",
        "invite_id",
        "link_id",
        "memory_id",
        "message_id",
        "new_owner_id",
        "organization_id",
        "owner_id",
        "owner_user_id",
        "plugin_id",
        "previous_message_id",
        "project_id",
        "recording_id",
        "release_id",
        "repo_id",
        "request_id",
        "resource_id",
        "response_id",
        "role_id",
        "run_id",
        "scan_configuration_id",
        "schedule_id",
        "service_account_id",
        "session_id",
        "site_id",
        "skill_id",
        "target_user_id",
        "task_id",
        "thread_id",
        "tool_call_id",
        "trigger_id",
        "turn_id",
        "user_id",
        "version_id",
        "workspace_id",
    }
)

# The ids whose attributes are not called as they are.
ATTRIBUTES: Final[dict[str, str]] = {
    "previous_message_id": "openai_compliance.message.previous_id",
    "repo_id": "openai_compliance.repository.id",
    "response_id": "gen_ai.response.id",
    "tool_call_id": "gen_ai.tool.call.id",
}


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
    found = _nearest(record, findings)
    sessions = (found.pop(name, None) for name in _SESSIONS)
    session = next((one for one in [*sessions] if one is not None), None)
    conversation = found.pop(_CONVERSATION, None)
    agent = agent_attributes(record, found.pop(_AGENT, None), findings)
    return msgspec.structs.replace(
        draft,
        conversation=draft.conversation or conversation,
        session=draft.session or session,
        extra=(*agent, *_attributes(found), *draft.extra),
    )


def ids_beside(
    values: JsonObject, known: str | None, findings: Findings
) -> tuple[tuple[str, str | None], ...]:
    """Give the ids of an object as attributes, but for the one that an event has already."""
    if ID_NAMES.isdisjoint(values):
        return ()
    found = {
        name: person_id(value)
        for name in sorted(values.keys() & ID_NAMES)
        if (value := identifier(values, name, findings)) is not None
    }
    return _attributes({name: value for name, value in found.items() if value != known})


def _attributes(found: dict[str, str]) -> tuple[tuple[str, str | None], ...]:
    return tuple(
        (ATTRIBUTES.get(name) or f"openai_compliance.{name.removesuffix('_id')}.id", value)
        for name, value in found.items()
    )


def _nearest(record: JsonObject, findings: Findings) -> dict[str, str]:
    """Find the known ids of a record, each where it is nearest the top."""
    found: dict[str, str] = {}
    for values in _levels(record):
        for name in sorted(values.keys() & ID_NAMES):
            _keep(found, name, identifier(values, name, findings))
        for name in sorted(values.keys() & _objects()):
            _keep(found, f"{name}_id", identifier(_inner(values, name), "id", findings))
    return found


@cache
def _objects() -> frozenset[str]:
    """Give what the objects are called whose `id` is one of the known ids."""
    return frozenset(name.removesuffix("_id") for name in ID_NAMES)


def _keep(found: dict[str, str], name: str, value: str | None) -> None:
    if value is not None:
        found.setdefault(name, person_id(value))


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
