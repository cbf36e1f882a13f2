r"""From the bytes of a line to its JSON documents, with the limits that keep the parser safe.

Laws:
- One line is one document, as a rule; documents written one after the other on one line are split,
  as far as their boundaries can be told: an object and an array end with their last bracket, a
  string, a number and a word of JSON's where they end, and what is no JSON where a bracket begins.
  Behind an object or an array that does not end, nothing can be told: the rest is one document;
  so is a line in which what is no JSON stands beside no record at all.
- The parser recurses, so depth is measured before it runs.
- A key that occurs twice in an object has its last value, as in nearly every parser.
- Half of a surrogate pair (`\ud83d` alone: a text that was cut in the middle of an emoji) has no
  form in UTF-8. It is kept as the six characters that it was written with.
- NaN and Infinity are no JSON. Numbers of any size are numbers; who needs one checks its range.
  Integers of more digits than the interpreter converts are kept as they are written.
"""

import re
from itertools import accumulate
from typing import Final

import msgspec

from producer.contract.dead_letter import Failure, FailureKind
from producer.normaliser.reading import JsonObject, NumberText

# Records nest about eight levels deep, tool output perhaps twenty. The interpreter stops at a
# thousand, some of which the caller has used up: a limit of that kind would depend on the caller.
DEPTH_MAX: Final = 100

# A file of 16 MiB whose newlines were lost, of records of a few hundred bytes, is below this.
DOCUMENTS_MAX: Final = 50_000

# The interpreter converts up to 4300, sign included.
INTEGER_DIGITS_MAX: Final = 4000

_DECODER: Final = msgspec.json.Decoder(float_hook=NumberText)

