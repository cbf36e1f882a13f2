"""Conversations as the stateful interface before the log files gave them: one event a message.

Times are epoch seconds with fractions. A message may have none: it then has its conversation's
`created_at`, which every export of the conversation repeats (`last_active_at` moves with each new
message, and an event must not change with it), and a flag says so.
"""

from typing import Final

from producer.contract.dead_letter import FailureKind
from producer.contract.event import Target
from producer.contract.source import Include
from producer.normaliser.actors import who_is_beside
from producer.normaliser.documents import written
from producer.normaliser.envelope import epoch_instant
from producer.normaliser.ocsf import API_ACTIVITY, OTHER
from producer.normaliser.privacy import Content, json_text
from producer.normaliser.reading import (
    EMPTY,
    Findings,
    JsonObject,
    identifier,
    mapping,
    objects,
    required_text,
    text,
)
from producer.normaliser.rules import Draft, Family, Rule, Split

NAME: Final = "compliance.workspace.conversation"
# A message that was copied out of its conversation, as a line of its own.
MESSAGE_NAME: Final = "compliance.workspace.conversation.message"

_MESSAGE: Final = Rule("api.call", API_ACTIVITY, OTHER, operation="chat")
_OTHER_ROLE: Final = Rule("agent.action", API_ACTIVITY, OTHER)
# A conversation whose messages are gone, or were never exported.
_CONVERSATION: Final = Rule("agent.action", API_ACTIVITY, OTHER)

ROLES: Final[dict[str, Rule]] = {
    "user": _MESSAGE,
    "assistant": _MESSAGE,
    "tool": Rule("tool.invocation", API_ACTIVITY, OTHER, operation="execute_tool"),
}

_MESSAGES: Final = "messages"
_ITEMS: Final = "data"
# Where a message is, as failures name it.
_PATH: Final = f"{_MESSAGES}.{_ITEMS}"
_ID: Final = f"{_PATH}.id"
_TIME_NAMES: Final = ("created_at", "last_active_at")


def is_conversation(record: JsonObject) -> bool:
    """Whether a record has messages as conversations have them, and no times of another shape."""
    messages = record.get(_MESSAGES)
    if type(messages) is not dict or _ITEMS not in messages:
        return False
    stated = [record[name] for name in _TIME_NAMES if record.get(name) is not None]
    return all(type(time) is not str for time in stated or [record.get("timestamp")])


def split(record: JsonObject) -> Split | None:
    """Give the messages of a conversation; one with a single message is that message's."""
    items = _items(record)
    if len(items) <= 1:
        return None
    around = {name: value for name, value in record.items() if name != _MESSAGES}

    def left(messages: list[object]) -> JsonObject:
        return {**around, _MESSAGES: {"object": "list", _ITEMS: messages}}

    def alone(message: object) -> JsonObject:
        return left([message])

    return Split(items=items, alone=alone, left=left, repeated=len(written(around)))


def describe_message(message: JsonObject, findings: Findings) -> Draft:
    """Say what a message tells that stands alone."""
    return describe(_around(message), findings)


def message_identified(message: JsonObject) -> JsonObject:
    """Give what has the id, the same as within its conversation."""
    return identified(_around(message))


def message_occurred_at(message: JsonObject, findings: Findings) -> int:
    """Read the message's time; alone, it has no other."""
    return epoch_instant(message, "created_at", findings)


def message_content(message: JsonObject, include: Include, findings: Findings) -> Content:
    """Give the message and its files."""
    return content(_around(message), include, findings)


def _around(message: JsonObject) -> JsonObject:
    """Put a message back into what is known of its conversation."""
    return {"id": message.get("conversation_id"), _MESSAGES: {_ITEMS: [message]}}


def _items(record: JsonObject) -> list[object]:
    messages = record.get(_MESSAGES)
    items = messages.get(_ITEMS) if type(messages) is dict else messages
    return items if type(items) is list else []


def _message(record: JsonObject) -> JsonObject | None:
    """Give the only message; `None` if there is none."""
    items = _items(record)
    if not items:
        return None
    return items[0] if type(items[0]) is dict else EMPTY


def identified(record: JsonObject) -> JsonObject:
    """Give what has the id: the message; without one, it is hashed with its conversation's id."""
    message = _message(record)
    if message is None:
        return record
    return {_ID: message.get("id"), "conversation_id": record.get("id"), "message": message}


def occurred_at(record: JsonObject, findings: Findings) -> int:
    """Read the message's time, else its conversation's."""
    message = _message(record)
    if message is not None and message.get("created_at") is not None:
        return epoch_instant(message, "created_at", findings, within=f"{_PATH}.")
    name = next((name for name in _TIME_NAMES if record.get(name) is not None), _TIME_NAMES[0])
    if message is not None:
        findings.flags["approximate.occurred_at"] = f"the conversation's {name}"
    return epoch_instant(record, name, findings)


def describe(record: JsonObject, findings: Findings) -> Draft:
    """Say what a message tells, or a conversation without any."""
    conversation = identifier(record, "id", findings)
    target = _target(conversation)
    message = _message(record)
    if message is None:
        _flag_lost(record, findings)
        return Draft(rule=_CONVERSATION, action=NAME, target=target, conversation=conversation)
    if message is EMPTY:
        findings.refuse(FailureKind.SCHEMA_VIOLATION, _PATH, "is not an object")
    author = mapping(message, "author", findings)
    role = required_text(author, "role", findings, within=f"{_PATH}.author.")
    message_id = identifier(message, "id", findings)
    return Draft(
        rule=ROLES.get(role.lower(), _OTHER_ROLE),
        action=role,
        target=target,
        answered=role.lower() == "assistant",
        conversation=conversation,
        tool=text(author, "tool_name", findings),
        extra=(
            ("gen_ai.response.id", message_id if role.lower() == "assistant" else None),
            ("openai_compliance.message.id", message_id),
            ("openai_compliance.gpt.id", identifier(message, "gpt_id", findings)),
            ("openai_compliance.project.id", identifier(message, "project_id", findings)),
        ),
    )


def _target(conversation: str | None) -> Target | None:
    if conversation is None:
        return None
    return {"kind": "conversation", "id": conversation, "name": None}


def _flag_lost(record: JsonObject, findings: Findings) -> None:
    """Flag messages that are not there because they are no list."""
    if type(record.get(_MESSAGES)) is not list:
        objects(mapping(record, _MESSAGES, findings), _ITEMS, findings)


def content(record: JsonObject, include: Include, findings: Findings) -> Content:
    """Give the message, its files, and the title."""
    message = _message(record) or EMPTY
    body = mapping(message, "content", findings)
    value = body.get("value")
    annotations = objects(body, "annotations", findings)
    files = objects(mapping(message, "files", findings), _ITEMS, findings)
    names = [text(file, "name", findings) for file in files]
    found = {
        "title": text(record, "title", findings),
        "text": value if type(value) is str else json_text(include, value) if value else None,
        "file_names": ", ".join(name for name in names if name is not None),
        "annotations": json_text(include, annotations) if annotations else None,
    }
    return {name: value for name, value in found.items() if value}


FAMILY: Final = Family(
    describe=describe,
    occurred_at=occurred_at,
    who=who_is_beside,
    content=content,
    name=NAME,
    id_names=(_ID, "id"),
    type_names=("object",),
    identified=identified,
    split=split,
)

MESSAGE: Final = Family(
    describe=describe_message,
    occurred_at=message_occurred_at,
    who=who_is_beside,
    content=message_content,
    name=MESSAGE_NAME,
    id_names=(_ID,),
    type_names=("object",),
    identified=message_identified,
)
