"""Kafka's error codes as this program understands them: one row a code, and unknown is fatal."""

from typing import Final

from confluent_kafka import KafkaError

# Each of these has been seen to pass, or passes by its nature, once a broker, a leader, a
# coordinator or the group has moved on. A transaction that met one is tried again on a client of a
# new epoch.
_MAY_PASS: Final = frozenset(
    {
        # The network, or a broker that is starting, stopping or overloaded.
        KafkaError._TRANSPORT,  # noqa: SLF001
        KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001
        KafkaError._TIMED_OUT,  # noqa: SLF001
        KafkaError._TIMED_OUT_QUEUE,  # noqa: SLF001
        KafkaError._MSG_TIMED_OUT,  # noqa: SLF001
        KafkaError._WAIT_COORD,  # noqa: SLF001
        KafkaError._RESOLVE,  # noqa: SLF001
        KafkaError._RETRY,  # noqa: SLF001
        KafkaError._DESTROY_BROKER,  # noqa: SLF001
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.BROKER_NOT_AVAILABLE,
        KafkaError.NETWORK_EXCEPTION,
        KafkaError.KAFKA_STORAGE_ERROR,
        KafkaError.THROTTLING_QUOTA_EXCEEDED,
        KafkaError.NOT_CONTROLLER,
        # Leaders and replicas on the move.
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.REPLICA_NOT_AVAILABLE,
        KafkaError.NOT_ENOUGH_REPLICAS,
        KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.OFFSET_NOT_AVAILABLE,
        # Coordinators on the move.
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.NOT_COORDINATOR,
        # The group went on without us, or is about to: this process takes up what it is given
        # then.
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError.REBALANCE_IN_PROGRESS,
        KafkaError.FENCED_INSTANCE_ID,
        KafkaError.FENCED_MEMBER_EPOCH,
        KafkaError.STALE_MEMBER_EPOCH,
        KafkaError.UNSTABLE_OFFSET_COMMIT,
        # The transaction outlived its time-out, or a delayed request met a later epoch: a new
        # epoch mends it.
        KafkaError.CONCURRENT_TRANSACTIONS,
        KafkaError.TRANSACTION_ABORTABLE,
        KafkaError.INVALID_TXN_STATE,
        KafkaError.INVALID_PRODUCER_EPOCH,
        KafkaError.PRODUCER_FENCED,
        KafkaError.INVALID_PRODUCER_ID_MAPPING,
        KafkaError.UNKNOWN_PRODUCER_ID,
        KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER,
        KafkaError._FENCED,  # noqa: SLF001
        KafkaError._STATE,  # noqa: SLF001
        KafkaError._PURGE_QUEUE,  # noqa: SLF001
        KafkaError._PURGE_INFLIGHT,  # noqa: SLF001
    }
)
_ACCESS = "grant this client access to it"
_APPLY = "run `openai-compliance topics apply`"
_SECURITY = "check the security settings under OPENAI_COMPLIANCE_KAFKA__"
_REMEDIES: Final = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: _ACCESS,
    KafkaError.GROUP_AUTHORIZATION_FAILED: _ACCESS,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: _ACCESS,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: _ACCESS,
    KafkaError.UNKNOWN_TOPIC_OR_PART: _APPLY,
    KafkaError._UNKNOWN_TOPIC: _APPLY,  # noqa: SLF001
    # Only where partitions have no leaders, as those of a topic that is gone.
    KafkaError._NOENT: _APPLY,  # noqa: SLF001
    KafkaError._UNKNOWN_PARTITION: "give the topic the partitions that it had",  # noqa: SLF001
    KafkaError.MSG_SIZE_TOO_LARGE: "raise max.message.bytes of the topic",
    KafkaError.INVALID_SESSION_TIMEOUT: (
        "choose OPENAI_COMPLIANCE_KAFKA__SESSION_TIMEOUT_SECONDS between the brokers' "
        "group.min.session.timeout.ms and group.max.session.timeout.ms"
    ),
    KafkaError.INVALID_TRANSACTION_TIMEOUT: (
        "choose OPENAI_COMPLIANCE_KAFKA__TRANSACTION_TIMEOUT_SECONDS up to the brokers' "
        "transaction.max.timeout.ms"
    ),
    KafkaError._AUTHENTICATION: _SECURITY,  # noqa: SLF001
    KafkaError._SSL: _SECURITY,  # noqa: SLF001
    KafkaError.SASL_AUTHENTICATION_FAILED: _SECURITY,
}
_UNREACHABLE = (
    "check OPENAI_COMPLIANCE_KAFKA__BOOTSTRAP_SERVERS and the security settings beside it, and "
    "that the cluster is up"
)


def may_pass(error: KafkaError) -> bool:
    """Whether it makes sense to try again on a new client; what is not known to pass does not."""
    return error.code() in _MAY_PASS


def describe(attempt: str, error: KafkaError) -> str:
    """Build a sentence: what was tried, what Kafka said, what to do."""
    remedy = _REMEDIES.get(error.code(), _UNREACHABLE if may_pass(error) else None)
    sentence = tell(attempt, error)
    return f"{sentence}; {remedy}" if remedy else sentence


def tell(attempt: str, error: KafkaError) -> str:
    """Build its first half, for who knows better what to do."""
    return f"could not {attempt}: Kafka said {error.name()} ({error.str()})"
