"""The group of all commands, and the one place that turns what went wrong into an exit code."""

import traceback
from collections.abc import Sequence
from typing import Final

import click

from producer.cli.check import check
from producer.cli.demo.command import demo
from producer.cli.events import events
from producer.cli.normalise import normalise
from producer.cli.objects import objects
from producer.cli.pull import pull
from producer.cli.rooms import Rooms
from producer.cli.sources import sources
from producer.cli.topics import topics
from producer.cli.version import version
from producer.errors import ProducerError
from producer.telemetry.logs import is_debugging

PROGRAM: Final = "openai-compliance"
_FATAL: Final = 1
_USAGE: Final = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def commands() -> None:
    """Stream OpenAI's compliance logs from S3 buckets into Kafka governance events.

    Settings are environment variables that begin with OPENAI_COMPLIANCE_; README.md lists them.
    """


for command in (demo, topics, sources, objects, pull, normalise, events, check, version):
    commands.add_command(command)


def run(arguments: Sequence[str] | None = None, *, rooms: Rooms) -> int:
    """Run one command and choose the exit code. Lets no exception out."""
    # Five cases: wrong usage, an interruption, an error raised on purpose, click's own exit where
    # the reader of our output went away, a bug.
    try:
        code = commands.main(arguments, prog_name=PROGRAM, standalone_mode=False, obj=rooms)
    except click.ClickException as error:
        error.show()
        return _USAGE
    except click.Abort:
        click.echo("interrupted", err=True)
        return _FATAL
    except ProducerError as error:
        click.echo(f"error: {error}", err=True)
        return error.exit_code
    except SystemExit:
        return _FATAL
    except Exception as error:  # noqa: BLE001 - the outermost frame
        click.echo(_describe_bug(error), err=True)
        return _FATAL
    return code if isinstance(code, int) else 0


def _describe_bug(error: Exception) -> str:
    """Name the error and its place; never what it says, which may quote a record."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}"
    sentence = f"error: unexpected {type(error).__name__} at {place}; this is a bug"
    if not is_debugging():
        return f"{sentence}, OPENAI_COMPLIANCE_LOG_LEVEL=DEBUG shows the way to it"
    return "\n".join([sentence, *_way_to(error)])


def _way_to(error: BaseException) -> list[str]:
    lines: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        lines.append(f"{type(cause).__name__}:")
        lines += [line.rstrip() for line in traceback.format_tb(cause.__traceback__)]
        cause = cause.__cause__ or cause.__context__
    return lines
