"""What texts look like, and that looking takes no longer than they are long."""

import pytest

from producer.normaliser.forms import holds_address, holds_email, is_email_alone

# Looked at in the square of their length, these would take hours.
_LONG = 1_000_000


@pytest.mark.parametrize(
    "text",
    ["ada@example.com", "to ada@example.com, now", "x@y@example.com", "<ada@a.b-c.de>", "é@ö.com"],
)
def test_email_is_found_wherever_it_stands(text: str) -> None:
    """With anything around it."""
    assert holds_email(text)


@pytest.mark.parametrize(
    "text",
    ["gpt-5-5@2026-01", "@example.com", " @example.com", "ada@", "ada@ example.com", "a@.c"],
)
def test_what_only_has_the_sign_is_no_email(text: str) -> None:
    """Models and plugins are written so."""
    assert not holds_email(text)


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


@pytest.mark.parametrize("piece", ["a@", "@a.", ":", "a:", "00:11:", ".:", "1.2.3.", " @", "::1."])
def test_long_texts_are_looked_at_once(piece: str) -> None:
    """One line of a customer's must not keep a process from its group for hours."""

    def seen(times: int) -> list[bool]:
        text = piece * times + " x"
        return [holds_email(text), holds_address(text), is_email_alone(text)]

    assert seen(9) == seen(_LONG // len(piece))
