"""Which endpoints a source may name for its own bucket. Pure.

A source is a tenant's, and what it names is asked from inside: an address of the machine, of the
network around it, or of a cloud's metadata would answer. So nothing is allowed but hosts that the
operator lists, letter by letter: no pattern, no name that is looked up, no other way to write an
address.
"""

import re
from collections.abc import Collection
from typing import Final

# No user, path, query or fragment: readers of URLs disagree about which host such ones name.
_ENDPOINT: Final = re.compile(
    r"https?://(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?/?\Z"
)


def host_of(endpoint_url: str) -> str | None:
    """Name the host of an endpoint; `None` where it is no plain address of one."""
    found = _ENDPOINT.match(endpoint_url)
    return None if found is None else found["host"].strip("[]").lower()


def is_allowed(endpoint_url: str, hosts: Collection[str]) -> bool:
    """Whether an endpoint's host is one of those listed."""
    return host_of(endpoint_url) in hosts
