"""The answer to a listing, saved as a line: each of its items is a record of its own.

OpenAI's other interfaces answer with pages of records (audit logs, conversations, usage buckets),
and whoever copies such answers copies pages. Only the listing of log files is no page of records:
what it names was written elsewhere, so it becomes one dead letter, as an empty page does.
"""

from typing import Final

from producer.contract.dead_letter import FailureKind
from producer.normaliser.actors import who_is_beside
from producer.normaliser.families.generic import describe
from producer.normaliser.reading import Findings, JsonObject
from producer.normaliser.rules import Family, Split

_ITEMS: Final = "data"
# What pages call themselves.
PAGES: Final = ("list", "page")
# What the items of the listing of log files have, and no record.
_FILE_NAMES: Final = ("file_name", "file_sha256")


def is_page(record: JsonObject) -> bool:
    """Whether a record is called a page of records, and lists some or is of no type itself."""
    items = record.get(_ITEMS)
    if record.get("object") not in PAGES or type(items) is not list:
        return False
    return "type" not in record or any(type(item) is dict for item in items)


def is_listing(record: JsonObject) -> bool:
    """Whether a record that is called nothing is a page: it lists records, and is of no type."""
    return type(record.get(_ITEMS)) is list and "type" not in record and "has_more" in record


def split(record: JsonObject) -> Split | None:
    """Give the records of a page."""
    items = record.get(_ITEMS)
    if type(items) is not list or not items or all(map(_is_file, items)):
        return None
    return Split(items=items, alone=_alone, left=_left)


def _is_file(item: object) -> bool:
    return type(item) is dict and any(name in item for name in _FILE_NAMES)


def _alone(item: object) -> object:
    return item


def _left(items: list[object]) -> object:
    return {"object": "list", _ITEMS: items}


def occurred_at(record: JsonObject, findings: Findings) -> int:  # noqa: ARG001
    """Refuse a page without records: nothing happened at any time."""
    findings.refuse(FailureKind.SCHEMA_VIOLATION, _ITEMS, "lists no records")
    return 0


FAMILY: Final = Family(
    describe=describe,
    occurred_at=occurred_at,
    who=who_is_beside,
    id_names=("id",),
    type_names=("object",),
    split=split,
)
