"""Memory, threads and files of processes that run for long: `python -m tests.faults.soak`.

Two megabytes of lines a second are dropped, in objects, while one process of each kind is killed
and started again now and then. The others are looked at; what they hold must not grow with time.
"""

import gzip
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

import click

from tests.benchmarks.staging import add_sources, bucket_of, resident_mebibytes, staged, wait
from tests.support.deployments import Deployment
from tests.support.fault_s3.buckets import Bytes
from tests.support.fault_s3.server import FaultS3
from tests.support.stage_processes import StageProcess

_SOURCE: Final = "src_soak"
_COMMANDS: Final = ("pull", "normalise")
_LINE_BYTES: Final = 900
_OBJECT_BYTES: Final = 1_000_000
_SAMPLE_SECONDS: Final = 5
_RESTART_SECONDS: Final = 60
# Caches fill, and the allocator takes what the largest step needs.
_WARM_UP_SHARE: Final = 0.4
# Growth beyond these an hour is called so.
_BOUNDS: Final[Mapping[str, float]] = {"MiB resident": 120.0, "threads": 6.0, "files": 12.0}


@dataclass
class Samples:
    """What a process held, and when."""

    seconds: list[float] = field(default_factory=list)
    held: dict[str, list[float]] = field(default_factory=dict)

    def take(self, process: StageProcess, second: float) -> None:
        """Look at a process."""
        of_process = Path(f"/proc/{process.pid}")
        self.seconds.append(second)
        for name, number in (
            ("MiB resident", resident_mebibytes(process)),
            ("threads", len(list((of_process / "task").iterdir()))),
            ("files", len(list((of_process / "fd").iterdir()))),
        ):
            self.held.setdefault(name, []).append(number)

    def latest(self, command: str) -> str:
        """Tell of the latest look."""
        held = ", ".join(f"{numbers[-1]:.0f} {name}" for name, numbers in self.held.items())
        return f"{self.seconds[-1]:6.0f} s  {command}: {held}"

    def slopes(self) -> Iterator[tuple[str, float, Sequence[float]]]:
        """Give for each thing its growth an hour behind the warm-up, and what was seen."""
        first = int(len(self.seconds) * _WARM_UP_SHARE)
        for name, numbers in self.held.items():
            yield name, 3600 * _slope(self.seconds[first:], numbers[first:]), numbers


def _slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Fit a line by least squares."""
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    squares = sum((x - mean_x) ** 2 for x in xs)
    return sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / squares


class Drops:
    """Objects of new events, so many bytes of lines a second."""

    def __init__(self, s3: FaultS3, bytes_per_second: float) -> None:
        self.lines = 0
        self._s3 = s3
        self._bytes_per_second = bytes_per_second
        self._objects = 0
        self._rng = Random(0)

    def keep_up(self, second: float) -> None:
        """Put what is due by now."""
        while self._objects * _OBJECT_BYTES < second * self._bytes_per_second:
            self._objects += 1
            key = f"compliance/{self._objects:08}.jsonl.gz"
            content = gzip.compress(b"".join(self._some_lines()), compresslevel=1)
            self._s3.put(bucket_of(_SOURCE), key, Bytes(content))

    def _some_lines(self) -> Iterator[bytes]:
        for _ in range(_OBJECT_BYTES // _LINE_BYTES):
            self.lines += 1
            record = {
                "event_id": f"event-{self.lines}",
                "type": "AUTH_LOG",
                "timestamp": "2026-09-15T10:00:00.000Z",
                "principal": {"id": "ws-1", "type": "CHATGPT_WORKSPACE"},
                "actor": {"type": "ACCOUNT_USER", "user_id": "user-1"},
                "action_data": {"action": "login_success"},
                "note": self._rng.randbytes(16).hex(),
            }
            text = json.dumps(record)
            yield text.encode() + b" " * (_LINE_BYTES - len(text) - 1) + b"\n"


def _soak(stage: Deployment, drops: Drops, seconds: float) -> dict[str, Samples]:
    steady = {command: stage.start(command, instance="steady") for command in _COMMANDS}
    restarted = {command: stage.start(command, instance="restarted") for command in _COMMANDS}
    samples = {command: Samples() for command in _COMMANDS}
    began, restarts = time.monotonic(), 0
    while (second := time.monotonic() - began) < seconds:
        drops.keep_up(second)
        for command, process in steady.items():
            assert process.exit_code is None, process.report()
            samples[command].take(process, second)
            click.echo(samples[command].latest(command), err=True)
        if second > (restarts + 1) * _RESTART_SECONDS:
            command = _COMMANDS[restarts % 2]
            restarts += 1
            restarted[command].kill()
            restarted[command] = stage.start(command, instance="restarted")
        wait(_SAMPLE_SECONDS)
    click.echo(f"{seconds / 60:.0f} minutes, {drops.lines} lines dropped, {restarts} restarts")
    for process in (*steady.values(), *restarted.values()):
        process.stop()
    return samples


@click.command()
@click.option("--minutes", type=float, default=20.0, show_default=True)
@click.option("--megabytes", type=float, default=2.0, show_default=True, help="Each second.")
def main(*, minutes: float, megabytes: float) -> None:
    """Tell by how much an hour what processes hold grows, and whether that is flat."""
    # As in the image.
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")  # noqa: TID251 - what processes are started with
    with staged(partitions=4) as (stage, s3):
        add_sources(stage, s3, [_SOURCE], poll_seconds=5)
        drops = Drops(s3, megabytes * 1_000_000)
        samples = _soak(stage, drops, minutes * 60)
        for name, group in (("objects", stage.puller_group), ("raw", stage.normaliser_group)):
            done = stage.committed_offsets(group, name)
            ends = sum(stage.reading.high_watermarks(stage.topic(name)).values())
            click.echo(f"of {name}: {done} of {ends} consumed")
    is_flat = True
    for command, taken in samples.items():
        for name, slope, numbers in taken.slopes():
            grows = slope > _BOUNDS[name]
            is_flat = is_flat and not grows
            click.echo(
                f"{command}: {slope:+.1f} {name} an hour ({numbers[0]:.0f} at first, "
                f"{max(numbers):.0f} at most, {numbers[-1]:.0f} at last)"
                f"{' GROWS' if grows else ''}"
            )
    click.echo("flat" if is_flat else "not flat")
    raise SystemExit(not is_flat)


if __name__ == "__main__":
    main()
