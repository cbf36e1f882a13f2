"""Topics, groups and first offsets on a real broker: applied once, and never guessed."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource

from producer.errors import FatalError, OffsetMissingError, TopicMismatchError
from producer.kafka import configuration
from producer.kafka.admin import Administrator, TopicPlan
from producer.kafka.member import GroupMember, Owned
from producer.kafka.offsets import GroupOffsets
from producer.kafka.progress import GroupProgress
from producer.kafka.tables import Watermarks
from producer.settings.kafka import KafkaSettings
from tests.support.brokers import KafkaTool
from tests.support.other_publishers import OtherPublisher
from tests.support.waiting import eventually

_SECONDS = 30.0


class Cluster:
    """Plans with a prefix of their own, and who applies them."""

    def __init__(self, bootstrap_servers: str, prefix: str) -> None:
        self.servers = bootstrap_servers
        self.group = f"{prefix}group"
        self._prefix = prefix
        self.settings = KafkaSettings(bootstrap_servers=bootstrap_servers)
        self._connection = configuration.connection(self.settings, client_id="test")
        self.administrator = Administrator(self._connection)
        self.admin = AdminClient({"bootstrap.servers": bootstrap_servers})
        self._closing: list[Callable[[], None]] = []

    def another(self) -> Administrator:
        """Be somebody else who applies."""
        return Administrator(self._connection)

    def plan(self, name: str, **changes: Any) -> TopicPlan:  # noqa: ANN401 - any field's value
        """Plan a topic of two partitions."""
        return TopicPlan(
            **{"name": self._prefix + name, "partitions": 2, "replication": 1, **changes}
        )

    def topics(self) -> set[str]:
        """Name the topics that were made here."""
        names = self.admin.list_topics(timeout=_SECONDS).topics
        return {name.removeprefix(self._prefix) for name in names if name.startswith(self._prefix)}

    def offsets(self, plan: TopicPlan) -> dict[int, int]:
        """Tell where the group stands in a topic; negative where it has no offset."""
        offsets = GroupOffsets(self._connection, self.group)
        try:
            found = offsets.fetch([Owned(plan.name, 0), Owned(plan.name, 1)])
        finally:
            offsets.close()
        return {owned.partition: offset for owned, offset in found.items()}

    def progress(self) -> GroupProgress:
        """Compare the group with the ends of its topics."""
        offsets = GroupOffsets(self._connection, self.group)
        self._closing.append(offsets.close)
        return GroupProgress(offsets=offsets, watermarks=Watermarks(self._connection))

    def move_group(self, plan: TopicPlan, offset: int) -> None:
        """Let the group go on to an offset of the first partition."""
        partitions = [TopicPartition(plan.name, 0, offset)]
        request = ConsumerGroupTopicPartitions(self.group, partitions)
        (future,) = self.admin.alter_consumer_group_offsets([request]).values()
        assert future.result(_SECONDS).topic_partitions[0].error is None

    def publish(self, plan: TopicPlan) -> None:
        """Publish one message to the first partition."""
        producer = Producer({"bootstrap.servers": self.servers})
        producer.produce(plan.name, b"value", partition=0)
        assert 0 == producer.flush(_SECONDS)

    def join(self, plan: TopicPlan) -> None:
        """Let the group have a member."""
        member = GroupMember(
            configuration.group_member(
                self.settings, client_id="test", group=self.group, name="test"
            ),
            plan.name,
            partitions=plan.partitions,
        )
        self._closing.append(member.close)
        eventually(
            lambda: member.poll(messages_max=1, timeout_seconds=0.1).gained, every_seconds=0
        )

    def close(self) -> None:
        """Let everything go."""
        for close in self._closing:
            close()


@pytest.fixture
def cluster(kafka: str, topic_prefix: str) -> Iterator[Cluster]:
    """Give a cluster that holds none of the topics of a test."""
    cluster = Cluster(kafka, topic_prefix)
    yield cluster
    cluster.close()


def test_applying_creates_what_is_missing_once(cluster: Cluster) -> None:
    """Applied again it does nothing; a plan that was added is created alone."""
    plans = [
        cluster.plan("a", configuration={"cleanup.policy": "compact"}),
        cluster.plan("b", partitions=3),
    ]
    assert [plan.name for plan in plans] == sorted(cluster.administrator.apply(plans))
    assert [] == cluster.administrator.apply(plans)
    added = cluster.plan("c")
    assert [added.name] == cluster.administrator.apply([*plans, added])
    cluster.administrator.verify([*plans, added])
    assert {"a", "b", "c"} == cluster.topics()


def test_missing_topics_are_named(cluster: Cluster) -> None:
    """All of them, with what to do."""
    cluster.administrator.apply([cluster.plan("a")])
    plans = [cluster.plan("a"), cluster.plan("b"), cluster.plan("c")]
    with pytest.raises(TopicMismatchError, match="topics apply") as raised:
        cluster.administrator.verify(plans)
    assert f"missing topics: {plans[1].name}, {plans[2].name};" in str(raised.value)


def test_all_differences_are_named_and_nothing_is_created(cluster: Cluster) -> None:
    """Partitions, replicas and configuration of all topics at once, before anything is done."""
    cluster.administrator.apply(
        [
            cluster.plan("a", configuration={"retention.ms": "1000", "cleanup.policy": "delete"}),
            cluster.plan("b"),
        ]
    )
    planned = [
        cluster.plan("a", configuration={"retention.ms": "2000", "cleanup.policy": "compact"}),
        cluster.plan("b", partitions=5, replication=3),
        cluster.plan("c"),
    ]
    a, b = planned[0].name, planned[1].name
    differences = [
        f"{b} has 2 partitions, not 5",
        f"{b} has 1 replicas, not 3",
        f"{a} has retention.ms=1000, not 2000",
        f"{a} has cleanup.policy=delete, not compact",
    ]
    for attempt in (cluster.administrator.apply, cluster.administrator.verify):
        with pytest.raises(TopicMismatchError) as raised:
            attempt(planned)
        assert [] == [text for text in differences if text not in str(raised.value)]
        assert {"a", "b"} == cluster.topics()


def test_two_may_apply_at_once(cluster: Cluster) -> None:
    """Each topic is created by one of them, each first offset committed, and neither fails."""
    plans = [cluster.plan(name) for name in "abcdef"]

    def apply(administrator: Administrator) -> list[str]:
        created = administrator.apply(plans)
        administrator.commit_first_offsets(cluster.group, plans)
        return created

    with ThreadPoolExecutor() as pool:
        created = pool.map(apply, [cluster.another() for _ in range(3)])
        assert [plan.name for plan in plans] == sorted(name for names in created for name in names)
    assert [{0: 0, 1: 0}] * len(plans) == [cluster.offsets(plan) for plan in plans]


def test_other_plans_of_another_who_applies_are_noticed(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A topic that appeared between looking and creating is compared as well."""
    create = cluster.administrator._admin.create_topics

    def be_overtaken(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - passed on
        cluster.another().apply([cluster.plan("a", partitions=7)])
        return create(*arguments, **options)

    monkeypatch.setattr(cluster.administrator._admin, "create_topics", be_overtaken)
    with pytest.raises(TopicMismatchError, match="has 7 partitions, not 2"):
        cluster.administrator.apply([cluster.plan("a"), cluster.plan("b")])


def test_broker_that_lacks_a_new_topic_yet_is_asked_again(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one has created it, and each is told in its own time."""
    plans = [cluster.plan("a"), cluster.plan("b")]
    admin = cluster.administrator._admin
    tell, describe = admin.list_topics, admin.describe_configs
    before = tell(timeout=_SECONDS)
    told = iter([before, None, before])
    unknown = iter([ConfigResource(ConfigResource.Type.TOPIC, cluster.plan("c").name)])

    def tell_late(**options: Any) -> Any:  # noqa: ANN401 - passed on
        return next(told, None) or tell(**options)

    def describe_late(resources: Any, **options: Any) -> Any:  # noqa: ANN401 - passed on
        futures = describe(resources, **options)
        for resource in unknown:
            (lacking,) = describe([resource], **options).values()
            futures[resources[0]] = lacking
        return futures

    monkeypatch.setattr(admin, "list_topics", tell_late)
    monkeypatch.setattr(admin, "describe_configs", describe_late)
    assert [plan.name for plan in plans] == sorted(cluster.administrator.apply(plans))
    assert [] == [*told, *unknown]


def test_topic_that_cannot_be_created_is_named(cluster: Cluster) -> None:
    """The broker's reason is passed on."""
    plan = cluster.plan("a", configuration={"cleanup.policy": "burn"})
    with pytest.raises(FatalError, match=f"create topic '{plan.name}'"):
        cluster.administrator.apply([plan])


def test_topic_that_was_created_again_has_another_id(cluster: Cluster) -> None:
    """Caches are bound to it, since the name and the offsets may be the same."""
    plan = cluster.plan("a")
    cluster.administrator.apply([plan])
    first = cluster.administrator.topic_ids([plan.name])
    assert first == cluster.administrator.topic_ids([plan.name])
    cluster.admin.delete_topics([plan.name])[plan.name].result(_SECONDS)
    eventually(lambda: not cluster.topics())
    cluster.administrator.apply([plan])
    assert first != cluster.administrator.topic_ids([plan.name])
    assert cluster.administrator.cluster_id() == cluster.another().cluster_id()


def test_first_offsets_are_committed_once(cluster: Cluster) -> None:
    """For every partition of a fresh topic, and not again when the group has gone on."""
    plan = cluster.plan("a")
    cluster.administrator.apply([plan])
    assert {0: -1001, 1: -1001} == cluster.offsets(plan)
    committed = cluster.administrator.commit_first_offsets(cluster.group, [plan])
    assert [Owned(plan.name, 0), Owned(plan.name, 1)] == committed
    cluster.publish(plan)
    cluster.move_group(plan, 1)
    assert [] == cluster.administrator.commit_first_offsets(cluster.group, [plan])
    assert {0: 1, 1: 0} == cluster.offsets(plan)


def test_topic_that_is_added_gets_first_offsets(cluster: Cluster) -> None:
    """What the group has elsewhere stays as it is."""
    first, second = cluster.plan("a"), cluster.plan("b")
    cluster.administrator.apply([first, second])
    cluster.administrator.commit_first_offsets(cluster.group, [first])
    cluster.publish(first)
    cluster.move_group(first, 1)
    added = cluster.administrator.commit_first_offsets(cluster.group, [first, second])
    assert [Owned(second.name, 0), Owned(second.name, 1)] == added
    assert {0: 1, 1: 0} == cluster.offsets(first)


@pytest.mark.parametrize("is_emptied", [False, True])
def test_topic_that_has_held_messages_gets_no_first_offsets(
    cluster: Cluster, *, is_emptied: bool
) -> None:
    """To guess one would lose or repeat them, also when retention has removed them since."""
    used, fresh = cluster.plan("a"), cluster.plan("b")
    cluster.administrator.apply([used, fresh])
    cluster.publish(used)
    if is_emptied:
        asked = [TopicPartition(used.name, 0, 1)]
        for future in cluster.admin.delete_records(asked).values():
            future.result(_SECONDS)
    with pytest.raises(OffsetMissingError, match="have held messages"):
        cluster.administrator.commit_first_offsets(cluster.group, [used, fresh])
    assert {0: -1001, 1: -1001} == cluster.offsets(fresh)


def test_group_that_was_deleted_is_not_begun_again(
    cluster: Cluster, kafka_tool: KafkaTool
) -> None:
    """An operator who deleted it must say from where it shall go on."""
    plan = cluster.plan("a")
    cluster.administrator.apply([plan])
    cluster.administrator.commit_first_offsets(cluster.group, [plan])
    cluster.publish(plan)
    deleted = kafka_tool(
        "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
        *("--bootstrap-server", cluster.servers, "--delete", "--group", cluster.group),
    )
    assert 0 == deleted.returncode, deleted.stderr
    with pytest.raises(OffsetMissingError, match=f"group '{cluster.group}'"):
        cluster.administrator.commit_first_offsets(cluster.group, [plan])


def test_offset_of_a_faster_one_is_kept(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another who applied was faster, and its process has gone on: its members refuse us once."""
    plan = cluster.plan("a")
    cluster.administrator.apply([plan])
    alter = cluster.administrator._admin.alter_consumer_group_offsets
    faster = cluster.another()

    def be_overtaken(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - passed on
        monkeypatch.undo()
        faster.commit_first_offsets(cluster.group, [plan])
        cluster.publish(plan)
        cluster.move_group(plan, 1)
        cluster.join(plan)
        return alter(*arguments, **options)

    monkeypatch.setattr(cluster.administrator._admin, "alter_consumer_group_offsets", be_overtaken)
    assert [] == cluster.administrator.commit_first_offsets(cluster.group, [plan])
    assert {0: 1, 1: 0} == cluster.offsets(plan)


def test_group_with_members_gets_no_first_offsets(cluster: Cluster) -> None:
    """The broker refuses, and a person is told what to stop."""
    first, second = cluster.plan("a"), cluster.plan("b")
    cluster.administrator.apply([first, second])
    cluster.administrator.commit_first_offsets(cluster.group, [first])
    cluster.join(first)
    with pytest.raises(FatalError, match="stop its processes"):
        cluster.administrator.commit_first_offsets(cluster.group, [first, second])
    assert {0: -1001, 1: -1001} == cluster.offsets(second)


def test_progress_counts_what_is_pending_as_unread(cluster: Cluster) -> None:
    """Neither an open transaction nor one whose markers are still to be written is the end."""
    plan = cluster.plan("a")
    cluster.administrator.apply([plan])
    cluster.administrator.commit_first_offsets(cluster.group, [plan])
    progress, owned = cluster.progress(), [Owned(plan.name, 0), Owned(plan.name, 1)]
    assert [] == progress.behind(owned)

    cluster.publish(plan)
    cluster.move_group(plan, 1)
    assert [] == progress.behind(owned)

    other = OtherPublisher(cluster.servers, f"{cluster.group}-other")
    other.publish(plan.name, (b"", b"pending"))
    behind = progress.behind(owned)
    assert 1 == len(behind)
    other.abort()
    assert behind == progress.behind(owned)


def test_progress_of_a_group_without_offsets_is_behind(cluster: Cluster) -> None:
    """Nothing was read, even where nothing lies."""
    plan = cluster.plan("a")
    cluster.administrator.apply([plan])
    assert [Owned(plan.name, 0)] == cluster.progress().behind([Owned(plan.name, 0)])
