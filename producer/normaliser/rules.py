"""The language of the families: what a rule says, and what a family is and finds out."""

from collections.abc import Callable

import msgspec

from producer.contract.event import Cost, EventOutcome, EventType, Target, Tokens
from producer.normaliser.ocsf import INFORMATIONAL
from producer.normaliser.privacy import ContentReader
from producer.normaliser.reading import Findings, JsonObject


class Rule(msgspec.Struct, frozen=True):
    """What an action of the provider means: one row of a family's table."""

    event_type: EventType
    class_uid: int
    activity_id: int
    outcome: EventOutcome = "unknown"
    operation: str | None = None


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What a family finds in a record, beyond the envelope that all families share.

    `outcome` wins over the rule's. `answered` says that the model gave the answer, not only that
    it was asked. `extra` are further attributes; those without a value are left out.
    """

    rule: Rule
    action: str
    outcome: EventOutcome | None = None
    severity_id: int = INFORMATIONAL
    target: Target | None = None
    model: str | None = None
    answered: bool = False
    tokens: Tokens | None = None
    cost: Cost | None = None
    conversation: str | None = None
    session: str | None = None
    client: str | None = None
    tool: str | None = None
    extra: tuple[tuple[str, str | None], ...] = ()


class Who(msgspec.Struct, frozen=True, kw_only=True):
    """Who did it: `account` is the id as written where `id` is a part of it."""

    kind: str
    id: str
    email: str | None = None
    on_behalf_of: str | None = None
    agent: str | None = None
    account: str | None = None


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """How one family of records is read. The readers note failures instead of raising."""

    describe: Callable[[JsonObject, Findings], Draft]
    occurred_at: Callable[[JsonObject, Findings], int]
    who: Callable[[JsonObject, Findings], Who]
    content: ContentReader | None = None
    id_names: tuple[str, ...] = ("event_id",)
    type_names: tuple[str, ...] = ("type",)
