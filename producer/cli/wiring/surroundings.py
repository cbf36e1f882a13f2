"""What settings say about the world outside: names, properties, connections."""

from functools import cached_property

from producer.codec.registry import SchemaRegistry
from producer.codec.schemas import TopicDefinition, topic_definitions
from producer.kafka import configuration
from producer.kafka.admin import Administrator, TopicPlan
from producer.kafka.configuration import Properties
from producer.kafka.tables import TableReader, Watermarks, all_partitions, from_beginning
from producer.settings import Settings

_EVENTS = "events"
# Which topics each group reads, by their names in `schemas/topics.yaml`.
_PULLER_READS = ("sources", "commands", "objects")
_NORMALISER_READS = ("raw", "normalised")
# With three replicas, two must have what is acknowledged: one may fail, and nothing is lost with
# it.
_REPLICAS_FOR_TWO_IN_SYNC = 3


class Surroundings:
    """Names and connections of one deployment. Connections are made when first asked for."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.topics = {
            definition.name: self._full_name(definition.name) for definition in topic_definitions()
        }
        self.puller_group = f"{settings.topics.prefix}puller"
        self.normaliser_group = f"{settings.topics.prefix}normaliser"
        self.client_id = f"openai-compliance-{settings.instance}"

    @property
    def connection(self) -> Properties:
        """What every Kafka client needs."""
        return configuration.connection(self.settings.kafka, client_id=self.client_id)

    @cached_property
    def administrator(self) -> Administrator:
        """Plans against brokers."""
        return Administrator(self.connection)

    @cached_property
    def watermarks(self) -> Watermarks:
        """Ends of partitions."""
        return Watermarks(self.connection)

    @cached_property
    def registry(self) -> SchemaRegistry:
        """The schema registry."""
        settings = self.settings.schema_registry
        password = settings.password
        return SchemaRegistry(
            str(settings.url),
            username=settings.username,
            password=None if password is None else password.get_secret_value(),
            ca_location=_text(settings.ssl_ca_location),
            certificate_location=_text(settings.ssl_certificate_location),
            key_location=_text(settings.ssl_key_location),
        )

    def plans(self) -> list[TopicPlan]:
        """What each topic must be."""
        return [self._plan(definition) for definition in topic_definitions()]

    def plans_read_by_puller(self) -> list[TopicPlan]:
        """The topics on which the puller's group has offsets."""
        return self._named(_PULLER_READS)

    def plans_read_by_normaliser(self) -> list[TopicPlan]:
        """The topics on which the normaliser's group has offsets."""
        return self._named(_NORMALISER_READS)

    def bare_name(self, topic: str) -> str:
        """What a topic is called in `schemas/topics.yaml`."""
        return next(name for name, full_name in self.topics.items() if full_name == topic)

    def table_properties(self) -> Properties:
        """Properties of a consumer that reads a table."""
        return configuration.table_reader(self.settings.kafka, client_id=self.client_id)

    def whole_topic(self, *names: str) -> TableReader:
        """A reader of a topic from its beginning, or of several at once."""
        partitions = self.settings.topics.partitions
        owned = [
            each
            for name in names
            for each in all_partitions(self.topics[name], partitions=partitions)
        ]
        return TableReader(
            properties=self.table_properties(),
            watermarks=self.watermarks,
            starts=from_beginning(owned),
        )

    def _named(self, names: tuple[str, ...]) -> list[TopicPlan]:
        wanted = {self.topics[name] for name in names}
        return [plan for plan in self.plans() if plan.name in wanted]

    def _full_name(self, name: str) -> str:
        topics = self.settings.topics
        return topics.events if name == _EVENTS else f"{topics.prefix}{name}"

    def _plan(self, definition: TopicDefinition) -> TopicPlan:
        topics = self.settings.topics
        settings: dict[str, object | None] = {
            "cleanup.policy": definition.cleanup,
            # An old event must not expire on arrival: the time is that of publishing.
            "message.timestamp.type": "CreateTime",
            "retention.ms": definition.retention_ms,
            "min.compaction.lag.ms": definition.compaction_lag_ms,
            "max.message.bytes": definition.message_bytes_max,
            "min.insync.replicas": 2 if topics.replication >= _REPLICAS_FOR_TWO_IN_SYNC else None,
        }
        return TopicPlan(
            name=self.topics[definition.name],
            partitions=topics.partitions,
            replication=topics.replication,
            configuration={
                name: str(value) for name, value in settings.items() if value is not None
            },
        )


def _text(path: object | None) -> str | None:
    return None if path is None else str(path)
