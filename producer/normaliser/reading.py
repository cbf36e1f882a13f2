"""Read single fields of a parsed record, and keep what was found on the way.

Laws: the live records differ from their documents, so a field of an unexpected type never stops a
record: it counts as missing and leaves a flag. An empty string says nothing and counts as missing.
"""

from decimal import Decimal, InvalidOperation
from typing import Final

from producer.contract.dead_letter import Failure, FailureKind

JsonObject = dict[str, object]

# Stands for every object that a record does not have. Nobody writes into a record.
EMPTY: Final[JsonObject] = {}

_NUMBER_LENGTH_MAX: Final = 40


class NumberText:
    """A JSON number with a fraction or an exponent, as written: money never becomes a float."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return "NumberText(...)"


def exact_value(number: NumberText) -> Decimal | None:
    """Give the value of a number; `None` if it is longer or larger than anything that is meant.

    `Decimal` raises on exponents beyond its own, and whole numbers with huge ones fill the memory.
    """
    if len(number.text) > _NUMBER_LENGTH_MAX:
        return None
    try:
        value = Decimal(number.text)
    except InvalidOperation:
        return None
    return value if abs(value.adjusted()) <= _NUMBER_LENGTH_MAX else None


class Findings:
    """What reading a record brought up: flags go into its event, failures refuse it."""

    __slots__ = ("failures", "flags")

    def __init__(self) -> None:
        self.flags: dict[str, str] = {}
        self.failures: list[Failure] = []

    def refuse(self, kind: FailureKind, field: str, message: str) -> None:
        """Note a failure. The message is the program's own text, never a part of the record."""
        self.failures.append(Failure(kind=kind, field=field, message=message))


def text(values: JsonObject, name: str, findings: Findings) -> str | None:
    """Give the string at `name`."""
    value = values.get(name)
    if type(value) is str:
        return value or None
    if value is not None:
        findings.flags[f"ignored.{name}"] = "not a string"
    return None


def identifier(values: JsonObject, name: str, findings: Findings) -> str | None:
    """Give the id at `name`; an integer is an id too, as text."""
    value = values.get(name)
    if value is None:
        return None
    if type(value) is str:
        return value or None
    if type(value) is int:
        return str(value)
    return text(values, name, findings)


def mapping(values: JsonObject, name: str, findings: Findings) -> JsonObject:
    """Give the object at `name`, or an empty one."""
    value = values.get(name)
    if type(value) is dict:
        return value
    if value is not None:
        findings.flags[f"ignored.{name}"] = "not an object"
    return EMPTY


def objects(values: JsonObject, name: str, findings: Findings) -> list[JsonObject]:
    """Give the objects of the list at `name`."""
    value = values.get(name)
    if value is None:
        return []
    if type(value) is not list:
        findings.flags[f"ignored.{name}"] = "not a list"
        return []
    found = [item for item in value if type(item) is dict]
    if len(found) < len(value):
        findings.flags[f"ignored.{name}"] = "items that are not objects"
    return found


def texts(values: JsonObject, name: str, findings: Findings) -> list[str]:
    """Give the strings of the list at `name`."""
    value = values.get(name)
    if value is None:
        return []
    if type(value) is not list:
        findings.flags[f"ignored.{name}"] = "not a list"
        return []
    found = [item for item in value if type(item) is str and item]
    if len(found) < len(value):
        findings.flags[f"ignored.{name}"] = "items that are not strings"
    return found


def scalar_text(value: object) -> str | None:
    """Give a string, number or boolean as text; anything else is none."""
    if type(value) is str:
        return value or None
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is int:
        return str(value)
    if type(value) is NumberText:
        return value.text
    return None


def required_text(values: JsonObject, name: str, findings: Findings, *, within: str = "") -> str:
    """Give the string at `name`, empty where it is missing; another type refuses the record.

    For the fields that say what a record is: to guess there would put it where nobody looks.
    `within` is the path of the object, with a dot behind it.
    """
    value = values.get(name)
    if value is None:
        return ""
    if type(value) is str:
        return value
    findings.refuse(FailureKind.SCHEMA_VIOLATION, within + name, "is not a string")
    return ""
