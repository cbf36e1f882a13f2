"""The laws of the publisher, on producers that report and fail as they are told."""

from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import KafkaError

from producer.errors import BrokerUnavailableError, FatalError, FencedError
from producer.kafka import watched
from producer.kafka.transactions import Transaction, TransactionalPublisher, TransactionResult
from tests.support.stages import FakeClock
from tests.unit.kafka.producers import (
    TRANSACTION_SECONDS,
    Cluster,
    FakeProducer,
    a_publisher,
    an_error,
)


class _Bench:
    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.clock = FakeClock()
        self.replaced: list[str] = []
        self.publisher: TransactionalPublisher = a_publisher(self.clock, self.replaced.append)

    @property
    def current(self) -> FakeProducer:
        """The instance that was initialised last."""
        number, _ = self.cluster.calls("init")[-1]
        return self.cluster.instances[number - 1]

    def transact(self, contribute: Callable[[Transaction], None] | None = None) -> str:
        """Prepare, then run a transaction with one message and one offset in it."""
        self.publisher.prepare()
        result, _ = self.publisher.transact(contribute or _contribute, _metadata)
        return result.value


def _contribute(transaction: Transaction) -> None:
    transaction.publish(topic="out", key=b"key", value=b"value", partition=0)
    transaction.advance("in", 0, offset=1, metadata="place")


def _metadata(topic: str) -> str:
    return f"member on {topic}"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Bench]:
    """Give a publisher whose producers are fakes."""
    cluster = Cluster()
    monkeypatch.setattr(watched, "Producer", cluster.build)
    bench = _Bench(cluster)
    yield bench
    bench.publisher.close()


def test_transaction_sends_messages_and_offsets_before_it_commits(bench: _Bench) -> None:
    """One client begins, publishes, sends the offsets with their metadata, and commits."""
    assert bench.transact() == "committed"
    assert [(1, "init"), (1, "begin"), (1, "produce"), (1, "send_offsets"), (1, "commit")] == (
        bench.cluster.calls("init", "begin", "produce", "send_offsets", "commit", "abort")
    )
    assert [{("in", 0): (1, "place")}] == bench.cluster.offsets


def test_offsets_of_each_topic_are_sent_by_its_member(bench: _Bench) -> None:
    """The generation of one topic's member says nothing about partitions of another topic."""

    def contribute(transaction: Transaction) -> None:
        _contribute(transaction)
        transaction.advance("other", 0, offset=7)
        transaction.advance("in", 1, offset=2)

    assert bench.transact(contribute) == "committed"
    assert [{("in", 0): (1, "place"), ("in", 1): (2, "")}, {("other", 0): (7, "")}] == (
        bench.cluster.offsets
    )
    assert ["member on in", "member on other"] == bench.cluster.vouched
    assert 1 == len(bench.cluster.calls("commit"))


def test_offset_that_is_carried_is_vouched_for_by_the_member_of_another_topic(
    bench: _Bench,
) -> None:
    """In the same request, or the two could be of different generations."""
    bench.publisher.prepare()

    def contribute(transaction: Transaction) -> None:
        transaction.advance("sources", 1, offset=7)
        transaction.carry("commands", 1, offset=3, metadata="after=k1", under="sources")

    result, _ = bench.publisher.transact(contribute, lambda topic: f"member on {topic}")

    assert TransactionResult.COMMITTED is result
    assert [{("sources", 1): (7, ""), ("commands", 1): (3, "after=k1")}] == bench.cluster.offsets
    assert ["member on sources"] == bench.cluster.vouched


def test_offset_that_nobody_vouches_for_is_not_committed(bench: _Bench) -> None:
    """It would escape the fence."""
    bench.publisher.prepare()

    def contribute(transaction: Transaction) -> None:
        transaction.carry("commands", 1, offset=3, metadata="", under="sources")

    with pytest.raises(AssertionError, match="vouches"):
        bench.publisher.transact(contribute, lambda topic: f"member on {topic}")
    assert [] == bench.cluster.calls("commit")


def test_client_that_nothing_is_held_against_goes_on(bench: _Bench) -> None:
    """Clean transactions follow each other on one client."""
    assert ["committed"] * 3 == [bench.transact() for _ in range(3)]
    assert [(1, "init")] == bench.cluster.calls("init")
    assert ["start"] == bench.replaced


