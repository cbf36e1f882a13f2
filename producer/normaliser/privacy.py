"""The one place that decides what personal data a source lets into its events.

Law: e-mails, network data and content reach an event only through the functions here, and only
where the source's `Include` says so. Ids, names of models, tools and clients, and the provider's
own enumerations are no personal data in this sense; an id in the form of an e-mail is.
"""

import re
from collections.abc import Callable
from typing import Final

import msgspec

from producer.contract.event import Network
from producer.contract.source import Include
from producer.normaliser.documents import number_as_written
from producer.normaliser.reading import Findings, JsonObject, mapping, text

Content = dict[str, str]
ContentReader = Callable[[JsonObject, Include, Findings], Content]

_ADDRESS: Final = re.compile(r"\S+@\S+")
# Models may be written with an `@` too, as `gpt-5-5@2026-01`.
_ADDRESS_WITHIN: Final = re.compile(r"[^\s@]+@[^\s@]+\.[A-Za-z]{2,}")
_WITHHELD: Final = "withheld"


class NetworkPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where records say from which network it was done: the objects on the way, then fields.

    `details` is the object that holds the country.
    """

    path: tuple[str, ...]
    ip: str
    user_agent: str
    details: str


REQUEST_METADATA: Final = NetworkPlace(
    path=("request_metadata",),
    ip="client_ip",
    user_agent="client_user_agent",
    details="client_ip_details",
)


# Fields that tell where a person is, wherever they stand in an object that is shown as content:
# `_meta` of calls to MCP servers holds the user's agent and location.
NETWORK_NAMES: Final = frozenset(
    {
        "_meta",
        "client_ip",
        "client_ip_details",
        "client_ja3",
        "client_ja4",
        "client_user_agent",
        "ip_address",
        "ip_address_details",
        "ja3",
        "ja4",
        "user_agent",
        "user_location",
    }
)
_OF_THE_USER: Final = "openai/user"


def is_email(candidate: str) -> bool:
    """Whether a text has the form of an e-mail. Ids of the provider never hold an `@`."""
    return "@" in candidate


def email(include: Include, address: str | None) -> str | None:
    return address if include.email else None


def without_address(include: Include, value: str) -> str:
    """Give an id or a name of the provider's; one that holds an address only with e-mails."""
    if include.email or "@" not in value:
        return value
    return _WITHHELD if _ADDRESS_WITHIN.search(value) else value


def network(
    include: Include, place: NetworkPlace, record: JsonObject, findings: Findings
) -> Network | None:
    """Give what a record tells about the client's network; `None` if it tells nothing."""
    if not include.network or place.path[0] not in record:
        return None
    values = record
    for name in place.path:
        values = mapping(values, name, findings)
    found: Network = {
        "ip": text(values, place.ip, findings),
        "user_agent": text(values, place.user_agent, findings),
        "country": text(mapping(values, place.details, findings), "country", findings),
    }
    return found if found["ip"] or found["user_agent"] or found["country"] else None


def content(
    include: Include, read: ContentReader | None, record: JsonObject, findings: Findings
) -> Content | None:
    """Give the texts of a record by name; not even read unless the source includes them."""
    if not include.content or read is None:
        return None
    texts = read(record, include, findings)
    return {
        name: _shown_text(value, addresses=include.email) for name, value in texts.items()
    } or None


def json_text(include: Include, value: object) -> str:
    """Write an object out as content, without addresses and network data unless included too."""
    shown = _shown(value if include.network else _without_network(value), addresses=include.email)
    return msgspec.json.encode(shown, order="sorted", enc_hook=number_as_written).decode()


def _without_network(value: object) -> object:
    if type(value) is dict:
        return {
            name: _without_network(item)
            for name, item in value.items()
            if name not in NETWORK_NAMES and not name.startswith(_OF_THE_USER)
        }
    if type(value) is list:
        return [_without_network(item) for item in value]
    return value


def _shown(value: object, *, addresses: bool) -> object:
    if type(value) is dict:
        return {
            _shown_text(name, addresses=addresses): _shown(item, addresses=addresses)
            for name, item in sorted(value.items())
        }
    if type(value) is list:
        return [_shown(item, addresses=addresses) for item in value]
    if type(value) is str:
        return _shown_text(value, addresses=addresses)
    return value


def _shown_text(value: str, *, addresses: bool) -> str:
    return value if addresses or _ADDRESS.fullmatch(value) is None else _WITHHELD
