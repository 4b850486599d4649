"""What a run tells its listeners: one record a token, one a sample. Plain Python values, no torch type.

The method emits; whoever records, draws or prints is an observer. A failing observer never stops a run and never hides: `ObserverGuard`
warns once, counts, and keeps the count for the end.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One generated token of one sample. Without a controller its fields are None, so that entropy curves compare.

    Attributes:
        sample_id: the sample, as named by the caller.
        token_index: t, from 0; token 0 is read from the prefill's last position.
        token_id: the token drawn at t.
        entropy: H_t over the whole vocabulary from the raw logits, nats.
        ema: moving average of H, nats, this token included.
        peak: running maximum of `ema`, nats, this token included.
        alpha: +1 explore (raise entropy) where ema >= peak, else -1 exploit.
        loss: L_switch = -alpha * H_t at an update, nats; None elsewhere.
        delta_v_norm: ||dV|| after this token's update, L2 over the row.
        grad_norm: L2 norm of the row's gradient before the clip; None where there was no update.
        value_cosine: mean cosine between V_new and V_L over the video tokens, after this token's update.
        updated: whether dV was stepped at this token.
        device_memory_bytes: the newest sample of the memory in use, bytes; None without a reader.
        memory_source: where it comes from ("nvml:process", "nvml:device" or "rss").
        timestamp_ms: when the token was drawn, Unix time in milliseconds.
        forward_ms: time of the forward pass; the prefill's at t = 0.
        control_ms: time of entropy, loss, backward pass and step.
    """

    sample_id: str
    token_index: int
    token_id: int
    entropy: float
    ema: float
    peak: float
    alpha: int
    loss: float | None
    delta_v_norm: float | None
    grad_norm: float | None
    value_cosine: float | None
    updated: bool
    device_memory_bytes: int | None
    memory_source: str | None
    timestamp_ms: int
    forward_ms: float
    control_ms: float

    @property
    def phase(self) -> str:
        """ "explore" or "exploit", the reading of `alpha`."""
        return "explore" if self.alpha > 0 else "exploit"

    @property
    def step_ms(self) -> float:
        """Whole duration of the step, milliseconds."""
        return self.forward_ms + self.control_ms


@dataclass(frozen=True, slots=True)
class PrefillRecord:
    """A sample's prompt is read and its first token is about to come.

    Attributes:
        sample_id: the sample.
        prompt_tokens: tokens of the prompt, padding not counted.
        video_tokens: those of them that stand for video.
        kept_video_tokens: video tokens left in the cache after Lite.
    """

    sample_id: str
    prompt_tokens: int
    video_tokens: int
    kept_video_tokens: int


