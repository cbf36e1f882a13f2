"""What `topics apply` does at the brokers, and what every process checks before it starts.

Laws of this file:

1. What exists is never changed: where it disagrees with the plan, the difference is named and
   nothing is done.
2. A group's first offset is committed once, while its topic has never held a message. Later a
   missing offset means that the group was deleted or expired; to guess one would lose or repeat
   everything.
"""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._metadata import ClusterMetadata
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic

from producer.errors import (
    BrokerUnavailableError,
    FatalError,
    OffsetMissingError,
    TopicMismatchError,
)
from producer.kafka.clients import open_admin
from producer.kafka.configuration import Properties
from producer.kafka.errors import describe, may_pass
from producer.kafka.member import Owned
from producer.kafka.offsets import GroupOffsets
from producer.kafka.tables import Watermarks

T = TypeVar("T")

_REQUEST_SECONDS = 20.0
# The first thing that every command asks for; a person waits for it at a terminal.
_REACH_SECONDS = 10.0
# A new cluster's coordinators load for some seconds after the first group or transaction.
_COORDINATOR_ATTEMPTS = 60
_COORDINATOR_WAIT_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class TopicPlan:
    """What a topic must be."""

    name: str
    partitions: int
    replication: int
    configuration: Mapping[str, str] = field(default_factory=dict)


