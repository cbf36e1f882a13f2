"""Sample drops: made-up records of several families, packed as copiers pack them.

Every id is obviously made up. What is odd is so on purpose: an event that lies in two objects, a
blank line, a line that is not JSON, an object of two gzip members, one that is not compressed, and
one that was cut off while it was copied.
"""

import gzip
import http.client
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

from producer.errors import FatalError

PREFIX: Final = "compliance/"

_DROPS: Final = Path(__file__).parent / "drops"
_ANSWER_SECONDS: Final = 30.0
# Of the object that is cut off: lines that can still be read, and bytes left of what follows.
_LINES_BEFORE_CUT: Final = 2
_BYTES_BEHIND_CUT: Final = 12
_AS_GZIP: Final = 16 + zlib.MAX_WBITS
# A stand-in on this machine is not behind whatever proxy the environment names.
_DIRECT: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def sample_objects() -> dict[str, bytes]:
    """Give the content of each object by its key; the same each time."""
    return {
        PREFIX + key: pack((_DROPS / f"{name}.jsonl").read_bytes())
        for key, (name, pack) in _OBJECTS.items()
    }


def upload(objects: Mapping[str, bytes], *, endpoint_url: str, bucket: str) -> None:
    """Put the objects into a new bucket of an S3 stand-in.

    Nothing is signed: a store that asks who is writing to it is not for samples, and refuses.
    """
    place = f"{endpoint_url}/{bucket}"
    _put(place, b"")
    for key, content in objects.items():
        _put(f"{place}/{quote(key)}", content)


def _put(url: str, content: bytes) -> None:
    # Without a type it would be taken for a form.
    headers = {"Content-Type": "application/octet-stream"}
    request = urllib.request.Request(url, content, headers, method="PUT")  # noqa: S310 - http
    try:
        with _DIRECT.open(request, timeout=_ANSWER_SECONDS):
            return
    except urllib.error.HTTPError as error:
        with error:
            why = f"HTTP {error.code}"
    except urllib.error.URLError as error:
        why = str(error.reason)
    except (OSError, http.client.HTTPException) as error:
        why = type(error).__name__
    raise FatalError(
        f"{url!r} could not be put: {why}; sample drops go only into a stand-in that lets anybody "
        "write, so unset OPENAI_COMPLIANCE_S3__ENDPOINT_URL to have one started, or read a bucket "
        "of yours with --source"
    )


def _one_member(lines: bytes) -> bytes:
    return gzip.compress(lines, mtime=0)


def _two_members(lines: bytes) -> bytes:
    """Pack as appending one file to another does."""
    first, rest = _split(lines.splitlines(keepends=True), at=3)
    return _one_member(first) + _one_member(rest)


def _as_it_is(lines: bytes) -> bytes:
    return lines


def _cut_off(lines: bytes) -> bytes:
    """Pack, and end in the middle, where a copy broke off."""
    whole, rest = _split(lines.splitlines(keepends=True), at=_LINES_BEFORE_CUT)
    packing = zlib.compressobj(wbits=_AS_GZIP)
    readable = packing.compress(whole) + packing.flush(zlib.Z_FULL_FLUSH)
    return readable + (packing.compress(rest) + packing.flush())[:_BYTES_BEHIND_CUT]


def _split(lines: Sequence[bytes], *, at: int) -> tuple[bytes, bytes]:
    return b"".join(lines[:at]), b"".join(lines[at:])


_OBJECTS: Final[Mapping[str, tuple[str, Callable[[bytes], bytes]]]] = {
    "AUTH_LOG_2026-11-03T08:10:00+00:00.jsonl.gz": ("auth_log", _one_member),
    "AUDIT_LOG_2026-11-03T08:20:00+00:00.jsonl.gz": ("audit_log", _two_members),
    "CONVERSATION_MESSAGE_2026-11-03T08:22:00+00:00.jsonl.gz": (
        "conversation_message",
        _one_member,
    ),
    # The first of its events is the last of the object before it.
    "CONVERSATION_MESSAGE_2026-11-03T08:32:00+00:00.jsonl.gz": (
        "conversation_message_later",
        _one_member,
    ),
    "CODEX_LOG_2026-11-03T08:32:00+00:00.jsonl": ("codex_log", _as_it_is),
    "CODEX_LOG_2026-11-03T08:42:00+00:00.jsonl.gz": ("codex_log_cut", _cut_off),
    "CUSTOM_AGENTS_LOG_2026-11-03T09:10:00+00:00.jsonl.gz": ("custom_agents_log", _one_member),
    "COSTS_2026-11-03T12:04:00+00:00.jsonl.gz": ("costs", _one_member),
    "requests-2026-11-03.jsonl.gz": ("requests", _one_member),
}
