"""Identifiers that several rooms must spell alike."""

import re
from typing import Final

SOURCE_TYPE: Final = "openai_compliance"
DEFAULT_PREFIX: Final = "compliance/"

# The id is a part of message keys, of event ids and of an AWS session name. Its length leaves room
# for the longest object key (1,024 bytes) in the 4,096 bytes of an offset's metadata.
SOURCE_ID_LENGTH_MAX: Final = 128
_SOURCE_ID = re.compile(rf"[A-Za-z0-9_-]{{1,{SOURCE_ID_LENGTH_MAX}}}\Z")


def is_source_id(text: str) -> bool:
    """Letters, digits, `-` and `_`, up to 128 of them."""
    return _SOURCE_ID.match(text) is not None


def object_message_key(*, source_id: str, key: str) -> str:
    """Build the Kafka key of all that concerns one object: `<source id>/<object key>`."""
    return f"{source_id}/{key}"


def event_id(*, source_id: str, provider_event_id: str) -> str:
    """Build the id that makes one OpenAI event one governance event."""
    return f"{SOURCE_TYPE}:{source_id}:{provider_event_id}"
