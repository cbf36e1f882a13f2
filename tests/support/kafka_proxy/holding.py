"""A request that is kept back, until a test lets it arrive."""

import threading

from tests.support.kafka_proxy.frames import Request


class Held:
    """What the test and the connection tell each other about one request."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self._may_go = threading.Event()
        self._is_settled = threading.Event()
        self._answer = b""

    @property
    def is_released(self) -> bool:
        """Whether it may arrive, or has."""
        return self._may_go.is_set()

    def release(self, within_seconds: float) -> bytes:
        """Let it arrive, and return what the broker answered: nothing if it could not."""
        self.let_go()
        name = self.request.name
        assert self._is_settled.wait(within_seconds), f"the {name} that was held has no answer"
        return self._answer

    def let_go(self) -> None:
        """Let it arrive whenever it does."""
        self._may_go.set()

    def wait(self) -> None:
        """Wait until it may go."""
        self._may_go.wait()

    def settle(self, answer: bytes) -> None:
        """Tell that it was answered; that it cannot be, if by nothing."""
        if not self._is_settled.is_set():
            self._answer = answer
            self._is_settled.set()
