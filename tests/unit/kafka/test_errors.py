"""Kafka's errors: which may pass, and what is said about them."""

import pytest
from confluent_kafka import KafkaError

from producer.kafka.errors import describe, may_pass

# Each would be tried again for ever, or lose something, if it were taken for one that passes.
_LASTING = [
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.OFFSET_METADATA_TOO_LARGE,
    KafkaError.OFFSET_OUT_OF_RANGE,
    KafkaError.INVALID_TRANSACTION_TIMEOUT,
    KafkaError.UNSUPPORTED_VERSION,
    KafkaError.UNKNOWN,
    KafkaError._FATAL,
    KafkaError._INCONSISTENT,
    KafkaError._AUTO_OFFSET_RESET,
    KafkaError._AUTHENTICATION,
    KafkaError._BAD_MSG,
]


@pytest.mark.parametrize("code", _LASTING)
def test_error_that_lasts_is_not_tried_again(code: int) -> None:
    """What no broker can mend by moving on is not expected to pass."""
    assert may_pass(KafkaError(code)) is False


def test_error_of_unknown_code_is_not_tried_again() -> None:
    """A code that later brokers may bring is fatal until somebody has thought about it."""
    assert may_pass(KafkaError(9999)) is False


@pytest.mark.parametrize(
    "code",
    [
        KafkaError._TRANSPORT,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.CONCURRENT_TRANSACTIONS,
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.UNSTABLE_OFFSET_COMMIT,
        KafkaError.OFFSET_NOT_AVAILABLE,
        KafkaError.NOT_CONTROLLER,
        KafkaError.TRANSACTION_ABORTABLE,
        KafkaError._FENCED,
    ],
)
def test_error_that_passes_is_tried_again(code: int) -> None:
    """What a broker, a group or a new epoch mends by itself is expected to pass."""
    assert may_pass(KafkaError(code)) is True


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (KafkaError.UNKNOWN_TOPIC_OR_PART, "run `openai-compliance topics apply`"),
        (KafkaError.SASL_AUTHENTICATION_FAILED, "security settings under OPENAI_COMPLIANCE_KAFKA"),
        (KafkaError.INVALID_TRANSACTION_TIMEOUT, "TRANSACTION_TIMEOUT_SECONDS"),
        (KafkaError._TRANSPORT, "OPENAI_COMPLIANCE_KAFKA__BOOTSTRAP_SERVERS"),
    ],
)
def test_description_says_what_to_do(code: int, remedy: str) -> None:
    """A sentence names the attempt, Kafka's word for it and the remedy."""
    sentence = describe("publish", KafkaError(code))
    assert sentence.startswith(f"could not publish: Kafka said {KafkaError(code).name()} (")
    assert remedy in sentence


def test_description_without_a_remedy_claims_none() -> None:
    """What nobody has thought about is passed on as Kafka says it."""
    sentence = describe("publish", KafkaError(KafkaError.INVALID_RECORD))
    assert ";" not in sentence
