"""How a request of a source is sent: at its pace, with credentials that are good, translated.

Credentials may be refused before their time: the role was deleted and created again, its sessions
were revoked. Then it is assumed anew, once, and the request sent again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from obstore.exceptions import BaseError

from producer.contract.objects import Reason
from producer.contract.source import IngestionSource
from producer.s3.access import Accesses, SourceAccess
from producer.s3.object_store import ObjectStoreRefusedError
from producer.s3.refusals import CredentialsRefusedError, translated

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from obstore.store import S3Store

T = TypeVar("T")

_WRONG_REGION_TO_OBSTORE: Final = ("AuthorizationHeaderMalformed", "redirect")

# What was found out with the help of these answers may be wrong: the region above all.
_BEGIN_ANEW: Final = frozenset({Reason.CLOCK_SKEW, Reason.WRONG_REGION})


class Asking:
    """Sends the requests that belong to one listing or one body."""

    def __init__(self, accesses: Accesses, source: IngestionSource, asked: str) -> None:
        self._accesses = accesses
        self._source = source
        self._pace = accesses.pace_of(source.id)
        self.asked = asked

    def with_boto3(self, send: "Callable[[S3Client], T]") -> T:
        """Give the answer, or raise `ObjectStoreRefusedError`."""
        access = self._accesses.of(self._source)
        try:
            return self._send(access, send)
        except CredentialsRefusedError:
            self._accesses.discard(self._source.id, access)
            return self._send(self._accesses.of(self._source), send)

    def with_obstore(self, send: "Callable[[S3Store], T]") -> T:
        """Give the answer, or raise what obstore raises; its errors have no codes."""
        access = self._accesses.of(self._source)
        with self._in_turn(access):
            store = access.fast_store()
        try:
            answer = send(store)
        except BaseError as error:
            # boto3 follows a bucket to another region, and obstore does not: it needs to be told.
            if any(words in str(error) for words in _WRONG_REGION_TO_OBSTORE):
                self._accesses.discard(self._source.id, access)
            raise
        self._pace.speed_up()
        return answer

    @contextmanager
    def waiting_for_bytes(self) -> Iterator[None]:
        """Note where they were waited for in vain; what is refused is raised."""
        since = self._pace.now()
        try:
            yield
        except ObjectStoreRefusedError as refusal:
            if refusal.reason is Reason.UNAVAILABLE:
                self._pace.give_up(since)
            raise

    def _send(self, access: SourceAccess, send: "Callable[[S3Client], T]") -> T:
        with self._in_turn(access), translated(self.asked):
            answer = send(access.client)
        self._pace.speed_up()
        return answer

    @contextmanager
    def _in_turn(self, access: SourceAccess) -> Iterator[None]:
        turn = self._pace.take_turn(self.asked)
        try:
            yield
        except ObjectStoreRefusedError as refusal:
            if refusal.reason is Reason.THROTTLED:
                self._pace.slow_down(turn)
            elif refusal.reason is Reason.UNAVAILABLE:
                self._pace.give_up(turn)
            else:
                self._pace.speed_up()
            if refusal.reason in _BEGIN_ANEW:
                self._accesses.discard(self._source.id, access)
            raise
