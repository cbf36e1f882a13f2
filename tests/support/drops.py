"""Lines as OpenAI's compliance logs have them, made up, and the objects that hold them."""

import gzip
import json
from collections.abc import Iterable, Sequence
from typing import Final

_TIMESTAMP: Final = "2026-09-15T10:00:00.000Z"


def line(event_id: str, *, note: str = "") -> bytes:
    """One sign-in; the note makes lines of one id differ, or long."""
    record = {
        "event_id": event_id,
        "type": "AUTH_LOG",
        "timestamp": _TIMESTAMP,
        "principal": {"id": "ws-1", "type": "CHATGPT_WORKSPACE"},
        "actor": {"type": "ACCOUNT_USER", "user_id": "user-1"},
        "request_metadata": {"client_ip": "192.0.2.1", "client_user_agent": note},
        "action_data": {"action": "login_success", "auth_provider_name": "saml"},
    }
    return json.dumps(record).encode()


def plain(lines: Iterable[bytes]) -> bytes:
    """An object as it is before compression, with a newline at its end."""
    return b"".join(each + b"\n" for each in lines)


def gzipped(lines: Iterable[bytes]) -> bytes:
    """An object of one gzip member; the same lines give the same bytes, and so the same etag."""
    return gzip.compress(plain(lines), compresslevel=1, mtime=0)


def gzipped_members(*members: Sequence[bytes]) -> bytes:
    """An object of several gzip members."""
    return b"".join(gzipped(member) for member in members)


def governance_event_id(source_id: str, event_id: str) -> str:
    """The id that an event is promised to have downstream."""
    return f"openai_compliance:{source_id}:{event_id}"
