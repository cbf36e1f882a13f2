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
from producer.normaliser.reading import Findings, JsonObject, NumberText, mapping, text

Content = dict[str, str]
ContentReader = Callable[[JsonObject, Include, Findings], Content]

_ADDRESS: Final = re.compile(r"\S+@\S+")
_WITHHELD: Final = "withheld"
_LONG_RANGE: Final = range(-(2**63), 2**63)


def is_email(candidate: str) -> bool:
    """Whether a text has the form of an e-mail. Ids of the provider never hold an `@`."""
    return "@" in candidate


def email(include: Include, address: str | None) -> str | None:
    return address if include.email else None


def network(include: Include, record: JsonObject, findings: Findings) -> Network | None:
    """Give what a record tells about the client's network; `None` if it tells nothing."""
    if not include.network or "request_metadata" not in record:
        return None
    metadata = mapping(record, "request_metadata", findings)
    found: Network = {
        "ip": text(metadata, "client_ip", findings),
        "user_agent": text(metadata, "client_user_agent", findings),
        "country": text(mapping(metadata, "client_ip_details", findings), "country", findings),
    }
    return found if found["ip"] or found["user_agent"] or found["country"] else None


def content(
    include: Include, read: ContentReader | None, record: JsonObject, findings: Findings
) -> Content | None:
    """Give the texts of a record by name; not even read unless the source includes them."""
    if not include.content or read is None:
        return None
    return read(record, include, findings) or None


def json_text(include: Include, value: object) -> str:
    """Write an object out as content, without addresses unless those are included too."""
    shown = _shown(value, addresses=include.email)
    return msgspec.json.encode(shown, order="sorted", enc_hook=_as_written).decode()


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
    # The encoder stops at 64 bits; as text, a number of any size is written as it was.
    if type(value) is int and value not in _LONG_RANGE:
        return NumberText(str(value))
    return value


def _shown_text(value: str, *, addresses: bool) -> str:
    return value if addresses or _ADDRESS.fullmatch(value) is None else _WITHHELD


def _as_written(number: object) -> msgspec.Raw:
    assert isinstance(number, NumberText)
    return msgspec.Raw(number.text.encode())
