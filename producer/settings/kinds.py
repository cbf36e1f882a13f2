"""The kinds of value that several settings share, each with its check.

A check never says the value that it refuses: it may be a secret in the wrong place.
"""

import re
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints

PREFIX: Final = "OPENAI_COMPLIANCE_"
LEVEL: Final = "__"

_HOST = re.compile(r"[a-z0-9._-]+\Z|[0-9a-f:.]+\Z")
_BROKER = re.compile(r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}\Z")


class Section(BaseModel):
    """A level of the tree: frozen, and without room for what it does not know."""

    # Pydantic shows what it refuses unless told not to, and this may be a secret.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def variable(*path: str) -> str:
    """Build the name of the environment variable that sets what lies at this path."""
    return PREFIX + LEVEL.join(path).upper()


def _http_url(text: str) -> str:
    try:
        url = urlsplit(text)
        port_is_good = url.port is None or url.port > 0
    except ValueError as error:
        raise ValueError("must be a URL, as http://host:port") from error
    if url.scheme not in {"http", "https"} or not url.hostname or not port_is_good:
        raise ValueError("must be a URL that starts with http:// or https:// and names a host")
    if url.username is not None or url.password is not None:
        raise ValueError("must not hold credentials; they have settings of their own")
    if url.query or url.fragment:
        raise ValueError("must not have a query or a fragment")
    return text.rstrip("/")


def _bootstrap_servers(text: str) -> str:
    servers = [server.strip() for server in text.split(",")]
    if not all(_BROKER.match(server) for server in servers):
        raise ValueError("must be host:port, or several of them with commas between")
    return ",".join(servers)


def _hosts(text: str) -> str:
    hosts = [host.strip().lower() for host in text.split(",")]
    if not all(_HOST.match(host) for host in hosts):
        raise ValueError("must be a host, or several of them with commas between, without ports")
    return ",".join(hosts)


def _existing(path: Path) -> Path:
    path = path.expanduser()
    if not path.exists():
        raise ValueError("names a path that does not exist")
    return path


def _expanded(path: Path) -> Path:
    return path.expanduser().absolute()


def _not_empty(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value():
        raise ValueError("must not be empty")
    return secret


HttpUrl = Annotated[str, AfterValidator(_http_url)]
BootstrapServers = Annotated[str, AfterValidator(_bootstrap_servers)]
Hosts = Annotated[str, AfterValidator(_hosts)]
ExistingPath = Annotated[Path, AfterValidator(_existing)]
LocalPath = Annotated[Path, AfterValidator(_expanded)]
Secret = Annotated[SecretStr, AfterValidator(_not_empty)]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
