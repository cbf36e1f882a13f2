"""A source tried step by step, with a store in memory."""

from typing import TYPE_CHECKING, cast

import pytest
from msgspec.structs import replace

from producer.cli.rooms import TriedStep
from producer.cli.wiring.sources import try_source
from producer.contract.objects import Reason
from producer.contract.source import IngestionSource
from producer.s3.object_store import ObjectStoreRefusedError
from tests.support.builders import a_source
from tests.support.object_stores import InMemoryObjectStore

if TYPE_CHECKING:
    from producer.s3.trial import Trial

SOURCE = a_source(region="eu-west-1")
GONE = ObjectStoreRefusedError(reason=Reason.ROLE_NOT_ASSUMABLE, detail="why; what to do")


class WillingTrial:
    """Finds nothing wrong before the listing, unless told to."""

    def __init__(self, failure: ObjectStoreRefusedError | None = None) -> None:
        self._failure = failure

    def identity(self, source: IngestionSource) -> str:
        """Be somebody."""
        if self._failure is not None:
            raise self._failure
        return source.id

    def region(self, source: IngestionSource) -> str:
        """Be in Frankfurt."""
        del source
        return "eu-central-1"


def tried(
    store: InMemoryObjectStore,
    source: IngestionSource = SOURCE,
    failure: ObjectStoreRefusedError | None = None,
) -> list[TriedStep]:
    """Try the source."""
    trial = cast("Trial", WillingTrial(failure))
    return list(try_source(source, store=store, trial=trial))


@pytest.fixture
def store() -> InMemoryObjectStore:
    """Give the source's bucket, with a directory marker, an archived and a plain object."""
    store = InMemoryObjectStore(page_size=3, chunk_bytes=4)
    store.put(SOURCE.bucket, "compliance/", b"")
    store.put(SOURCE.bucket, "compliance/a", b"archived", storage_class="GLACIER")
    store.put(SOURCE.bucket, "compliance/b", b"contents")
    return store


def test_source_that_can_be_read_passes_every_step(store: InMemoryObjectStore) -> None:
    """The first bytes are of an object that holds some and need not be restored."""
    assert [
        ("identity", "src_acme"),
        ("region", "eu-central-1, though the source says eu-west-1"),
        ("listing", "3 objects on the first page"),
        ("reading", "4 of 8 bytes of 'compliance/b'"),
    ] == [(step.step, step.answer) for step in tried(store)]
    store.put(SOURCE.bucket, "compliance/c", b"more")
    assert "3 objects on the first page, and there are more pages" == tried(store)[2].answer


def test_region_that_agrees_or_is_not_set_is_told_alone(store: InMemoryObjectStore) -> None:
    """Only a difference is worth words."""
    for region in (None, "eu-central-1"):
        assert "eu-central-1" == tried(store, replace(SOURCE, region=region))[1].answer


def test_source_without_contents_is_no_failure(store: InMemoryObjectStore) -> None:
    """Where there is nothing to read, reading is not tried, and that is said."""
    steps = tried(store, replace(SOURCE, prefix="nothing/"))
    assert "0 objects on the first page" == steps[2].answer
    assert ("reading", None) == (steps[3].step, steps[3].problem)
    assert steps[3].answer.startswith("not tried")


def test_first_failure_is_the_last_step(store: InMemoryObjectStore) -> None:
    """What comes after it would fail for the same reason."""
    assert [
        TriedStep(step="identity", answer="why; what to do", problem="role_not_assumable")
    ] == (tried(store, failure=GONE))
    store.refuse_reading(SOURCE.bucket, "compliance/b", Reason.KEY_DENIED_BY_KMS)
    assert [None, None, None, "key_denied_by_kms"] == [step.problem for step in tried(store)]
    store.refuse_listing(SOURCE.bucket, Reason.ACCESS_DENIED)
    assert [None, None, "access_denied"] == [step.problem for step in tried(store)]


def test_archived_object_is_read_where_there_is_no_other(store: InMemoryObjectStore) -> None:
    """Its refusal says what to do, better than silence."""
    store.delete(SOURCE.bucket, "compliance/b")
    store.refuse_reading(SOURCE.bucket, "compliance/a", Reason.ARCHIVED)
    assert "archived" == tried(store)[3].problem
