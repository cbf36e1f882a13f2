"""What texts look like, and that looking takes no longer than they are long."""

import pytest

from producer.normaliser.forms import (
    holds_address,
    holds_email,
    is_dated,
    is_email,
    is_email_alone,
)

# Looked at in the square of their length, these would take hours.
_LONG = 1_000_000


@pytest.mark.parametrize(
    "text",
    [
        "ada@example.com",
        "to ada@example.com, now",
        "x@y@example.com",
        "<ada@a.b-c.de>",
        "é@ö.com",
        "ada@corp",
        "write to ada@corp",
        "ada@",
        "@ada",
        "gpt-5-5@2026-01",
    ],
)
def test_email_is_found_wherever_it_stands(text: str) -> None:
    """Of any domain, with anything around it."""
    assert holds_email(text)


@pytest.mark.parametrize(
    "at",
    [
        "%40",
        "%2540",
        "%252540",
        "%EF%BC%A0",
        "%ef%bc%a0",
        "%u0040",
        "&#64;",
        "&#0064;",
        "&#x40;",
        "&commat;",
        "\\u0040",
        "\\x40",
        "\\uff20",
        "\ufe6b",
        "\uff20",
        "\U000e0040",
    ],
)
def test_email_is_found_however_its_sign_is_written(at: str) -> None:
    """In an address of the web, in HTML, in JavaScript and in other widths."""
    assert (True, True, True) == (
        is_email(f"ada{at}corp"),
        holds_email(f"to ada{at}corp now"),
        is_email_alone(f"ada{at}corp"),
    )


@pytest.mark.parametrize(
    "text", ["", "ada", "50%", "100%25", "a&b", "see @ home", "at @ ", "C:\\u004", "%4"]
)
def test_what_only_has_the_sign_is_no_email(text: str) -> None:
    """Between words with white space it is a word of its own."""
    assert not holds_email(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gpt-5-5@2026-01-01", True),
        ("openai/gpt-4o@20240806", True),
        ("gemini@001", True),
        ("ada@corp", False),
        ("ada@2corp", False),
        ("ada@2026-01.example", False),
        ("ada@203.0.113.9", False),
        ("a@b@2026-01", False),
        ("ada%402026-01", False),
    ],
)
def test_models_have_a_date_behind_the_sign(text: str, *, expected: bool) -> None:
    """And nothing else: a domain is none."""
    assert expected is is_dated(text)


@pytest.mark.parametrize(
    "text",
    [
        "203.0.113.9",
        "at 203.0.113.9:443",
        "::1",
        "fe80::1%eth0",
        "host.fe80::1.",
        "[2001:db8::1]:9",
        "::ffff:192.0.2.1",
        "2001:db8::1.example",
        "203%2E0%2E113%2E9",
        "2001%3Adb8%3A%3A1",
    ],
)
def test_address_is_found_wherever_it_stands(text: str) -> None:
    """With its port, its zone or names around it."""
    assert holds_address(text)


@pytest.mark.parametrize(
    "text", ["1.2.3", "1.2.3.400", "10:30:00", "a::b::c", "00:11:22:33", "api_key:sk-1", "x" * 9]
)
def test_what_only_has_the_marks_is_no_address(text: str) -> None:
    """Versions, times and numbers of devices."""
    assert not holds_address(text)


@pytest.mark.parametrize(("text", "is_one"), [("a@b", True), ("a@b c", False), ("@b", False)])
def test_email_alone_is_a_word_with_the_sign(text: str, *, is_one: bool) -> None:
    """Of any domain."""
    assert is_one == is_email_alone(text)


@pytest.mark.parametrize(
    "piece", ["a@", "@a.", ":", "a:", "00:11:", ".:", "1.2.3.", " @", "::1.", "%25", "a%40", "&#0"]
)
def test_long_texts_are_looked_at_once(piece: str) -> None:
    """One line of a customer's must not keep a process from its group for hours."""

    def seen(times: int) -> list[bool]:
        text = piece * times + " x"
        return [holds_email(text), holds_address(text), is_email_alone(text)]

    assert seen(9) == seen(_LONG // len(piece))
