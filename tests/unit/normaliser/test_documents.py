"""From the bytes of a line to its documents, and the limits that keep the parser safe."""

import pytest

from producer.contract.dead_letter import FailureKind
from producer.normaliser import documents
from producer.normaliser.documents import DEPTH_MAX, decode_record, read_documents, written
from producer.normaliser.reading import NumberText


def kinds(line: bytes) -> list[FailureKind | None]:
    return [d.failure.kind if d.failure else None for d in read_documents(line)]


def nested(levels: int) -> bytes:
    return b'{"a":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


def test_one_record_is_decoded_at_once() -> None:
    """A line that is exactly one record needs no splitting."""
    assert {"a": 1, "b": [True, None, "x"]} == decode_record(
        b' {"a": 1, "b": [true, null, "x"]}\r'
    )


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b" \t ", id="blank"),
        pytest.param(b"not json", id="words"),
        pytest.param(b"\x00\x00\x00", id="zero bytes"),
        pytest.param(b'{"a":1,}', id="trailing comma"),
        pytest.param(b'{"a":"\xff"}', id="invalid UTF-8 in a value"),
        pytest.param(b'{"\xff":1}', id="invalid UTF-8 in a key"),
        pytest.param(b'{"a":"\xed\xa0\x80"}', id="a surrogate in UTF-8"),
        pytest.param(b'{"a":"\x00"}', id="a bare NUL in a string"),
        pytest.param(b'{"a":NaN}', id="NaN"),
        pytest.param(b'{"a":-Infinity}', id="Infinity"),
        pytest.param(b"2026-09-15 INFO {a} [b] c", id="lines of another format"),
        pytest.param(b'{"a":' + b"9" * 5000 + b",}", id="an integer of 5000 digits in no JSON"),
        pytest.param(b'{"a":0' + b"9" * 5000 + b"}", id="a long integer with a leading zero"),
        pytest.param(b'{"a":"b', id="cut off in a string"),
        pytest.param(b'{"a":"\\', id="cut off in an escape"),
        pytest.param(b'{"a"', id="cut off behind a key"),
        pytest.param(b"{]", id="brackets that do not match"),
        pytest.param('{"a":1}'.encode("utf-16"), id="UTF-16"),
    ],
)
def test_bytes_that_are_no_json_are_undecodable(line: bytes) -> None:
    """Whatever is not JSON gives one failure that says so."""
    assert None is decode_record(line)
    assert [FailureKind.UNDECODABLE] == kinds(line)


@pytest.mark.parametrize("line", [b"[]", b'[{"a":1}]', b'"text"', b"17", b"null", b"true", b"1.5"])
def test_json_that_is_no_object_violates_the_schema(line: bytes) -> None:
    """A list, a string or a number at the top is no record, even if records are in it."""
    assert None is decode_record(line)
    assert [FailureKind.SCHEMA_VIOLATION] == kinds(line)


def test_depth_at_the_limit_is_read() -> None:
    """The limit itself is allowed."""
    deepest = nested(DEPTH_MAX)
    assert decode_record(deepest) is not None
    assert decode_record(deepest[:-1] + b',"b":[],"c":{}}') is not None


@pytest.mark.parametrize("levels", [DEPTH_MAX + 1, 100_000])
def test_depth_beyond_the_limit_is_too_large(levels: int) -> None:
    """Nesting beyond the limit never reaches the parser, which would recurse."""
    assert None is decode_record(nested(levels))
    assert [FailureKind.TOO_LARGE] == kinds(nested(levels))


def test_depth_without_an_end_is_too_large() -> None:
    """Brackets that are only ever opened do not exhaust the stack."""
    assert [FailureKind.TOO_LARGE] == kinds(b"[" * 1_000_000)


def test_brackets_in_strings_are_not_depth() -> None:
    """Code in a prompt is no nesting."""
    line = b'{"a":"' + b'[{\\"' * 1000 + b'"}'
    assert {"a": '[{"' * 1000} == decode_record(line)


