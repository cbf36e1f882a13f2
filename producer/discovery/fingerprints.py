"""A map from object keys to fingerprints of what is known of them, in a few bytes a key. Pure.

A source may have millions of objects, and of those that are pulled only one question is ever
asked: is the latest version that the ledger holds the one that is listed? So a key is kept as 128
bits of its digest, and its version as 64 bits of another; a text as an entry of a dictionary would
take some ten times as much. Two keys of one digest are not to be expected: among a thousand
million keys the chance of it is 10^-21.

Open addressing with linear probing, nothing is ever removed. The map is divided, so that growing
one part copies a small part of a large map, and never holds up the loop for long.
"""

from array import array
from hashlib import blake2b
from struct import Struct
from typing import Final

_DIGEST: Final = Struct("<QQ")
_FINGERPRINT: Final = Struct("<Q")
_PARTS: Final = 64
_WORDS: Final = 3
_FIRST_SLOTS: Final = 4
# Full to four fifths at most, and to about a half after growing: 30 to 45 bytes a key.
_FULL: Final = 0.8
_GROWTH: Final = 1.5


def fingerprint(text: str) -> int:
    """Give 64 bits that stand for a text; never 0."""
    digest = blake2b(text.encode(errors="surrogatepass"), digest_size=_FINGERPRINT.size).digest()
    (found,) = _FINGERPRINT.unpack(digest)
    return found or 1


class Fingerprints:
    """Maps texts to fingerprints; what was never set has none."""

    def __init__(self) -> None:
        self._parts: dict[int, _Part] = {}

    def get(self, text: str) -> int | None:
        """Give the fingerprint set for a text."""
        first, second = _digest(text)
        part = self._parts.get(first % _PARTS)
        return None if part is None else part.get(first, second)

    def set(self, text: str, found: int) -> None:
        """Set the fingerprint for a text; 0 is none."""
        first, second = _digest(text)
        part = self._parts.get(first % _PARTS)
        if part is None:
            part = self._parts[first % _PARTS] = _Part()
        part.set(first, second, found)

    def __len__(self) -> int:
        """How many texts are held, whatever is set for them."""
        return sum(part.used for part in self._parts.values())

    @property
    def size_bytes(self) -> int:
        """What all slots take, used or free."""
        return sum(part.size_bytes for part in self._parts.values())


class _Part:
    """Slots of three words: two of the text's digest, one set for it. A free one is all zeros."""

    def __init__(self) -> None:
        self.used = 0
        self._slots = _FIRST_SLOTS
        self._words = _free(_FIRST_SLOTS)

    @property
    def size_bytes(self) -> int:
        return len(self._words) * self._words.itemsize

    def get(self, first: int, second: int) -> int | None:
        at = self._find(first, second)
        return (self._words[at + 2] or None) if self._words[at + 1] else None

    def set(self, first: int, second: int, found: int) -> None:
        at = self._find(first, second)
        if not self._words[at + 1]:
            if self.used + 1 > self._slots * _FULL:
                self._grow()
                at = self._find(first, second)
            self.used += 1
        self._words[at], self._words[at + 1], self._words[at + 2] = first, second, found

    def _find(self, first: int, second: int) -> int:
        """Find the slot of a digest, or the free one where it would be."""
        words, end = self._words, self._slots * _WORDS
        at = second % self._slots * _WORDS
        while words[at + 1] and (words[at + 1] != second or words[at] != first):
            at += _WORDS
            if at == end:
                at = 0
        return at

    def _grow(self) -> None:
        words = self._words
        self._slots = int(self._slots * _GROWTH) + 1
        self._words = _free(self._slots)
        for at in range(0, len(words), _WORDS):
            if words[at + 1]:
                to = self._find(words[at], words[at + 1])
                self._words[to : to + _WORDS] = words[at : at + _WORDS]


def _free(slots: int) -> "array[int]":
    return array("Q", bytes(slots * _WORDS * 8))


def _digest(text: str) -> tuple[int, int]:
    digest = blake2b(text.encode(errors="surrogatepass"), digest_size=_DIGEST.size).digest()
    first, second = _DIGEST.unpack(digest)
    # A second word of 0 would mean a free slot.
    return first, second or 1
