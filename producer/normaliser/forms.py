"""What the texts of a record look like: an e-mail, an address of the network, a word, a flag.

A word has no white space and an end: the provider's ids, its enumerations, the names of models,
tools and clients are words. Who shows what is decided in `privacy`.

Law: a text is looked at in time that grows with its length and no faster, whatever is in it. A
line may be one text of 16 MiB, and a process that looks at it for minutes has left its group.
"""

import re
from ipaddress import AddressValueError, IPv6Address
from typing import Final
from urllib.parse import unquote

# The provider's ids have at most 80 characters, its longest enumerations about 70.
WORD_LENGTH_MAX: Final = 256

# An `@` as it may be written: itself, its forms of other widths, and what stands for these in
# addresses of the web (also encoded again), in HTML and in JavaScript.
_AT: Final = re.compile(
    r"[@\ufe6b\uff20\U000e0040]"
    r"|%(?:25)*+(?:40|u0040|EF%(?:25)*+(?:BC%(?:25)*+A0|B9%(?:25)*+AB))"
    r"|&(?:#0*+64|#x0*+40|commat);"
    r"|\\u(?:0040|ff20|fe6b)|\\x40",
    re.IGNORECASE,
)
# Cheap looks for what could be one.
_LIKE_AT: Final = ("@", "%", "&", "\\", "\ufe6b", "\uff20", "\U000e0040")
# The only words that are written with one: a model and its date.
_DATED: Final = re.compile(r"[A-Za-z0-9_.:/-]{1,200}@[0-9]{1,8}(?:-[0-9]{2}){0,2}")
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
# Of one that leaves nothing out, and ends in one of the old kind.
_IPV6_COLONS_WHOLE: Final = 6

_MARKS: Final = "_.:/|+=~#%*@-"
_WORD: Final = re.compile(rf"[A-Za-z0-9{re.escape(_MARKS)}]{{1,{WORD_LENGTH_MAX}}}")
# What words are made of that is no part of an e-mail or an address.
_PLAIN: Final = bytes(
    code
    for code in range(128)
    if chr(code).isalnum() or (chr(code) in _MARKS and chr(code) not in ".:@%")
)
_DOTTED: Final = b".:\n"
_PLAIN_WORD: Final = re.compile(rf"[A-Za-z0-9_-]{{1,{WORD_LENGTH_MAX}}}")

_FLAG: Final = re.compile(r"[A-Za-z0-9_.:/+-]{1,64}")
_FLAG_NAME: Final = re.compile(r"[A-Za-z0-9_.:/+-]{1,128}")


def is_email(candidate: str) -> bool:
    """Whether an id has the form of an e-mail. Ids of the provider never hold an `@`."""
    return any(mark in candidate for mark in _LIKE_AT) and _AT.search(candidate) is not None


def holds_email(candidate: str) -> bool:
    """Whether a text holds an e-mail of any domain, or what could be one.

    That is an `@` without white space beside it: people of `corp` have no dot in their domain.
    """
    return is_email(candidate) and any(
        not candidate[at.start() - 1 : at.start()].isspace()
        and not candidate[at.end() : at.end() + 1].isspace()
        for at in _AT.finditer(candidate)
    )


def is_dated(candidate: str) -> bool:
    """Whether the only `@` of a model is the one in front of its date."""
    return _DATED.fullmatch(candidate) is not None and not holds_address(candidate)


def holds_address(candidate: str) -> bool:
    """Whether a text holds an address of the network, also where its marks are encoded."""
    return _holds_address(candidate) or ("%" in candidate and _holds_address(unquote(candidate)))


def _holds_address(candidate: str) -> bool:
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
    if not is_email(candidate) or any(map(str.isspace, candidate)):
        return False
    return any(at.start() > 0 and at.end() < len(candidate) for at in _AT.finditer(candidate))


def _holds_ipv6(host: str) -> bool:
    """Whether what has two colons is an address, or one with names and dots at its ends."""
    first, last = host.find(":"), host.rfind(":")
    begin, end = host.rfind(".", 0, first) + 1, host.find(".", last)
    ends = {len(host.rstrip(".")), len(host) if end < 0 else end}
    return any(_is_ipv6(host[begin:stop]) for stop in ends if stop - begin <= _ADDRESS_LENGTH_MAX)


def _is_ipv6(candidate: str) -> bool:
    if "::" not in candidate and candidate.count(":") < _IPV6_COLONS_WHOLE:
        return False
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