def test_reports_are_heard_before_each_transaction(bench: _Bench) -> None:
    """Between two transactions the client is polled: what it knows counts for the next."""
    bench.transact()
    bench.transact()
    begins = [index for index, call in enumerate(bench.cluster.journal) if call == (1, "begin")]
    assert (1, "poll") in bench.cluster.journal[begins[0] : begins[1]]


def _log(text: str) -> Callable[[FakeProducer], None]:
    return lambda producer: producer.report_log(text)


_SUSPICIONS: dict[str, Callable[[FakeProducer], None]] = {
    "log REQTMOUT": _log("REQTMOUT [a] [b]: Timed out EndTxnRequest in flight"),
    "log FAIL": _log("FAIL [a] [b]: TxnCoordinator/1: Disconnected (after 3 ms in state UP)"),
    "log TXNERR": _log("TXNERR [a] [b]: Current transaction failed"),
    "error _TRANSPORT": lambda producer: producer.report_error(KafkaError._TRANSPORT),
    "failed _FENCED": lambda producer: producer.report_fatal_error(KafkaError._FENCED),
    "delivery failed": lambda producer: producer.report_delivery(KafkaError._MSG_TIMED_OUT),
    "coordinator req_timeouts": lambda producer: producer.report_statistics(req_timeouts=1),
    "coordinator txretries": lambda producer: producer.report_statistics(txretries=1),
    "coordinator disconnects": lambda producer: producer.report_statistics(disconnects=1),
}


@pytest.mark.parametrize("cause", _SUSPICIONS)
def test_suspect_client_begins_no_other_transaction(bench: _Bench, cause: str) -> None:
    """Each sign of a request that may still be under way makes way for a client of a new epoch."""
    bench.transact()
    _SUSPICIONS[cause](bench.current)
    assert bench.transact() == "committed"
    assert [(1, "init"), (1, "begin"), (2, "init"), (2, "begin")] == (
        bench.cluster.calls("init", "begin")
    )
    assert ["start", cause] == bench.replaced


def test_harmless_reports_replace_nothing(bench: _Bench) -> None:
    """What says nothing of a retry is no reason."""
    bench.transact()
    bench.current.report_log("CONNECT [a] [b]: Connected (#3)")
    bench.current.report_statistics(req_timeouts=0, txretries=0, disconnects=0)
    bench.current.report_delivery(None)
    bench.transact()
    assert [(1, "init")] == bench.cluster.calls("init")


def test_slow_commit_makes_a_client_suspect(bench: _Bench) -> None:
    """A commit that took long was probably retried behind our back."""
    bench.cluster.meanwhile["commit"].append(lambda: bench.clock.pass_time(1.5))
    assert bench.transact() == "committed"
    assert not bench.publisher.is_usable
    bench.transact()
    assert ["start", "slow commit"] == bench.replaced


def test_transaction_that_must_be_aborted_is(bench: _Bench) -> None:
    """The client aborts, and is not used again."""
    bench.cluster.failures["send_offsets"].append(
        an_error(KafkaError.ILLEGAL_GENERATION, abort=True)
    )
    assert bench.transact() == "aborted"
    assert [(1, "abort")] == bench.cluster.calls("abort", "commit")
    assert not bench.publisher.is_usable
    assert bench.transact() == "committed"
    assert ["start", "failed ILLEGAL_GENERATION"] == bench.replaced


def test_commit_that_failed_without_a_verdict_is_unknown(bench: _Bench) -> None:
    """An error that asks for no abort says nothing about the commit: it is not aborted either."""
    bench.cluster.failures["commit"].append(an_error(KafkaError.REQUEST_TIMED_OUT))
    assert bench.transact() == "unknown"
    assert [] == bench.cluster.calls("abort")
    assert not bench.publisher.is_usable


def test_abort_that_fails_leaves_the_fate_unknown(bench: _Bench) -> None:
    """The epoch of a successor ends the transaction that a client could not abort."""
    bench.cluster.failures["commit"].append(an_error(KafkaError._TIMED_OUT, abort=True))
    bench.cluster.failures["abort"].append(an_error(KafkaError._TIMED_OUT))
    assert bench.transact() == "unknown"
    assert bench.transact() == "committed"


