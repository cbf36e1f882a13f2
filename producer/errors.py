"""What can go wrong with the program itself, as types that say what to do about it.

Bad *data* is a value (a `DeadLetter`, an `ObjectOutcome`), never an exception. Each message is one
sentence without a full stop: what, which thing, why; then, behind a semicolon, what to do.

- `ConfigurationError`: the settings or the usage are wrong. Exit 2, never retried.
- `TransientError`: may pass. The edge that raises it has used up its own budget; who catches it
  decides, and who does not catch it stops the process.
- `FatalError`: stop, commit nothing more. Exit 1. Whatever is unknown is fatal.
"""


class ProducerError(Exception):
    """Root of all errors that this program raises on purpose."""

    exit_code = 1


class ConfigurationError(ProducerError):
    """The settings, a file or the command line are wrong; nothing was started."""

    exit_code = 2


class TransientError(ProducerError):
    """An outside system did not answer as it should; later it may."""


class BrokerUnavailableError(TransientError):
    """Kafka did not answer in time."""


class RegistryUnavailableError(TransientError):
    """The schema registry did not answer in time."""


class ObjectStoreUnavailableError(TransientError):
    """S3 or STS did not answer in time, or asked to slow down."""


class FatalError(ProducerError):
    """The process must stop and commit nothing more."""


class TopicMismatchError(FatalError):
    """A topic is missing, or is not what the settings and `schemas/topics.yaml` say."""


class SchemaMismatchError(FatalError):
    """A schema is not registered, or is not the one that this program was built with."""


class OffsetMissingError(FatalError):
    """A group has no committed offset, or one that the topic no longer holds."""


class PlaceUnreadableError(FatalError):
    """The metadata of a committed offset is not a place that this program can read."""


class FencedError(FatalError):
    """Another process uses the same slot name."""
