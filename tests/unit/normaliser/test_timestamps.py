"""Times of records to microseconds since the epoch."""

import pytest

from producer.normaliser.reading import NumberText
from producer.normaliser.timestamps import end_of_hour, from_epoch_seconds, from_rfc3339
from tests.unit.normaliser.lines import TEN_O_CLOCK


@pytest.mark.parametrize(
    ("text", "after_ten"),
    [
        ("2026-09-15T10:00:00Z", 0),
        ("2026-09-15T10:00:00z", 0),
        ("2026-09-15t10:00:00Z", 0),
        ("2026-09-15 10:00:00Z", 0),
        ("2026-09-15t10:00:00.5z", 500_000),
        ("2026-09-15T10:00:00.000000000Z", 0),
        ("2026-09-16T00:00:00+14:00", 0),
        ("2026-09-14T10:01:00-23:59", 0),
        ("2026-09-15T10:00:00+00:00", 0),
        ("2026-09-15T10:00:00-00:00", 0),
        ("2026-09-15T12:30:00+02:30", 0),
        ("2026-09-14T23:01:00-10:59", 0),
        ("2026-09-15T10:00:00.1Z", 100_000),
        ("2026-09-15T10:00:00.123Z", 123_000),
        ("2026-09-15T10:00:00.123456Z", 123_456),
        ("2026-09-15T10:00:00.1234567Z", 123_456),
        ("2026-09-15T10:00:00.999999999+00:00", 999_999),
    ],
)
def test_rfc3339_is_read_with_any_fraction_and_offset(text: str, after_ten: int) -> None:
    """No to nine fraction digits, any offset; what is finer than a microsecond is cut off."""
    assert TEN_O_CLOCK + after_ten == from_rfc3339(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.5Z", -500_000),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000_000),
        ("2016-12-31T18:59:60.25-05:00", 1_483_228_800_250_000),
        ("2016-12-31t23:59:60z", 1_483_228_800_000_000),
        ("2016-12-31T23:59:60.999999999Z", 1_483_228_800_999_999),
        ("2017-01-01T05:29:60+05:30", 1_483_228_800_000_000),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
        ("0001-01-01T23:59:00+23:59", -62_135_596_800_000_000),
        ("9999-12-31T23:59:59.999999999Z", 253_402_300_799_999_999),
        ("9999-12-31T00:00:59-23:59", 253_402_300_799_000_000),
    ],
)
def test_rfc3339_at_its_edges_is_read(text: str, expected: int) -> None:
    """Before the epoch, leap seconds, the first and the last second of the calendar."""
    assert expected == from_rfc3339(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "garbage",
        "nope",
        "1789466400",
        "2026-09-15",
        "2026-09-15T10:00:00",
        "2026-09-15T10:00Z",
        "2026-09-15T10:00:00.Z",
        "2026-09-15T10:00:00.1234567890Z",
        "2026-09-15T10:00:00,5Z",
        "2026-09-15T10:00:00+0000",
        "2026-09-15T10:00:00+24:00",
        "2026-09-15T10:00:00-24:00",
        "2026-09-15T10:00:00+23:60",
        "2026-09-15T10:00:00+0:00",
        "2026-09-15T10:00:00Z+00:00",
        "2026-09-15T10:00:00.Z5",
        "2026-09-15T10:00:00z ",
        "2026-09-15T24:00:00z",
        "2026-09-15T10:00:61Z",
        "2026-12-31T23:58:60Z",
        "0000-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "9999-12-31T23:59:60Z",
        "10000-01-01T00:00:00Z",
        "+2026-09-15T10:00:00Z",
        "2026-09-15T10:00:00.\u0661Z",
        "2026-09-15T24:00:00Z",
        "2026-09-15T10:60:00Z",
        "2026-09-15T10:00:60Z",
        "2026-09-15T23:59:60+01:00",
        "2026-02-30T10:00:00Z",
        "2026-13-01T10:00:00Z",
        "0000-01-01T10:00:00Z",
        "2026-W38-2T10:00:00Z",
        "20260915T100000Z",
        " 2026-09-15T10:00:00Z",
        "2026-09-15T10:00:00Z\n",
        "2026-09-15T1\u0660:00:00Z",
    ],
)
def test_what_is_no_rfc3339_is_not_guessed(text: str) -> None:
    """No other form, no missing offset, no impossible date."""
    assert None is from_rfc3339(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        (1000, 1_000_000_000),
        (-1, -1_000_000),
        (NumberText("1760231119.916074"), 1_760_231_119_916_074),
        (NumberText("1760231119.9160749"), 1_760_231_119_916_074),
        (NumberText("-0.0000001"), -1),
        (NumberText("1.7e9"), 1_700_000_000_000_000),
        (253_402_300_799, 253_402_300_799_000_000),
        (NumberText("253402300799.9999999"), 253_402_300_799_999_999),
        (-62_135_596_800, -62_135_596_800_000_000),
    ],
)
def test_epoch_seconds_are_exact(value: object, expected: int) -> None:
    """Whole and fractional seconds, without a float in between."""
    assert expected == from_epoch_seconds(value)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "1000",
        [1000],
        253_402_300_800,
        -62_135_596_801,
        10**40,
        NumberText("253402300800.0"),
        NumberText("-62135596800.0000001"),
        NumberText("1e400"),
        NumberText("1e999999999999999999999"),
        NumberText("1" * 41 + ".5"),
    ],
)
def test_what_is_no_epoch_is_not_guessed(value: object) -> None:
    """Text, truth values and numbers beyond the year 9999 are no epoch seconds."""
    assert None is from_epoch_seconds(value)


def test_end_of_hour_is_its_last_second() -> None:
    """An hourly report is stamped with the last second of its hour."""
    assert TEN_O_CLOCK + 3_599_000_000 == end_of_hour("2026-09-15", 10)


@pytest.mark.parametrize("day", ["2026-9-15", "2026-02-30", "today", "2026-09-15T10:00:00Z"])
def test_end_of_hour_needs_a_day(day: str) -> None:
    """What is no day has no hours."""
    assert None is end_of_hour(day, 10)
