"""What every test may ask for, and what holds for all of them."""

import random
from collections.abc import Iterator

import hypothesis
import pytest

pytest_plugins = [
    "tests.support.brokers",
    "tests.support.deploying",
    "tests.support.figures",
    "tests.support.kafka_clusters.fixtures",
]

# A time limit for each example would measure the machine, not the code.
hypothesis.settings.register_profile("house", deadline=None, print_blob=True)
hypothesis.settings.load_profile("house")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("openai-compliance")
    group.addoption(
        "--kafka-bootstrap-servers",
        help="use this Kafka instead of starting one",
        metavar="HOST:PORT",
    )
    group.addoption(
        "--schema-registry-url", help="use this registry instead of starting one", metavar="URL"
    )
    group.addoption(
        "--s3-endpoint-url", help="use this S3 and STS instead of starting one", metavar="URL"
    )
    group.addoption("--seed", type=int, help="the seed of the randomised tests", metavar="NUMBER")
    group.addoption(
        "--model-steps",
        type=int,
        default=3000,
        help="how many steps the model of discovery and puller takes",
        metavar="NUMBER",
    )
    group.addoption(
        "--faults-minutes",
        type=float,
        default=0.0,
        help="run the tests of faults at length, the random ones for so long",
        metavar="MINUTES",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("seed") is None:
        config.option.seed = random.SystemRandom().randrange(2**32)


def pytest_report_header(config: pytest.Config) -> str:
    return f"seed: {config.getoption('seed')} (repeat with --seed)"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("faults_minutes") > 0:
        return
    too_long = pytest.mark.skip(
        reason="takes long; --faults-minutes 1 runs it, as make faults does"
    )
    for item in items:
        if item.get_closest_marker("at_length") is not None:
            item.add_marker(too_long)


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """Give a generator that is the same for the same test and seed, whatever else is run."""
    return random.Random(f"{request.config.getoption('seed')} {request.node.nodeid}")


@pytest.fixture(scope="session", autouse=True)
def _aws_identity_of_the_tests(pytestconfig: pytest.Config) -> Iterator[None]:
    """Keep the credentials of whoever runs the tests out of them, unless the S3 is theirs too."""
    with pytest.MonkeyPatch.context() as patch:
        if pytestconfig.getoption("s3_endpoint_url") is None:
            patch.setenv("AWS_ACCESS_KEY_ID", "test")
            patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
            patch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
            patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
            patch.setenv("AWS_CONFIG_FILE", "/nonexistent")
            patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
            patch.delenv("AWS_SESSION_TOKEN", raising=False)
            patch.delenv("AWS_PROFILE", raising=False)
        yield
