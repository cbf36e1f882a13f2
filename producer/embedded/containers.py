"""Parts as containers, where a Docker engine answers.

testcontainers removes a container when its context ends, and its reaper removes it when this
process died without ending it. The package comes with the extra `embedded`; without it, or without
an engine, there are no containers and no error.
"""

import functools
import importlib.util
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from producer.embedded.processes import START_SECONDS_MAX
from producer.errors import FatalError

_LOOK_SECONDS: Final = 0.2
_ENGINE_ANSWER_SECONDS: Final = 3


@dataclass(frozen=True, kw_only=True)
class Container:
    """What to run: ports inside to ports outside; `answers` is asked with the engine's host."""

    image: str
    environment: Mapping[str, str]
    ports: Mapping[int, int]
    answers: Callable[[str], bool]


@functools.cache
def engine_answers() -> bool:
    """Tell whether containers can be had here; asked once a process."""
    if importlib.util.find_spec("testcontainers") is None:
        return False
    # Slow to import, and absent without the extra.
    import docker  # noqa: PLC0415
    from docker.constants import DEFAULT_UNIX_SOCKET  # noqa: PLC0415
    from docker.errors import DockerException  # noqa: PLC0415
    from docker.utils import kwargs_from_env  # noqa: PLC0415

    # Docker's client leaves a socket open that it could not connect: so that is tried first.
    if not _accepts(str(kwargs_from_env().get("base_url", DEFAULT_UNIX_SOCKET))):
        return False
    try:
        client = docker.from_env(timeout=_ENGINE_ANSWER_SECONDS)
        try:
            return bool(client.ping())
        finally:
            client.close()
    except DockerException:
        return False


def _accepts(engine_url: str) -> bool:
    """Tell whether something listens at the engine's socket, if it is one of this machine."""
    scheme, _, path = engine_url.partition("://")
    if not scheme.endswith("unix"):
        return True
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(path)
    except OSError:
        return False
    return True


def engine_host() -> str:
    """Return the host at which the ports of the engine's containers answer."""
    from testcontainers.core.docker_client import DockerClient  # noqa: PLC0415

    host = DockerClient().host()
    # A container's port is published for IPv4; the name may mean IPv6 first.
    return "127.0.0.1" if host == "localhost" else host


@contextmanager
def running_container(container: Container) -> Iterator[str]:
    """Run the container; give the engine's host once the part answers there."""
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415

    host = engine_host()
    running = DockerContainer(container.image)
    running.env.update(container.environment)
    for inside, outside in container.ports.items():
        running.with_bind_ports(inside, outside)
    with running:
        _wait_for_answer(container, host=host)
        yield host


def _wait_for_answer(container: Container, *, host: str) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    pause = threading.Event()
    while not container.answers(host):
        if time.monotonic() > deadline:
            raise FatalError(
                f"the container {container.image!r} did not answer within "
                f"{START_SECONDS_MAX:.0f} seconds; 'docker logs' may say why"
            )
        pause.wait(_LOOK_SECONDS)
