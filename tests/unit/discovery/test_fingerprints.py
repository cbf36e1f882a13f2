"""The map of fingerprints: it answers as a dictionary would, and takes few bytes a key."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from producer.discovery.fingerprints import Fingerprints

_KEYS = 100_000
_BYTES_A_KEY_MAX = 64


@given(st.lists(st.tuples(st.text(max_size=3), st.integers(1, 2**64 - 1))))
def test_map_answers_as_a_dictionary(entries: list[tuple[str, int]]) -> None:
    """The last that was set for a text is given, and nothing for what was never set."""
    found, expected = Fingerprints(), dict[str, int]()
    for text, number in entries:
        found.set(text, number)
        expected[text] = number

    assert expected == {text: found.get(text) for text in expected}
    assert len(expected) == len(found)
    assert found.get("a text that was never set") is None


def test_zero_is_none() -> None:
    """So an entry can be taken back."""
    found = Fingerprints()
    found.set("k1", 7)
    found.set("k1", 0)

    assert found.get("k1") is None


def test_map_keeps_every_key_while_it_grows(rng: Random) -> None:
    """And no key takes more than 64 bytes, wherever growing stands."""
    found, keys = Fingerprints(), [f"compliance/{rng.random()}" for _ in range(_KEYS)]
    most = 0.0
    for number, key in enumerate(keys, start=1):
        found.set(key, number)
        if number % 1000 == 0:
            most = max(most, found.size_bytes / number)

    assert list(range(1, _KEYS + 1)) == [found.get(key) for key in keys]
    assert most < _BYTES_A_KEY_MAX
