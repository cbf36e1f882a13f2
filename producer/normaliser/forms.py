"""What the texts of a record look like: an e-mail, an address of the network, a word, a flag.

A word has no white space and an end: the provider's ids, its enumerations, the names of models,
tools and clients are words. Who shows what is decided in `privacy`.

Law: a text is looked at in time that grows with its length and no faster, whatever is in it. A
line may be one text of 16 MiB, and a process that looks at it for minutes has left its group.
"""

import re
from ipaddress import AddressValueError, IPv6Address
from typing import Final

# The provider's ids have at most 80 characters, its longest enumerations about 70.
WORD_LENGTH_MAX: Final = 256

# Models and plugins may be written with an `@` too, as `gpt-5-5@2026-01`.
_DOMAIN: Final = re.compile(r"[^\s@]+")
_TOP_LEVEL: Final = re.compile(r"(?s:.)\.[A-Za-z]{2}")
_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_IPV4: Final = re.compile(rf"(?<![0-9]){_OCTET}(?:\.{_OCTET}){{3}}(?![0-9])")
_LIKE_A_HOST: Final = re.compile(r"[\w:.]+", re.ASCII)
# Cheap looks for what could be one.
_LIKE_IPV4: Final = re.compile(r"[0-9]\.[0-9]{1,3}\.[0-9]")
_LIKE_IPV6: Final = re.compile(r":[0-9A-Fa-f]{0,4}:")
# The longest address has 45 characters.
_ADDRESS_LENGTH_MAX: Final = 64
_IPV4_DOTS: Final = 3
_IPV6_COLONS: Final = 2

_MARKS: Final = "_.:/|+=~#%*@-"
_WORD: Final = re.compile(rf"[A-Za-z0-9{re.escape(_MARKS)}]{{1,{WORD_LENGTH_MAX}}}")
# What words are made of that is no part of an e-mail or an address.
_PLAIN: Final = bytes(
    code
    for code in range(128)
    if chr(code).isalnum() or (chr(code) in _MARKS and chr(code) not in ".:@")
)
_DOTTED: Final = b".:\n"
_PLAIN_WORD: Final = re.compile(rf"[A-Za-z0-9_-]{{1,{WORD_LENGTH_MAX}}}")

_FLAG: Final = re.compile(r"[A-Za-z0-9_.:/+-]{1,64}")
_FLAG_NAME: Final = re.compile(r"[A-Za-z0-9_.:/+-]{1,128}")


def is_email(candidate: str) -> bool:
    """Whether an id has the form of an e-mail. Ids of the provider never hold an `@`."""
    return "@" in candidate


def holds_email(candidate: str) -> bool:
    """Whether a text holds an e-mail of a public domain."""
    if "@" not in candidate:
        return False
    parts = candidate.split("@")
    return any(map(_ends_in_an_email, parts, parts[1:]))


def holds_address(candidate: str) -> bool:
    """Whether a text holds an address of the network."""
    if candidate.count(".") >= _IPV4_DOTS and _IPV4.search(candidate) is not None:
        return True
    if candidate.count(":") < _IPV6_COLONS:
        return False
    hosts = (match[0] for match in _LIKE_A_HOST.finditer(candidate))
    return any(_holds_ipv6(host) for host in hosts if host.count(":") >= _IPV6_COLONS)


def is_address(candidate: str) -> bool:
    """Whether a text is an address of the network, with its port or its mask, and little else."""
    return (
        len(candidate) <= _ADDRESS_LENGTH_MAX
        and holds_address(candidate)
        and not any(map(str.isspace, candidate))
    )


def is_email_alone(candidate: str) -> bool:
    """Whether a text is an e-mail of any domain, and nothing else."""
    return candidate.find("@", 1, -1) > 0 and not any(map(str.isspace, candidate))


def _ends_in_an_email(before: str, behind: str) -> bool:
    """Whether an `@` between two texts is that of an e-mail of a public domain."""
    domain = _DOMAIN.match(behind)
    if not before or before[-1].isspace() or domain is None:
        return False
    return _TOP_LEVEL.search(domain[0]) is not None


def _holds_ipv6(host: str) -> bool:
    """Whether what has two colons is an address, or one with names and dots at its ends."""
    first, last = host.find(":"), host.rfind(":")
    begin, end = host.rfind(".", 0, first) + 1, host.find(".", last)
    ends = {len(host.rstrip(".")), len(host) if end < 0 else end}
    return any(_is_ipv6(host[begin:stop]) for stop in ends if stop - begin <= _ADDRESS_LENGTH_MAX)


def _is_ipv6(candidate: str) -> bool:
    try:
        IPv6Address(candidate)
    except AddressValueError:
        return False
    return True


def is_word(candidate: str) -> bool:
    """Whether a text has the form of an id, an enumeration or the name of a model or a tool."""
    return _WORD.fullmatch(candidate) is not None


def is_flag(value: str) -> bool:
    """Whether a text has the form of a flag's value: a truth value, a number, a short word."""
    return _FLAG.fullmatch(value) is not None and not holds_address(value)


def is_flag_name(name: str) -> bool:
    """Whether a text has the form of a flag's name: short words and the dots between them."""
    return _FLAG_NAME.fullmatch(name) is not None and not holds_address(name)


def is_plain(candidate: str) -> bool:
    """Whether a text is a word that could be nothing else; nearly all ids are."""
    return _PLAIN_WORD.fullmatch(candidate) is not None


def are_plain(values: list[str]) -> bool:
    """Whether all of these are words that need no closer look; nearly always they are."""
    joined = "\n".join(values)
    if len(joined) > WORD_LENGTH_MAX and max(map(len, values)) > WORD_LENGTH_MAX:
        return False
    odd = joined.encode().translate(None, _PLAIN)
    # Only what stands between the words is left.
    return len(odd) < len(values) or _are_dotted(joined, odd, count=len(values))


def _are_dotted(joined: str, odd: bytes, *, count: int) -> bool:
    """Whether words hold dots and colons beside what is plain, but no address."""
    return (
        not odd.translate(None, _DOTTED)
        and odd.count(b"\n") < max(count, 1)
        and (joined.count(".") < _IPV4_DOTS or _LIKE_IPV4.search(joined) is None)
        and (joined.count(":") < _IPV6_COLONS or _LIKE_IPV6.search(joined) is None)
    )
