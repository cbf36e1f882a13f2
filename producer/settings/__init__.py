"""Settings: the frozen tree that every room is given, and how it is read from the environment."""

from producer.settings.environment import (
    SettingDescription,
    descriptions,
    environment_names,
    load,
    masked,
    process_environment,
)
from producer.settings.kafka import KafkaSettings, SchemaRegistrySettings
from producer.settings.tree import (
    DeduplicatorSettings,
    DiscoverySettings,
    NormaliserSettings,
    PullerSettings,
    S3Settings,
    Settings,
    StsSettings,
    TopicsSettings,
)

__all__ = [
    "DeduplicatorSettings",
    "DiscoverySettings",
    "KafkaSettings",
    "NormaliserSettings",
    "PullerSettings",
    "S3Settings",
    "SchemaRegistrySettings",
    "SettingDescription",
    "Settings",
    "StsSettings",
    "TopicsSettings",
    "descriptions",
    "environment_names",
    "load",
    "masked",
    "process_environment",
]
