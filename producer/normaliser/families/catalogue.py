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
}

# What only the flat shape has.
_FLAT_NAMES: Final = frozenset(
    {"user", "user_id", "tokens", "usage", "prompt_tokens", "completion_tokens", "created_at"}
)

# Usage buckets, answers to listings; and the objects of all other interfaces, by the beginning of
# their names.
_OTHER_NAMES: Final = ("effective_at", "start_time", "has_more")
_OTHER_OBJECTS: Final = ("compliance.", "organization.", "workspace.")


def family_of(record: JsonObject) -> Family:
    """Find the family of a record.

    A record with a principal or an actor has the envelope, and its type says what it is; of the
    other interfaces, only the audit log has actors, and it has no principals. Without both, a
    known type is still believed (some rows of COSTS have neither) unless the record has what only
    flat ones have. Of the rest, what other interfaces give is theirs or generic; what remains is
    flat.
    """
    kind = record.get("type")
    family = FAMILIES.get(kind) if type(kind) is str else None
    if type(record.get("principal")) is dict:
        return family or generic.FAMILY
    if type(record.get("actor")) is dict:
        return family or _of_other_interface(record) or generic.FAMILY
    if family is not None and _FLAT_NAMES.isdisjoint(record):
        return family
    return _of_other_interface(record) or flat.FAMILY


def _of_other_interface(record: JsonObject) -> Family | None:
    """Tell by the object's name, which may be missing, or by what only its records have."""
    kind = record.get("object")
    family = OBJECTS.get(kind) if type(kind) is str else None
    if family is not None:
        return family
    if "effective_at" in record and type(record.get("type")) is str:
        return api_platform_audit.FAMILY
    if listing.is_listing(record):
        return listing.FAMILY
    if kind is None and legacy_conversation.is_conversation(record):
        return legacy_conversation.FAMILY
    other = type(kind) is str and kind.startswith(_OTHER_OBJECTS)
    return generic.FAMILY if other or any(map(record.__contains__, _OTHER_NAMES)) else None
