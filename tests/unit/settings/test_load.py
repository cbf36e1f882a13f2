"""Reading settings from an environment."""

import re
from pathlib import Path

import pytest
import yaml

from producer.codec.schemas import schemas_directory
from producer.errors import ConfigurationError
from producer.settings import descriptions, environment_names, load, masked
from producer.settings.kinds import PREFIX
from producer.settings.tree import PREFIXED_TOPICS, DeduplicatorSettings

CANARY = "canary-7Q"
REQUIRED = {
    "OPENAI_COMPLIANCE_KAFKA__BOOTSTRAP_SERVERS": "kafka:9092",
    "OPENAI_COMPLIANCE_SCHEMA_REGISTRY__URL": "http://registry:8081",
}


def an_environment(**changes: str) -> dict[str, str]:
    """Give the required variables and others, named without the prefix."""
    return REQUIRED | {PREFIX + name: value for name, value in changes.items()}


def the_problems(environment: dict[str, str]) -> list[str]:
    """Give the lines of the refusal."""
    with pytest.raises(ConfigurationError) as refused:
        load(environment)
    assert refused.value.exit_code == 2
    return [line.strip() for line in str(refused.value).splitlines()]


def test_load_gives_every_default() -> None:
    """What is not set has the documented default; only the place of caches and the name depend."""
    found = masked(load(REQUIRED | {"HOME": "/home/x", "XDG_STATE_HOME": "/state"}))
    del found["OPENAI_COMPLIANCE_INSTANCE"]
    expected = {
        "KAFKA__BOOTSTRAP_SERVERS": "kafka:9092",
        "KAFKA__SECURITY_PROTOCOL": "PLAINTEXT",
        "KAFKA__SASL_MECHANISM": "",
        "KAFKA__SASL_USERNAME": "",
        "KAFKA__SASL_PASSWORD": "",
        "KAFKA__OAUTH_TOKEN_ENDPOINT_URL": "",
        "KAFKA__OAUTH_CLIENT_ID": "",
        "KAFKA__OAUTH_CLIENT_SECRET": "",
        "KAFKA__OAUTH_SCOPE": "",
        "KAFKA__AWS_REGION": "",
        "KAFKA__SSL_CA_LOCATION": "",
        "KAFKA__SSL_CERTIFICATE_LOCATION": "",
        "KAFKA__SSL_KEY_LOCATION": "",
        "KAFKA__SSL_KEY_PASSWORD": "",
        "KAFKA__GROUP_PROTOCOL": "classic",
        "KAFKA__SESSION_TIMEOUT_SECONDS": "45",
        "KAFKA__STATIC_MEMBERSHIP": "false",
        "KAFKA__TRANSACTION_TIMEOUT_SECONDS": "30",
        "KAFKA__COMPRESSION": "lz4",
        "SCHEMA_REGISTRY__URL": "http://registry:8081",
        "SCHEMA_REGISTRY__USERNAME": "",
        "SCHEMA_REGISTRY__PASSWORD": "",
        "SCHEMA_REGISTRY__SSL_CA_LOCATION": "",
        "SCHEMA_REGISTRY__SSL_CERTIFICATE_LOCATION": "",
        "SCHEMA_REGISTRY__SSL_KEY_LOCATION": "",
        "S3__ENDPOINT_URL": "",
        "S3__ALLOWED_ENDPOINT_HOSTS": "",
        "S3__READ_TIMEOUT_SECONDS": "15",
        "STS__ENDPOINT_URL": "",
        "TOPICS__PREFIX": "openai-compliance-",
        "TOPICS__EVENTS": "governance-events",
        "TOPICS__PARTITIONS": "6",
        "TOPICS__REPLICATION": "3",
        "DISCOVERY__OBJECTS_IN_FLIGHT_MAX": "1000",
        "DISCOVERY__LISTERS": "4",
        "DISCOVERY__LOOKBACK_SECONDS": "86400",
        "DISCOVERY__RECONCILE_SECONDS": "10800",
        "DISCOVERY__RETRY_FIRST_SECONDS": "60",
        "DISCOVERY__RETRY_LONGEST_SECONDS": "86400",
        "PULLER__CHUNK_LINES": "20000",
        "PULLER__CHUNK_BYTES": "8388608",
        "PULLER__CHUNK_SECONDS": "1",
        "PULLER__LINE_BYTES_MAX": "16777216",
        "PULLER__COMPRESSED_BYTES_MAX": "68719476736",
        "PULLER__DECOMPRESSED_BYTES_MAX": "274877906944",
        "PULLER__RATIO_MAX": "500",
        "NORMALISER__BATCH_MESSAGES": "5000",
        "DEDUPLICATOR__WINDOW_DAYS": "35",
        "STATE_DIRECTORY": "/state/openai-compliance",
        "ALLOW_AMBIENT_CREDENTIALS": "false",
        "LOG_LEVEL": "INFO",
        "METRICS_PORT": "",
        "METRICS_HOST": "127.0.0.1",
    }
    assert {PREFIX + name: value for name, value in expected.items()} == found


