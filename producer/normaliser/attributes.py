"""OpenTelemetry attributes of an event, so that a span of it is a rename.

First the four that say where LangWatch got it from, then the names of the gen_ai semantic
conventions, then under `openai_compliance.` what has no name there. Counts are LangWatch's
way round: its prices add up, so input comes without cached, where the conventions include it.
"""

from functools import lru_cache
from typing import Final

from producer.contract.event import Tokens
from producer.contract.names import SOURCE_TYPE
from producer.contract.raw import RawLine
from producer.normaliser.privacy import shown_attribute
from producer.normaliser.reading import Findings, JsonObject, identifier, mapping
from producer.normaliser.rules import Draft, Who

_PROVIDER: Final = "openai"
_ORIGIN_KIND: Final = "ingestion_source"
_ERROR: Final = "error.type"
_NO_ERROR: Final = "0"

# What actors have beside their own ids.
_OF_THE_ACTOR: Final = frozenset({"credential_id", "agent_runtime", "agent_task"})


def all_of(raw: RawLine, own: dict[str, str]) -> dict[str, str]:
    """Give the attributes of an event: its own, behind those that all of its source have."""
    return {**_of_the_source(raw.source_id, raw.organization_id), **own}


@lru_cache(maxsize=1024)
def _of_the_source(source_id: str, organization_id: str) -> dict[str, str]:
    return {
        "langwatch.origin.kind": _ORIGIN_KIND,
        "langwatch.ingestion_source.id": source_id,
        "langwatch.ingestion_source.organization_id": organization_id,
        "langwatch.ingestion_source.source_type": SOURCE_TYPE,
        "gen_ai.provider.name": _PROVIDER,
    }


def of_the_record(
    record: JsonObject, draft: Draft, who: Who, findings: Findings
) -> dict[str, str]:
    """Give the attributes that have a value, in an order that only this module fixes."""
    found: dict[str, str] = {}
    if draft.rule.operation is not None:
        found["gen_ai.operation.name"] = draft.rule.operation
    if draft.model is not None:
        found["gen_ai.request.model"] = draft.model
        if draft.answered:
            found["gen_ai.response.model"] = draft.model
    if draft.tokens is not None:
        _add_usage(found, draft.tokens)
    _add_envelope(found, record, findings)
    _add_ids(found, draft, who)
    for name, value in draft.extra:
        if value is not None:
            found[name] = value  # noqa: PERF403
    if found.get(_ERROR) == _NO_ERROR:
        del found[_ERROR]
    return found


def shown(raw: RawLine, found: dict[str, str], findings: Findings) -> dict[str, str]:
    """Give the attributes that a source shows."""
    each = (
        (name, shown_attribute(raw.include, name, value, findings))
        for name, value in found.items()
    )
    return {name: value for name, value in each if value is not None}


def _add_usage(found: dict[str, str], tokens: Tokens) -> None:
    for name, count in (
        ("gen_ai.usage.input_tokens", tokens["input"]),
        ("gen_ai.usage.cache_read.input_tokens", tokens["cached_input"]),
        ("gen_ai.usage.output_tokens", tokens["output"]),
        ("gen_ai.usage.reasoning.output_tokens", tokens["reasoning_output"]),
    ):
        if count is not None:
            found[name] = str(count)


def _add_envelope(found: dict[str, str], record: JsonObject, findings: Findings) -> None:
    """Add whose record it is, a workspace's or an organisation's, and what the actor used."""
    principal = record.get("principal")
    if type(principal) is dict:
        id_, kind = identifier(principal, "id", findings), identifier(principal, "type", findings)
        if id_ is not None:
            found["openai_compliance.principal.id"] = id_
        if kind is not None:
            found["openai_compliance.principal.type"] = kind
    actor = record.get("actor")
    if type(actor) is dict and not _OF_THE_ACTOR.isdisjoint(actor):
        used = identifier(actor, "credential_id", findings)
        runtime = mapping(actor, "agent_runtime", findings)
        task = mapping(actor, "agent_task", findings)
        _add(found, "openai_compliance.credential.id", used)
        _add(found, "openai_compliance.agent_runtime.id", identifier(runtime, "id", findings))
        _add(found, "openai_compliance.agent_task.id", identifier(task, "id", findings))


def _add(found: dict[str, str], name: str, value: str | None) -> None:
    if value is not None:
        found[name] = value


def _add_ids(found: dict[str, str], draft: Draft, who: Who) -> None:
    conversation = draft.conversation or draft.session
    if conversation is not None:
        found["gen_ai.conversation.id"] = conversation
    if who.agent is not None:
        found["gen_ai.agent.id"] = who.agent
    if draft.tool is not None:
        found["gen_ai.tool.name"] = draft.tool
    if who.account is not None:
        found["openai_compliance.actor.account_id"] = who.account
