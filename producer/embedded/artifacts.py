"""The programs' own files: fetched once by Maven into the user's cache, then only read.

A directory of the cache is complete or absent: it is filled beside its place and renamed. Its
name holds the version and a digest of what was asked for, so that a change of either fetches anew.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from producer.embedded.processes import run_to_end
from producer.embedded.versions import JAVA_MAJOR_MIN, KAFKA_VERSION, REGISTRY_VERSION
from producer.errors import FatalError

Progress = Callable[[str], None]

# For programs that are small or end soon: what the optimising compiler and the parallel collector
# would win later is less than what they cost at the start.
JAVA_STARTS_SOONER: Final = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")

_HERE: Final = Path(__file__).parent


def java() -> str:
    """Return the path of a Java that is new enough."""
    path = shutil.which("java")
    needed = f"Java {JAVA_MAJOR_MIN} or newer is needed to run Kafka and the registry"
    if path is None:
        raise FatalError(f"no java on the PATH; {needed}")
    answer = subprocess.run([path, "-version"], capture_output=True, text=True, check=False)
    major = java_major(answer.stderr + answer.stdout)
    if major is None:
        raise FatalError(f"{path!r} does not tell its version; {needed}")
    if major < JAVA_MAJOR_MIN:
        raise FatalError(f"{path!r} is Java {major}; {needed}")
    return path


def java_major(version_text: str) -> int | None:
    """Read the major version from what `java -version` writes, or None."""
    found = re.search(r'version "(?:1\.)?(\d+)', version_text)
    return int(found.group(1)) if found else None


def kafka_jars(progress: Progress) -> Path:
    """Return the directory of the broker's and its tools' jars."""
    return _cached("kafka", KAFKA_VERSION, goal="copy-dependencies", progress=progress)


def registry_jar(progress: Progress) -> Path:
    """Return the jar that starts the registry; its libraries lie beside it."""
    home = _cached("registry", REGISTRY_VERSION, goal="copy", progress=progress)
    return home / f"apicurio-registry-app-{REGISTRY_VERSION}-runner.jar"


def cache_directory() -> Path:
    """Return where fetched files are kept; it may be deleted at any time."""
    # Where a desktop keeps its caches is no setting of this program.
    configured = os.environ.get("XDG_CACHE_HOME", "")  # noqa: TID251
    # The convention says that a relative path is to be ignored.
    root = Path(configured) if Path(configured).is_absolute() else Path.home() / ".cache"
    return root / "openai-compliance"


def _cached(part: str, version: str, *, goal: str, progress: Progress) -> Path:
    pom = _HERE / f"{part}.pom.xml"
    digest = hashlib.sha256(pom.read_bytes()).hexdigest()[:8]
    place = cache_directory() / f"{part}-{version}-{digest}"
    if not place.is_dir():
        with _alone(place.parent):
            if not place.is_dir():
                progress(f"fetching {part} {version} through Maven, once")
                _fetch(pom, version, goal=goal, place=place)
    return place


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Let one process at a time fetch: Maven's own repository does not stand two."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(pom: Path, version: str, *, goal: str, place: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise FatalError(
            "no mvn on the PATH; Maven 3 is needed once, to fetch Kafka and the registry"
        )
    java()
    for abandoned in place.parent.glob(".fetching-*"):
        shutil.rmtree(abandoned)
    log = place.with_suffix(".log")
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".fetching-") as directory:
        fetched = Path(directory) / "fetched"
        command = [
            maven,
            "--quiet",
            "--batch-mode",
            "--strict-checksums",
            f"--file={pom}",
            f"-Dpart.version={version}",
            f"-DoutputDirectory={fetched}",
            f"dependency:{goal}",
        ]
        if run_to_end(command, log=log) != 0:
            raise FatalError(
                f"Maven could not fetch what {pom.name!r} names; its log {str(log)!r} says why"
            )
        _unpack_archives(fetched)
        fetched.rename(place)
    log.unlink()


def _unpack_archives(directory: Path) -> None:
    """Replace each archive by what is in it."""
    for archive in directory.glob("*.tar.gz"):
        with tarfile.open(archive) as content:
            content.extractall(directory, filter="data")
        archive.unlink()
