"""CONVERSATION_MESSAGE: one message of a conversation, with its model and without any count."""

from typing import Final

from producer.contract.event import Target
from producer.contract.source import Include
from producer.normaliser.actors import who_acted
from producer.normaliser.envelope import read_timestamp
from producer.normaliser.ocsf import API_ACTIVITY, OTHER
from producer.normaliser.privacy import Content, json_text
from producer.normaliser.reading import (
    Findings,
    JsonObject,
    identifier,
    mapping,
    objects,
    required_text,
    scalar_text,
    text,
    texts,
)
from producer.normaliser.rules import Draft, Family, Rule

_MESSAGE: Final = Rule("api.call", API_ACTIVITY, OTHER, operation="chat")

AUTHORS: Final[dict[str, Rule]] = {
    "user": _MESSAGE,
    "assistant": _MESSAGE,
    "tool": Rule("tool.invocation", API_ACTIVITY, OTHER, operation="execute_tool"),
}
_OTHER_AUTHOR: Final = Rule("agent.action", API_ACTIVITY, OTHER)


def describe(record: JsonObject, findings: Findings) -> Draft:
    """Say what a CONVERSATION_MESSAGE record tells."""
    message = mapping(record, "message", findings)
    author = mapping(message, "author", findings)
    conversation = mapping(record, "conversation", findings)
    conversation_id = identifier(conversation, "id", findings)
    model = text(author, "model", findings)
    kind = required_text(author, "type", findings, within="message.author.")
    message_id = identifier(message, "id", findings)
    temporary = conversation.get("is_temporary_chat")
    return Draft(
        rule=AUTHORS.get(kind, _OTHER_AUTHOR),
        action=kind,
        target=_target(model, conversation_id),
        model=model,
        answered=kind == "assistant",
        conversation=conversation_id,
        client=text(author, "client_type", findings),
        extra=(
            ("gen_ai.response.id", message_id if kind == "assistant" else None),
            ("openai_compliance.message.id", message_id),
            ("openai_compliance.gpt.id", identifier(conversation, "gpt_id", findings)),
            ("openai_compliance.project.id", identifier(conversation, "project_id", findings)),
            ("openai_compliance.conversation.mode", text(conversation, "mode", findings)),
            (
                "openai_compliance.conversation.temporary",
                scalar_text(temporary) if type(temporary) is bool else None,
            ),
            ("openai_compliance.tools", ",".join(texts(author, "tools_used", findings)) or None),
        ),
    )


def _target(model: str | None, conversation_id: str | None) -> Target | None:
    if model is not None:
        return {"kind": "model", "id": model, "name": None}
    if conversation_id is not None:
        return {"kind": "conversation", "id": conversation_id, "name": None}
    return None


def content(record: JsonObject, include: Include, findings: Findings) -> Content:
    """Give the message, what it quotes and cites, its files, and the conversation's names."""
    message = mapping(record, "message", findings)
    body = mapping(message, "content", findings)
    conversation = mapping(record, "conversation", findings)
    files = [text(file, "name", findings) for file in objects(message, "files", findings)]
    annotations = objects(body, "annotations", findings)
    found = {
        "title": text(conversation, "title", findings),
        "gpt_name": text(conversation, "gpt_name", findings),
        "project_name": text(conversation, "project_name", findings),
        "text": text(body, "value", findings),
        "quote": text(body, "quote", findings),
        "quoted_file_name": text(body, "file_name", findings),
        "file_names": ", ".join(name for name in files if name is not None),
        "annotations": json_text(include, annotations) if annotations else None,
    }
    return {name: value for name, value in found.items() if value}


FAMILY: Final = Family(
    describe=describe, occurred_at=read_timestamp, who=who_acted, content=content
)
