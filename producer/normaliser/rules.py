"""The language of the families: what a rule says, and what a family is and finds out."""

from collections.abc import Callable

import msgspec

from producer.contract.event import Cost, EventOutcome, EventType, Target, Tokens
from producer.normaliser.ocsf import INFORMATIONAL
from producer.normaliser.privacy import REQUEST_METADATA, ContentReader, NetworkPlace
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


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """A record that tells several events: its items, and how they are records of their own.

    `alone` gives the record of one item, `left` that of all items beyond what a line may have.
    `repeated` is how many bytes of the whole each item repeats.
    """

    items: list[object]
    alone: Callable[[object], object]
    left: Callable[[list[object]], object]
    repeated: int = 0


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """How one family of records is read. The readers note failures instead of raising.

    `name` is the family's where a record has none at `type_names`. `identified` gives the object
    that has the id, or is hashed where it has none: the record itself, as a rule. `split` gives
    the items of a record that tells several events; a record of one item is not split.
    """

    describe: Callable[[JsonObject, Findings], Draft]
    occurred_at: Callable[[JsonObject, Findings], int]
    who: Callable[[JsonObject, Findings], Who]
    content: ContentReader | None = None
    network: NetworkPlace = REQUEST_METADATA
    network_beside: NetworkPlace | None = None
    name: str = ""
    id_names: tuple[str, ...] = ("event_id",)
    type_names: tuple[str, ...] = ("type",)
    identified: Callable[[JsonObject], JsonObject] | None = None
    split: Callable[[JsonObject], Split | None] | None = None
