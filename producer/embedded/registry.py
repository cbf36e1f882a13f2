"""An Apicurio Registry with its Confluent-compatible interface, kept in memory."""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from producer.embedded import artifacts, containers
from producer.embedded.artifacts import Progress
from producer.embedded.processes import LOOPBACK, Program, free_ports, running_program
from producer.embedded.versions import REGISTRY_IMAGE, REGISTRY_VERSION

INTERFACE: Final = "/apis/ccompat/v7"
_CONTAINER_PORT: Final = 8080
_ANSWER_SECONDS: Final = 5.0


@contextmanager
def running_registry(
    work_directory: Path, *, address: str | None = None, progress: Progress
) -> Iterator[str]:
    """Give a registry's URL: the given one, else a container's, else a process's."""
    if address is not None:
        yield address
    elif containers.engine_answers():
        with _in_container(progress) as url:
            yield url
    else:
        with _as_process(work_directory, progress) as url:
            yield url


@contextmanager
def _as_process(work_directory: Path, progress: Progress) -> Iterator[str]:
    java, jar = artifacts.java(), artifacts.registry_jar(progress)
    progress(f"starting Apicurio Registry {REGISTRY_VERSION}")
    program = Program(
        name="the schema registry",
        ports=1,
        command=lambda ports: [
            java,
            "-Xmx384m",
            *artifacts.JAVA_STARTS_SOONER,
            f"-Dquarkus.http.host={LOOPBACK}",
            f"-Dquarkus.http.port={ports[0]}",
            # Without it the registry does not announce that it listens.
            '-Dquarkus.log.category."io.quarkus".level=INFO',
            "-jar",
            str(jar),
        ],
        announcement="Listening on: http://",
        answers=lambda port: answers_http(LOOPBACK, port, path=f"{INTERFACE}/subjects"),
        log=work_directory / "registry" / "registry.log",
    )
    with running_program(program) as ports:
        yield f"http://{LOOPBACK}:{ports[0]}{INTERFACE}"


@contextmanager
def _in_container(progress: Progress) -> Iterator[str]:
    progress(f"starting the container {REGISTRY_IMAGE}")
    (port,) = free_ports(1)
    container = containers.Container(
        image=REGISTRY_IMAGE,
        environment={"JAVA_TOOL_OPTIONS": "-Xmx384m"},
        ports={_CONTAINER_PORT: port},
        answers=lambda host: answers_http(host, port, path=f"{INTERFACE}/subjects"),
    )
    with containers.running_container(container) as host:
        yield f"http://{host}:{port}{INTERFACE}"


def answers_http(host: str, port: int, *, path: str) -> bool:
    """Tell whether a GET of the path is answered with 200."""
    connection = http.client.HTTPConnection(host, port, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