def test_unclosed_quotes_cost_one_pass() -> None:
    """A million escaped quotes without an end are looked at once, not once for each of them."""
    line = b'{"a":"' + b'\\"' * 1_000_000 + b"[" * 200 + b"\\"
    assert [FailureKind.UNDECODABLE] == kinds(line)


@pytest.mark.parametrize("quoted", [b' "', b' "a', b' \\"', b'" ', b' "{', b' "\\'])
def test_quotes_between_words_cost_one_pass(quoted: bytes) -> None:
    """Hundreds of thousands of them are looked at once, not once for each of them."""
    found = read_documents(b"oops" + quoted * 300_000)
    assert [] == [document for document in found if document.record is not None]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'{"a":1}{"b":2}', [{"a": 1}, {"b": 2}]),
        (b'{"a":1} \t {"b":"}{"}  ', [{"a": 1}, {"b": "}{"}]),
        (b'{"a":"\\"}{"}{"b":2}', [{"a": '"}{'}, {"b": 2}]),
        (b'\xef\xbb\xbf{"a":1}', [{"a": 1}]),
        (b'{"a":1}\xef\xbb\xbf{"b":2}', [{"a": 1}, {"b": 2}]),
    ],
)
def test_documents_on_one_line_are_split(line: bytes, expected: list[object]) -> None:
    """Documents one after the other are read one by one, byte order marks or not."""
    assert expected == [document.record for document in read_documents(line)]


@pytest.mark.parametrize(
    ("line", "payloads", "events"),
    [
        (b'1 {"a":1}', [b"1", b'{"a":1}'], [1]),
        (b'null{"a":1}', [b"null", b'{"a":1}'], [1]),
        (b'-1.5e3 true "{" {"a":1}', [b"-1.5e3", b"true", b'"{"', b'{"a":1}'], [3]),
        (b'{"a":1}garbage', [b'{"a":1}', b"garbage"], [0]),
        (b'{"a":1} oops {"b":2}', [b'{"a":1}', b"oops", b'{"b":2}'], [0, 2]),
        (b'oops 1 {"a":1}', [b"oops 1", b'{"a":1}'], [1]),
        (b'oops "{" {"a":1}', [b'oops "{"', b'{"a":1}'], [1]),
        (b'oops "{"', [b'oops "{"'], []),
        (b'x" {"a":1}', [b'x"', b'{"a":1}'], [1]),
        (b'oops " {"a":1}', [b'oops "', b'{"a":1}'], [1]),
        (b'{"a":1},{"b":2}', [b'{"a":1}', b",", b'{"b":2}'], [0, 2]),
        (b'[1]{"a":1}', [b"[1]", b'{"a":1}'], [1]),
        (b'{a}{"a":1}', [b"{a}", b'{"a":1}'], [1]),
        (b'{"a":1}"text', [b'{"a":1}', b'"text'], [0]),
        (b'{"a":1}{"b":{"c":1 {"d":2}', [b'{"a":1}', b'{"b":{"c":1 {"d":2}'], [0]),
        (b'{"a":[1 {"d":2}', [b'{"a":[1 {"d":2}'], []),
        (b"{a}{b}", [b"{a}", b"{b}"], []),
        (b"1 2", [b"1", b"2"], []),
    ],
)
def test_each_document_stands_by_itself(
    line: bytes, payloads: list[bytes], events: list[int]
) -> None:
    """As far as its end can be told; behind one that does not end, nothing can."""
    found = read_documents(line)
    assert payloads == [document.payload for document in found]
    assert events == [place for place, document in enumerate(found) if document.record]


def test_a_broken_document_in_between_does_not_cost_the_next() -> None:
    """A document that ends can be left out, and the one behind it is read."""
    first, second, third = read_documents(b'{"a":1}{"b":2,}{"c":3}')
    assert [{"a": 1}, None, {"c": 3}] == [first.record, second.record, third.record]
    assert b'{"b":2,}' == second.payload


