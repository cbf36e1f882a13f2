"""Who did it: the provider's id by the order of fallbacks, never an e-mail and never a name.

The order: the user; the one who delegated to the agent; the agent; the API key; the external
collaborator; the identity of a usage report, whose own actor is the system; the system. The kind
is that of whoever the id is; that an agent acted shows in on whose behalf, and in its own id.
"""

import re
from typing import Final

from producer.normaliser.forms import is_email
from producer.normaliser.privacy import no_id, withhold
from producer.normaliser.reading import (
    EMPTY,
    Findings,
    JsonObject,
    identifier,
    mapping,
    text,
)
from producer.normaliser.rules import Who

_USER_PREFIX: Final = "user-"
_ACCOUNT_SEPARATOR: Final = "__"
_WORKSPACE: Final = re.compile(r"(?s:.+)__[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_AGENT: Final = "AGENT"
_RUNTIME: Final = "agent_runtime"
_SYSTEM: Final = "system"
_UNKNOWN: Final = "unknown"

_NO_ID: Final = "has not the form of an id"

# The actors of API-platform audit logs.
_PLATFORM_KINDS: Final = ("session", "api_key")


def person_id(raw: str) -> str:
    """Strip the workspace off `user-X__<workspace>`: an account joins with its person."""
    if raw.startswith(_USER_PREFIX):
        return raw.partition(_ACCOUNT_SEPARATOR)[0]
    if _ACCOUNT_SEPARATOR in raw and _WORKSPACE.fullmatch(raw) is not None:
        return raw.rpartition(_ACCOUNT_SEPARATOR)[0]
    return raw


def person_at(values: JsonObject, name: str, findings: Findings) -> str | None:
    """Give the person whose id is at `name`; never an e-mail."""
    found = identifier(values, name, findings)
    if found is None:
        return None
    reason = no_id(found)
    if reason is None:
        return person_id(found)
    withhold(findings, name, reason)
    return None


def id_in_text(values: JsonObject, name: str, findings: Findings) -> str | None:
    """Give the id at `name`, where the field does not say that it is one; a name is none.

    The provider's ids hold digits, or begin as its users do.
    """
    found = identifier(values, name, findings)
    if found is None or is_email(found):
        return found
    if found.startswith(_USER_PREFIX) or any(map(str.isdigit, found)):
        return found
    _withhold(findings, _NO_ID)
    return _UNKNOWN


def agent_attributes(
    record: JsonObject, agent: str | None, findings: Findings
) -> tuple[tuple[str, str | None], ...]:
    """Give the agent that a record is about, and beside it the acting one if that is another."""
    actor = mapping(record, "actor", findings)
    acting = _agent_id(actor, findings) if actor.get("type") == _AGENT else None
    other = None if agent is None or acting == agent else acting
    return (("gen_ai.agent.id", agent), ("openai_compliance.actor.agent_id", other))


def who_acted(record: JsonObject, findings: Findings) -> Who:
    """Read the actor of an enveloped record."""
    actor = mapping(record, "actor", findings)
    return _acting(actor, findings) or _nobody(actor, findings)


def who_is_beside(record: JsonObject, findings: Findings) -> Who:
    """Read the actor of a record that may name its user outside an actor, as conversations do."""
    actor = mapping(record, "actor", findings)
    return _acting(actor, findings) or _beside(record, findings) or _nobody(actor, findings)


def who_is_reported(record: JsonObject, findings: Findings) -> Who:
    """Read the actor of a usage report, which is by the system and about somebody."""
    actor = mapping(record, "actor", findings)
    return _acting(actor, findings) or _reported(record, findings) or _nobody(actor, findings)


def who_is_anywhere(record: JsonObject, findings: Findings) -> Who:
    """Read the actor of a record of no known form."""
    actor = mapping(record, "actor", findings)
    return (
        _acting(actor, findings)
        or _reported(record, findings)
        or _beside(record, findings)
        or _nobody(actor, findings)
    )


def user(raw: str | None, address: str | None, findings: Findings) -> Who | None:
    """Give a user by id; `None` if there is neither an id nor an address."""
    if raw is None:
        return None if address is None else Who(kind="user", id=_UNKNOWN, email=address)
    reason = no_id(raw)
    if reason is not None:
        _withhold(findings, reason)
        return Who(kind="user", id=_UNKNOWN, email=address or (raw if is_email(raw) else None))
    person = person_id(raw)
    return Who(kind="user", id=person, email=address, account=raw if raw != person else None)


def nobody() -> Who:
    """Give who acted where a record does not say."""
    return Who(kind=_UNKNOWN, id=_SYSTEM)


def _acting(actor: JsonObject, findings: Findings) -> Who | None:
    kind = actor.get("type")
    if kind == _AGENT or _RUNTIME in actor:
        return _agent(actor, findings)
    if kind in _PLATFORM_KINDS:
        return _platform(actor, findings)
    return _by_itself(actor, findings)


def _by_itself(actor: JsonObject, findings: Findings) -> Who | None:
    """Read who acts without an agent, by the id that is there."""
    person = _user(actor, findings)
    if person is not None and person.id != _UNKNOWN:
        return person
    return _api_key(actor, findings) or _external(actor, findings) or person


def _user(actor: JsonObject, findings: Findings) -> Who | None:
    return user(
        identifier(actor, "user_id", findings), text(actor, "user_email", findings), findings
    )


def _agent(actor: JsonObject, findings: Findings) -> Who | None:
    agent = _agent_id(actor, findings)
    runtime = mapping(actor, _RUNTIME, findings)
    # The first fallback is the actor's own user, whatever kind of actor it says to be.
    delegator = _user(actor, findings) or _by_itself(
        mapping(runtime, "delegator", findings), findings
    )
    if delegator is None:
        return None if agent is None else Who(kind="agent", id=agent, agent=agent)
    of_agent = agent is not None and delegator.id == _UNKNOWN
    return Who(
        kind="agent" if of_agent else delegator.kind,
        id=agent if agent is not None and of_agent else delegator.id,
        email=delegator.email,
        on_behalf_of=delegator.id,
        agent=agent,
        account=delegator.account,
    )


def _agent_id(agent: JsonObject, findings: Findings) -> str | None:
    found = identifier(agent, "id", findings)
    return None if found is None else _id(found, findings)


def _api_key(actor: JsonObject, findings: Findings) -> Who | None:
    key = identifier(actor, "redacted_id", findings)
    return None if key is None else Who(kind="api_key", id=f"api_key:{_id(key, findings)}")


def _external(actor: JsonObject, findings: Findings) -> Who | None:
    raw = identifier(actor, "provider_user_id", findings)
    if raw is None:
        return None
    provider = text(actor, "provider", findings) or _UNKNOWN
    return Who(
        kind="external_user",
        id=f"external:{_id(provider, findings)}:{_id(raw, findings)}",
        email=raw if is_email(raw) else None,
    )


def _platform(actor: JsonObject, findings: Findings) -> Who | None:
    """Read the actor of an API-platform audit log: a person's session or a key."""
    if actor.get("type") == "session":
        person = mapping(mapping(actor, "session", findings), "user", findings)
        return user(identifier(person, "id", findings), text(person, "email", findings), findings)
    key = identifier(mapping(actor, "api_key", findings), "id", findings)
    return None if key is None else Who(kind="api_key", id=f"api_key:{_id(key, findings)}")


def _reported(record: JsonObject, findings: Findings) -> Who | None:
    """Read whom a usage report is about."""
    payload = record.get("payload")
    if type(payload) is not dict or "identity" not in payload:
        return None
    identity = mapping(payload, "identity", findings)
    agent = _agent_id(mapping(identity, "agent", findings), findings)
    person = user(
        identifier(identity, "user_id", findings), text(identity, "email", findings), findings
    )
    if person is not None and (person.id != _UNKNOWN or agent is None):
        return Who(
            kind=person.kind,
            id=person.id,
            email=person.email,
            agent=agent,
            account=person.account,
        )
    return None if agent is None else Who(kind="agent", id=agent, agent=agent)


def _beside(record: JsonObject, findings: Findings) -> Who | None:
    """Read the user of a record that names one without an actor."""
    if type(record.get("actor")) is dict:
        return None
    return user(
        identifier(record, "user_id", findings), text(record, "user_email", findings), findings
    )


def _nobody(actor: JsonObject, findings: Findings) -> Who:
    if actor.get("type") == "SYSTEM":
        return Who(kind="system", id=_SYSTEM)
    if actor is EMPTY:
        return nobody()
    raw = identifier(actor, "id", findings)
    return nobody() if raw is None else Who(kind=_UNKNOWN, id=_id(raw, findings))


def _id(raw: str, findings: Findings) -> str:
    reason = no_id(raw)
    if reason is None:
        return raw
    _withhold(findings, reason)
    return _UNKNOWN


def _withhold(findings: Findings, reason: str) -> None:
    withhold(findings, "actor", f"its id {reason}")
