"""The one place that decides what personal data a source lets into its events.

Laws:
- E-mails, network data and content reach an event only through the functions here, and only where
  the source's `Include` says so. What content shows of the other two is told in `contents`.
- What else a record says is shown in the form of an id or a word alone: the provider's ids, its
  enumerations, the names of models, tools and clients have no white space and an end. A text where
  a word belongs is content, an e-mail there is an e-mail, an address of the network is network
  data; each is shown with its own option, and without it a flag `withheld.<field>` says why not.
- Names of apps are names of products, so they are shown with their white space.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from producer.contract.event import Network
from producer.contract.source import Include
from producer.normaliser.contents import WITHHELD, shown_text, written_out
from producer.normaliser.field_names import is_of_a_text, meaning_of
from producer.normaliser.forms import (
    WORD_LENGTH_MAX,
    holds_address,
    holds_email,
    is_dated,
    is_email,
    is_flag,
    is_flag_name,
    is_plain,
    is_word,
)
from producer.normaliser.reading import Findings, JsonObject, mapping, text

Content = dict[str, str]
ContentReader = Callable[[JsonObject, Include, Findings], Content]

AN_EMAIL: Final = "has the form of an e-mail"
AN_ADDRESS: Final = "has the form of an address of the network"
A_TEXT: Final = "is a text, not an id or a word"

# The attributes that hold several words: these, and those of ids by how they end. Any other text
# with a comma in it is one text.
LISTS: Final = frozenset(
    {"openai_compliance.scopes", "openai_compliance.skus", "openai_compliance.tools"}
)
_IDS: Final = (".ids", ".ids_before")

_MODELS: Final = frozenset({"model", "gen_ai.request.model", "gen_ai.response.model"})
_COMMA: Final = ","
_FLAGS_WITHHELD: Final = f"{WITHHELD}.flags"
_TRUTH_VALUES: Final = ("true", "false")
_SCORE: Final = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,20})?")
_LABEL_LENGTH_MAX: Final = 100


class NetworkPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where records say from which network it was done: the objects on the way, then fields.

    `details` is the object that holds the country; a place may tell no address.
    """

    path: tuple[str, ...]
    ip: str | None
    user_agent: str
    details: str


REQUEST_METADATA: Final = NetworkPlace(
    path=("request_metadata",),
    ip="client_ip",
    user_agent="client_user_agent",
    details="client_ip_details",
)


def no_id(candidate: str) -> str | None:
    """Say why a text is no id, whatever a source includes; `None` if it is one."""
    if is_plain(candidate):
        return None
    if is_email(candidate):
        return AN_EMAIL
    if holds_address(candidate):
        return AN_ADDRESS
    return None if is_word(candidate) else A_TEXT


def hidden(
    include: Include, value: str, *, label: bool = False, model: bool = False
) -> str | None:
    """Say why a source does not show what stands where a word belongs; `None` if it does.

    A label is a product's name: it may be of several words. A model may have a date behind an `@`.
    """
    if len(value) > WORD_LENGTH_MAX and not include.content:
        return A_TEXT
    if not include.email and holds_email(value) and not (model and is_dated(value)):
        return AN_EMAIL
    if not include.network and holds_address(value):
        return AN_ADDRESS
    if include.content or not value or is_word(value):
        return None
    if label and len(value) <= _LABEL_LENGTH_MAX and value.isprintable():
        return None
    return A_TEXT


def shown(
    include: Include, name: str, value: str | None, findings: Findings, *, label: bool = False
) -> str | None:
    """Give what an event has at `name`; nothing and a flag where the source does not show it."""
    if value is None:
        return None
    reason = hidden(include, value, label=label, model=name in _MODELS)
    if reason is None:
        return value
    withhold(findings, name, reason)
    return None


def word_list(name: str, values: list[str], findings: Findings) -> tuple[str, str | None]:
    """Give several words as one attribute that is a list: commas stand between them.

    So one that holds a comma is none, with any option: it could not be told from two.
    """
    joined = _COMMA.join(values)
    if joined.count(_COMMA) >= max(len(values), 1):
        withhold(findings, name, A_TEXT)
        joined = _COMMA.join(value for value in values if _COMMA not in value)
    return name, joined or None


def shown_attribute(include: Include, name: str, value: str, findings: Findings) -> str | None:
    """Give what an event has of an attribute; of a list, the words that are shown."""
    if _COMMA not in value or not (name in LISTS or name.endswith(_IDS)):
        return shown(include, name, value, findings)
    found = [shown(include, name, one, findings) for one in value.split(_COMMA)]
    return _COMMA.join(one for one in found if one) or None


