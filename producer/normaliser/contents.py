"""How content is written out: without e-mails, names of people and network data, unless included.

Laws:
- In an object the names of fields tell what is network data and whose name something is (see
  `field_names`), and its values tell what is an e-mail or an address by their form. Network data
  is left out, anything else that is not shown is `withheld`.
- JSON in a text is an object too, and is written out anew. What begins like JSON and is none, as
  it was cut, is withheld whole where it seems to hold any of this; so is JSON that is nested too
  deep to be looked into.
- In any other text, what is an e-mail or an address and nothing else is withheld, also in a list
  of such. Within a sentence they are part of it.
- All of it takes time that grows with the length of the content and no faster.
"""

import re
from typing import Final

import msgspec

from producer.contract.source import Include
from producer.normaliser.documents import DEPTH_MAX, decoded, is_deeper, number_as_written
from producer.normaliser.field_names import Meaning, meaning_of
from producer.normaliser.forms import (
    holds_address,
    is_address,
    is_email,
    is_email_alone,
    is_word,
)

WITHHELD: Final = "withheld"

# How many levels of what may be nested a text costs: JSON in JSON in JSON is looked into, and each
# further text of it is twice as long, so that more is none of a client's.
_TEXT_LEVELS: Final = 25

# A text that begins like JSON: with a word in front (`Result: {`), or fenced off.
_LIKE_JSON: Final = re.compile(
    r"[\s\ufeff]*+(?:```\w*+\s*+|[\w \t.-]{1,40}+[:=]\s*+)?+(?P<first>[{\[\"'])"
)
# Names in a text that is no JSON any more, in quotes or, within braces, without.
_QUOTED_NAME: Final = re.compile(r"[\"']([^\"'\n]{1,128})[\"']\s*+(?:[:=,]|\Z)")
_BARE_NAME: Final = re.compile(r"(?<![\w.-])([\w.-]{1,128}+)\s*+[:=]")
_QUOTES: Final = re.compile(r"[\"']")

# Of a list of more than this, the rest is withheld unseen.
_LISTED_MAX: Final = 1000
_BREAK: Final = re.compile(r"(, |; |\r?\n)")
_USER_PREFIX: Final = "user-"
# What authors and actors are called where they are no people.
_ROLES: Final = frozenset({"admin", "agent", "assistant", "member", "owner", "system", "user"})
# Where an object is one field: what it is called, and what stands in it.
_CALLED: Final = ("name", "key", "field", "header", "property", "label")
_PAIR: Final = 2
_STANDS: Final = frozenset({"value", "values", "val"})


class Written(str):
    """A text of content that is written out already: all that is not shown is gone from it."""

    __slots__ = ()


def written_out(include: Include, value: object) -> Written:
    """Write an object out as content."""
    shown = _shown(include, value, left=DEPTH_MAX)
    return Written(_json(shown))


def shown_text(include: Include, name: str, value: str) -> str:
    """Give a text of content, called so."""
    if type(value) is Written:
        return str(value)
    if not include.email and meaning_of(name).person:
        return WITHHELD
    return _text(include, value, left=DEPTH_MAX)


def _json(value: object) -> str:
    return msgspec.json.encode(value, order="sorted", enc_hook=number_as_written).decode()


def _shown(include: Include, value: object, *, left: int, people: bool = False) -> object:
    """Give what is shown of a value; `people` says that it is called like one or several."""
    if type(value) is str:
        if people and not include.email and not _is_like_an_id(value):
            return WITHHELD
        return _text(include, value, left=left)
    if type(value) is dict:
        return _object(include, value, left=left - 1, people=people)
    if type(value) is list:
        if _is_withheld_pair(include, value):
            return [_key(include, str(value[0]), {}), WITHHELD]
        items = []
        for item in value:
            items.append(_shown(include, item, left=left - 1, people=people))  # noqa: PERF401
        return items
    return value


def _object(
    include: Include, values: dict[str, object], *, left: int, people: bool
) -> dict[str, object]:
    meanings = {name: meaning_of(name) for name in values}
    field = _as_a_field(values)
    whose = people or (not include.email and any(one.person for one in meanings.values()))
    found: dict[str, object] = {}
    for name in sorted(values):
        meaning = field if field is not None and name in _STANDS else meanings[name]
        if meaning.network and not include.network:
            continue
        value = values[name]
        is_person = meaning.person or (whose and meaning.part_of_name)
        found[_key(include, name, found)] = (
            _withheld(value)
            if is_person and not include.email
            else _shown(include, value, left=left, people=meaning.people)
        )
    return found


