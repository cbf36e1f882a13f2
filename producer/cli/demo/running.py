"""The run itself: parts, topics, source, and the two processes, watched through their topics."""

from collections.abc import Mapping
from contextlib import ExitStack
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


class PartsOfRun:
    """The parts that a run started. Closing ends them, at whatever point their start was."""

    def __init__(
        self,
        run: Run,
        *,
        environment: Mapping[str, str],
        showing: Showing,
        interruption: Interruption,
    ) -> None:
        self._run = run
        self._environment = environment
        self._showing = showing
        self._interruption = interruption
        self._processes: dict[str, PartProcess] = {}

    def start(self) -> Parts:
        """Start what the environment does not name, side by side; return once all answer."""
        given = addresses(self._environment)
        known = {"kafka": given.kafka, "registry": given.registry}
        if self._run.has_samples:
            known["s3"] = given.s3
        with self._showing.step("starting the parts") as step:
            for name in (name for name, address in known.items() if address is None):
                with self._interruption.held():
                    self._processes[name] = PartProcess(
                        name,
                        self._run.directory,
                        environment=self._environment,
                        progress=step.tell,
                    )
            found = {name: address for name, address in known.items() if address is not None}
            found |= self._wait(step)
            step.result = ", ".join(f"{name} at {found[name]}" for name in known)
        return Parts(
            kafka_bootstrap_servers=found["kafka"],
            schema_registry_url=found["registry"],
            s3_endpoint_url=found.get("s3", ""),
        )

    def close(self) -> None:
        """End the parts that were started, and return when they are gone."""
        for process in self._processes.values():
            process.ask_to_stop()
        for process in self._processes.values():
            process.stop()

    def _wait(self, step: Step) -> dict[str, str]:
        found: dict[str, str] = {}
        while missing := [name for name in self._processes if name not in found]:
            step.show(f"waiting for {', '.join(missing)}")
            for name in missing:
                address = self._processes[name].address(within_seconds=_LOOK_SECONDS)
                if address is not None:
                    found[name] = address
        return found


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The stage of one run, and the counts that it is watched by."""

    rooms: Rooms
    settings: Settings
    environment: Mapping[str, str]
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
        with self.showing.step(f"{command} --once") as step, ExitStack() as stack:
            with self.interruption.held():
                process = CommandProcess(
                    (command, "--once"), self.directory, environment=self.environment
                )
                stack.callback(process.stop)
            while process.exit_code is None:
                self.tally.take(records.arrived(timeout_seconds=_LOOK_SECONDS))
                step.show(self._progress(command))
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
