"""A batch of requests on its way through the decoding loop: `generate` prepares it, and the loop is advanced a token at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vreason.clock import unix_ms
from vreason.generation.batch_events import BatchEvents
from vreason.generation.decode_loop import DecodeLoop, without_autograd
from vreason.generation.engine.request import EOS, LENGTH, STOP, Finished, Piece, Request
from vreason.generation.engine.text_stream import TextStream
from vreason.generation.sampling import TokenSampler
from vreason.generation.step_log import StepLog
from vreason.generation.supported_modes import refuse_unsupported
from vreason.listeners import ListenerGuard
from vreason.meters import MemoryReader


@dataclass
class _Row:
    """One request of the batch: its text so far, and why it has ended."""

    request: Request
    text: TextStream | None
    tokens: int = 0
    reason: str | None = None


class RunningBatch:
    """Requests that are decoded side by side.

    Args:
        loaded: the model, its processor and adapter.
        requests: at least one; of the same method, decoding settings and pixel limits.
        memory: see `vreason.decode`.
        observers: listeners, told of every prompt and step.

    Attributes:
        requests: as given.
        told: whether anything of it is told already.
    """

    def __init__(self, loaded: Any, requests: Sequence[Request], memory: MemoryReader | None, observers: Sequence[Any] = ()) -> None:
        self.requests, self.told = list(requests), False
        self._loaded, self._memory, self._observers = loaded, memory, tuple(observers)
        self._events = BatchEvents()
        self._rows = [_Row(each, TextStream(loaded.processor, each.stop) if each.streamed or each.stop else None) for each in requests]
        self._loop: DecodeLoop | None = None
        self._tokens: Iterator[int] | None = None
        self._ends: frozenset[int] = frozenset()
        self._started = unix_ms()
        self._finished: list[Finished] = []

    @property
    def ended(self) -> bool:
        """Whether every request has."""
        return all(row.reason is not None for row in self._rows)

    @property
    def open_requests(self) -> list[Request]:
        """The requests of the batch whose reply has not ended."""
        return [row.request for row in self._rows if row.reason is None]

    def advance(self) -> list[Piece]:
        """The prompts and the first token, or one token more.

        Raises:
            ValueError, VReasonError: the processor refuses the frames, or the settings cannot be used.
            RuntimeError, MemoryError: the model has failed, or has no room.
        """
        with without_autograd():
            if self._tokens is None:
                self._tokens = self._begin()
            if next(self._tokens, None) is None:
                return []
        return self._after_token()

    def take_finished(self) -> list[Finished]:
        """Requests that have ended since this was asked last."""
        found, self._finished = self._finished, []
        return found

    def close(self) -> None:
        """Put the model back as it was, wherever the batch is."""
        with without_autograd():
            if self._tokens is not None:
                self._tokens.close()  # type: ignore[attr-defined]
        self._tokens = iter(())

    def _begin(self) -> Iterator[int]:
        """Have `generate` prepare everything, and take what it would have called its loop with."""
        first, loaded = self.requests[0], self._loaded
        turns = [(request.chat, request.clips) for request in self.requests]
        inputs = loaded.adapter.inputs(loaded.processor, turns, first.pixels).to(loaded.model.device)
        most = max(request.max_new_tokens for request in self.requests)
        prepared: dict[str, Any] = {}

        def _take(
            _: Any, input_ids: Any, logits_processor: Any, stopping_criteria: Any, generation_config: Any, **model_kwargs: Any
        ) -> Any:
            prepared.update(ids=input_ids, processors=logits_processor, criteria=stopping_criteria)
            prepared.update(generation=generation_config, model_kwargs=model_kwargs)
            return input_ids

        self._started = unix_ms()
        loaded.model.generate(**inputs, custom_generate=_take, **{**first.generation, "max_new_tokens": most})
        return self._opened(prepared)

    def _opened(self, prepared: Mapping[str, Any]) -> Iterator[int]:
        generation, ids = prepared["generation"], prepared["ids"]
        refuse_unsupported(self._loaded.model, generation, prepared["model_kwargs"])
        self._ends = _end_tokens(generation)
        log = StepLog([request.request_id for request in self.requests], ListenerGuard((self._events, *self._observers)), self._memory)
        sampler = TokenSampler([request.seed for request in self.requests], len(self.requests), ids.device)
        method = self.requests[0].method
        self._loop = DecodeLoop(self._loaded.model, generation, method, log, sampler, prepared["model_kwargs"])
        return self._loop.tokens(ids, prepared["processors"], prepared["criteria"])

    def _after_token(self) -> list[Piece]:
        """Look what the newest token means for each request."""
        loop = self._loop
        assert loop is not None, "a token comes out of a loop"
        drawn, going = loop.drawn.tolist(), loop.unfinished.tolist()
        pieces: list[Piece] = []
        ended: list[_Row] = []
        for index, row in enumerate(self._rows):
            if row.reason is not None:
                continue
            row.tokens += 1
            new = row.text.add(drawn[index]) if row.text is not None else ""
            row.reason = self._reason(row, drawn[index], bool(going[index]))
            if row.reason is not None:
                loop.end_row(index)
                ended.append(row)
                new += row.text.end() if row.text is not None else ""
            if new and row.request.streamed:
                pieces.append(Piece(row.request.request_id, new, row.tokens))
        self.told = self.told or bool(pieces or ended)
        if ended:
            loop.log.flush()
            self._finished += [self._end_of(row) for row in ended]
        return pieces

    def _reason(self, row: _Row, token_id: int, going: bool) -> str | None:
        """Why a request ends with this token; None where it goes on."""
        if (withdrawn := row.request.withdrawn()) is not None:
            return withdrawn
        if row.text is not None and row.text.stopped:
            return STOP
        if token_id in self._ends and not going:
            return EOS
        return LENGTH if not going or row.tokens >= row.request.max_new_tokens else None

    def _end_of(self, row: _Row) -> Finished:
        request = row.request
        assert row.reason is not None, "only what has ended is told of"
        steps = tuple(self._events.steps.get(request.request_id, ()))
        text = row.text.text if row.text is not None else self._decoded([step.token_id for step in steps])
        prefill = self._events.prefills.get(request.request_id)
        return Finished(request.request_id, row.reason, self._started, prefill, steps, text, batch=len(self.requests))

    def _decoded(self, token_ids: list[int]) -> str:
        text: str = self._loaded.processor.decode(token_ids, skip_special_tokens=True)
        return text


def _end_tokens(generation: Any) -> frozenset[int]:
    ends = generation.eos_token_id
    return frozenset(ends if isinstance(ends, (list, tuple)) else [] if ends is None else [ends])
