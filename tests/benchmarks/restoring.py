"""Memory and time to read back the ledger of very many objects: `tests.benchmarks.restoring`.

What discovery and puller would have published of them is published at once, so that a million take
minutes. Then `pull` starts, and takes the ledger over.
"""

from collections.abc import Iterable

import click
from confluent_kafka import Consumer, TopicPartition

from producer.codec.models import Codecs, build_codecs
from producer.codec.registry import SchemaRegistry
from producer.contract.names import object_message_key
from producer.contract.objects import ObjectVersion
from producer.kafka import configuration
from producer.kafka.publishing import Outgoing, publish
from producer.settings.kafka import KafkaSettings
from tests.benchmarks.staging import (
    add_sources,
    bucket_of,
    peak_mebibytes,
    resident_mebibytes,
    staged,
    wait,
)
from tests.support.builders import NOW, an_outcome
from tests.support.deployments import Deployment

_SOURCE = "src_wide"
_AT_ONCE = 50_000


@click.command()
@click.option("--objects", default=1_000_000, show_default=True)
def main(objects: int) -> None:
    """Tell how long the ledger took to be read back, and what memory."""
    with staged(partitions=6) as (stage, s3):
        add_sources(stage, s3, [_SOURCE], poll_seconds=3600)
        _publish(stage, objects)
        process = stage.start("pull")
        while not process.logs("table.restored"):
            wait(0.2)
        (restored,) = process.logs("table.restored")
        at_the_end = resident_mebibytes(process)
        wait(5)
        click.echo(
            f"ledger of {restored['messages']} messages read back in {restored['seconds']:.0f} s,"
            f" {at_the_end:.0f} MiB resident, {resident_mebibytes(process):.0f} MiB after 5 s,"
            f" {peak_mebibytes(process):.0f} MiB at most"
        )


def _publish(stage: Deployment, objects: int) -> None:
    """Publish each object and its outcome, and let the group stand behind them."""
    registry = SchemaRegistry(stage.settings["SCHEMA_REGISTRY__URL"])
    names = {
        name: stage.topic(name)
        for name in ("sources", "commands", "objects", "outcomes", "dead-letters", "source-status")
    }
    codecs = build_codecs(registry, names)
    kafka = KafkaSettings(bootstrap_servers=stage.settings["KAFKA__BOOTSTRAP_SERVERS"])
    properties = configuration.plain_publisher(kafka, client_id="benchmark")
    for start in range(0, objects, _AT_ONCE):
        numbers = range(start, min(start + _AT_ONCE, objects))
        publish(properties, list(_messages(stage, codecs, numbers)))
    topic = stage.topic("objects")
    ends = stage.reading.stable_ends(topic)
    consumer = Consumer(
        {"bootstrap.servers": kafka.bootstrap_servers, "group.id": stage.puller_group}
    )
    consumer.commit(
        offsets=[TopicPartition(topic, index, end) for index, end in ends.items()],
        asynchronous=False,
    )
    consumer.close()


def _messages(stage: Deployment, codecs: Codecs, numbers: Iterable[int]) -> Iterable[Outgoing]:
    for number in numbers:
        version = ObjectVersion(
            source_id=_SOURCE,
            bucket=bucket_of(_SOURCE),
            key=f"compliance/2026/11/25/{number:012d}.jsonl.gz",
            etag=f"{number:032x}",
            size_bytes=100,
            last_modified=NOW,
            pull_id=f"{number:032x}",
            discovered_at=NOW,
        )
        key = object_message_key(source_id=_SOURCE, key=version.key).encode()
        outcome = an_outcome(version, sha256="0" * 64)
        yield Outgoing(stage.topic("objects"), key, codecs.objects.encode(version))
        yield Outgoing(stage.topic("outcomes"), key, codecs.outcomes.encode(outcome))


if __name__ == "__main__":
    main()
