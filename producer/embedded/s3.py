"""A stand-in for S3 and STS: moto's server, kept in memory."""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from producer.embedded import containers
from producer.embedded.artifacts import Progress
from producer.embedded.processes import LOOPBACK, Program, free_ports, running_program
from producer.embedded.registry import answers_http
from producer.embedded.versions import S3_IMAGE, S3_VERSION
from producer.errors import FatalError

_CONTAINER_PORT: Final = 5000
_PATH: Final = "/moto-api/"


@contextmanager
def running_s3(
    work_directory: Path, *, address: str | None = None, progress: Progress
) -> Iterator[str]:
    """Give an endpoint for S3 and STS: the given one, else a container's, else a process's."""
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
    if importlib.util.find_spec("moto") is None:
        raise FatalError("moto is not installed; install 'openai-compliance[embedded]'")
    progress(f"starting the S3 stand-in, moto {S3_VERSION}")
    program = Program(
        name="the S3 stand-in",
        ports=1,
        command=lambda ports: [
            sys.executable,
            "-m",
            "moto.server",
            f"--host={LOOPBACK}",
            f"--port={ports[0]}",
        ],
        announcement="Running on http://",
        answers=lambda port: answers_http(LOOPBACK, port, path=_PATH),
        log=work_directory / "s3" / "s3.log",
    )
    with running_program(program) as ports:
        yield f"http://{LOOPBACK}:{ports[0]}"


@contextmanager
def _in_container(progress: Progress) -> Iterator[str]:
    progress(f"starting the container {S3_IMAGE}")
    (port,) = free_ports(1)
    container = containers.Container(
        image=S3_IMAGE,
        environment={},
        ports={_CONTAINER_PORT: port},
        answers=lambda host: answers_http(host, port, path=_PATH),
    )
    with containers.running_container(container) as host:
        yield f"http://{host}:{port}"
