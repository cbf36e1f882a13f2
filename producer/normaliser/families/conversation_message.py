"""CONVERSATION_MESSAGE: one message of a conversation, with its model and without any count."""

from typing import Final

from producer.contract.event import Target
from producer.contract.source import Include
from producer.normaliser.actors import who_acted
from producer.normaliser.details import attributes_by, switch
from producer.normaliser.envelope import read_timestamp
from producer.normaliser.families.generic import with_ids
from producer.normaliser.ocsf import API_ACTIVITY, OTHER
from producer.normaliser.privacy import Content, json_text, word_list
from producer.normaliser.reading import (
    Findings,
    JsonObject,
    identifier,
    mapping,
    objects,
    required_text,
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

CONVERSATION_ATTRIBUTES: Final = {
    "gpt_id": "openai_compliance.gpt.id",
    "project_id": "openai_compliance.project.id",
    "mode": "openai_compliance.conversation.mode",
}

_ASSISTANT: Final = "assistant"
_TEMPORARY: Final = "is_temporary_chat"


def describe(record: JsonObject, findings: Findings) -> Draft:
    """Say what a CONVERSATION_MESSAGE record tells."""
    message = mapping(record, "message", findings)
    author = mapping(message, "author", findings)
    conversation = mapping(record, "conversation", findings)
    conversation_id = identifier(conversation, "id", findings)
    model = text(author, "model", findings)
    kind = required_text(author, "type", findings, within="message.author.")
    message_id = identifier(message, "id", findings)
    answered = kind.lower() == _ASSISTANT
    draft = Draft(
        rule=AUTHORS.get(kind.lower(), _OTHER_AUTHOR),
        action=kind,
        target=_target(model, conversation_id),
        model=model,
        answered=answered,
        conversation=conversation_id,
        client=text(author, "client_type", findings),
        extra=(
            ("gen_ai.response.id", message_id if answered else None),
            ("openai_compliance.message.id", message_id),
            ("openai_compliance.message.previous_id", _previous(record, findings)),
            word_list("openai_compliance.file.ids", _file_ids(message, findings), findings),
            word_list("openai_compliance.tools", texts(author, "tools_used", findings), findings),
            word_list("openai_compliance.skill.ids", _skills(author, findings), findings),
            *attributes_by(CONVERSATION_ATTRIBUTES, conversation, findings),
            ("openai_compliance.conversation.temporary", switch(conversation, _TEMPORARY)),
        ),
    )
    return with_ids(draft, record, findings) if draft.rule is _OTHER_AUTHOR else draft


def _previous(record: JsonObject, findings: Findings) -> str | None:
    return identifier(record, "previous_message_id", findings)


def _skills(author: JsonObject, findings: Findings) -> list[str]:
    return texts(author, "skills_used", findings)


def _file_ids(message: JsonObject, findings: Findings) -> list[str]:
    """Name the files that a message brings or quotes."""
    quoted = identifier(mapping(message, "content", findings), "file_id", findings)
    brought = [identifier(file, "id", findings) for file in objects(message, "files", findings)]
    return [file for file in (*brought, quoted) if file is not None]


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
