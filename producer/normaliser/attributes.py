"""OpenTelemetry attributes of an event, so that a span of it is a rename.

First the four that say where LangWatch got it from, then the names of the gen_ai semantic
conventions, then under `openai_compliance.` what has no name there. Counts are LangWatch's
way round: its prices add up, so input comes without cached.
"""

from typing import Final

from producer.contract.event import Tokens
from producer.contract.names import SOURCE_TYPE
from producer.contract.raw import RawLine
from producer.normaliser.privacy import without_address
from producer.normaliser.rules import Draft, Who

_PROVIDER: Final = "openai"
_ORIGIN_KIND: Final = "ingestion_source"


def attributes_of(raw: RawLine, draft: Draft, who: Who) -> dict[str, str]:
    """Give the attributes that have a value, in an order that only this module fixes."""
    found = {
        "langwatch.origin.kind": _ORIGIN_KIND,
        "langwatch.ingestion_source.id": raw.source_id,
        "langwatch.ingestion_source.organization_id": raw.organization_id,
        "langwatch.ingestion_source.source_type": SOURCE_TYPE,
        "gen_ai.provider.name": _PROVIDER,
    }
    if draft.rule.operation is not None:
        found["gen_ai.operation.name"] = draft.rule.operation
    if draft.model is not None:
        found["gen_ai.request.model"] = draft.model
        if draft.answered:
            found["gen_ai.response.model"] = draft.model
    if draft.tokens is not None:
        _add_usage(found, draft.tokens)
    _add_ids(found, draft, who)
    for name, value in draft.extra:
        if value is not None:
            found[name] = value  # noqa: PERF403
    if raw.include.email or "@" not in "".join(found.values()):
        return found
    return {name: without_address(raw.include, value) for name, value in found.items()}


def _add_usage(found: dict[str, str], tokens: Tokens) -> None:
    for name, count in (
        ("gen_ai.usage.input_tokens", tokens["input"]),
        ("gen_ai.usage.cache_read.input_tokens", tokens["cached_input"]),
        ("gen_ai.usage.output_tokens", tokens["output"]),
        ("gen_ai.usage.reasoning_tokens", tokens["reasoning_output"]),
    ):
        if count is not None:
            found[name] = str(count)


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
