"""The flat shape: one request a line, without envelope. No known feed of OpenAI's writes it."""

from typing import Final, get_args

from producer.contract.event import Cost, EventType, Tokens
from producer.normaliser.actors import id_in_text, nobody, user
from producer.normaliser.envelope import instant
from producer.normaliser.families.generic import with_ids
from producer.normaliser.money import DOLLARS, REPORTED, read_amount
from producer.normaliser.ocsf import API_ACTIVITY, AUTHENTICATION, OTHER
from producer.normaliser.privacy import add_flags, whole
from producer.normaliser.reading import (
    Findings,
    JsonObject,
    identifier,
    mapping,
    required_text,
    scalar_text,
    text,
)
from producer.normaliser.rules import Draft, Family, Rule, Who
from producer.normaliser.tokens import Count, Counts, read_count, settle

_TIME_NAMES: Final = ("created_at", "timestamp")
_FLAG_NAMES: Final = ("content_classification", "classification_flags", "flags")
_FLAGS_MAX: Final = 100

# Where each count may be: object, then field; the first that is stated counts.
_INPUT: Final = (
    ("tokens", "input"),
    ("usage", "prompt_tokens"),
    ("usage", "input_tokens"),
    ("", "prompt_tokens"),
)
_OUTPUT: Final = (
    ("tokens", "output"),
    ("usage", "completion_tokens"),
    ("usage", "output_tokens"),
    ("", "completion_tokens"),
)
_CACHED: Final = (
    ("tokens", "cached"),
    ("tokens", "cached_input"),
    ("tokens", "cached_tokens"),
    ("tokens", "cached_input_tokens"),
    ("tokens", "input_cached"),
    ("usage", "cached_tokens"),
    ("usage", "cached_input_tokens"),
    ("usage", "input_cached_tokens"),
    ("", "cached_tokens"),
    ("", "cached_input_tokens"),
)
_DETAILS: Final = ("prompt_tokens_details", "input_tokens_details")
_OUTPUT_DETAILS: Final = ("completion_tokens_details", "output_tokens_details")

# The types of families whose tokens COSTS tells again, and those of Codex, also tomorrow's.
TOLD_AGAIN: Final = frozenset(
    {
        "APP_AUTH_LOG",
        "APP_LOG",
        "AUDIT_LOG",
        "AUTH_LOG",
        "CHATGPT_PLUGIN_SPREADSHEET",
        "CONVERSATION_MESSAGE",
        "CUSTOM_AGENTS_LOG",
    }
)
_CODEX: Final = "CODEX"

# Who it was is the actor, and none of the ids beside.
_OF_THE_USER: Final = ("user", "user_id", "actor")

# Where events are that are not API activity.
PLACES: Final[dict[EventType, tuple[int, int]]] = {
    "auth.signin": (AUTHENTICATION, 1),
    "auth.signout": (AUTHENTICATION, 2),
}
_OTHER_PLACE: Final = (API_ACTIVITY, OTHER)

_EVENT_TYPES: Final[dict[str, EventType]] = {name: name for name in get_args(EventType)}

# By the first word that occurs in the type: LangWatch's reading of foreign event types.
WORDS: Final[tuple[tuple[str, EventType], ...]] = (
    ("completion", "api.call"),
    ("chat", "api.call"),
    ("message", "api.call"),
    ("tool", "tool.invocation"),
    ("function", "tool.invocation"),
    ("auth", "auth.action"),
    ("signin", "auth.action"),
    ("login", "auth.action"),
)


def occurred_at(record: JsonObject, findings: Findings) -> int:
    """Read the first time that says something; an empty one does not."""
    for name in _TIME_NAMES:
        if record.get(name) not in (None, ""):
            return instant(record, name, findings)
    return instant(record, _TIME_NAMES[0], findings)


def who(record: JsonObject, findings: Findings) -> Who:
    """Read the user: an object, or its id alone."""
    address = None
    raw = None
    if type(record.get("user")) is dict:
        person = mapping(record, "user", findings)
        raw = identifier(person, "id", findings)
        address = text(person, "email", findings)
    for name in ("user_id", "user", "actor"):
        if raw is None and type(record.get(name)) is not dict:
            read = identifier if name == "user_id" else id_in_text
            raw = read(record, name, findings)
    return user(raw, address, findings) or nobody()