@dataclass(frozen=True, slots=True)
class SampleRecord:
    """One question answered, or failed.

    Attributes:
        sample_id: unique within the run.
        video: the file's path as the data set gives it.
        question, options, problem_type, category: the problem.
        answer: the expected answer.
        output: the model's whole reply; "" when the sample failed.
        prediction: the answer extracted from `output`; None when none could be.
        score: 0 to 1 (regression: mean relative accuracy); None when the sample failed.
        error: the failure in words, naming file and reason; None when there was none.
        prompt_tokens, video_tokens, output_tokens: counts.
        kept_video_tokens: video tokens left in the cache (Lite drops some).
        peak_token: token index of the final EMA peak, where macro-exploitation begins.
        stopped: "eos" or "length".
        signatures: names of the failure signatures found (see `vreason.evaluation.failure_signatures`).
        started_ms: Unix time, milliseconds.
        decode_video_ms, time_to_first_token_ms, generation_ms: durations; generation includes the first token.
        control_ms: part of the generation spent on control.
        peak_memory_bytes, memory_source: greatest memory in use seen while the sample ran, by a sampler that may miss what is short; also
            of a sample that ran out of memory. Samples of a batch share it.
        peak_allocated_bytes: greatest memory of tensors while the sample ran, exact, one entry a CUDA device in torch's order; empty
            without CUDA.
        peak_reserved_bytes: the same of the memory that torch's allocator held, what it kept from earlier samples included.
        frames: number of frames shown.
        video_seconds: the clip's duration.
        benchmark: the benchmark that the question belongs to; "" when it is not known.
        token_ends: characters of `output` that are there once each token is decoded, so that `output[ends[i - 1]:ends[i]]` is the text of
            token i; empty when the sample failed, or the tokenizer does not tell (see `vreason.evaluation.token_offsets`).
    """

    sample_id: str
    video: str
    question: str
    options: tuple[str, ...]
    problem_type: str
    category: str
    answer: str
    output: str = ""
    prediction: str | None = None
    score: float | None = None
    error: str | None = None
    prompt_tokens: int = 0
    video_tokens: int = 0
    kept_video_tokens: int = 0
    output_tokens: int = 0
    peak_token: int | None = None
    stopped: str | None = None
    signatures: tuple[str, ...] = ()
    started_ms: int = 0
    decode_video_ms: float = 0.0
    time_to_first_token_ms: float | None = None
    generation_ms: float | None = None
    control_ms: float | None = None
    peak_memory_bytes: int | None = None
    memory_source: str | None = None
    peak_allocated_bytes: tuple[int, ...] = ()
    peak_reserved_bytes: tuple[int, ...] = ()
    frames: int = 0
    video_seconds: float | None = None
    benchmark: str = ""
    token_ends: tuple[int, ...] = ()

    @property
    def correct(self) -> bool | None:
        """Whether the score is full marks; None when the sample failed."""
        return None if self.score is None else self.score >= 1.0

    @property
    def ms_per_token(self) -> float | None:
        """Mean time of a token after the first, milliseconds."""
        if self.generation_ms is None or self.time_to_first_token_ms is None or self.output_tokens < 2:
            return None
        return (self.generation_ms - self.time_to_first_token_ms) / (self.output_tokens - 1)


@runtime_checkable
class DecodeObserver(Protocol):
    """A listener: `on_prefill` before a sample's first token, `on_steps` in blocks while it is decoded, `on_sample` at its end.

    A sample may begin anew, with `on_prefill` and token 0: its batch ran out of memory, and it is asked again alone. What was told of it
    before is then void.

    An observer may leave methods out.
    """

    def on_prefill(self, prefill: PrefillRecord) -> None:
        """A sample's prompt has been read."""

    def on_steps(self, steps: Sequence[StepRecord]) -> None:
        """A block of steps; a sample's steps come in order, samples of a batch side by side."""

    def on_sample(self, sample: SampleRecord) -> None:
        """A sample is finished; all its steps have been told."""


MemoryReader = Callable[[], tuple[int, str] | None]
"""Returns the newest sample of the memory in use (bytes, source) without waiting, or None when there is none yet."""


class MemoryMeter(Protocol):
    """Samples the memory in use from a thread of its own; nothing here waits."""

    def latest(self) -> tuple[int, str] | None:
        """The newest sample: bytes and where they come from. A `MemoryReader`."""
        ...

    def reset_peak(self) -> None:
        """Begin a new window."""
        ...

    def peak(self) -> tuple[int, str] | None:
        """The greatest sample since `reset_peak`, the newest included; where the source changed, of the best one among them."""
        ...


@dataclass
class ObserverGuard:
    """Passes events on to observers and survives their failures."""

    observers: Sequence[Any] = ()
    failures: dict[str, int] = field(default_factory=dict)

    def prefill(self, prefill: PrefillRecord) -> None:
        """Tell every observer that listens for prompts."""
        self._tell("on_prefill", prefill)

    def steps(self, steps: Sequence[StepRecord]) -> None:
        """Tell every observer that listens for steps."""
        self._tell("on_steps", steps)

    def sample(self, sample: SampleRecord) -> None:
        """Tell every observer that listens for samples."""
        self._tell("on_sample", sample)

    def _tell(self, method: str, event: object) -> None:
        for observer in self.observers:
            listen = getattr(observer, method, None)
            if listen is None:
                continue
            try:
                listen(event)
            except Exception as error:  # a listener's fault is not the run's
                name = type(observer).__name__
                if name not in self.failures:
                    warnings.warn(f"observer {name} failed: {error!r}; the run goes on without its part", RuntimeWarning, stacklevel=3)
                self.failures[name] = self.failures.get(name, 0) + 1