class Administrator:
    """Plans against brokers. One owner thread."""

    def __init__(self, connection: Properties) -> None:
        self._connection = connection
        self._admin = open_admin(connection)
        self._watermarks = Watermarks(connection)

    def cluster_id(self) -> str:
        """The cluster's own id; raises `BrokerUnavailableError` where no broker answers."""
        return str(self._metadata().cluster_id)

    def topic_ids(self, names: Sequence[str]) -> dict[str, str]:
        """The id that each topic got when it was created."""
        futures = self._admin.describe_topics(
            TopicCollection(list(names)), request_timeout=_REQUEST_SECONDS
        )
        return {
            name: str(_result(f"describe {name!r}", future).topic_id)
            for name, future in futures.items()
        }

    def apply(self, plans: Sequence[TopicPlan]) -> list[str]:
        """Create what is missing.

        Name the topics that this call created. Raises `TopicMismatchError` before creating any.
        """
        missing = self._compare(plans)
        if not missing:
            return []
        futures = self._admin.create_topics(
            [
                NewTopic(
                    plan.name, plan.partitions, plan.replication, config=dict(plan.configuration)
                )
                for plan in missing
            ],
            request_timeout=_REQUEST_SECONDS,
        )
        created = [name for name, future in futures.items() if _is_created(name, future)]
        self._await_leaders(missing)
        # Another who applied at the same time may have had other plans.
        self._verify_new(plans)
        return created

    def verify(self, plans: Sequence[TopicPlan]) -> None:
        """Raise `TopicMismatchError` unless all topics exist and are as planned."""
        missing = [plan.name for plan in self._compare(plans)]
        if missing:
            raise TopicMismatchError(
                f"missing topics: {', '.join(missing)}; run `openai-compliance topics apply`"
            )

    def commit_first_offsets(self, group: str, plans: Sequence[TopicPlan]) -> list[Owned]:
        """Commit offset 0 where the group has none yet; name those partitions."""
        partitions = [
            Owned(plan.name, index) for plan in plans for index in range(plan.partitions)
        ]
        absent = self._without_offset(group, partitions)
        if not absent:
            return []
        ends = self._watermarks.high(absent)
        used = sorted({owned.topic for owned in absent if ends[owned] > 0})
        if used:
            raise OffsetMissingError(
                f"group {group!r} has no committed offsets on topics that have held messages: "
                f"{', '.join(used)}; the group was deleted or has expired, so decide from where "
                "it shall go on and reset its offsets with Kafka's own tool"
            )
        return self._commit_first(group, absent)

    def has_members(self, group: str) -> bool | None:
        """Whether somebody is in a group; `None` where the brokers do not say."""
        (future,) = self._admin.describe_consumer_groups(
            [group], request_timeout=_REQUEST_SECONDS
        ).values()
        try:
            return bool(future.result().members)
        except KafkaException as raised:
            is_unknown = raised.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND
            return False if is_unknown else None

    def _commit_first(self, group: str, absent: list[Owned]) -> list[Owned]:
        attempt = f"commit the first offsets of group {group!r}"
        wait = threading.Event()
        for _ in range(_COORDINATOR_ATTEMPTS):
            refused = self._refusal_to_commit(group, absent)
            if refused is None:
                return absent
            # Another who applies at the same time may have been faster, and its process may have
            # gone on from there: what has an offset by now keeps it.
            absent = self._without_offset(group, absent)
            if not absent:
                return []
            if refused.code() == KafkaError.UNKNOWN_MEMBER_ID:
                raise FatalError(
                    f"could not {attempt}: it has members; stop its processes, then try again"
                )
            if not may_pass(refused):
                raise FatalError(describe(attempt, refused))
            wait.wait(_COORDINATOR_WAIT_SECONDS)
        assert refused is not None
        raise BrokerUnavailableError(describe(attempt, refused))

    def _refusal_to_commit(self, group: str, partitions: Sequence[Owned]) -> KafkaError | None:
        request = ConsumerGroupTopicPartitions(
            group, [TopicPartition(*owned, 0) for owned in partitions]
        )
        try:
            (future,) = self._admin.alter_consumer_group_offsets([request]).values()
            errors = [found.error for found in future.result().topic_partitions]
        except KafkaException as raised:
            errors = [raised.args[0]]
        return next((error for error in errors if error is not None), None)

    def _without_offset(self, group: str, partitions: Sequence[Owned]) -> list[Owned]:
        offsets = GroupOffsets(self._connection, group)
        try:
            committed = offsets.fetch(partitions)
        finally:
            offsets.close()
        return [owned for owned in partitions if committed[owned] < 0]

    def _compare(self, plans: Sequence[TopicPlan]) -> list[TopicPlan]:
        """Name what is missing; raise with every difference found in what exists."""
        topics = self._metadata().topics
        configurations = self._configurations([plan.name for plan in plans if plan.name in topics])
        missing = [plan for plan in plans if plan.name not in configurations]
        existing = [plan for plan in plans if plan.name in configurations]
        differences = []
        for plan in existing:
            partitions = topics[plan.name].partitions
            if len(partitions) != plan.partitions:
                differences.append(
                    f"{plan.name} has {len(partitions)} partitions, not {plan.partitions}"
                )
            differences += [
                f"{plan.name} has {replication} replicas, not {plan.replication}"
                for replication in sorted({len(found.replicas) for found in partitions.values()})
                if replication != plan.replication
            ]
            differences += [
                f"{plan.name} has {name}={configurations[plan.name][name].value}, not {wanted}"
                for name, wanted in plan.configuration.items()
                if configurations[plan.name][name].value != wanted
            ]
        if differences:
            raise TopicMismatchError(
                f"topics are not as planned: {'; '.join(differences)}; correct the settings under "
                "OPENAI_COMPLIANCE_TOPICS__, or alter or recreate the topics by hand"
            )
        return missing

    def _configurations(self, names: Sequence[str]) -> dict[str, Any]:
        """Read the settings of topics, but for those that the broker that was asked lacks."""
        if not names:
            return {}
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
        futures = self._admin.describe_configs(resources, request_timeout=_REQUEST_SECONDS)
        return {
            resource.name: _result(f"read the configuration of {resource.name!r}", future)
            for resource, future in futures.items()
            if not _is_unknown(future)
        }

    def _verify_new(self, plans: Sequence[TopicPlan]) -> None:
        """Verify, once whichever broker is asked has been told of topics that were created."""
        wait = threading.Event()
        for _ in range(_COORDINATOR_ATTEMPTS):
            if not self._compare(plans):
                return
            wait.wait(_COORDINATOR_WAIT_SECONDS)
        self.verify(plans)

    def _await_leaders(self, plans: Sequence[TopicPlan]) -> None:
        """A topic that was just created is not yet known to every broker."""
        wait = threading.Event()
        for _ in range(_COORDINATOR_ATTEMPTS):
            topics = self._metadata().topics
            if all(
                plan.name in topics
                and topics[plan.name].partitions
                and all(found.leader >= 0 for found in topics[plan.name].partitions.values())
                for plan in plans
            ):
                return
            wait.wait(_COORDINATOR_WAIT_SECONDS)
        raise BrokerUnavailableError("new topics did not get leaders; look at the brokers' health")

    def _metadata(self) -> ClusterMetadata:
        try:
            return self._admin.list_topics(timeout=_REACH_SECONDS)
        except KafkaException as raised:
            error = raised.args[0]
            kind = BrokerUnavailableError if may_pass(error) else FatalError
            raise kind(describe("reach the cluster", error)) from raised


def _is_unknown(future: Future[Any]) -> bool:
    """Whether the answer is that there is no such topic."""
    error = future.exception()
    return (
        isinstance(error, KafkaException)
        and error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART
    )


def _is_created(name: str, future: Future[None]) -> bool:
    """Whether it was created by this very request."""
    try:
        future.result()
    except KafkaException as raised:
        error = raised.args[0]
        if error.code() == KafkaError.TOPIC_ALREADY_EXISTS:
            return False
        raise FatalError(describe(f"create topic {name!r}", error)) from raised
    return True


def _offset(found: TopicPartition) -> int:
    if found.error is not None:
        owned = Owned(found.topic, found.partition)
        raise FatalError(describe(f"fetch the offset of {owned}", found.error))
    return int(found.offset)


def _result(attempt: str, future: Future[T]) -> T:
    try:
        return future.result()
    except KafkaException as raised:
        error = raised.args[0]
        kind = BrokerUnavailableError if may_pass(error) else FatalError
        raise kind(describe(attempt, error)) from raised