# A string, or what is left of the line if it does not end; or a bracket. Possessive, so that a
# quote without its partner costs one pass and not one for each quote behind it.
_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.?+)*+(?:"|\Z)|[\[\]{}]', re.DOTALL)
_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.?+)*+(?:"|\Z)', re.DOTALL)
# What is neither an object nor an array: a string, a number, a word; or what is none of them. In
# that, a bracket within a quoted word begins no document, and a quote without its partner quotes
# nothing. A quote that opens has a space in front, so no more than the next one is looked at.
_SCALAR: Final = re.compile(
    rb'"(?:[^"\\]++|\\.?+)*+(?:"|\Z)'
    rb"|(?:-?[0-9]++(?:\.[0-9]++)?(?:[eE][-+]?[0-9]++)?|true|false|null)(?=[\s{\[\"]|\xef\xbb\xbf|\Z)"
    rb'|(?:[^{\["]++|(?<=\s)"(?:[^"\\]++|\\.?+)*+"(?=[\s{\[]|\Z)|")++',
    re.DOTALL,
)
_LONG_INTEGER: Final = re.compile(
    rb'("(?:[^"\\]++|\\.?+)*+(?:"|\Z))|[0-9]{%d,}+(?![.eE])' % (INTEGER_DIGITS_MAX + 1), re.DOTALL
)
_LONG_DIGITS: Final = re.compile(rb"[0-9]{%d}" % (INTEGER_DIGITS_MAX + 1))
_BEGINNINGS: Final = b'{["'
_AS_FRACTION: Final = "e0"
_NO_BRACKETS: Final = bytes(code for code in range(256) if code not in b"[]{}")
_STEPS: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_BETWEEN_DOCUMENTS: Final = re.compile(rb"(?:[ \t\r\n]++|\xef\xbb\xbf)*+")
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_ESCAPE: Final = re.compile(
    rb"\\(?:(?P<pair>u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


class Document(msgspec.Struct, frozen=True):
    """One document of a line: a record, or the failure that says why there is none."""

    record: JsonObject | None
    failure: Failure | None
    payload: bytes


def decode_record(line: bytes) -> JsonObject | None:
    """Give the record of a line that is exactly one; otherwise `read_documents` knows more."""
    if line.count(b"{") + line.count(b"[") > DEPTH_MAX and is_deeper(line, DEPTH_MAX):
        return None
    try:
        value = _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return value if type(value) is dict else None


def read_documents(line: bytes) -> list[Document]:
    """Give every document of a line, at least one, in order."""
    documents: list[Document] = []
    first = start = _skip(line, 0)
    while start < len(line):
        end = _document_end(line, start) if len(documents) < DOCUMENTS_MAX else None
        if end is None:
            documents.append(_tail(line[start:], count=len(documents)))
            break
        documents.append(_read(line[start:end]))
        start = _skip(line, end)
    if not documents:
        return [_refused(line, FailureKind.UNDECODABLE, "the line is empty")]
    if len(documents) > 1 and _is_another_format(documents):
        return [_read(line[first:])]
    return documents


def _is_another_format(documents: list[Document]) -> bool:
    """Whether there is no record among them, and something that is nowhere near JSON."""
    if any(document.record is not None for document in documents):
        return False
    return any(
        document.payload[0] not in _BEGINNINGS
        and document.failure is not None
        and document.failure.kind is FailureKind.UNDECODABLE
        for document in documents
    )


def written(value: object) -> bytes:
    """Write a value that was read as JSON, numbers as they were."""
    return msgspec.json.encode(value, enc_hook=number_as_written)


def number_as_written(number: object) -> msgspec.Raw:
    """Write what the encoder itself does not: numbers kept as text, integers beyond 64 bits."""
    return msgspec.Raw((number.text if type(number) is NumberText else str(number)).encode())


def _skip(line: bytes, start: int) -> int:
    match = _BETWEEN_DOCUMENTS.match(line, start)
    assert match is not None
    return match.end()


def _document_end(line: bytes, start: int) -> int | None:
    """Find where the document that starts here ends; `None` if that cannot be told."""
    if line[start] not in b"{[":
        scalar = _SCALAR.match(line, start)
        assert scalar is not None
        return start + len(scalar[0].rstrip(b" \t\r\n"))
    depth = 0
    for token in _TOKEN.finditer(line, start):
        depth += _STEPS.get(line[token.start()], 0)
        if depth == 0:
            return token.end()
    return None


def _tail(rest: bytes, *, count: int) -> Document:
    if count >= DOCUMENTS_MAX:
        message = f"the line holds more than {DOCUMENTS_MAX} documents; this is the rest"
        return _refused(rest, FailureKind.TOO_LARGE, message)
    return _read(rest)


def _read(document: bytes) -> Document:
    if is_deeper(document, DEPTH_MAX):
        message = f"nested deeper than {DEPTH_MAX} levels"
        return _refused(document, FailureKind.TOO_LARGE, message)
    try:
        value = decoded(document)
    except UnicodeDecodeError:
        return _refused(document, FailureKind.UNDECODABLE, "not valid UTF-8")
    except msgspec.DecodeError as error:
        # The parser's texts are its own and a place: they never quote the document.
        reason = str(error).removeprefix("JSON is malformed: ").lower()
        return _refused(document, FailureKind.UNDECODABLE, f"not valid JSON: {reason}")
    if type(value) is not dict:
        return _refused(document, FailureKind.SCHEMA_VIOLATION, "not a JSON object")
    return Document(record=value, failure=None, payload=document)


def decoded(document: bytes) -> object:
    """Decode one document, of a depth that was measured; raise where it is no JSON."""
    try:
        return _DECODER.decode(document)
    except msgspec.DecodeError:
        mended = document
        if _SURROGATE.search(document) is not None:
            mended = _ESCAPE.sub(_escape_half_pair, document)
        if _LONG_DIGITS.search(document) is None:
            if mended is document:
                raise
            return _DECODER.decode(mended)
    return _LONG_DECODER.decode(_LONG_INTEGER.sub(_as_fraction, mended))


def _as_fraction(match: re.Match[bytes]) -> bytes:
    """Write a long integer so that the parser leaves it to us; strings stay as they are."""
    return match[0] if match[1] is not None else match[0] + _AS_FRACTION.encode()


def _long_number(text: str) -> NumberText:
    long = len(text) > INTEGER_DIGITS_MAX and text.endswith(_AS_FRACTION)
    return NumberText(text.removesuffix(_AS_FRACTION) if long else text)


_LONG_DECODER: Final = msgspec.json.Decoder(float_hook=_long_number)


def _escape_half_pair(match: re.Match[bytes]) -> bytes:
    return b"\\" + match[0] if match["half"] else match[0]


def is_deeper(text: bytes, deepest: int) -> bool:
    """Whether what may be JSON nests deeper than that."""
    if text.count(b"{") + text.count(b"[") <= deepest:
        return False
    brackets = _STRING.sub(b"", text).translate(None, _NO_BRACKETS)
    return any(depth > deepest for depth in accumulate(map(_STEPS.__getitem__, brackets)))


def _refused(payload: bytes, kind: FailureKind, message: str) -> Document:
    failure = Failure(kind=kind, field=None, message=message)
    return Document(record=None, failure=failure, payload=payload)
