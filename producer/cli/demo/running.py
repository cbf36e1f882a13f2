"""The run itself: parts, topics, source, and the two processes, watched through their topics."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from producer.cli.demo.children import CommandProcess, PartProcess
from producer.cli.demo.environment import Run, addresses
from producer.cli.demo.interrupting import Interruption
from producer.cli.demo.showing import Showing, Step
from producer.cli.demo.tally import Tally
from producer.cli.rooms import Records, Rooms
from producer.contract.source import IngestionSource
from producer.embedded.parts import Parts
from producer.errors import FatalError, ProducerError
from producer.settings import Settings

_LOOK_SECONDS: Final = 0.2


@contextmanager
def started_parts(
    run: Run,
    *,
    environment: dict[str, str],
    showing: Showing,
    interruption: Interruption,
) -> Iterator[Parts]:
    """Start the parts that the environment does not name, side by side; end them afterwards."""
    given = addresses(environment)
    known = {"kafka": given.kafka, "registry": given.registry}
    if run.has_samples:
        known["s3"] = given.s3
    processes: dict[str, PartProcess] = {}
    try:
        with showing.step("starting the parts") as step:
            for name in (name for name, address in known.items() if address is None):
                with interruption.held():
                    processes[name] = PartProcess(
                        name, run.directory, environment=environment, progress=step.tell
                    )
            found = _wait(processes, step)
            used = {name: address for name, address in known.items() if address is not None}
            step.result = ", ".join(f"{name} at {at}" for name, at in (found | used).items())
        yield Parts(
            kafka_bootstrap_servers=given.kafka or found["kafka"],
            schema_registry_url=given.registry or found["registry"],
            s3_endpoint_url=given.s3 or found.get("s3", ""),
        )
    finally:
        for process in processes.values():
            process.ask_to_stop()
        for process in processes.values():
            process.stop()


def _wait(processes: Mapping[str, PartProcess], step: Step) -> dict[str, str]:
    """Wait until all answer; return where."""
    found: dict[str, str] = {}
    while missing := [name for name in processes if name not in found]:
        step.show(f"waiting for {', '.join(missing)}")
        address = processes[missing[0]].address(within_seconds=_LOOK_SECONDS)
        if address is not None:
            found[missing[0]] = address
    return found


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The stage of one run, and the counts that it is watched by."""

    rooms: Rooms
    settings: Settings
    environment: dict[str, str]
    directory: Path
    showing: Showing
    interruption: Interruption
    tally: Tally

    def run(self, source: IngestionSource) -> list[str]:
        """Pull and normalise all that the source has; return what is left for later."""
        with self.showing.step("applying topics and schemas") as step:
            for done in self.rooms.apply_topics(self.settings):
                step.show(done)
        with self.showing.step("applying the source") as step:
            for applied in self.rooms.apply_sources(self.settings, [source]):
                step.result = f"s3://{source.bucket}/{source.prefix} {applied.change}"
        with self.rooms.records(self.settings) as records:
            try:
                left = self._run("pull", records)
            except FatalError as error:
                raise self._explained(error) from error
            self._run("normalise", records)
        return left

    def _run(self, command: str, records: Records) -> list[str]:
        """Run one process to its end, and count what it publishes meanwhile."""
        with self.showing.step(f"{command} --once") as step:
            with self.interruption.held():
                process = CommandProcess(
                    (command, "--once"), self.directory, environment=self.environment
                )
            try:
                while process.exit_code is None:
                    self.tally.take(records.arrived(timeout_seconds=_LOOK_SECONDS))
                    step.show(self._progress(command))
            finally:
                process.stop()
            process.check()
            self.tally.take(records.rest())
            step.result = self._progress(command)
        return process.output()

    def _progress(self, command: str) -> str:
        tally = self.tally
        if command == "pull":
            return (
                f"{len(tally.outcomes)} objects, {tally.raw} raw records, "
                f"{tally.quarantined} quarantined"
            )
        return (
            f"{tally.normalised} normalised, {tally.published} published, "
            f"{sum(tally.dead_letters.values())} dead letters"
        )

    def _explained(self, error: FatalError) -> ProducerError:
        """Say of a source that could not be read what discovery says of it."""
        for listed in self.rooms.list_sources(self.settings):
            source, status = listed.source, listed.status
            if status is not None and status.problem is not None:
                return FatalError(
                    f"s3://{source.bucket}/{source.prefix} could not be read: {status.problem}, "
                    f"{status.problem_detail}"
                )
        return error