def test_descriptions_tell_the_defaults_that_load_gives() -> None:
    """The documented default of a setting is its default."""
    found = masked(load(REQUIRED))
    computed = {"STATE_DIRECTORY", "INSTANCE", "KAFKA__BOOTSTRAP_SERVERS", "SCHEMA_REGISTRY__URL"}
    documented = {each.name: each.default for each in descriptions()}
    for name in computed:
        assert documented.pop(PREFIX + name)
        del found[PREFIX + name]
    assert documented == found


def test_descriptions_say_what_each_setting_means() -> None:
    """No setting goes without a sentence."""
    assert [] == [
        each.name for each in descriptions() if not re.fullmatch(r"[A-Z\w].{9,}\.", each.meaning)
    ]
    assert environment_names() == {each.name for each in descriptions()}


def test_state_directory_is_below_home_without_xdg() -> None:
    """Without a state directory of the user's, the usual one in the home is taken."""
    expected = Path("~/.local/state/openai-compliance").expanduser()
    assert expected == load(REQUIRED).state_directory


def test_load_counts_an_empty_variable_as_not_set() -> None:
    """Compose files pass on what is not set as an empty text."""
    settings = load(an_environment(S3__ENDPOINT_URL="", TOPICS__PARTITIONS=""))
    assert (None, 6) == (settings.s3.endpoint_url, settings.topics.partitions)


def test_load_names_everything_that_is_required() -> None:
    """An empty environment is answered with all that it lacks."""
    assert [
        "2 settings are wrong:",
        "OPENAI_COMPLIANCE_KAFKA__BOOTSTRAP_SERVERS is required",
        "OPENAI_COMPLIANCE_SCHEMA_REGISTRY__URL is required",
    ] == the_problems({})


@pytest.mark.parametrize(
    ("misspelt", "right"),
    [
        ("KAFKA__BOOTSTRAP_SERVER", "KAFKA__BOOTSTRAP_SERVERS"),
        ("KAFKA_BOOTSTRAP_SERVERS", "KAFKA__BOOTSTRAP_SERVERS"),
        ("TOPIC__PREFIX", "TOPICS__PREFIX"),
        ("LOGLEVEL", "LOG_LEVEL"),
        ("METRIC_PORT", "METRICS_PORT"),
        ("instance", "INSTANCE"),
        ("KAFKAA", "KAFKA__…"),
        ("DISCOVERY__X", "DISCOVERY__…"),
    ],
)
def test_load_names_the_nearest_of_a_misspelt_variable(misspelt: str, right: str) -> None:
    """A misspelt variable is refused, at the top and below, with the one that was meant."""
    assert [f"{PREFIX}{misspelt} is not a setting; did you mean {PREFIX}{right}"] == the_problems(
        an_environment(**{misspelt: CANARY})
    )


def test_load_points_to_the_list_where_nothing_is_near() -> None:
    """A variable that is like no other is refused too."""
    assert [f"{PREFIX}ZZZZ is not a setting; README.md lists them all"] == the_problems(
        an_environment(ZZZZ="1")
    )


def test_load_refuses_a_whole_level_in_one_variable() -> None:
    """A level is no setting, whatever its value holds."""
    problems = the_problems(an_environment(KAFKA='{"compression": "zstd"}'))
    assert [f"{PREFIX}KAFKA is not a setting; did you mean {PREFIX}KAFKA__…"] == problems


