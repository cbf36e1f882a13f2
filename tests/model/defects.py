"""Defects to be seeded into the product, one at a time, each a patch of one of its functions."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from producer.contract.objects import START, ObjectOutcome, ObjectVersion, Outcome
from producer.discovery import ledger, orders
from producer.discovery.executing import Carried, OrderExecution
from producer.discovery.ledger import Ledger
from producer.discovery.listing import ListingFinished
from producer.discovery.position import Position
from producer.discovery.source import Listed, SourceDiscovery
from producer.discovery.stage import DiscoveryStage
from producer.kafka.loop import TransactionalLoop
from producer.kafka.stages import Committed
from producer.kafka.transactions import Transaction
from producer.puller import reading, stage
from producer.puller.decompression import Decompression
from producer.puller.framing import FramedLines, Framing
from producer.puller.pulling import Task
from producer.puller.stage import PullerStage
from producer.s3.object_store import Page

Defect = Callable[[pytest.MonkeyPatch], None]

_IN_ORDER = (
    "producer.discovery.orders.in_order",
    "producer.discovery.position.in_order",
    "producer.discovery.source.in_order",
)


def mark_passes_failed_objects(patch: pytest.MonkeyPatch) -> None:
    """What failed and will be tried again holds up no mark."""
    patch.setattr(Ledger, "is_waiting", Ledger.is_unfinished)


def mark_passes_unpublished_objects(patch: pytest.MonkeyPatch) -> None:
    """What is listed and not published yet holds up no mark."""
    patch.setattr(SourceDiscovery, "_lowest_waiting", lambda self: self.ledger.lowest_waiting())


def broken_listing_counts_as_ended(patch: pytest.MonkeyPatch) -> None:
    """A listing that is refused amid its pages has passed all keys."""
    end = SourceDiscovery._end_listing

    def end_anyhow(self: SourceDiscovery, how: Any) -> Listed:  # noqa: ANN401 - how it ended
        del how
        self.position.listed_through = "c/~"
        return end(self, ListingFinished())

    patch.setattr(SourceDiscovery, "_end_listing", end_anyhow)


def first_member_is_all(patch: pytest.MonkeyPatch) -> None:
    """What lies behind the first member of a gzip object is not read."""
    start = Decompression._start_member

    def start_first(self: Decompression, data: bytes) -> bytes:
        return b"" if self.read_bytes else start(self, data)

    patch.setattr(Decompression, "_start_member", start_first)


def keys_compare_as_utf_16(patch: pytest.MonkeyPatch) -> None:
    """Keys are in the order of UTF-16, as in Java."""
    for place in _IN_ORDER:
        patch.setattr(place, lambda key: key.encode("utf-16-be"))


def keys_compare_without_case(patch: pytest.MonkeyPatch) -> None:
    """Keys are in an order that knows no case."""
    for place in _IN_ORDER:
        patch.setattr(place, lambda key: key.casefold().encode())


def last_modified_is_trusted(patch: pytest.MonkeyPatch) -> None:
    """An object that is older than the last listing is not looked at."""
    take = SourceDiscovery._take_page

    def take_young(self: SourceDiscovery, page: Page, *, now: int) -> None:
        since = self._last_listing_at or 0
        young = tuple(listed for listed in page.objects if listed.last_modified >= since)
        take(self, replace(page, objects=young), now=now)

    patch.setattr(SourceDiscovery, "_take_page", take_young)


def truncated_object_is_done(patch: pytest.MonkeyPatch) -> None:
    """A gzip object that ends early was pulled."""

    def end(self: Decompression) -> Any:  # noqa: ANN401 - as the original
        if self._is_gzip is None and self._head:
            yield from self._plain(self._head)

    patch.setattr(Decompression, "end", end)


def broken_body_is_done(patch: pytest.MonkeyPatch) -> None:
    """An object whose body broke off was pulled."""
    patch.setattr(reading, "end_of_refusal", lambda _: reading.End(outcome=Outcome.PULLED))


def page_is_used_after_release(patch: pytest.MonkeyPatch) -> None:
    """What was listed and decided goes on under the next assignment."""
    acquire = DiscoveryStage.acquire

    def kept_by(self: DiscoveryStage) -> dict[int, Any]:
        kept: dict[int, Any] = vars(self).setdefault("kept", {})
        return kept

    def release(self: DiscoveryStage, partition: int) -> None:
        kept_by(self)[partition] = self._partitions.pop(partition)

    def acquire_again(self: DiscoveryStage, partition: int, committed: Committed) -> None:
        acquire(self, partition, committed)
        self._partitions |= {
            index: held for index, held in kept_by(self).items() if index == partition
        }

    patch.setattr(DiscoveryStage, "release", release)
    patch.setattr(DiscoveryStage, "acquire", acquire_again)


def retry_begins_at_the_start(patch: pytest.MonkeyPatch) -> None:
    """The next attempt reads lines again that are in raw."""
    next_attempt = ledger.next_attempt

    def from_start(version: ObjectVersion, outcome: ObjectOutcome, *, now: int) -> ObjectVersion:
        return replace(next_attempt(version, outcome, now=now), resume_from=START)

    patch.setattr(ledger, "next_attempt", from_start)


def place_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    """A successor reads lines again that are in raw."""
    patch.setattr(Task, "skip_through", property(lambda self: self.version.resume_from))


def failed_transaction_is_believed(patch: pytest.MonkeyPatch) -> None:
    """What was in an aborted transaction is remembered as published."""

    def go_on(self: TransactionalLoop) -> None:
        for each in self._stages.values():
            each.committed()

    patch.setattr(TransactionalLoop, "_start_over", go_on)


def failed_transaction_is_not_believed(patch: pytest.MonkeyPatch) -> None:
    """A transaction of unknown fate counts as aborted: nothing is asked for again."""

    def go_on(self: TransactionalLoop) -> None:
        del self

    patch.setattr(TransactionalLoop, "_start_over", go_on)


def command_ends_before_its_versions(patch: pytest.MonkeyPatch) -> None:
    """A command's offset moves on with the first of its versions."""
    original = OrderExecution.carry

    def carry(self: OrderExecution, publishing: Mapping[str, list[ObjectVersion]]) -> Carried:
        carried = original(self, publishing)
        is_early = self._orders.head is not None
        return carried._replace(offset=carried.offset + is_early)

    patch.setattr(OrderExecution, "carry", carry)


