"""An engine over `vreason.decode`'s loop: requests of one kind are put together by number or by time, and decoded side by side."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import torch

from vreason.clock import unix_ms
from vreason.errors import VReasonError
from vreason.generation.engine.request import FAILED, Finished, Piece, Request
from vreason.generation.engine.running_batch import RunningBatch
from vreason.meters import MemoryReader

_log = logging.getLogger(__name__)

BATCH_SIZE = 8
BATCH_WAIT = 0.02  # seconds


def nobody() -> int:
    """No request is about to come."""
    return 0


class BatchEngine:
    """Decodes one batch at a time (see `vreason.generation.engine.Engine`).

    Requests go into one batch when method, decoding settings and pixel limits are the same; each keeps its own seed, limit and stop texts.
    A row of a batch draws what it would draw alone; its logits differ from those in the last bits, as padding makes them.

    Args:
        loaded: the model, its processor and adapter.
        batch_size: requests side by side, at most.
        batch_wait: seconds for which a batch that is not full is held open, counted from its first request, while others are about to come.
        coming: how many are; none means that nobody is waited for.
        memory: returns the newest sample of the memory in use, for the step records.
        observers: listeners, told of every request's prompt and steps.
    """

    def __init__(
        self,
        loaded: Any,
        batch_size: int = BATCH_SIZE,
        batch_wait: float = BATCH_WAIT,
        coming: Callable[[], int] = nobody,
        memory: MemoryReader | None = None,
        observers: Sequence[Any] = (),
    ) -> None:
        self._loaded, self._memory, self._observers = loaded, memory, tuple(observers)
        self._size, self._wait, self._coming = batch_size, batch_wait, coming
        self._waiting: deque[tuple[Request, float]] = deque()
        self._running: RunningBatch | None = None
        self._alone: set[str] = set()  # requests whose batch did not fit into memory
        self._finished: list[Finished] = []

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return self._running is None and not self._waiting

    @property
    def holding(self) -> bool:
        """Whether a batch that is not full is held open."""
        return self._running is None and bool(self._waiting)

    def has_room(self) -> bool:
        """Whether the next batch can take one more."""
        return len(self._waiting) < self._size

    def add(self, request: Request) -> None:
        """Take a request."""
        self._waiting.append((request, time.monotonic()))

    def step(self) -> Sequence[Piece]:
        """A token of the batch that runs; else the prompts of the next, once it is full or has waited long enough.

        Raises:
            RuntimeError: the device has failed.
        """
        self._drop_withdrawn()
        if self._running is None:
            requests = self._next_batch()
            if not requests:
                return ()
            self._running = RunningBatch(self._loaded, requests, self._memory, self._observers)
        return self._advance(self._running)

    def finished(self) -> Sequence[Finished]:
        """What has ended since this was asked last."""
        found, self._finished = self._finished, []
        return found

    def close(self) -> None:
        """Leave what runs, and put the model back as it was."""
        if self._running is not None:
            self._running.close()
            self._running = None

    def _advance(self, batch: RunningBatch) -> Sequence[Piece]:
        """The batch's next token. A failure ends its requests, or has them asked one by one."""
        pieces: Sequence[Piece] = ()
        try:
            pieces = batch.advance()
        except (RuntimeError, MemoryError, ValueError, VReasonError) as error:
            batch.close()
            self._running = None
            if _is_fatal(error):
                self._fail(batch.requests, f"the model's device has failed: {error}")
                raise
            self._after_failure(batch, error)
            return ()
        self._finished += batch.take_finished()
        if batch.ended:
            batch.close()
            self._running = None
        return pieces

    def _after_failure(self, batch: RunningBatch, error: Exception) -> None:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if len(batch.requests) > 1 and not batch.told:
            _log.warning("a batch of %d requests failed (%s); they are answered one by one", len(batch.requests), error)
            self._alone |= {request.request_id for request in batch.requests}
            self._waiting.extendleft((request, 0.0) for request in reversed(batch.requests))
            return
        self._finished += batch.take_finished()
        self._fail(batch.open_requests, f"{type(error).__name__}: {error}")

    def _fail(self, requests: Sequence[Request], error: str) -> None:
        _log.warning("request(s) failed: %s: %s", ", ".join(request.request_id for request in requests), error)
        self._finished += [Finished(request.request_id, FAILED, unix_ms(), error=error) for request in requests]

    def _drop_withdrawn(self) -> None:
        """Requests that nobody wants any more end before they have cost anything."""
        for request, since in [each for each in self._waiting if each[0].withdrawn()]:
            self._waiting.remove((request, since))
            self._finished.append(Finished(request.request_id, str(request.withdrawn()), unix_ms()))

    def _next_batch(self) -> list[Request]:
        """The requests of the next batch, in the order in which they came; none as long as it is worth waiting for more."""
        if not self._waiting:
            return []
        first, since = self._waiting[0]
        alone = first.request_id in self._alone
        fitting = [
            entry for entry in self._waiting if alone is False and entry[0].request_id not in self._alone and _alike(first, entry[0])
        ]
        chosen = [self._waiting[0]] if alone else fitting[: self._size]
        full = alone or len(chosen) == self._size or len(self._waiting) >= self._size
        if not full and self._coming() > 0 and time.monotonic() - since < self._wait:
            return []
        for entry in chosen:
            self._waiting.remove(entry)
            self._alone.discard(entry[0].request_id)
        return [request for request, _ in chosen]


def _alike(one: Request, other: Request) -> bool:
    """Whether two requests can be rows of one batch."""
    return one.method == other.method and dict(one.generation) == dict(other.generation) and one.pixels == other.pixels


def _is_fatal(error: BaseException) -> bool:
    """Whether a failure is the device's, after which nothing can be computed on it any more; a lack of memory is not."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return False
    accelerator = getattr(torch, "AcceleratorError", None)
    return (accelerator is not None and isinstance(error, accelerator)) or "CUDA error" in str(error)
