"""One request on its way through a model's worker, as the event loop and the worker's thread both know it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

from vreason.evaluation import EvaluationConfig, Question
from vreason.generation import Finished, Piece, Request
from vreason_tracking.serving.failures import RequestError

CANCELLED, TIMEOUT = "cancelled", "timeout"


class Job:
    """A request and what has come of it so far. Made and awaited in the event loop; `tell` is called by the worker's thread.

    Args:
        question: with its frames.
        config: how it is answered.
        request: what the engine is asked.
        deadline: on `time.monotonic`, seconds.
    """

    def __init__(self, question: Question, config: EvaluationConfig, request: Request, deadline: float) -> None:
        self.question, self.config, self.deadline = question, config, deadline
        self.request = replace(request, withdrawn=self._withdrawn)
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[Piece | Finished | RequestError] = asyncio.Queue()
        self._reason: str | None = None

    def _withdrawn(self) -> str | None:
        """Asked by the engine between tokens."""
        if self._reason is None and time.monotonic() >= self.deadline:
            return TIMEOUT
        return self._reason

    def withdraw(self, reason: str) -> None:
        """The answer is not wanted any more."""
        self._reason = self._reason or reason

    def tell(self, event: Piece | Finished | RequestError) -> None:
        """Hand an event over to the event loop, which may be gone by then."""
        try:
            self._loop.call_soon_threadsafe(self._events.put_nowait, event)
        except RuntimeError:
            self._reason = CANCELLED

    async def pieces(self) -> AsyncIterator[Piece | Finished]:
        """What comes, the end last.

        Raises:
            RequestError: the time is over, or the worker has failed.
        """
        while True:
            left = self.deadline - time.monotonic()
            try:
                async with asyncio.timeout(max(left, 0.0) + 1.0):  # the engine looks at the time itself
                    event = await self._events.get()
            except TimeoutError:
                self.withdraw(TIMEOUT)
                raise RequestError(504, "the answer took too long and was given up; ask for fewer tokens, or later") from None
            if isinstance(event, RequestError):
                raise event
            yield event
            if isinstance(event, Finished):
                return

    async def finished(self) -> Finished:
        """The end.

        Raises:
            RequestError: there is no answer.
        """
        async for event in self.pieces():
            if isinstance(event, Finished):
                return require_answer(event)
        raise AssertionError("a job ends with its end")


def require_answer(finished: Finished) -> Finished:
    """The end, if it is an answer.

    Raises:
        RequestError: it is none.
    """
    if finished.reason == TIMEOUT:
        raise RequestError(504, "the answer took too long and was given up; ask for fewer tokens, or later")
    if finished.error is not None:
        memory = "out of memory" in finished.error.lower()
        hint = "send a shorter or smaller clip" if memory else "if it is asked again and fails again, see the server's log"
        raise RequestError(503 if memory else 500, f"the model failed: {finished.error}; {hint}", retry_after=5 if memory else None)
    return finished
