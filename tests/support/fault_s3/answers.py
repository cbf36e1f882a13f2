"""What the server answers, before anything is done to it on its way."""

from collections.abc import Iterable, Mapping
from typing import Final
from xml.sax.saxutils import escape

import msgspec

XML: Final = {"Content-Type": "application/xml"}
_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A status, headers, and a body that is made when it is sent."""

    status: int = 200
    headers: Mapping[str, str] = {}
    body: Iterable[bytes] = ()
    length: int = 0


class RefusedError(Exception):
    """The request is refused, as AWS words it."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str = "no",
        *,
        details: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.details = details or {}
        self.headers = headers or {}

    def answer(self, *, is_of_sts: bool) -> Answer:
        """Give it as an answer; STS wraps it in one element more."""
        fields = {"Code": self.code, "Message": self.message, **self.details}
        error = elements({"Error": elements(fields)})
        if is_of_sts:
            error = elements({"ErrorResponse": error + elements({"RequestId": "0"})})
        return xml_answer(error, status=self.status, headers=self.headers)


def elements(fields: Mapping[str, str]) -> str:
    """Write elements, one after the other; what they hold must be XML already, or escaped."""
    return "".join(f"<{name}>{text}</{name}>" for name, text in fields.items())


def xml_text(text: str) -> str:
    """Escape a text; what XML cannot hold becomes a reference that no parser takes, as on AWS."""
    return "".join(
        f"&#x{ord(character):x};" if character < " " or character == "\x7f" else character
        for character in escape(text, {'"': "&quot;"})
    )


def xml_answer(
    document: str, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Answer:
    """Answer with a document."""
    return bytes_answer(
        (_DECLARATION + document).encode(), status=status, headers={**XML, **(headers or {})}
    )


def bytes_answer(body: bytes, *, status: int = 200, headers: Mapping[str, str]) -> Answer:
    """Answer with bytes that are at hand."""
    return Answer(status=status, headers=headers, body=(body,), length=len(body))