def test_call_that_resumes_is_made_again(bench: _Bench) -> None:
    """Librdkafka says so of calls that it has not finished; the same client finishes them."""
    retriable = an_error(KafkaError._TIMED_OUT, retriable=True)
    bench.cluster.failures["send_offsets"] += [retriable] * 2
    bench.cluster.failures["commit"] += [retriable] * 5
    assert bench.transact() == "committed"
    assert 3 + 6 == len(bench.cluster.calls("send_offsets", "commit"))


def test_call_is_not_resumed_for_ever(bench: _Bench) -> None:
    """Six times, then the client is given up."""
    retriable = an_error(KafkaError._TIMED_OUT, retriable=True)
    bench.cluster.failures["commit"] += [retriable] * 20
    assert bench.transact() == "unknown"
    assert 6 == len(bench.cluster.calls("commit"))


@pytest.mark.parametrize(
    ("reported", "raised"),
    [
        (None, KafkaError.TOPIC_AUTHORIZATION_FAILED),
        (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError._INCONSISTENT),
        (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError._STATE),
        (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError._TIMED_OUT),
    ],
)
def test_error_that_lasts_stops_the_process(
    bench: _Bench, reported: int | None, raised: int
) -> None:
    """Neither the pointer that was raised nor the failure of other messages hides the cause."""
    bench.publisher.prepare()
    if reported is not None:
        bench.current.report_delivery(KafkaError._PURGE_QUEUE)
        bench.current.report_delivery(reported)
        bench.current.report_delivery(KafkaError._PURGE_QUEUE)
    bench.cluster.failures["commit"].append(an_error(raised, abort=True))
    lasting = KafkaError(raised if reported is None else reported).name()
    attempt = "commit a transaction" if reported is None else "publish to 'out'"
    with pytest.raises(FatalError, match=f"{attempt}: Kafka said {lasting}"):
        bench.publisher.transact(_contribute, _metadata)
    assert [] == bench.cluster.calls("abort")


@pytest.mark.parametrize("raised", [KafkaError._INCONSISTENT, KafkaError._STATE])
def test_pointer_to_an_error_that_passes_is_no_reason_to_stop(bench: _Bench, raised: int) -> None:
    """What was raised says that deliveries failed; how they failed is mended by a new epoch."""
    bench.publisher.prepare()
    bench.current.report_delivery(KafkaError._MSG_TIMED_OUT)
    bench.cluster.failures["commit"].append(an_error(raised, abort=True))
    result, _ = bench.publisher.transact(_contribute, _metadata)
    assert TransactionResult.ABORTED is result


def test_error_that_nobody_explains_stops_the_process(bench: _Bench) -> None:
    """A fatal error of unknown cause is not expected to pass."""
    bench.cluster.failures["produce"].append(an_error(KafkaError._FATAL))
    with pytest.raises(FatalError, match="_FATAL"):
        bench.transact()


@pytest.mark.parametrize("raised", [KeyError("a bug"), KeyboardInterrupt()])
def test_stage_that_raises_leaves_nothing_to_be_committed(
    bench: _Bench, raised: BaseException
) -> None:
    """A transaction that was not filled is committed by nobody, and its error goes on."""

    def fail(transaction: Transaction) -> None:
        _contribute(transaction)
        raise raised

    bench.publisher.prepare()
    # News of a fatal error, heard while the client is let go, must not take its place.
    bench.cluster.failures["flush"].append(an_error(KafkaError._FENCED, fatal=True))
    with pytest.raises(type(raised)):
        bench.publisher.transact(fail, _metadata)
    assert [] == bench.cluster.calls("send_offsets", "commit")
    assert not bench.publisher.is_usable


def test_full_queue_is_waited_for(bench: _Bench) -> None:
    """Each message is published once, however often there is no room."""
    bench.publisher.prepare()
    bench.current.room = 2

    def contribute(transaction: Transaction) -> None:
        transaction.publish_all(topic="out", key=b"", values=[b"0", b"1", b"2"], partition=0)
        transaction.publish(topic="out", key=b"", value=b"3", partition=0)

    _, transaction = bench.publisher.transact(contribute, _metadata)
    assert ([b"0", b"1", b"2", b"3"], 4) == (bench.cluster.produced, transaction.messages)


def test_paused_process_goes_on(bench: _Bench) -> None:
    """Fenced by the broker because its transaction outlived its time-out, any number of times."""
    for _ in range(10):
        bench.cluster.meanwhile["commit"].append(
            lambda: bench.clock.pass_time(TRANSACTION_SECONDS + 1)
        )
        bench.cluster.failures["commit"].append(an_error(KafkaError._FENCED, fatal=True))
        assert bench.transact() == "unknown"
    assert bench.transact() == "committed"