def _is_withheld_pair(include: Include, values: list[object]) -> bool:
    """Whether a list is a field as heads of messages have it: `["User-Agent", …]`."""
    if len(values) != _PAIR or type(values[0]) is not str or type(values[1]) is not str:
        return False
    meaning = meaning_of(values[0])
    return (meaning.network and not include.network) or (meaning.person and not include.email)


def _withheld(value: object) -> object:
    """Give what stands for an e-mail or a name; a switch and a count are neither."""
    if type(value) is list:
        return [_withheld(item) for item in value]
    return WITHHELD if type(value) is str or type(value) is dict else value


def _as_a_field(values: dict[str, object]) -> Meaning | None:
    """Read an object that is one field: `{"name": "User-Agent", "value": …}`."""
    if _STANDS.isdisjoint(values):
        return None
    for name in _CALLED:
        called = values.get(name)
        if type(called) is str:
            return meaning_of(called)
    return None


def _key(include: Include, name: str, found: dict[str, object]) -> str:
    shown = _pieces(include, name)
    return shown if shown not in found else f"{shown}.{len(found)}"


def _is_like_an_id(value: str) -> bool:
    """Whether who somebody is, is told by an id or by a role: a name of one word has no digit."""
    if not is_word(value):
        return False
    return value.startswith(_USER_PREFIX) or value in _ROLES or any(map(str.isdigit, value))


def _text(include: Include, value: str, *, left: int) -> str:
    """Give what is shown of a text."""
    if include.email and include.network:
        return value
    like = _LIKE_JSON.match(value)
    if like is None:
        return _pieces(include, value)
    document = value.strip("\ufeff \t\r\n").encode()
    if is_deeper(document, left - _TEXT_LEVELS):
        return WITHHELD
    try:
        found = decoded(document)
    except msgspec.DecodeError:
        if _tells_in_pieces(include, value, bare=like["first"] == "{"):
            return WITHHELD
        return _pieces(include, value)
    return _json(_shown(include, found, left=left - _TEXT_LEVELS))


def _tells_in_pieces(include: Include, value: str, *, bare: bool) -> bool:
    """Whether what was JSON, or is some other notation, seems to hold what is not shown."""
    names = {match[1].rstrip("\\") for match in _QUOTED_NAME.finditer(value)}
    if bare:
        names.update(match[1] for match in _BARE_NAME.finditer(value))
    meanings = [meaning_of(name) for name in names]
    if not include.network and any(meaning.network for meaning in meanings):
        return True
    if not include.email and any(meaning.person for meaning in meanings):
        return True
    if _tells_nothing(include, value):
        return False
    return any(_is_personal(include, piece.rstrip("\\")) for piece in _QUOTES.split(value))


def _tells_nothing(include: Include, value: str) -> bool:
    """Whether there is nowhere in a text an e-mail or an address that is not shown."""
    return (include.email or not is_email(value)) and (include.network or not holds_address(value))


def _pieces(include: Include, value: str) -> str:
    """Give a text without what is an e-mail or an address and nothing else, alone or in a list."""
    if _tells_nothing(include, value):
        return value
    pieces = _BREAK.split(value)
    withheld = 0
    for index in range(0, len(pieces), 2):
        if _is_personal(include, pieces[index]):
            pieces[index] = WITHHELD
            withheld += 1
        if withheld > _LISTED_MAX:
            del pieces[index + 1 :]
            break
    return "".join(pieces)


def _is_personal(include: Include, piece: str) -> bool:
    """Whether a piece of a text is nothing but e-mails, with a name or without, or addresses."""
    if not include.email and _is_mailbox(piece):
        return True
    words = piece.split(None, _LISTED_MAX)[:_LISTED_MAX]
    return bool(words) and all(
        (not include.email and is_email_alone(word)) or (not include.network and is_address(word))
        for word in words
    )


def _is_mailbox(piece: str) -> bool:
    """Whether a piece is an e-mail with a name in front, as in the head of a message."""
    before, bracket, address = piece.rstrip().rpartition("<")
    return bool(bracket and before) and address.endswith(">") and is_email_alone(address[:-1])
