"""What the name of a field tells of what stands in it: network data, or who somebody is.

Records hold objects of others (calls of tools and their results, fields of tomorrow), in which a
name is all that tells a city from a word. Names are read as words, so that `user_agent`,
`userAgent`, `User-Agent`, `openai/userAgent` and `useragent` are one.

Law: what is taken for network data or for a person without being it costs a reader an option; the
other way round it costs a person their privacy. So the lists are rather long.
"""

import re
from functools import lru_cache
from typing import Final

import msgspec

# Words that tell from where something was done, wherever they stand in a name.
_NETWORK_WORDS: Final = frozenset(
    {
        "asn",
        "cidr",
        "city",
        "continent",
        "coord",
        "coordinate",
        "country",
        "county",
        "forwarded",
        "geo",
        "gps",
        "ip",
        "ips",
        "ipv",
        "isp",
        "ja3",
        "ja4",
        "lat",
        "latlng",
        "latlon",
        "lng",
        "location",
        "lon",
        "postal",
        "province",
        "rdns",
        "region",
        "street",
        "subnet",
        "suburb",
        "tz",
        "ua",
        "xff",
        "zipcode",
    }
)
# What tells it also where the words of a name run together, or are several.
_NETWORK_PIECES: Final = (
    "autonomoussystem",
    "billingaddr",
    "clientaddr",
    "clienthost",
    "clientip",
    "country",
    "destinationaddr",
    "destinationhost",
    "destip",
    "deviceid",
    "fingerprint",
    "geoip",
    "geolocation",
    "homeaddr",
    "hostaddr",
    "hostip",
    "hostname",
    "ipaddr",
    "ipv4",
    "ipv6",
    "ja3",
    "ja4",
    "latitude",
    "longitude",
    "macaddr",
    "mailingaddr",
    "networkaddr",
    "peeraddr",
    "peerip",
    "postalcode",
    "postcode",
    "privateip",
    "publicip",
    "realip",
    "remoteaddr",
    "remotehost",
    "remoteip",
    "shippingaddr",
    "sourceaddr",
    "sourcehost",
    "sourceip",
    "srcip",
    "timezone",
    "useragent",
    "userip",
    "userlocation",
    "utcoffset",
    "zipcode",
)
# What tells it alone.
_NETWORK_NAMES: Final = frozenset({"as", "asname", "asnumber", "asorg", "asorganization", "zip"})
# `_meta` of calls to MCP servers holds the user's agent and location.
_META: Final = "_meta"
_OF_THE_USER: Final = "openai/user"

_EMAIL_WORDS: Final = frozenset({"mail", "mailbox", "mailto", "upn"})
_PERSON_PIECES: Final = (
    "email",
    "familyname",
    "firstname",
    "forename",
    "fullname",
    "givenname",
    "lastname",
    "legalname",
    "middlename",
    "nickname",
    "preferredname",
    "realname",
    "screenname",
    "surname",
    "username",
)
_PERSON_NAMES: Final = frozenset({"displayname", "login"})
# Who somebody may be: a name beside these is a person's, and so is a text that is called so.
_PEOPLE: Final = frozenset(
    {
        "actor",
        "admin",
        "administrator",
        "approver",
        "assignee",
        "attendee",
        "author",
        "collaborator",
        "commenter",
        "contact",
        "creator",
        "customer",
        "delegator",
        "editor",
        "employee",
        "guest",
        "identity",
        "initiator",
        "invitee",
        "inviter",
        "manager",
        "member",
        "organizer",
        "owner",
        "participant",
        "people",
        "person",
        "profile",
        "recipient",
        "reporter",
        "requester",
        "reviewer",
        "sender",
        "subscriber",
        "user",
    }
)
_BY: Final = "by"
_NAMES: Final = ("name", "displayname")
# What a person's object calls the parts of their name.
_OF_A_PERSON: Final = frozenset(
    {"name", "first", "middle", "last", "given", "family", "formatted"}
)

# What pieces of texts are called, by the last word of a name. Not whole ones: a prompt is rarely a
# single word, and what a classifier says of it is one.
_TEXTS: Final = frozenset(
    {
        "evidence",
        "excerpt",
        "filename",
        "fragment",
        "keyword",
        "match",
        "matched",
        "phrase",
        "quote",
        "snippet",
        "span",
        "substring",
        "text",
        "title",
        "word",
    }
)

_WORD: Final = re.compile(r"[A-Z]+(?:s(?![a-z]))?(?![a-z])[0-9]*+|[A-Z]?[a-z]++[0-9]*+|[0-9]++")
_DIGITS: Final = "0123456789"
_LENGTH_MAX: Final = 128
_PLURAL_LENGTH_MIN: Final = 4


class Meaning(msgspec.Struct, frozen=True, kw_only=True):
    """What a name tells.

    `network` and `person` are of what stands there; `people` says that an object there is a
    person's, and `part_of_name` that it is a part of a name where the object is.
    """

    network: bool = False
    person: bool = False
    people: bool = False
    part_of_name: bool = False


def meaning_of(name: str) -> Meaning:
    """Read a name, of a path that is longer than any its end."""
    return _meaning_of(name[-_LENGTH_MAX:])


@lru_cache(maxsize=4096)
def _meaning_of(name: str) -> Meaning:
    words = _words(name)
    joined = "".join(words)
    alone = name.replace("/", ".").rpartition(".")[2]
    told = "".join(_words(alone))
    person = (
        told in _PERSON_NAMES
        or not _EMAIL_WORDS.isdisjoint(words)
        or any(piece in joined for piece in _PERSON_PIECES)
        or _is_name_of_people(words)
    )
    network = not person and (
        told in _NETWORK_NAMES
        or alone.lower() == _META
        or name.startswith(_OF_THE_USER)
        or not _NETWORK_WORDS.isdisjoint(words)
        or not _NETWORK_WORDS.isdisjoint(word.rstrip(_DIGITS) for word in words)
        or any(piece in joined for piece in _NETWORK_PIECES)
    )
    last = words[-1] if words else ""
    return Meaning(
        network=network,
        person=person,
        people=last in _PEOPLE or (last == _BY and len(words) > 1),
        part_of_name=told in _OF_A_PERSON,
    )


def is_of_a_text(name: str) -> bool:
    """Whether what a name stands for is a piece of a text."""
    return not _TEXTS.isdisjoint(_words(name[-_LENGTH_MAX:])[-1:])


def _words(name: str) -> list[str]:
    return [_singular(word.lower()) for word in _WORD.findall(name)]


def _is_name_of_people(words: list[str]) -> bool:
    """Whether it is the `user_name` or the `user_display_name` of somebody."""
    return any(
        word in _PEOPLE
        and not {*words[index : index + 1], "".join(words[index : index + 2])}.isdisjoint(_NAMES)
        for index, word in enumerate(words, start=1)
    )


def _singular(word: str) -> str:
    if len(word) < _PLURAL_LENGTH_MIN or not word.endswith("s") or word.endswith("ss"):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-2] if word.endswith("sses") else word[:-1]
