"""What is to be done to which requests, and the journal of what was done.

One set of faults serves all proxies of a cluster: a client sends a kind of request to whichever
broker is in charge, and "the next EndTxn" is the next one anywhere. Connections keep their order,
as TCP does: what comes behind a request that waits, waits too.
"""

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tests.support.kafka_proxy.frames import Api, Request
from tests.support.kafka_proxy.holding import Held
from tests.support.waiting import eventually

EVERYTHING: Final = "*"


class Action(StrEnum):
    """What is done to a request, and what to all that passes a proxy."""

    DELAY = "delay"
    """It waits; it arrives even if its client has left by then."""
    HOLD = "hold"
    """It waits until it is released, likewise."""
    HOLD_AND_CUT = "hold and cut"
    """It waits until it is released; its client is cut off, and so tries again at once."""
    HOLD_COPY = "hold a copy"
    """It passes; a copy of it waits until it is released, and arrives on a new connection."""
    DUPLICATE = "duplicate"
    """It passes; a copy of it arrives on a new connection, whose answer nobody reads."""
    PRECEDE = "precede"
    """It passes once a copy of it has arrived on a connection of its own, and was answered."""
    DROP = "drop"
    """It never arrives, nor does anything behind it on its connection."""
    DROP_ANSWER = "drop the answer"
    """It arrives; neither its answer nor anything behind that reaches the client."""
    CUT_BEFORE = "cut before"
    """Its connection is closed in its stead."""
    CUT_BEHIND = "cut behind"
    """It arrives, and its connection is closed in its answer's stead."""
    RELEASE = "release"
    """A request that was held has been answered."""
    CUT_ALL = "cut all"
    PAUSE = "pause"
    RESUME = "resume"


HOLDING: Final = frozenset({Action.HOLD, Action.HOLD_AND_CUT, Action.HOLD_COPY})


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Which requests an action meets: of a kind, after some that it spares, so many."""

    kind: Api
    action: Action
    times: int | None = 1
    """How many it meets; None for no end."""
    skip: int = 0
    seconds: float = 0.0
    """For how long a request is delayed, or after which time a copy is sent."""
    broker: int | None = None
    matching: Callable[[Request], bool] = lambda _: True
    probability: float = 1.0
    rng: random.Random | None = None
    """What decides whether a request is met, where that is not certain."""

    def __post_init__(self) -> None:
        assert (self.rng is None) == (self.probability == 1.0)


@dataclass(frozen=True)
class Deed:
    """Something that a proxy did."""

    at: float
    """When, on the monotonic clock."""
    broker: int
    api: str
    """The name of the request's kind; `*` for what was done to everything."""
    action: Action
    client_id: str = ""
    detail: str = ""