def test_documents_beyond_the_limit_are_one_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the limit the rest of the line is one refused document that holds all its bytes."""
    monkeypatch.setattr(documents, "DOCUMENTS_MAX", 3)
    found = read_documents(b'{"a":1}' * 5)
    assert [None, None, None, FailureKind.TOO_LARGE] == [
        d.failure.kind if d.failure else None for d in found
    ]
    assert b'{"a":1}{"a":1}' == found[-1].payload


def test_the_last_of_duplicate_keys_wins() -> None:
    """A key that occurs twice has its last value."""
    assert {"a": 2} == decode_record(b'{"a":1,"a":2}')


@pytest.mark.parametrize(
    ("escaped", "expected"),
    [
        (b"\\ud83d", "\\ud83d"),
        (b"\\uDE00", "\\uDE00"),
        (b"\\ud83d\\u0041", "\\ud83dA"),
        (b"\\ud83d\\ud83d\\ude00", "\\ud83d\U0001f600"),
        (b"\\\\ud83d\\udead", "\\ud83d\\udead"),
    ],
)
def test_half_a_surrogate_pair_stays_as_written(escaped: bytes, expected: str) -> None:
    """A text cut in the middle of an emoji is kept, in characters that UTF-8 has."""
    (document,) = read_documents(b'{"a":"' + escaped + b'"}')
    assert {"a": expected} == document.record


def test_nul_as_an_escape_is_a_character() -> None:
    """An escaped NUL is valid in JSON, in Avro and in Kafka."""
    assert {"a": "\x00"} == decode_record(b'{"a":"\\u0000"}')


@pytest.mark.parametrize("text", ["1e400", "1.50", "-0.10", "1E-7"])
def test_fractions_keep_their_text(text: str) -> None:
    """A number with a fraction or an exponent never becomes a float."""
    record = decode_record(f'{{"a":{text}}}'.encode())
    assert record is not None
    number = record["a"]
    assert isinstance(number, NumberText)
    assert text == number.text


def test_integers_beyond_64_bits_are_integers() -> None:
    """A large integer is read; who needs a count checks its range."""
    assert {"a": 10**30} == decode_record(b'{"a":1' + b"0" * 30 + b"}")


@pytest.mark.parametrize("digits", [4000, 4001, 5000, 100_000])
@pytest.mark.parametrize("sign", ["", "-"])
def test_integers_of_any_length_refuse_no_record(digits: int, sign: str) -> None:
    """Beyond what the interpreter converts they are kept as they are written; strings are too."""
    number = sign + "9" * digits
    (document,) = read_documents(f'{{"a":{number},"b":"{number}","c":[{number}]}}'.encode())
    assert document.record is not None
    found = document.record["a"]
    assert number == (found.text if isinstance(found, NumberText) else str(found))
    assert number == document.record["b"]
    assert number.encode() in written(document.record["c"])


def test_long_fractions_beside_long_integers_stay_as_written() -> None:
    """A fraction of as many digits is a number as before."""
    digits = "9" * 5000
    (document,) = read_documents(f'{{"a":{digits}.5,"b":{digits}e1,"c":{digits}}}'.encode())
    assert document.record is not None
    assert [f"{digits}.5", f"{digits}e1", digits] == [
        number.text for number in document.record.values() if isinstance(number, NumberText)
    ]


@pytest.mark.parametrize("line", [b'{"s3cr3t":"s3cr3t",}', b'{"a":s3cr3t}', b'"s3cr3t', b"s3cr3t"])
def test_failures_do_not_quote_the_line(line: bytes) -> None:
    """A failure's message holds nothing of the record."""
    (document,) = read_documents(line)
    assert document.failure is not None
    assert "s3cr3t" not in document.failure.message
