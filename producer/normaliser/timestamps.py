"""From the times that records write to microseconds since the epoch: no guess, no "now".

What lies outside the years 1 to 9999 in UTC is no time: most readers of events could not show it.
"""

import math
import re
from datetime import UTC, datetime
from typing import Final

from producer.normaliser.reading import NumberText, exact_value

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_SECONDS: Final = 86_400
_SECOND: Final = 1_000_000
_YEAR_1_SECONDS: Final = -62_135_596_800
_YEAR_10000_SECONDS: Final = 253_402_300_800

# RFC 3339, narrower than what `datetime` reads: with an offset; a fraction has 1 to 9 digits.
_RFC3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)"
    r"(?:\.[0-9]{1,9})?(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LEAP_SECOND: Final = slice(17, 19)


def from_rfc3339(text: str) -> int | None:
    """Give the microseconds; finer digits are cut off. `None` if it is no RFC 3339 time."""
    if _RFC3339.fullmatch(text) is None:
        return None
    if text[_LEAP_SECOND] == "60":
        return _from_leap_second(text)
    if text[-1] == "z":
        text = text[:-1] + "Z"
    try:
        since = datetime.fromisoformat(text) - _EPOCH
    except ValueError:
        return None
    return _within((since.days * _DAY_SECONDS + since.seconds) * _SECOND + since.microseconds)


def _from_leap_second(text: str) -> int | None:
    """Count 23:59:60 UTC as the first second of the next day, as clocks of this epoch do."""
    before = from_rfc3339(f"{text[:17]}59{text[19:]}")
    if before is None or (before // _SECOND + 1) % _DAY_SECONDS:
        return None
    return _within(before + _SECOND)


def _within(micros: int) -> int | None:
    return micros if _YEAR_1_SECONDS <= micros // _SECOND < _YEAR_10000_SECONDS else None


def from_epoch_seconds(value: object) -> int | None:
    """Give the microseconds of whole or fractional seconds; finer digits are cut off."""
    if type(value) is int:
        return _within(value * _SECOND)
    seconds = exact_value(value) if type(value) is NumberText else None
    return None if seconds is None else _within(math.floor(seconds * _SECOND))


def end_of_hour(day: str, hour: int) -> int | None:
    """Give the last second of an hour of a day in UTC, which is how hourly reports are stamped."""
    if _DAY.fullmatch(day) is None:
        return None
    return from_rfc3339(f"{day}T{hour:02d}:59:59Z")