@pytest.mark.parametrize("call", ["begin", "produce", "send_offsets", "commit"])
def test_twin_is_told_from_a_pause(bench: _Bench, call: str) -> None:
    """Fenced three times within minutes, whatever is committed between: there is another."""
    for _ in range(2):
        bench.cluster.failures[call].append(an_error(KafkaError._FENCED, fatal=True))
        assert bench.transact() == "unknown"
        assert bench.transact() == "committed"
    bench.cluster.failures[call].append(an_error(KafkaError._FENCED, fatal=True))
    with pytest.raises(FencedError, match="OPENAI_COMPLIANCE_INSTANCE"):
        bench.transact()


def test_twin_is_found_by_an_error_that_is_told_elsewhere(bench: _Bench) -> None:
    """A message that meets the fence first leaves only a pointer for the next call to raise."""
    for times in range(3):
        bench.publisher.prepare()
        bench.current.report_fatal_error(KafkaError._FENCED)
        bench.cluster.failures["produce"].append(an_error(KafkaError._FATAL))
        if times < 2:
            result, _ = bench.publisher.transact(_contribute, _metadata)
            assert TransactionResult.UNKNOWN is result
    with pytest.raises(FencedError):
        bench.publisher.transact(_contribute, _metadata)


def test_fencing_now_and_then_is_borne(bench: _Bench) -> None:
    """Librdkafka is known to report a fence that there was not; rarely."""
    for _ in range(6):
        bench.cluster.failures["commit"].append(an_error(KafkaError._FENCED, fatal=True))
        assert bench.transact() == "unknown"
        bench.clock.pass_time(301)
    assert bench.transact() == "committed"


def test_broker_that_is_away_is_not_waited_for_inside(bench: _Bench) -> None:
    """Preparing says that it could not, and can be asked again."""
    bench.cluster.failures["init"].append(an_error(KafkaError._TIMED_OUT, retriable=True))
    with pytest.raises(BrokerUnavailableError, match="_TIMED_OUT"):
        bench.publisher.prepare()
    assert not bench.publisher.is_usable
    assert bench.transact() == "committed"


def test_publisher_without_the_right_to_publish_stops_the_process(bench: _Bench) -> None:
    """What a retry cannot mend is not retried."""
    bench.cluster.failures["init"].append(
        an_error(KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    )
    with pytest.raises(FatalError, match="grant this client access"):
        bench.publisher.prepare()


def test_what_a_standby_met_while_connecting_is_forgotten(bench: _Bench) -> None:
    """It has begun nothing, so nothing of it can be under way: one dead broker is no reason."""
    bench.transact()
    assert bench.publisher._warming is not None
    bench.publisher._warming.join()
    bench.cluster.instances[1].report_log("FAIL [a] [b]: Connect to ipv4#127.0.0.1:1 failed")
    bench.current.report_error(KafkaError._TRANSPORT)
    bench.transact()
    bench.transact()
    assert [(1, "init"), (2, "init")] == bench.cluster.calls("init")


def test_standby_that_could_not_connect_is_replaced(bench: _Bench) -> None:
    """Only its head start is lost."""
    bench.cluster.failures["list_topics"] += [
        an_error(KafkaError._TRANSPORT),
        an_error(KafkaError._TRANSPORT),
    ]
    with pytest.raises(BrokerUnavailableError, match="reach the cluster"):
        bench.publisher.prepare()
    with pytest.raises(BrokerUnavailableError, match="reach the cluster"):
        bench.publisher.prepare()
    assert bench.transact() == "committed"


def test_serving_hears_all_clients(bench: _Bench) -> None:
    """The one in use and the one that stands by: their reports would fill the memory."""
    bench.transact()
    assert bench.publisher._warming is not None
    bench.publisher._warming.join()
    bench.cluster.journal.clear()
    bench.publisher.serve()
    assert [(1, "poll"), (2, "poll")] == bench.cluster.journal


def test_closing_lets_go_of_all_clients(bench: _Bench) -> None:
    """Neither the client in use nor the one that stands by is left open."""
    bench.transact()
    bench.publisher.close()
    assert [(1, "purge"), (2, "purge")] == bench.cluster.calls("purge")
    assert not bench.publisher.is_usable
