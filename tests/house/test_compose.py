"""`docker-compose.yml` and the `Dockerfile` against what they name: nothing here starts them."""

import importlib.resources
import json
import re
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import click
import pytest
import yaml
from jsonschema.validators import validator_for

from producer.cli.main import commands
from producer.embedded import versions
from producer.settings import environment_names, load

ROOT: Final = Path(__file__).parents[2]
OWN_IMAGE: Final = "openai-compliance"
PREFIX: Final = "OPENAI_COMPLIANCE_"

Service = dict[str, Any]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """Give the file as Compose reads it."""
    content = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert isinstance(content, dict)
    return content


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Service]:
    """Give the file's services by name."""
    found: dict[str, Service] = compose["services"]
    return found


def test_file_follows_the_compose_specification(compose: dict[str, Any]) -> None:
    """The file is valid by the specification's own schema."""
    schemas = importlib.resources.files("check_jsonschema.builtin_schemas.vendor")
    schema = json.loads(schemas.joinpath("compose-spec.json").read_text())

    errors = validator_for(schema)(schema).iter_errors(compose)

    assert [] == [f"{error.json_path}: {error.message}" for error in errors]


def test_services_are_the_parts_and_the_processes(services: dict[str, Service]) -> None:
    """The file runs the three parts, the topics job and both processes."""
    assert {"kafka", "registry", "s3", "topics", "pull", "normalise"} == set(services)


def test_parts_are_those_that_are_embedded(services: dict[str, Service]) -> None:
    """The parts' images have the exact tags that the demonstration and the tests run."""
    images = {name: service["image"] for name, service in services.items()}

    assert versions.KAFKA_IMAGE == images["kafka"]
    assert versions.REGISTRY_IMAGE == images["registry"]
    assert versions.S3_IMAGE == images["s3"]


def test_s3_stand_in_is_the_locked_one() -> None:
    """The image of the S3 stand-in is the version that the lock installs."""
    assert version("moto") == versions.S3_VERSION


def test_images_have_exact_tags(services: dict[str, Service]) -> None:
    """Every image but the project's own, which is built here, is pinned to a full version."""
    built_here = {name for name, service in services.items() if "build" in service}
    tags = {name: service["image"].rpartition(":") for name, service in services.items()}

    assert {OWN_IMAGE} == {tags[name][0] for name in built_here}
    assert {version(OWN_IMAGE)} == {tags[name][2] for name in built_here}
    assert [] == [
        service["image"]
        for name, service in services.items()
        if name not in built_here and not re.fullmatch(r"\d+\.\d+\.\d+", tags[name][2])
    ]


def test_services_are_healthy_or_done(services: dict[str, Service]) -> None:
    """Every service but a job, which ends, has a health check."""
    for name, service in services.items():
        assert _is_job(service) != ("healthcheck" in service), name


def test_services_wait_for_what_they_need(services: dict[str, Service]) -> None:
    """Nothing starts before the parts that it needs are healthy and the jobs are done."""
    for service in services.values():
        for needed, how in service.get("depends_on", {}).items():
            is_job = _is_job(services[needed])
            expected = "service_completed_successfully" if is_job else "service_healthy"
            assert expected == how["condition"], needed

    assert {"kafka", "registry"} == set(services["topics"]["depends_on"])
    for process in ("pull", "normalise"):
        assert {"kafka", "registry", "s3", "topics"} == set(services[process]["depends_on"])


def test_commands_exist(services: dict[str, Service]) -> None:
    """Every command that is named is one of the command line, with arguments that it takes."""
    named = {name: service["command"] for name, service in services.items() if "build" in service}

    assert {"topics", "pull", "normalise"} == set(named)
    for arguments in named.values():
        _parse(arguments)


def test_unknown_command_is_noticed() -> None:
    """The check of the commands refuses one that does not exist."""
    for arguments in (["pul"], ["topics", "aply"], ["pull", "--onse"]):
        with pytest.raises(click.UsageError):
            _parse(arguments)


def test_settings_exist(services: dict[str, Service]) -> None:
    """Every setting that is named is one, and together they are settings to run with."""
    for name, service in services.items():
        settings = _settings_of(service.get("environment", {}))
        assert environment_names() >= set(settings), name
        if "build" in service:
            load({**settings, f"{PREFIX}INSTANCE": name})


def test_published_ports_stay_on_this_machine(services: dict[str, Service]) -> None:
    """No part, none of which asks for a password, is shown to the network."""
    for service in services.values():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), port


def test_image_is_pinned_and_runs_without_rights() -> None:
    """The project's image stands on an exact tag, installs by hash, and does not run as root."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    stages = re.findall(r"^FROM \S+:(\S+)", dockerfile, re.MULTILINE)
    locks = re.findall(r"pip install .*--require-hashes .*-r (\S+)", dockerfile)
    installs = re.findall(r"pip install .*", dockerfile)
    users = re.findall(r"^USER (\S+)", dockerfile, re.MULTILINE)

    assert stages
    assert all(re.fullmatch(r"\d+\.\d+\.\d+-slim-\w+", tag) for tag in stages)
    assert ["requirements.lock", "requirements-runtime.lock"] == [Path(it).name for it in locks]
    assert all("--require-hashes" in it or "--no-index" in it for it in installs)
    assert ["openai-compliance"] == users


def test_images_settings_exist() -> None:
    """Every setting that the project's image sets is one."""
    dockerfile = (ROOT / "Dockerfile").read_text()

    assert environment_names() >= set(re.findall(rf"\b{PREFIX}\w+", dockerfile))


def test_runtime_lock_is_part_of_the_whole_one() -> None:
    """What the image installs is what the tests ran with."""
    whole, runtime = (
        set(re.findall(r"^\S+==\S+", (ROOT / name).read_text(), re.MULTILINE))
        for name in ("requirements.lock", "requirements-runtime.lock")
    )

    assert runtime
    assert set() == runtime - whole


def _is_job(service: Service) -> bool:
    return bool(service.get("restart") == "no")


def _settings_of(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(PREFIX)}


def _parse(arguments: list[str]) -> None:
    """Parse the arguments as the command line does, down to the command that they name."""
    command: click.Command = commands
    context: click.Context | None = None
    rest = arguments
    while isinstance(command, click.Group):
        context = command.make_context(command.name, rest, parent=context)
        name, found, rest = command.resolve_command(
            context, [*context._protected_args, *context.args]
        )
        assert name is not None
        assert found is not None
        command = found
    command.make_context(command.name, rest, parent=context).close()
