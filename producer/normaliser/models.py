"""The pricing name of a model: by rule, not by a list that ages."""

import re
from functools import lru_cache
from typing import Final

from producer.contract.event import Model

# ChatGPT writes `gpt-5-5` where the API, and with it every price list, writes `gpt-5.5`. A minor
# version has one or two digits and no leading zero; the four digits of a date suffix are none.
_HYPHENATED_VERSION: Final = re.compile(r"(gpt-[0-9]+)-([1-9][0-9]?)(?=-|$)(?!-[0-9]{2}(?:-|$))")
_VENDOR: Final = "openai/"
_CACHED_LENGTH_MAX: Final = 64


def model_of(raw: str) -> Model:
    """Give a model as written, with its name for pricing."""
    normalised = _cached(raw) if len(raw) <= _CACHED_LENGTH_MAX else _pricing_name(raw)
    return {"raw": raw, "normalised": normalised}


def _pricing_name(raw: str) -> str:
    name = raw.strip().lower().removeprefix(_VENDOR)
    return _HYPHENATED_VERSION.sub(r"\1.\2", name, count=1) if name.startswith("gpt-") else name


_cached = lru_cache(maxsize=1024)(_pricing_name)
