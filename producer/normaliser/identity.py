"""What makes a record the same record when it is delivered again."""

import hashlib
import json
from typing import Final

from producer.contract.dead_letter import FailureKind
from producer.normaliser.forms import holds_address, is_email, is_plain
from producer.normaliser.privacy import AN_ADDRESS, AN_EMAIL, withhold
from producer.normaliser.reading import Findings, JsonObject, NumberText

# The id is a part of message keys and of the deduplicator's. OpenAI's have 36 characters.
ID_LENGTH_MAX: Final = 1024
_EMPTY: Final[tuple[object, ...]] = ([], {})
_HASH_PREFIX: Final = "sha256:"


def provider_event_id(record: JsonObject, names: tuple[str, ...], findings: Findings) -> str:
    """Give the provider's id, or a hash that two deliveries of one record share; never empty.

    What says nothing is empty: null, a blank text, `false`, `[]` and `{}`. What says something and
    is neither a text nor an integer refuses the record: a hash in its place could be of a record
    that has an id, and would double it.
    """
    for name in names:
        value = record.get(name)
        if value is None or value is False or value in _EMPTY:
            continue
        if type(value) is int:
            value = str(value)
        if type(value) is not str:
            findings.refuse(
                FailureKind.SCHEMA_VIOLATION, name, "is neither a string nor an integer"
            )
            return ""
        if len(value) > ID_LENGTH_MAX:
            findings.refuse(
                FailureKind.RULE_FAILED, name, f"is longer than {ID_LENGTH_MAX} characters"
            )
            return ""
        if is_plain(value):
            return value
        if _is_shown(value, name, findings) and value.strip():
            return value
    return _hash(record)


def _is_shown(value: str, name: str, findings: Findings) -> bool:
    """Whether an id may be in an event, with any option: it is in the event's key as well."""
    reason = AN_EMAIL if is_email(value) else AN_ADDRESS if holds_address(value) else None
    if reason is not None:
        withhold(findings, name, reason)
    return reason is None


def _hash(record: JsonObject) -> str:
    """Hash principal, type and time, which name the record, and all of it in canonical form.

    Canonical: keys sorted, no white space, numbers as written.
    """
    principal = record.get("principal")
    parts = (
        principal.get("id") if type(principal) is dict else None,
        record.get("type"),
        record.get("timestamp"),
        record,
    )
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=_as_written)
    return _HASH_PREFIX + hashlib.sha256(canonical.encode()).hexdigest()


def _as_written(number: object) -> dict[str, str]:
    assert isinstance(number, NumberText)
    return {"number": number.text}
