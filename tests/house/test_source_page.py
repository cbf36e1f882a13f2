"""The source's page keeps to the skeleton of LangWatch's docs, and shows an event that is one."""

import json
import re
from pathlib import Path
from typing import Any, Final

from producer.normaliser.families.ids import kind_of
from producer.normaliser.normalise import normalise
from tests.golden.cases import all_cases

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs" / "openai-compliance.md").read_text("utf-8")
EXAMPLES: Final = ROOT / "schemas" / "examples" / "events"

OWN: Final = "openai_compliance."
# What the page tells by a rule instead of one by one.
AN_ID: Final = re.compile(r"openai_compliance\.([a-z_]+)\.ids?(?:_before)?")

HEADINGS: Final = [
    "Currently implemented",
    "What the admin configures upstream",
    "Event shape we accept today",
    "What this source cannot tell you",
    "What is still envelope-only / follow-up work",
    "Verify with CLI + web",
]


def the_event() -> dict[str, Any]:
    """Give the event that the page shows."""
    (block,) = re.findall(r"^```json\n(.+?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    event: dict[str, Any] = json.loads(block)
    return event


def test_page_has_the_skeleton_of_all_sources() -> None:
    """Its headings in order, and the box that says what it goes with."""
    assert HEADINGS == re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    assert re.search(r"^<Info>\n\*\*Pairs with:\*\*.+\n</Info>$", PAGE, re.MULTILINE)
    assert "| Field | Required | Stored | Used by |" in PAGE
    for field in ("title", "description", "sidebarTitle"):
        assert re.search(rf"^{field}: .+$", PAGE.split("---")[1], re.MULTILINE)


def test_event_on_the_page_is_an_example() -> None:
    """One that the schema and the normaliser are held against."""
    path = EXAMPLES / f"{the_event()['family'].lower()}.json"
    assert json.loads(path.read_text("utf-8"))["event"] == the_event()


def test_page_explains_every_field_of_the_event() -> None:
    """A field without a row would have to be guessed."""
    start = PAGE.index("| Field | Origin |")
    rows = PAGE[start : PAGE.index("\n\n", start)]
    named = {name.partition(".")[0] for name in re.findall(r"`([a-z_.]+)`", rows)}
    assert set() == set(the_event()) - named


def test_page_names_every_attribute() -> None:
    """By its name, or by the rule for ids; those of this source without their common beginning."""
    made = {
        name
        for case in all_cases()
        for event in normalise(case.raw).events
        for name in event["attributes"]
    }
    assert "openai_compliance.scan.lookback_days" in made
    unnamed = [name for name in sorted(made) if not is_named(name)]
    assert [] == unnamed


def is_named(name: str) -> bool:
    """Whether the page tells what an attribute is."""
    if f"`{name}`" in PAGE or f'"{name}"' in PAGE:
        return True
    start = PAGE.index("### Attributes of this source")
    table = PAGE[start : PAGE.index("### OpenTelemetry names")]
    by_rule = AN_ID.fullmatch(name)
    return f"`{name.removeprefix(OWN)}`" in table or (
        by_rule is not None and kind_of(by_rule[1]) is not None
    )
