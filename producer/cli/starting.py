"""What commands begin with: settings, logs; and for those that run on, signals and metrics."""

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Final, Literal

from producer.errors import ProducerError
from producer.settings import Settings, load
from producer.telemetry import logs
from producer.telemetry.catalogue import LogEvent
from producer.telemetry.metrics import Metrics

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, kw_only=True)
class Process:
    """What a process that runs on is given."""

    stop: threading.Event
    metrics: Metrics


def start() -> Settings:
    """Read the settings and begin to log; raises `ConfigurationError`."""
    settings = load()
    logs.configure(settings.log_level)
    return settings


@contextmanager
def running(name: Literal["pull", "normalise"], settings: Settings) -> Iterator[Process]:
    """Be a process: log its start and end, show its metrics, end when told to by a signal."""
    with ExitStack() as stack:
        stop = stack.enter_context(stopped_by_signals())
        metrics = Metrics()
        if settings.metrics_port is not None:
            shown = metrics.shown(host=settings.metrics_host, port=settings.metrics_port)
            stack.enter_context(shown)
        logs.log(LogEvent.PROCESS_STARTED, process=name, instance=settings.instance)
        try:
            yield Process(stop=stop, metrics=metrics)
        except ProducerError as error:
            logs.log(LogEvent.PROCESS_FAILED, process=name, error=str(error))
            raise
        except BaseException as error:
            # What it says may quote what was being read.
            logs.log(LogEvent.PROCESS_FAILED, process=name, error=type(error).__name__)
            raise
        logs.log(LogEvent.PROCESS_STOPPED, process=name, signalled=stop.is_set())


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """Yield an event that the first SIGINT or SIGTERM sets; a second one ends the process."""
    stop = threading.Event()
    earlier = {number: signal.getsignal(number) for number in _SIGNALS}

    def on_signal(number: int, frame: FrameType | None) -> None:
        del number, frame
        for each, action in earlier.items():
            signal.signal(each, action)
        stop.set()

    for number in _SIGNALS:
        signal.signal(number, on_signal)
    try:
        yield stop
    finally:
        for number, action in earlier.items():
            signal.signal(number, action)
