"""Reading `topics.yaml`."""

import pytest

from producer.codec.schemas import read_topic_definitions, topic_definitions
from producer.errors import ConfigurationError

DAY_MS = 86_400_000
ENTRY = """
topics:
  raw:
    schema: RawLine
    key: k
    key_group: object
    written_by: [puller]
    read_by: [normaliser]
"""


def test_topic_definitions_are_those_of_the_house() -> None:
    """Nine topics, in the order of the data's flow, with durations in the broker's unit."""
    topics = {topic.name: topic for topic in topic_definitions()}
    assert [
        "sources",
        "commands",
        "objects",
        "raw",
        "outcomes",
        "normalised",
        "events",
        "dead-letters",
        "source-status",
    ] == list(topics)
    assert ("compact", None, 7 * DAY_MS) == (
        topics["objects"].cleanup,
        topics["objects"].retention_ms,
        topics["objects"].compaction_lag_ms,
    )
    assert ("delete", 40 * DAY_MS, None) == (
        topics["events"].cleanup,
        topics["events"].retention_ms,
        topics["events"].compaction_lag_ms,
    )


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("cleanup: delete", "'raw' deletes, but has no retention_days"),
        ("cleanup: compact\n    retention_days: 7", "'raw' compacts, so retention_days"),
        (
            "cleanup: delete\n    retention_days: 7\n    compaction_lag_days: 1",
            "'raw' deletes, so compaction_lag_days",
        ),
        ("cleanup: shred", "does not parse"),
        ("cleanup: compact\n    colour: red", "does not parse"),
        ("cleanup: compact\n    schema: Missing", "names the schema 'Missing'"),
        ("cleanup: [", "does not parse"),
    ],
)
def test_topic_definitions_refuse_what_does_not_go_together(line: str, problem: str) -> None:
    """A mistake in the file is named with its topic."""
    with pytest.raises(ConfigurationError, match=problem):
        read_topic_definitions(f"{ENTRY}    {line}\n")