class Armed:
    """A rule in force: whom it met."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.met: list[Request] = []
        self.held: list[Held] = []
        self._skipped = 0

    @property
    def is_spent(self) -> bool:
        """Whether it has met all that it was to meet."""
        return self.rule.times is not None and len(self.met) >= self.rule.times

    def meets(self, broker: int, request: Request) -> bool:
        """Whether this request is one of those; it counts as met if so."""
        rule = self.rule
        if self.is_spent or request.kind != rule.kind or rule.broker not in {None, broker}:
            return False
        if not rule.matching(request):
            return False
        if self._skipped < rule.skip:
            self._skipped += 1
            return False
        if rule.rng is not None and rule.rng.random() >= rule.probability:
            return False
        if rule.action in HOLDING:
            self.held.append(Held(request))
        self.met.append(request)
        return True

    def wait(self, count: int = 1, *, within_seconds: float = 30.0) -> None:
        """Return once it has met so many requests."""
        eventually(
            lambda: len(self.met) >= count,
            within_seconds=within_seconds,
            every_seconds=0.01,
            describe=f"request {count} to {self.rule.action} of kind {self.rule.kind.name}",
        )

    def release(self, *, within_seconds: float = 30.0) -> list[bytes]:
        """Let all arrive that is held and was not released before, and give their answers.

        An answer is nothing where the broker closed the connection.
        """
        assert self.held, f"no {self.rule.kind.name} is held"
        return [held.release(within_seconds) for held in self.held if not held.is_released]


class Faults:
    """The rules that are in force at a number of proxies, and the journal of these."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: list[Armed] = []
        self._ever_armed: list[Armed] = []
        self._journal: list[Deed] = []
        self.latency_seconds = 0.0
        """How long each frame waits, in either direction, those behind it in turn."""

    def arm(self, rule: Rule) -> Armed:
        """Put a rule in force; of several that meet a request, the first does."""
        armed = Armed(rule)
        with self._lock:
            self._armed.append(armed)
            self._ever_armed.append(armed)
        return armed

    def disarm(self, *armed: Armed) -> None:
        """Let rules meet nothing any more; what they hold stays held."""
        with self._lock:
            self._armed = [each for each in self._armed if each not in armed]

    def clear(self) -> None:
        """Let everything pass again, and what is held arrive; nobody waits for its answer."""
        with self._lock:
            ever_armed, self._ever_armed, self._armed = self._ever_armed, [], []
        self.latency_seconds = 0.0
        for held in (held for armed in ever_armed for held in armed.held):
            held.let_go()

    def decide(self, broker: int, request: Request) -> tuple[Rule, Held | None] | None:
        """Find the rule that meets a request, and what holds it if it does."""
        with self._lock:
            for armed in self._armed:
                if armed.meets(broker, request):
                    self._note(broker, request.name, armed.rule.action, request.client_id)
                    return armed.rule, armed.held[-1] if armed.rule.action in HOLDING else None
        return None

    def note(
        self, broker: int, action: Action, *, request: Request | None = None, detail: str = ""
    ) -> None:
        """Write down what was done to a request, or to everything."""
        api, client_id = (request.name, request.client_id) if request else (EVERYTHING, "")
        with self._lock:
            self._note(broker, api, action, client_id, detail)

    def journal(self) -> Sequence[Deed]:
        """Give all that was done until now, in its order."""
        with self._lock:
            return tuple(self._journal)

    def deeds(self, action: Action, kind: Api | None = None) -> list[Deed]:
        """Give what was done of one sort."""
        return [
            deed
            for deed in self.journal()
            if deed.action is action and (kind is None or deed.api == kind.name)
        ]

    def _note(
        self, broker: int, api: str, action: Action, client_id: str, detail: str = ""
    ) -> None:
        deed = Deed(time.monotonic(), broker, api, action, client_id, detail)
        self._journal.append(deed)

    # The rules that tests arm most.

    def delay_next(self, kind: Api, seconds: float, *, times: int = 1) -> Armed:
        return self.arm(Rule(kind=kind, action=Action.DELAY, seconds=seconds, times=times))

    def hold_next(self, kind: Api, *, times: int = 1) -> Armed:
        return self.arm(Rule(kind=kind, action=Action.HOLD, times=times))

    def hold_and_cut_next(self, kind: Api, *, times: int = 1) -> Armed:
        return self.arm(Rule(kind=kind, action=Action.HOLD_AND_CUT, times=times))

    def hold_copy_of_next(self, kind: Api, *, times: int = 1) -> Armed:
        return self.arm(Rule(kind=kind, action=Action.HOLD_COPY, times=times))

    def duplicate_next(self, kind: Api, *, times: int = 1, after_seconds: float = 0.0) -> Armed:
        rule = Rule(kind=kind, action=Action.DUPLICATE, times=times, seconds=after_seconds)
        return self.arm(rule)

    def drop_next(self, kind: Api, *, times: int = 1) -> Armed:
        return self.arm(Rule(kind=kind, action=Action.DROP, times=times))

    def drop_answer_to_next(self, kind: Api, *, times: int = 1) -> Armed:
        return self.arm(Rule(kind=kind, action=Action.DROP_ANSWER, times=times))

    def cut_before_next(self, kind: Api, *, times: int = 1) -> Armed:
        return self.arm(Rule(kind=kind, action=Action.CUT_BEFORE, times=times))

    def cut_behind_next(self, kind: Api, *, times: int = 1) -> Armed:
        return self.arm(Rule(kind=kind, action=Action.CUT_BEHIND, times=times))
