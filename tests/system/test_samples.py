"""Public sample records through the whole stage, counted by a reader that knows nothing of it."""

import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from tests.support.deploying import Deploy
from tests.support.deployments import DROPS_PREFIX, SOURCE_ID
from tests.support.drops import governance_event_id, gzipped

_SAMPLES: Final = Path(__file__).parents[1] / "samples"

Place = tuple[str, int]


def _has_a_time(record: dict[str, Any]) -> bool:
    """Whether a record says when it happened: by its timestamp, or the day of a cost."""
    payload = record.get("payload", {})
    text = record.get("timestamp", payload.get("day"))
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def test_every_sample_record_ends_as_one_event_or_one_dead_letter(deploy: Deploy) -> None:
    """Each line of the public samples is an event, a dead letter, or another line's duplicate."""
    stage = deploy()
    stage.set_up()
    lines: dict[Place, dict[str, Any]] = {}
    for path in sorted(_SAMPLES.glob("*/*.jsonl")):
        key = f"{path.parent.name}/{path.stem}.jsonl.gz"
        texts = path.read_bytes().splitlines()
        stage.put(key, gzipped(texts))
        for number, text in enumerate(texts, start=1):
            lines[DROPS_PREFIX + key, number] = json.loads(text)

    stage.run("pull", "--once")
    stage.run("normalise", "--once")

    events, letters = stage.records("events"), stage.records("dead-letters")
    of_events = Counter((e["origin"]["key"], e["origin"]["line"]) for e in events)
    of_letters = Counter((letter["key"], letter["line_number"]) for letter in letters)
    assert {place: 1 for place, record in lines.items() if not _has_a_time(record)} == of_letters

    ids = {place: record.get("event_id") for place, record in lines.items()}
    copies = Counter(ids[place] for place in lines if ids[place] and place not in of_letters)
    shared = {event_id for event_id, count in copies.items() if count > 1}
    assert {"evt-A"} == shared
    alone = {place: 1 for place in lines if place not in of_letters and ids[place] not in shared}
    assert alone == {place: n for place, n in of_events.items() if ids[place] not in shared}
    assert dict.fromkeys(shared, 1) == Counter(
        ids[place] for place in of_events if ids[place] in shared
    )

    suppressed = len(stage.read("normalised")) - len(events)
    assert sum(copies.values()) - len(copies) == suppressed
    assert len(lines) == len(events) + len(letters) + suppressed
    for event in events:
        event_id = ids[event["origin"]["key"], event["origin"]["line"]]
        if event_id is not None:
            assert governance_event_id(SOURCE_ID, event_id) == event["event_id"]