def describe(record: JsonObject, findings: Findings) -> Draft:
    """Say what a flat record tells."""
    kind = required_text(record, "type", findings)
    event = required_text(record, "event_type", findings)
    action = required_text(record, "action", findings) or event or kind
    model = text(record, "model", findings)
    told_again = any(map(_is_told_again, (kind, event)))
    event_type = _event_type((kind or event or action).lower())
    _add_flags(record, findings)
    operation = "chat" if event_type == "api.call" else None
    draft = Draft(
        rule=Rule(event_type, *PLACES.get(event_type, _OTHER_PLACE), operation=operation),
        action=action,
        target=None if model is None else {"kind": "model", "id": model, "name": None},
        model=model,
        answered=True,
        tokens=_tokens(record, summable=not told_again, findings=findings),
        cost=_cost(record, findings),
        client=text(record, "client_id", findings),
    )
    others = {name: value for name, value in record.items() if name not in _OF_THE_USER}
    return with_ids(draft, others, findings)


def _event_type(kind: str) -> EventType:
    named = _EVENT_TYPES.get(kind)
    if named is not None:
        return named
    return next((event_type for word, event_type in WORDS if word in kind), "agent.action")


def _is_told_again(kind: str) -> bool:
    """Whether a type is that of a family whose tokens are in COSTS, too (see `tokens`)."""
    name = kind.upper()
    return name in TOLD_AGAIN or name.startswith(_CODEX)


def _tokens(record: JsonObject, *, summable: bool, findings: Findings) -> Tokens | None:
    cached = _first(record, _CACHED, findings)
    if cached is None:
        cached = _detail(record, _DETAILS, "cached_tokens", findings)
    reasoning = _detail(record, _OUTPUT_DETAILS, "reasoning_tokens", findings)
    counts = Counts(
        input_=_first(record, _INPUT, findings),
        cached_input=cached,
        output=_first(record, _OUTPUT, findings),
        reasoning_output=reasoning,
    )
    return settle(counts, includes_cached=True, summable=summable, findings=findings)


def _detail(record: JsonObject, places: tuple[str, ...], name: str, findings: Findings) -> Count:
    """Read a count that OpenAI's API gives in an object of details, beside the counts or above."""
    for values in (
        mapping(record, "usage", findings),
        mapping(record, "tokens", findings),
        record,
    ):
        for place in places:
            found = read_count(mapping(values, place, findings), name, findings)
            if found is not None:
                return found
    return None


def _first(record: JsonObject, places: tuple[tuple[str, str], ...], findings: Findings) -> Count:
    for holder, name in places:
        values = mapping(record, holder, findings) if holder else record
        found = read_count(values, name, findings)
        if found is not None:
            return found
    return None


def _cost(record: JsonObject, findings: Findings) -> Cost | None:
    amount = read_amount(mapping(record, "cost", findings), "usd", findings)
    if amount is None:
        return None
    return {"amount": amount, "currency": DOLLARS, "basis": REPORTED, "estimated_usd": None}


def _add_flags(record: JsonObject, findings: Findings) -> None:
    """Take over whatever the line flags, by place; a word in a list is a flag that is set."""
    found: dict[str, str] = {}
    for name in _FLAG_NAMES:
        _flatten(name, record.get(name), found)
    kept = sorted(found)[:_FLAGS_MAX]
    add_flags(findings, {place: found[place] for place in kept})
    if len(found) > len(kept):
        findings.flags["flags_left_out"] = str(len(found) - len(kept))


def _flatten(place: str, value: object, found: dict[str, str]) -> None:
    if type(value) is dict:
        for name, item in sorted(value.items()):
            _flatten(f"{place}.{name}", item, found)
    elif type(value) is list:
        for index, item in enumerate(value):
            if type(item) is str:
                found[f"{place}.{item}"] = "true"
            else:
                _flatten(f"{place}.{index}", item, found)
    else:
        flag = scalar_text(value)
        if flag is not None:
            found[place] = flag


FAMILY: Final = Family(
    describe=describe,
    occurred_at=occurred_at,
    who=who,
    content=whole,
    id_names=("id", "event_id"),
    type_names=("type", "event_type"),
)
