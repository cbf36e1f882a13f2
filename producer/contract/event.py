"""The normalised event as plain dictionaries, which fastavro takes without a conversion.

Field order and meaning: `schemas/GovernanceEvent.avsc`.
"""

from typing import Literal, TypedDict

EventType = Literal[
    "api.call",
    "tool.invocation",
    "agent.action",
    "auth.signin",
    "auth.signout",
    "auth.action",
    "admin.config_change",
    "usage.report",
]
EventOutcome = Literal["success", "failure", "blocked", "unknown"]


class Origin(TypedDict):
    """Where an event comes from: a place (bucket, key, etag, line, index) and a pull."""

    bucket: str
    key: str
    etag: str
    line: int
    index: int
    pull_id: str
    replay_id: str | None


class Actor(TypedDict):
    """Who did it; `id` is the provider's, never an e-mail."""

    kind: str
    id: str
    email: str | None
    on_behalf_of: str | None


class Target(TypedDict):
    """What it was done to."""

    kind: str
    id: str | None
    name: str | None


class Model(TypedDict):
    """The model as written, and its name for pricing."""

    raw: str
    normalised: str


class Tokens(TypedDict):
    """Counts as the line states them; `None` is not stated, never 0."""

    input: int | None
    cached_input: int | None
    output: int | None
    reasoning_output: int | None
    summable: bool


class Cost(TypedDict):
    """Money as the line states it, as decimal text."""

    amount: str
    currency: str
    basis: str
    estimated_usd: str | None


class Network(TypedDict):
    """Only where the source includes it."""

    ip: str | None
    user_agent: str | None
    country: str | None


class Ocsf(TypedDict):
    """The event's place in OCSF."""

    class_uid: int
    activity_id: int
    type_uid: int
    severity_id: int
    status_id: int


class GovernanceEvent(TypedDict):
    """Who did what, to what, when, with which model and how many tokens."""

    event_id: str
    origin: Origin
    provider_event_id: str
    organization_id: str
    team_id: str | None
    source_id: str
    source_type: str
    occurred_at: int
    ingested_at: int
    event_type: EventType
    family: str
    action: str
    actor: Actor
    target: Target | None
    outcome: EventOutcome
    model: Model | None
    tokens: Tokens | None
    cost: Cost | None
    flags: dict[str, str]
    conversation: str | None
    session: str | None
    client: str | None
    network: Network | None
    content: dict[str, str] | None
    ocsf: Ocsf
    attributes: dict[str, str]
