"""Memory of `pull` over a prefix of very many objects: `python -m tests.benchmarks.discovery`.

All objects are found and pulled; then another process takes the source over and reads the ledger
back. Objects are small, so the time is that of the requests and transactions.
"""

import gzip
import time

import click

from tests.benchmarks.staging import (
    add_sources,
    bucket_of,
    peak_mebibytes,
    resident_mebibytes,
    staged,
    wait,
)
from tests.support.deployments import Deployment
from tests.support.fault_s3.buckets import NumberedKeys

_SOURCE = "src_wide"
_MEBIBYTE = 1024 * 1024


@click.command()
@click.option("--objects", default=1_000_000, show_default=True)
def main(objects: int) -> None:
    """Tell how soon the first object is finished, and what memory it took for all."""
    with staged(partitions=6) as (stage, s3):
        add_sources(stage, s3, [_SOURCE], poll_seconds=60)
        stored = s3.put(bucket_of(_SOURCE), "other/one.gz", gzip.compress(b'{"type": "X"}\n'))
        keys = NumberedKeys("compliance/2026/11/25/", objects, ".jsonl.gz", stored=stored)
        s3.generate(bucket_of(_SOURCE), keys)
        began = time.monotonic()
        process = stage.start("pull")
        while not any(stage.reading.stable_ends(stage.topic("outcomes")).values()):
            wait(0.2)
        first = time.monotonic() - began
        before = resident_mebibytes(process)
        while not _is_finished(stage, objects):
            wait(2)
        seconds = time.monotonic() - began
        after, peak = resident_mebibytes(process), peak_mebibytes(process)
        click.echo(
            f"first of {objects} objects finished after {first:.1f} s, the last after"
            f" {seconds:.0f} s; {before:.0f} MiB resident at first, {after:.0f} MiB at the end,"
            f" {peak:.0f} MiB at most; {(after - before) * _MEBIBYTE / objects:.0f} bytes more an"
            " object"
        )
        process.stop()
        successor = stage.start("pull", instance="two")
        while not successor.logs("table.restored"):
            wait(0.2)
        (restored,) = successor.logs("table.restored")
        click.echo(
            f"ledger of {restored['messages']} messages read back in {restored['seconds']:.0f} s,"
            f" {resident_mebibytes(successor):.0f} MiB resident,"
            f" {peak_mebibytes(successor):.0f} MiB at most"
        )


def _is_finished(stage: Deployment, objects: int) -> bool:
    told = stage.records("source-status")[-1]
    return (told["objects_found"], told["objects_behind"]) == (objects, 0)


if __name__ == "__main__":
    main()
