"""The pricing name of a model: by rule, not by a list that ages.

ChatGPT writes `gpt-5-5` where the API, and with it every price list, writes `gpt-5.5`. The rule:

1. Lower case, without white space around it.
2. Who serves a model of OpenAI's is no part of its name: `openai/` and `azure/` go.
3. In `gpt-<major>-<minor>` and `chatgpt-<major>-<minor>` the hyphen between both is a point, also
   where words say before what the model makes (`gpt-image-1-5`). A minor version has one or two
   digits and no leading zero, and no day of a date behind it; so `gpt-4-0613`, `gpt-4-32k` and
   `gpt-5-2025-08-07` stay what they are.
4. What stands behind it stays, dates above all: `-codex-max`, `-2024-08-06`, `@2026-01-01`.
5. What follows a colon goes: how hard it thought (`gpt-5-5:high`), or whose it is. A fine-tuned
   model has a price of its own, which is that of all models tuned from the same one:
   `ft:gpt-4o-mini-2024-07-18:org::id` is `ft:gpt-4o-mini-2024-07-18`.

Names that do not begin in one of these ways stay as they are, in lower case.
"""

import re
from functools import lru_cache
from typing import Final

from producer.contract.event import Model

_SERVED: Final = re.compile(r"(?:(?:openai|azure)/)+")
_OURS: Final = re.compile(r"(?:ft:)?(?:chat)?gpt-|(?:ft:)?o[0-9]|ft:")
_HYPHENATED_VERSION: Final = re.compile(
    r"((?:chat)?gpt-(?:[a-z]+-)*[0-9]+)-([1-9][0-9]?)(?=[-@]|$)(?!-[0-9]{2}(?:-|$))"
)
_TUNED: Final = "ft:"
_CACHED_LENGTH_MAX: Final = 64


def model_of(raw: str) -> Model:
    """Give a model as written, with its name for pricing."""
    normalised = _cached(raw) if len(raw) <= _CACHED_LENGTH_MAX else _pricing_name(raw)
    return {"raw": raw, "normalised": normalised}


def _pricing_name(raw: str) -> str:
    name = raw.strip().lower()
    served = _SERVED.match(name)
    name = name if served is None else name[served.end() :]
    if _OURS.match(name) is None:
        return name
    tuned = _TUNED if name.startswith(_TUNED) else ""
    name = name.removeprefix(_TUNED).partition(":")[0]
    found = _HYPHENATED_VERSION.match(name)
    if found is not None:
        name = f"{found[1]}.{found[2]}{name[found.end() :]}"
    return tuned + name


_cached = lru_cache(maxsize=1024)(_pricing_name)
