"""What a run tells its listeners: one record a token, one a sample. Plain Python values, no torch type, loads without torch.

The fields of `StepRecord` and `SampleRecord` are the columns of the record. Each column says in which version of the record it came
(`Since`; without one, in the first), so that a record of any earlier version can be read: a column that came later has a default.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True)
class Since:
    """The version of the record in which a column came."""

    version: int


RECORD_VERSION = 6
"""The version of the record that is written: 1 the first; 2 peaks of torch's allocator; 3 benchmark and token ends; 4 conditions of
measuring."""


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
        score: 0 to 1 (regression: mean relative accuracy); None when the sample failed, or nobody scored it.
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
        rotation_place: where its variant stood, from 0, in the order in which the variants answered this batch; None where variants ran one
            after another.
        other_load: share of the machine's processor time, 0 to 1, that other programs used while the sample ran; None where the system does
            not tell. Samples of a batch share it.
        cpu_steal: share of it that the hypervisor gave to other machines.
        video_reader: what read the frames, "decord" or "pyav"; "" when none were.
        uneven_seconds: greatest distance between when a frame is shown and when it would be if the frames shown were evenly spaced: what a
            model that is told one interval a clip (Qwen2.5-VL) hears wrongly. Qwen3-VL is told every time.
        metadata: what else the data file has of the question, a JSON object; "" when nothing.
        energy_joules: what the boards of the process's GPUs drew while the sample ran, whoever used them; None where a GPU does not count
            it, and without one. Samples of a batch share it evenly.
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
    peak_allocated_bytes: Annotated[tuple[int, ...], Since(2)] = ()
    peak_reserved_bytes: Annotated[tuple[int, ...], Since(2)] = ()
    frames: int = 0
    video_seconds: float | None = None
    benchmark: Annotated[str, Since(3)] = ""
    token_ends: Annotated[tuple[int, ...], Since(3)] = ()
    rotation_place: Annotated[int | None, Since(4)] = None
    other_load: Annotated[float | None, Since(4)] = None
    cpu_steal: Annotated[float | None, Since(4)] = None
    video_reader: Annotated[str, Since(5)] = ""
    uneven_seconds: Annotated[float | None, Since(5)] = None
    metadata: Annotated[str, Since(5)] = ""
    energy_joules: Annotated[float | None, Since(6)] = None

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
