"""Memory of `pull` while it reads one large object: `python -m tests.benchmarks.reading`.

The object is made while it is read, so that the figure is of the process alone: lines of 900 bytes
in gzip members of a megabyte, or one line that never ends.
"""

import gzip
import json

import click

from tests.benchmarks.staging import add_sources, bucket_of, peak_mebibytes, staged, wait
from tests.support.fault_s3.buckets import Bytes, Joined, Repeated

_SOURCE = "src_large"
_LINE_BYTES = 900
_MEMBER_BYTES = 1024 * 1024
_GIGABYTE = 1_000_000_000


@click.command()
@click.option("--gigabytes", type=float, default=5.0, show_default=True)
@click.option("--one-line", is_flag=True, help="All of it is one line, with a short one behind.")
def main(*, gigabytes: float, one_line: bool) -> None:
    """Pull one object of so many decompressed gigabytes, and tell the most memory it took."""
    line = json.dumps({"event_id": "e", "note": "x" * (_LINE_BYTES - 29)}).encode() + b"\n"
    plain = b"x" * _MEMBER_BYTES if one_line else line * (_MEMBER_BYTES // len(line))
    times = int(gigabytes * _GIGABYTE / len(plain))
    with staged(partitions=1, PULLER__RATIO_MAX="2000") as (stage, s3):
        add_sources(stage, s3, [_SOURCE], poll_seconds=60)
        behind = Bytes(gzip.compress(b"\n" + line if one_line else b""))
        content = Joined(Repeated(gzip.compress(plain), times), behind)
        s3.put(bucket_of(_SOURCE), "compliance/large.jsonl.gz", content)
        process = stage.start("pull")
        while not (outcomes := stage.records("outcomes")):
            wait(1)
        (outcome,) = outcomes
        seconds = (outcome["finished_at"] - outcome["started_at"]).total_seconds()
        click.echo(
            f"{outcome['decompressed_bytes'] / _GIGABYTE:.2f} GB decompressed,"
            f" {outcome['lines']} lines of which {outcome['raw_lines']} in raw,"
            f" outcome {outcome['outcome']}, {seconds:.0f} s,"
            f" {peak_mebibytes(process):.0f} MiB resident at most"
        )


if __name__ == "__main__":
    main()