def test_load_lets_other_variables_alone() -> None:
    """What does not begin with the prefix is somebody else's."""
    assert load(REQUIRED) == load(REQUIRED | {"OPENAI_COMPLIANT": "x", "PATH": "/bin"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KAFKA__BOOTSTRAP_SERVERS", CANARY),
        ("KAFKA__BOOTSTRAP_SERVERS", f"kafka:1,,{CANARY}:2"),
        ("KAFKA__SECURITY_PROTOCOL", CANARY),
        ("KAFKA__SSL_CA_LOCATION", f"/{CANARY}"),
        ("KAFKA__SESSION_TIMEOUT_SECONDS", CANARY),
        ("KAFKA__SESSION_TIMEOUT_SECONDS", "5"),
        ("KAFKA__TRANSACTION_TIMEOUT_SECONDS", "nan"),
        ("SCHEMA_REGISTRY__URL", CANARY),
        ("SCHEMA_REGISTRY__URL", f"ftp://{CANARY}"),
        ("SCHEMA_REGISTRY__URL", f"http://user:{CANARY}@registry"),
        ("SCHEMA_REGISTRY__URL", f"http://{CANARY}@registry"),
        ("SCHEMA_REGISTRY__URL", f"http://registry:{CANARY}"),
        ("S3__ENDPOINT_URL", f"http://s3/?{CANARY}"),
        ("TOPICS__PARTITIONS", "0"),
        ("TOPICS__PARTITIONS", CANARY),
        ("PULLER__LINE_BYTES_MAX", "16777217"),
        ("PULLER__RATIO_MAX", "1"),
        ("DEDUPLICATOR__WINDOW_DAYS", "40"),
        ("INSTANCE", f"{CANARY} 1"),
        ("ALLOW_AMBIENT_CREDENTIALS", CANARY),
        ("LOG_LEVEL", CANARY),
        ("METRICS_PORT", "65536"),
    ],
)
def test_load_refuses_a_bad_value_without_saying_it(name: str, value: str) -> None:
    """A value out of its bounds is refused by the name of its variable alone."""
    (problem,) = the_problems(an_environment(**{name: value}))
    assert problem.startswith(f"{PREFIX}{name}: ")
    assert CANARY not in problem


SECRETS = {
    "KAFKA__SECURITY_PROTOCOL": "SASL_SSL",
    "KAFKA__SASL_MECHANISM": "PLAIN",
    "KAFKA__SASL_USERNAME": "user",
    "KAFKA__SASL_PASSWORD": CANARY,
    "SCHEMA_REGISTRY__USERNAME": "user",
    "SCHEMA_REGISTRY__PASSWORD": CANARY,
}


def test_settings_never_show_a_secret() -> None:
    """Neither the masked view nor any way to print settings has a secret in it."""
    settings = load(an_environment(**SECRETS))
    assert CANARY == settings.kafka.sasl_password.get_secret_value()  # type: ignore[union-attr]
    shown = f"{settings} {settings!r} {masked(settings)} {settings.model_dump()}"
    assert CANARY not in shown + settings.model_dump_json()
    assert "********" == masked(settings)[f"{PREFIX}KAFKA__SASL_PASSWORD"]


@pytest.mark.parametrize(
    "changes",
    [
        SECRETS | {"KAFKA__SASL_MECHANISM": CANARY},
        SECRETS | {"KAFKA__SASL_MECHANISM": "AWS_MSK_IAM"},
        SECRETS | {"KAFKA__SECURITY_PROTOCOL": "PLAINTEXT"},
        SECRETS | {"KAFKA__SASL_PASSWORDS": CANARY},
        SECRETS | {"SCHEMA_REGISTRY__URL": "x"},
    ],
)
def test_refusals_never_show_a_secret(changes: dict[str, str]) -> None:
    """Whatever else is wrong, the refusal and what led to it hold no value."""
    with pytest.raises(ConfigurationError) as refused:
        load(an_environment(**changes))
    assert CANARY not in str(refused.value)
    assert (None, None) == (refused.value.__cause__, refused.value.__context__)


def test_settings_are_frozen() -> None:
    """What a process started with is what it runs with."""
    settings = load(REQUIRED)
    with pytest.raises(ValueError, match="frozen"):
        settings.topics.partitions = 1  # type: ignore[misc]


def test_prefixed_topics_are_those_of_the_schemas() -> None:
    """The names that the prefix is checked with are the names that it is put before."""
    text = (schemas_directory() / "topics.yaml").read_text("utf-8")
    topics = yaml.safe_load(text)["topics"]
    assert {*PREFIXED_TOPICS, "events"} == set(topics)


def test_window_is_shorter_than_the_topic_that_it_is_restored_from() -> None:
    """The longest window that can be set lies within what governance-events keeps."""
    text = (schemas_directory() / "topics.yaml").read_text("utf-8")
    kept_days = yaml.safe_load(text)["topics"]["events"]["retention_days"]
    with pytest.raises(ValueError, match="less than or equal"):
        DeduplicatorSettings(window_days=kept_days)