def command_that_ends_ends_those_before_it(patch: pytest.MonkeyPatch) -> None:
    """The offset on commands moves on behind whichever command ended."""
    original = OrderExecution.carry

    def carry(self: OrderExecution, publishing: Mapping[str, list[ObjectVersion]]) -> Carried:
        carried = original(self, publishing)
        ended = [order.offset + 1 for order in carried.ended]
        return carried._replace(offset=max([carried.offset, *ended]))

    patch.setattr(OrderExecution, "carry", carry)


def command_begins_again(patch: pytest.MonkeyPatch) -> None:
    """A successor does not look how far a command was carried out."""
    patch.setattr(orders, "_progress", lambda *_: (None, 0))


def replay_waits_for_nobody(patch: pytest.MonkeyPatch) -> None:
    """A replay is published while the last attempt is under way."""
    original = orders.Replaying.next_versions

    def next_versions(self: orders.Replaying, *, now: int, most: int) -> list[ObjectVersion]:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(Ledger, "is_unfinished", lambda *_: False)
            return original(self, now=now, most=most)

    patch.setattr(orders.Replaying, "next_versions", next_versions)


def vanished_object_stays_vanished(patch: pytest.MonkeyPatch) -> None:
    """An object that is there again after all is not pulled."""
    patch.setattr(ledger, "GONE", frozenset[Outcome]())


def overwritten_object_is_known(patch: pytest.MonkeyPatch) -> None:
    """A key that was pulled once is never pulled again."""
    patch.setattr(ledger, "fingerprint", lambda _: 1)


def refusals_are_final(patch: pytest.MonkeyPatch) -> None:
    """What was refused once is not tried again."""
    patch.setattr(Ledger, "retries_due", lambda *_, **__: [])


def whole_listings_are_not_made(patch: pytest.MonkeyPatch) -> None:
    """After the first listing all are short ones."""
    patch.setattr(Position, "_is_whole_due", lambda self, _: self.last_whole_at is None)


def late_objects_are_not_counted(patch: pytest.MonkeyPatch) -> None:
    """No key was ever passed."""
    patch.setattr(Position, "is_passed", lambda *_: False)


def objects_in_flight_are_unbounded(patch: pytest.MonkeyPatch) -> None:
    """All that a listing brings is published at once."""
    patch.setattr(DiscoveryStage, "_publishable", lambda _, source: len(source.pending))


def offset_is_ahead_of_lines(patch: pytest.MonkeyPatch) -> None:
    """An object's offset moves on with its first chunk."""
    advance = Transaction.advance

    def ahead(
        self: Transaction, topic: str, partition: int, *, offset: int, metadata: str = ""
    ) -> None:
        advance(self, topic, partition, offset=offset + bool(metadata))

    patch.setattr(Transaction, "advance", ahead)


def place_of_another_object_is_believed(patch: pytest.MonkeyPatch) -> None:
    """Whatever record a successor meets first is gone on with at the committed place."""

    def claim(_: PullerStage, __: int, held: Any, *___: object) -> object:  # noqa: ANN401
        progress, held.resumed = held.resumed, None
        return progress

    patch.setattr(stage.PullerStage, "_claim_place", claim)


def oversized_line_ends_in_silence(patch: pytest.MonkeyPatch) -> None:
    """A line that is too long is counted, and nobody is told."""
    numbered = Framing._numbered

    def silent(self: Framing, lines: list[bytes], oversized: list[Any]) -> FramedLines:
        return FramedLines(lines=numbered(self, lines, oversized).lines, oversized=[])

    patch.setattr(Framing, "_numbered", silent)


def every_line_break_ends_a_line(patch: pytest.MonkeyPatch) -> None:
    """Lines end at a lone CR too."""
    lines_of = Framing.lines_of
    patch.setattr(
        Framing, "lines_of", lambda self, block: lines_of(self, block.replace(b"\r", b"\n"))
    )


ALL: tuple[Defect, ...] = (
    mark_passes_failed_objects,
    mark_passes_unpublished_objects,
    broken_listing_counts_as_ended,
    first_member_is_all,
    keys_compare_as_utf_16,
    keys_compare_without_case,
    last_modified_is_trusted,
    truncated_object_is_done,
    broken_body_is_done,
    page_is_used_after_release,
    retry_begins_at_the_start,
    place_is_forgotten,
    failed_transaction_is_believed,
    failed_transaction_is_not_believed,
    command_ends_before_its_versions,
    command_that_ends_ends_those_before_it,
    command_begins_again,
    replay_waits_for_nobody,
    vanished_object_stays_vanished,
    overwritten_object_is_known,
    refusals_are_final,
    whole_listings_are_not_made,
    late_objects_are_not_counted,
    objects_in_flight_are_unbounded,
    offset_is_ahead_of_lines,
    place_of_another_object_is_believed,
    oversized_line_ends_in_silence,
    every_line_break_ends_a_line,
)
