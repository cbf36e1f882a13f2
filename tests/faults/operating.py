"""What operators do to topics and groups while the stage runs, and what shows of it outside.

Requests are those of Kafka's own tools; what brokers refuse is raised as the client tells it.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final, TypeVar

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.cimpl import NewPartitions

from tests.faults import journal
from tests.faults.evidence import Evidence, place_of
from tests.faults.experiments import Experiment
from tests.faults.watched_processes import Watched
from tests.support.deployments import SOURCE_ID
from tests.support.waiting import eventually

T = TypeVar("T")

_SECONDS: Final = 20.0
_END: Final = -1
_FATAL: Final = 1
# Ten transactions that time out one after the other, with the waits between them.
_END_SECONDS_MAX: Final = 180.0
_READ: Final = (
    ("pull", "sources"),
    ("pull", "commands"),
    ("pull", "objects"),
    ("normalise", "raw"),
    ("normalise", "normalised"),
)


class Operator:
    """Changes what the stage relies on; it asks nobody."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 2})

    def add_partitions(self, topic: str, *, partitions: int) -> None:
        """Let a topic have so many partitions in all."""
        futures = self._admin.create_partitions([NewPartitions(topic, partitions)])
        futures[topic].result(_SECONDS)

    def delete_topic(self, topic: str) -> None:
        """Delete a topic with all that is in it, and return when nobody knows it any more."""
        self._admin.delete_topics([topic])[topic].result(_SECONDS)
        eventually(
            lambda: topic not in self._admin.list_topics(timeout=_SECONDS).topics,
            describe=f"the end of {topic}",
        )

    def reset_offsets(self, group: str, topic: str, offsets: Mapping[int, int]) -> None:
        """Let a group stand elsewhere in partitions of a topic."""
        places = [TopicPartition(topic, index, offset) for index, offset in offsets.items()]
        request = ConsumerGroupTopicPartitions(group, places)
        (future,) = self._admin.alter_consumer_group_offsets([request]).values()
        for place in future.result(_SECONDS).topic_partitions:
            if place.error is not None:
                raise KafkaException(place.error)

    def delete_group(self, group: str) -> None:
        """Delete a group with all its offsets."""
        self._admin.delete_consumer_groups([group])[group].result(_SECONDS)

    def protocol(self, group: str) -> str:
        """By which protocol a group goes now."""
        future = self._admin.list_consumer_groups(request_timeout=_SECONDS)
        (found,) = [each for each in future.result().valid if each.group_id == group]
        return str(found.type.name).lower()

    def delete_records(self, topic: str, *, partitions: int) -> None:
        """Let all that a topic holds be gone, as behind its retention."""
        places = [TopicPartition(topic, index, _END) for index in range(partitions)]
        for future in self._admin.delete_records(places).values():
            future.result(_SECONDS)

    def configure(self, topic: str, name: str, value: str) -> str:
        """Set a setting of a topic; give what it was."""
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        (asked,) = self._admin.describe_configs([resource]).values()
        before = asked.result(_SECONDS)[name].value
        entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
        (future,) = self._admin.incremental_alter_configs([resource]).values()
        future.result(_SECONDS)
        assert before is not None
        return str(before)


def refusal_of(watched: Watched) -> str:
    """Wait until a process has stopped by itself, as it should; give what it complained of."""
    ended_with = watched.ends(within_seconds=_END_SECONDS_MAX)
    assert ended_with == _FATAL, f"{watched.process}\n{watched.process.report()}"
    assert "Traceback" not in watched.process.stderr
    assert "this is a bug" not in watched.process.stderr
    (complaint,) = [
        line for line in watched.process.stderr.splitlines() if line.startswith("error: ")
    ]
    return complaint


def standing(experiment: Experiment) -> dict[tuple[str, int], int]:
    """Where both groups stand, by topic and partition; negative where they have no offset."""
    stage = experiment.stage
    groups = {"pull": stage.puller_group, "normalise": stage.normaliser_group}
    return {
        (topic, index): found.offset
        for command, topic in _READ
        for index, found in stage.reading.committed(groups[command], stage.topic(topic)).items()
    }


def all_is_done(experiment: Experiment) -> None:
    """Wait until each object has its outcome, and the normaliser's group stands at the ends."""
    experiment.stage.eventually(
        lambda: len(experiment.stage.records("outcomes")) >= experiment.objects,
        describe="all outcomes",
    )
    experiment.caught_up()


def replay_all(experiment: Experiment, keys: Sequence[str]) -> None:
    """Let all objects be pulled once more under a replay id, as a person may ask for."""
    pull = experiment.start("pull")
    experiment.stage.run(
        "objects", "replay", "--source", SOURCE_ID, "--from", min(keys), "--to", max(keys)
    )
    experiment.stop(pull)


def transactions_in(experiment: Experiment, topic: str) -> set[str]:
    """Name the transactions that a topic holds anything of."""
    return {
        read.headers[journal.TRANSACTION_HEADER].decode()
        for read in experiment.stage.read(topic, isolation="read_uncommitted")
        if journal.TRANSACTION_HEADER in read.headers
    }


def without(evidence: Evidence, transactions: AbstractSet[str]) -> Evidence:
    """Leave out transactions of which somebody has deleted what was published."""

    def others(told: Mapping[str, T]) -> dict[str, T]:
        return {name: what for name, what in told.items() if name not in transactions}

    return replace(
        evidence,
        fates=others(evidence.fates),
        visible=others(evidence.visible),
        announced=others(evidence.announced),
    )


def told_once(evidence: Evidence) -> Evidence:
    """Leave out what says the same again, word for word, as all does behind an offset reset."""
    return replace(
        evidence,
        raw=_firsts(evidence.raw, lambda seen: (seen.place, seen.digest)),
        normalised=_firsts(
            evidence.normalised, lambda seen: (seen.event_id, seen.place, seen.number)
        ),
        events=_firsts(evidence.events, lambda seen: (seen.event_id, seen.place, seen.number)),
        dead_letters=_firsts(
            evidence.dead_letters,
            lambda letter: (
                letter["stage"],
                letter["index"],
                place_of(letter, line=letter["line_number"]),
            ),
        ),
    )


def _firsts(things: Iterable[T], name: Callable[[T], Hashable]) -> list[T]:
    found: dict[Hashable, T] = {}
    for thing in things:
        found.setdefault(name(thing), thing)
    return list(found.values())
