"""Which family a record belongs to: by its type, by its shape, else generic."""

from typing import Final

from producer.normaliser.families import (
    api_platform_audit,
    app_auth_log,
    app_log,
    audit_log,
    auth_log,
    codex_log,
    codex_security_log,
    codex_turn,
    conversation_message,
    costs,
    custom_agents_log,
    flat,
    generic,
    legacy_conversation,
    listing,
)
from producer.normaliser.reading import JsonObject
from producer.normaliser.rules import Family

FAMILIES: Final[dict[str, Family]] = {
    "APP_AUTH_LOG": app_auth_log.FAMILY,
    "APP_LOG": app_log.FAMILY,
    "AUDIT_LOG": audit_log.FAMILY,
    "AUTH_LOG": auth_log.FAMILY,
    "CHATGPT_PLUGIN_SPREADSHEET": codex_log.FAMILY,
    "CODEX_LOG": codex_log.FAMILY,
    "CODEX_SECURITY_LOG": codex_security_log.FAMILY,
    "CODEX_TURN": codex_turn.FAMILY,
    "CONVERSATION_MESSAGE": conversation_message.FAMILY,
    "COSTS": costs.FAMILY,
    "CUSTOM_AGENTS_LOG": custom_agents_log.FAMILY,
}

# What OpenAI's other interfaces give, by the names of their objects.
OBJECTS: Final[dict[str, Family]] = {
    api_platform_audit.NAME: api_platform_audit.FAMILY,
    legacy_conversation.NAME: legacy_conversation.FAMILY,
    legacy_conversation.MESSAGE_NAME: legacy_conversation.MESSAGE,
    "bucket": generic.FAMILY,
}
# The objects of all other interfaces, by the beginning of their names.
_OTHER_OBJECTS: Final = ("compliance.", "organization.", "workspace.")

# What records of each family have beside it; rows of COSTS may lack all of the envelope.
OWN_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "APP_AUTH_LOG": ("app_id", "link_id"),
    "APP_LOG": ("app_id", "log_type"),
    "AUDIT_LOG": ("action_data", "action_result", "request_metadata"),
    "AUTH_LOG": ("action_data", "request_metadata"),
    "CHATGPT_PLUGIN_SPREADSHEET": ("event_details",),
    "CODEX_LOG": ("event_details",),
    "CODEX_SECURITY_LOG": ("event_details",),
    "CODEX_TURN": ("payload",),
    "CONVERSATION_MESSAGE": ("message", "conversation"),
    "COSTS": ("payload",),
    "CUSTOM_AGENTS_LOG": ("event_details",),
}
# What only the flat shape has.
_FLAT_NAMES: Final = frozenset(
    {"user", "user_id", "tokens", "usage", "prompt_tokens", "completion_tokens", "created_at"}
)
# The times of the flat shape are texts, those of the other interfaces are numbers.
_FLAT_TIMES: Final = ("created_at", "timestamp")
# What records of the other interfaces have, if they are called nothing: the audit log, usage
# buckets, answers to listings.
_OTHER_NAMES: Final = ("effective_at", "start_time", "has_more")


def family_of(record: JsonObject) -> Family:
    """Find the family of a record.

    What it is called decides, wherever that is known: by its type, else by its object. So a field
    that a family does not know, but another one does, changes nothing. Only a record of a known
    type that has nothing of its family's, and something that only flat records have, is flat.

    The shape decides the rest: what other interfaces give is theirs, what has a principal or an
    actor is of a family that is not known yet, and what remains is flat.
    """
    kind = record.get("type")
    if type(kind) is str and kind in FAMILIES:
        return FAMILIES[kind] if _is_of_a_family(record, kind) else flat.FAMILY
    return _by_object(record) or _by_shape(record)


def _is_of_a_family(record: JsonObject, kind: str) -> bool:
    if type(record.get("principal")) is dict or type(record.get("actor")) is dict:
        return True
    if any(type(record.get(name)) in (dict, str) for name in OWN_FIELDS[kind]):
        return True
    return _FLAT_NAMES.isdisjoint(record)


def _by_object(record: JsonObject) -> Family | None:
    kind = record.get("object")
    if type(kind) is not str:
        return None
    if kind in OBJECTS:
        return OBJECTS[kind]
    if listing.is_page(record):
        return listing.FAMILY
    return generic.FAMILY if kind.startswith(_OTHER_OBJECTS) else None


def _by_shape(record: JsonObject) -> Family:
    if api_platform_audit.has_its_actor(record):
        return api_platform_audit.FAMILY
    if type(record.get("principal")) is dict:
        return generic.FAMILY
    if listing.is_listing(record):
        return listing.FAMILY
    if legacy_conversation.is_conversation(record):
        return legacy_conversation.FAMILY
    return generic.FAMILY if type(record.get("actor")) is dict else _by_time(record)


def _by_time(record: JsonObject) -> Family:
    if any(type(record.get(name)) is str for name in _FLAT_TIMES):
        return flat.FAMILY
    if type(record.get("type")) is str and "effective_at" in record:
        return api_platform_audit.FAMILY
    return generic.FAMILY if any(name in record for name in _OTHER_NAMES) else flat.FAMILY
