"""A sample's way through the method: frames, prompt, generation, answer, score. One `SampleRecord` a sample.

An unreadable video, frames that the processor refuses and a lack of memory become that sample's error; any other exception ends the run.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch

from vreason.answers import extract_answer
from vreason.benchmarks import Sample
from vreason.config import VReasonConfig
from vreason.decoding import decode
from vreason.errors import VideoError, VReasonError
from vreason.events import MemoryMeter, ObserverGuard, PrefillRecord, SampleRecord, StepRecord
from vreason.loading import LoadedModel
from vreason.prompts import PromptTemplate
from vreason.scoring import Profile, score
from vreason.signatures import ADVICE, find_signatures, peak_token
from vreason.video import VideoConfig, VideoFrames, read_video

OUT_OF_MEMORY = "out-of-memory"


@dataclass(frozen=True)
class EvaluationConfig:
    """Everything but the model and the samples. `generation` are keywords of `generate`."""

    method: VReasonConfig
    prompt: PromptTemplate
    video: VideoConfig
    generation: dict[str, Any]
    scoring: Profile = "robust"
    batch_size: int = 1
    seed: int = 0


@dataclass
class _Listener:
    """Collects one batch's events by sample."""

    prefills: dict[str, PrefillRecord] = field(default_factory=dict)
    steps: dict[str, list[StepRecord]] = field(default_factory=dict)

    def on_prefill(self, prefill: PrefillRecord) -> None:
        self.prefills[prefill.sample_id] = prefill

    def on_steps(self, steps: Sequence[StepRecord]) -> None:
        for step in steps:
            self.steps.setdefault(step.sample_id, []).append(step)


@dataclass(frozen=True)
class _Clip:
    """A sample with its frames, or with the reason why there are none."""

    sample: Sample
    frames: VideoFrames | None
    error: str | None
    decode_ms: float


