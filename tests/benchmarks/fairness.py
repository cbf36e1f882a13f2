"""What a backlog of one source does to others: `python -m tests.benchmarks.fairness`.

Sources each get an object now and then. How long it takes from its upload to its outcome is
measured while nothing else is there, then while one more source has a backlog.
"""

import gzip
import json
import statistics
import time
from typing import Any

import click

from tests.benchmarks.staging import add_sources, bucket_of, staged, wait
from tests.support.deployments import Deployment
from tests.support.fault_s3.buckets import NumberedKeys
from tests.support.fault_s3.server import FaultS3

_BACKLOG = "src_backlog"


@click.command()
@click.option("--sources", "number", default=49, show_default=True)
@click.option("--backlog", default=100_000, show_default=True, help="Objects of the other source.")
@click.option("--rounds", default=6, show_default=True, help="Objects of each source.")
@click.option("--poll-seconds", default=5, show_default=True)
def main(number: int, backlog: int, rounds: int, poll_seconds: int) -> None:
    """Tell how long objects take with and without a backlog beside them."""
    ids = [f"src_{index:02}" for index in range(number)]
    with staged(partitions=6) as (stage, s3):
        add_sources(stage, s3, [*ids, _BACKLOG], poll_seconds=poll_seconds)
        stored = s3.put(bucket_of(_BACKLOG), "other/one.gz", _an_object("backlog"))
        stage.start("pull")
        wait(3 * poll_seconds)
        idle = _measure(stage, s3, ids, name="idle", rounds=rounds, every=poll_seconds)
        s3.generate(
            bucket_of(_BACKLOG), NumberedKeys("compliance/", backlog, ".gz", stored=stored)
        )
        wait(3 * poll_seconds)
        busy = _measure(stage, s3, ids, name="busy", rounds=rounds, every=poll_seconds)
        done = sum(outcome["source_id"] == _BACKLOG for outcome in stage.records("outcomes"))
        for name, seconds in (("idle", idle), ("beside a backlog", busy)):
            quantiles = statistics.quantiles(seconds, n=20)
            click.echo(
                f"{name}: median {statistics.median(seconds):.2f} s, 95% within"
                f" {quantiles[-1]:.2f} s, longest {max(seconds):.2f} s ({len(seconds)} objects)"
            )
        click.echo(f"{done} of {backlog} objects of the backlog were finished meanwhile")


def _measure(
    stage: Deployment, s3: FaultS3, ids: list[str], *, name: str, rounds: int, every: int
) -> list[float]:
    """Upload objects, and give the seconds that each took to its outcome."""
    uploaded: dict[tuple[str, str], float] = {}
    for turn in range(rounds):
        for source_id in ids:
            key = f"compliance/{name}-{turn}.gz"
            s3.put(bucket_of(source_id), key, _an_object(f"{source_id}-{name}-{turn}"))
            uploaded[source_id, key] = time.time()  # noqa: TID251 - compared with outcomes' times
        # Not in step with the polls.
        wait(every * 1.3)
    while True:
        ended: dict[tuple[str, str], Any] = {
            (outcome["source_id"], outcome["key"]): outcome["finished_at"]
            for outcome in stage.records("outcomes")
        }
        if uploaded.keys() <= ended.keys():
            return [ended[each].timestamp() - at for each, at in uploaded.items()]
        wait(1)


def _an_object(name: str) -> bytes:
    lines = [json.dumps({"event_id": f"{name}-{number}", "type": "X"}) for number in range(10)]
    return gzip.compress("\n".join(lines).encode())


if __name__ == "__main__":
    main()
