"""Which family a record belongs to: by its type, by its shape, else generic."""

from typing import Final

from producer.normaliser.families import (
    audit_log,
    auth_log,
    codex_log,
    codex_turn,
    conversation_message,
    costs,
    flat,
    generic,
)
from producer.normaliser.reading import JsonObject
from producer.normaliser.rules import Family

FAMILIES: Final[dict[str, Family]] = {
    "AUDIT_LOG": audit_log.FAMILY,
    "AUTH_LOG": auth_log.FAMILY,
    "CHATGPT_PLUGIN_SPREADSHEET": codex_log.FAMILY,
    "CODEX_LOG": codex_log.FAMILY,
    "CODEX_TURN": codex_turn.FAMILY,
    "CONVERSATION_MESSAGE": conversation_message.FAMILY,
    "COSTS": costs.FAMILY,
}

# What only the flat shape has.
_FLAT_NAMES: Final = frozenset(
    {"user", "user_id", "tokens", "usage", "prompt_tokens", "completion_tokens", "created_at"}
)

# API-platform audit logs, usage buckets, answers to listings; and the objects of all of them and
# of the legacy interface, by the beginning of their names.
_OTHER_NAMES: Final = ("effective_at", "start_time", "has_more")
_OTHER_OBJECTS: Final = ("compliance.", "organization.", "workspace.")


def family_of(record: JsonObject) -> Family:
    """Find the family of a record.

    A record with a principal or an actor has the envelope, and its type says what it is. Without
    them, a known type is still believed (some rows of COSTS have neither) unless the record has
    what only flat ones have. Of the rest, what OpenAI's other interfaces give is generic; what
    remains is flat.
    """
    kind = record.get("type")
    family = FAMILIES.get(kind) if type(kind) is str else None
    if type(record.get("principal")) is dict or type(record.get("actor")) is dict:
        return family or generic.FAMILY
    if family is not None and _FLAT_NAMES.isdisjoint(record):
        return family
    return generic.FAMILY if _is_of_other_interface(record) else flat.FAMILY


def _is_of_other_interface(record: JsonObject) -> bool:
    kind = record.get("object")
    return (type(kind) is str and kind.startswith(_OTHER_OBJECTS)) or any(
        name in record for name in _OTHER_NAMES
    )