class Evaluation:
    """Runs samples through a loaded model with one configured method.

    Args:
        loaded: the model.
        config: method, prompt, video, generation and scoring.
        observers: told of every step and every sample.
        meter: samples the memory in use; None leaves memory out of the records.
    """

    def __init__(
        self, loaded: LoadedModel, config: EvaluationConfig, observers: Sequence[Any] = (), meter: MemoryMeter | None = None
    ) -> None:
        self.loaded, self.config, self.meter = loaded, config, meter
        self.guard = ObserverGuard(tuple(observers))

    def run(self, samples: Sequence[Sample]) -> Iterator[SampleRecord]:
        """Yield a record a sample, in order. The next batch's frames are decoded while the current one is generated."""
        size = self.config.batch_size
        batches = [samples[start : start + size] for start in range(0, len(samples), size)]
        with ThreadPoolExecutor(1, thread_name_prefix="video") as ahead:
            waiting: Future[list[_Clip]] | None = ahead.submit(self._read, batches[0]) if batches else None
            for number in range(len(batches)):
                assert waiting is not None
                clips = waiting.result()
                waiting = ahead.submit(self._read, batches[number + 1]) if number + 1 < len(batches) else None
                for record in self._answer(clips):
                    self.guard.sample(record)
                    yield record

    def _read(self, samples: Sequence[Sample]) -> list[_Clip]:
        clips = []
        for sample in samples:
            start = time.perf_counter()
            frames, error = None, None
            try:
                frames = read_video(sample.video, self.config.video)
            except VideoError as fault:
                error = str(fault)
            except MemoryError:
                error = f"{sample.video}: not enough memory for its frames; {ADVICE[OUT_OF_MEMORY]}"
            clips.append(_Clip(sample, frames, error, (time.perf_counter() - start) * 1000))
        return clips

    def _answer(self, clips: Sequence[_Clip]) -> list[SampleRecord]:
        """Records of a batch, in its order; unreadable videos and a lack of memory become their samples' errors."""
        readable = [clip for clip in clips if clip.frames is not None]
        answered = {record.sample_id: record for record in self._generate_safely(readable)}
        return [answered.get(clip.sample.sample_id) or _failed(clip, clip.error or "") for clip in clips]

    def _generate_safely(self, clips: Sequence[_Clip]) -> list[SampleRecord]:
        if not clips:
            return []
        try:
            return self._generate(clips)
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if not _is_out_of_memory(error):
                raise
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if len(clips) > 1:  # what does not fit together may fit alone
            return [record for clip in clips for record in self._generate_safely([clip])]
        return [replace(_failed(clips[0], f"out of memory: {ADVICE[OUT_OF_MEMORY]}"), signatures=(OUT_OF_MEMORY,))]

    def _generate(self, clips: Sequence[_Clip]) -> list[SampleRecord]:
        inputs, failed = self._inputs(clips)
        if inputs is None:
            return failed
        names = [clip.sample.sample_id for clip in clips]
        listener, forward = _Listener(), _Forward(self.guard, held_back=len(clips) > 1)
        if self.meter is not None:
            self.meter.reset_peak()
        torch.manual_seed(_seed(self.config.seed, names[0]))
        started = time.time() * 1000
        self.loaded.model.generate(
            **inputs.to(self.loaded.model.device),
            custom_generate=decode,
            vreason=self.config.method,
            observers=[listener, forward],
            sample_ids=names,
            memory=self.meter.latest if self.meter is not None else None,
            **self.config.generation,
        )
        forward.release()
        peak = self.meter.peak() if self.meter is not None else None
        return [self._record(clip, listener, started, peak) for clip in clips]

    def _inputs(self, clips: Sequence[_Clip]) -> tuple[Any, list[SampleRecord]]:
        """Model inputs of the batch; a sample that the processor refuses fails alone, the others are then asked one by one."""
        config, processor, adapter = self.config, self.loaded.processor, self.loaded.adapter
        turns = []
        for clip in clips:
            text = config.prompt.render(clip.sample.question, clip.sample.options, clip.sample.problem_type)
            chat = processor.apply_chat_template(adapter.messages(text, 1), tokenize=False, add_generation_prompt=True)
            turns.append((chat, [clip.frames] if clip.frames is not None else []))
        try:
            return adapter.inputs(processor, turns, (config.video.min_pixels, config.video.max_pixels)), []
        except (ValueError, VReasonError) as error:
            if len(clips) > 1:
                return None, [record for clip in clips for record in self._generate_safely([clip])]
            reason = f"{clips[0].sample.video}: the processor refuses its frames ({error}); check size and shape of the clip"
            return None, [_failed(clips[0], reason)]

    def _record(self, clip: _Clip, listener: _Listener, started: float, peak: tuple[int, str] | None) -> SampleRecord:
        sample, steps = clip.sample, listener.steps[clip.sample.sample_id]
        prefill = listener.prefills[sample.sample_id]
        assert clip.frames is not None
        output = self.loaded.processor.decode([step.token_id for step in steps], skip_special_tokens=True)
        extracted = extract_answer(output)
        stopped = "eos" if steps[-1].token_id in self._ends() else "length"
        return replace(
            _failed(clip, None),
            output=output,
            prediction=extracted,
            score=score(extracted or output, sample.answer, sample.problem_type, sample.options, self.config.scoring),
            prompt_tokens=prefill.prompt_tokens,
            video_tokens=prefill.video_tokens,
            kept_video_tokens=prefill.kept_video_tokens,
            output_tokens=len(steps),
            peak_token=peak_token(steps),
            stopped=stopped,
            signatures=find_signatures(steps, self.loaded.vocabulary, stopped=stopped, parsed=extracted is not None),
            started_ms=int(started),
            time_to_first_token_ms=steps[0].timestamp_ms - started,
            generation_ms=steps[-1].timestamp_ms - started,
            control_ms=sum(step.control_ms for step in steps),
            peak_memory_bytes=peak[0] if peak else None,
            memory_source=peak[1] if peak else None,
            frames=len(clip.frames.indices),
            video_seconds=clip.frames.duration,
        )

    def _ends(self) -> set[int]:
        """Token ids that end a reply."""
        ends = self.config.generation.get("eos_token_id", self.loaded.model.generation_config.eos_token_id)
        return set(ends) if isinstance(ends, list) else {ends}


@dataclass
class _Forward:
    """Hands the loop's events on to the evaluation's own guard, so that failures are counted over the whole run.

    A batch's events are held back until it is done: one that runs out of memory is asked again, one by one, and nobody shall hear of a
    token twice.
    """

    guard: ObserverGuard
    held_back: bool
    _kept: list[Callable[[], None]] = field(default_factory=list)

    def on_prefill(self, prefill: PrefillRecord) -> None:
        self._tell(partial(self.guard.prefill, prefill))

    def on_steps(self, steps: Sequence[StepRecord]) -> None:
        self._tell(partial(self.guard.steps, steps))

    def release(self) -> None:
        """The batch is done: tell what was held back."""
        for tell in self._kept:
            tell()
        self._kept.clear()

    def _tell(self, tell: Callable[[], None]) -> None:
        if self.held_back:
            self._kept.append(tell)
        else:
            tell()


def _failed(clip: _Clip, error: str | None) -> SampleRecord:
    """What is known of a sample before, or without, an answer."""
    sample = clip.sample
    return SampleRecord(
        sample_id=sample.sample_id,
        video=sample.video,
        question=sample.question,
        options=sample.options,
        problem_type=sample.problem_type,
        category=sample.category,
        answer=sample.answer,
        error=error,
        started_ms=int(time.time() * 1000),
        decode_video_ms=clip.decode_ms,
    )


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return any(words in str(error).lower() for words in ("out of memory", "can't allocate memory", "not enough memory"))


def _seed(seed: int, sample_id: str) -> int:
    """Seed of one sample, the same whatever was run before it."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{sample_id}".encode()).digest()[:7], "big")