def shown_name(include: Include, name: str, value: str, findings: Findings) -> str:
    """Give what an event always has: a record's own word, or that it is withheld."""
    found = shown(include, name, value, findings)
    return WITHHELD if found is None else found


def withhold(findings: Findings, name: str, reason: str) -> None:
    """Say that something is not shown, and why."""
    findings.flags[f"{WITHHELD}.{name}"] = reason


def flag(findings: Findings, name: str, value: str) -> None:
    """Set a flag to a word of the record's; a text that is none is no flag, with any option."""
    if is_flag(value):
        findings.flags[name] = value
    else:
        withhold(findings, name, A_TEXT)


def add_flags(findings: Findings, found: dict[str, str]) -> None:
    """Set flags whose names are the record's too; those of another form are counted."""
    kept = {name: value for name, value in found.items() if _is_a_flag(name, value)}
    findings.flags.update(kept)
    if len(found) > len(kept):
        _count_withheld(findings.flags, len(found) - len(kept))


def _is_a_flag(name: str, value: str) -> bool:
    """Whether it is a flag, and no field of a record: that there is an e-mail, not which one.

    Nor a word of the text that was classified.
    """
    if not is_flag_name(name) or not is_flag(value):
        return False
    meanings = [meaning_of(part) for part in name.split(".")]
    told = any(one.network or one.person for one in meanings) or is_of_a_text(name)
    if value in _TRUTH_VALUES or not told:
        return True
    return _SCORE.fullmatch(value) is not None and not any(one.network for one in meanings)


def shown_flags(findings: Findings) -> dict[str, str]:
    """Give the flags of an event; names that hold anything but words are counted instead."""
    flags = findings.flags
    odd = [name for name in flags if not is_flag_name(name)]
    if not odd:
        return flags
    kept = {name: value for name, value in flags.items() if name not in odd}
    _count_withheld(kept, len(odd))
    return kept


def _count_withheld(flags: dict[str, str], count: int) -> None:
    flags[_FLAGS_WITHHELD] = str(count + int(flags.get(_FLAGS_WITHHELD, "0")))


def email(include: Include, address: str | None, findings: Findings) -> str | None:
    """Give an actor's e-mail; a text without an `@` in its place is none."""
    if address is None or not include.email:
        return None
    if is_email(address) and not any(map(str.isspace, address)):
        return address
    withhold(findings, "actor.email", "has not the form of an e-mail")
    return None


def network(
    include: Include, places: Iterable[NetworkPlace | None], record: JsonObject, findings: Findings
) -> Network | None:
    """Give what a record tells about the client's network; `None` if it tells nothing.

    Of several places, the first that tells something counts.
    """
    if not include.network:
        return None
    for place in places:
        found = None if place is None else _network_at(include, place, record, findings)
        if found is not None:
            return found
    return None


def _network_at(
    include: Include, place: NetworkPlace, record: JsonObject, findings: Findings
) -> Network | None:
    values = record
    for name in place.path:
        if name not in values:
            return None
        values = mapping(values, name, findings)
    ip = place.ip and text(values, place.ip, findings)
    country = text(mapping(values, place.details, findings), "country", findings)
    found: Network = {
        "ip": shown(include, "network.ip", ip, findings),
        "user_agent": _user_agent(include, text(values, place.user_agent, findings), findings),
        "country": shown(include, "network.country", country, findings),
    }
    return found if found["ip"] or found["user_agent"] or found["country"] else None


def _user_agent(include: Include, value: str | None, findings: Findings) -> str | None:
    """Give a user agent, which is of several words; one with an e-mail needs that option too."""
    if value is None or include.email or not holds_email(value):
        return value
    withhold(findings, "network.user_agent", AN_EMAIL)
    return None


def content(
    include: Include, read: ContentReader | None, record: JsonObject, findings: Findings
) -> Content | None:
    """Give the texts of a record by name; not even read unless the source includes them."""
    if not include.content or read is None:
        return None
    texts = read(record, include, findings)
    return {name: shown_text(include, name, value) for name, value in texts.items()} or None


def whole(record: JsonObject, include: Include, findings: Findings) -> Content:  # noqa: ARG001
    """Give all of a record as content, where no rule says which of its fields are texts."""
    return {"record": json_text(include, record)}


def json_text(include: Include, value: object) -> str:
    """Write an object out as content, without e-mails and network data unless included too."""
    return written_out(include, value)
