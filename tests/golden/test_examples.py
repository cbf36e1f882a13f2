"""The example events: what subscribers are shown is what the normaliser gives."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from producer.codec import avro
from producer.codec.schemas import parsed, schemas_directory
from producer.normaliser.normalise import normalise
from tests.golden.cases import files
from tests.unit.normaliser.lines import a_raw_line

EXAMPLES: Final = sorted((schemas_directory() / "examples" / "events").glob("*.json"))
HEADER: Final = b"\0\0\0\0\1"
# Their cases are about all families.
SHARED: Final = frozenset({"audit_targets", "documents", "envelope", "identity", "models"})


def test_each_family_has_an_example() -> None:
    """A family without one would have to be learnt from its golden cases."""
    assert {path.stem for path in files()} - SHARED == {path.stem for path in EXAMPLES}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_what_its_line_becomes(path: Path) -> None:
    """The event of the line, and a value of the schema."""
    example: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    line = json.dumps(example["line"]).encode()
    assert (example["event"],) == normalise(a_raw_line(line)).events
    encoded = avro.encode(HEADER, parsed("GovernanceEvent"), example["event"])
    assert example["event"] == avro.decode(encoded, parsed("GovernanceEvent"))
