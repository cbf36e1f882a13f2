"""Where a watched process can be broken, and how: what a test plans and the process carries out.

A step is named by where it is in the life of a publisher or of a partition. A fault is what
happens at the n-th time that a process comes by there.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum


class Step(StrEnum):
    """A place in the program at which it can die."""

    INITIALISING = "initialising"
    BEFORE_BEGIN = "before begin"
    AFTER_BEGIN = "after begin"
    AMID_PRODUCING = "amid producing"
    AFTER_FLUSH = "after flush"
    AFTER_OFFSETS = "after offsets"
    AFTER_COMMIT = "after commit"
    BEFORE_ABORT = "before abort"
    AFTER_ABORT = "after abort"
    AMID_REVOKING = "amid revoking"
    AMID_RESTORING = "amid restoring"


class Deed(StrEnum):
    """What a fault does to the process."""

    KILL = "kill"
    # It does nothing more, on no thread, until it is continued from outside.
    PAUSE = "pause"
    # The call raises what the client raises where a transaction has to be aborted.
    FAIL = "fail"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault.

    `topic` is how the name of a topic ends that the transaction must have published to, or that is
    being revoked or restored; `times` is how often the process comes by before it happens.
    """

    step: Step
    deed: Deed = Deed.KILL
    topic: str = ""
    times: int = 0


def to_text(faults: Iterable[Fault]) -> str:
    """Write faults for another process."""
    return json.dumps([asdict(fault) for fault in faults])


def from_text(text: str) -> list[Fault]:
    """Read what `to_text` wrote."""
    return [
        Fault(
            step=Step(each["step"]),
            deed=Deed(each["deed"]),
            topic=each["topic"],
            times=each["times"],
        )
        for each in json.loads(text)
    ]
