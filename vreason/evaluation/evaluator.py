"""A sample's way through the method: frames, prompt, generation, answer, score. One `SampleRecord` a sample.

An unreadable video, frames that the processor refuses and a lack of memory become that sample's error; any other exception ends the run.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import torch

from vreason.benchmarks import Sample
from vreason.clock import unix_ms
from vreason.config import VReasonConfig
from vreason.errors import DataError, VideoError, VReasonError
from vreason.evaluation.cuda_memory import CudaPeaks
from vreason.evaluation.failure_signatures import ADVICE, find_signatures, peak_token
from vreason.evaluation.relay import BatchEvents, RelayObserver
from vreason.evaluation.token_offsets import token_ends
from vreason.events import MemoryMeter, ObserverGuard, SampleRecord
from vreason.generation import decode
from vreason.models import LoadedModel
from vreason.prompts import PromptTemplate
from vreason.scoring import Profile, extract_answer, score
from vreason.video import VideoConfig, VideoFrames, read_video

_log = logging.getLogger(__name__)

OUT_OF_MEMORY = "out-of-memory"
_SHOWN = 10  # repeated ids named in an error; the rest is counted


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


@dataclass(frozen=True)
class LoadedSample:
    """A sample with its frames, or with the reason why there are none; `done`: in its batch for company, nothing is told of it."""

    sample: Sample
    done: bool
    frames: VideoFrames | None
    error: str | None
    decode_ms: float


class Evaluation:
    """Runs samples through a loaded model with one configured method.

    Args:
        loaded: the model.
        config: method, prompt, video, generation and scoring.
        observers: told of every step and every sample.
        meter: samples the memory in use; None leaves it out of the records. The peaks of torch's CUDA allocator stand in them anyway.
    """

    def __init__(
        self, loaded: LoadedModel, config: EvaluationConfig, observers: Sequence[Any] = (), meter: MemoryMeter | None = None
    ) -> None:
        self.loaded, self.config, self.meter = loaded, config, meter
        self.guard, self._cuda = ObserverGuard(tuple(observers)), CudaPeaks()

    def run(self, samples: Sequence[Sample], done: Collection[str] = ()) -> Iterator[SampleRecord]:
        """Yield a record a sample, in order. The next batch's frames are decoded while the current one is generated.

        Args:
            samples: the whole list, also when part of it is done: batches are cut from it as ever, since a padded row's last digits may
                depend on its neighbours. What is told of a sample is then the same in one go or after an interruption.
            done: ids of samples that are answered already. Nothing is told of them; a batch of none but such is not even read, in any other
                they are generated again for company. Ids of no sample are ignored.

        Raises:
            DataError: two samples have the same id.
        """
        _refuse_doubles(samples)
        size, done = self.config.batch_size, frozenset(done)
        whole = [samples[start : start + size] for start in range(0, len(samples), size)]
        batches = [batch for batch in whole if any(sample.sample_id not in done for sample in batch)]
        with ThreadPoolExecutor(1, thread_name_prefix="video") as ahead:
            waiting: Future[list[LoadedSample]] | None = ahead.submit(self._read, batches[0], done) if batches else None
            for number in range(len(batches)):
                assert waiting is not None
                clips = waiting.result()
                waiting = ahead.submit(self._read, batches[number + 1], done) if number + 1 < len(batches) else None
                for record in self._answer(clips):
                    outcome = (
                        record.error or f"score {record.score}, {record.output_tokens} tokens, {record.generation_ms} ms, {record.stopped}"
                    )
                    _log.debug("sample %s finished: %s", record.sample_id, outcome)
                    self.guard.sample(record)
                    yield record

    def _read(self, samples: Sequence[Sample], done: Collection[str]) -> list[LoadedSample]:
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
            clips.append(LoadedSample(sample, sample.sample_id in done, frames, error, (time.perf_counter() - start) * 1000))
        return clips

    def _answer(self, clips: Sequence[LoadedSample]) -> list[SampleRecord]:
        """Records of what a batch has left to do, in its order; unreadable videos and a lack of memory become their samples' errors."""
        readable = [clip for clip in clips if clip.frames is not None]
        answered = {record.sample_id: record for record in self._generate_safely(readable)}
        return [answered.get(clip.sample.sample_id) or _failed(clip, clip.error or "") for clip in clips if not clip.done]

    def _generate_safely(self, clips: Sequence[LoadedSample]) -> list[SampleRecord]:
        if not clips:
            return []
        self._reset_memory()
        try:
            return self._generate(clips)
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if not _is_out_of_memory(error):
                raise
            names = ", ".join(clip.sample.sample_id for clip in clips)
            _log.warning("out of memory: %s; %s", names, "asked one by one" if len(clips) > 1 else "recorded as failed")
        memory = self._memory()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if len(clips) > 1:  # what does not fit together may fit alone
            return self._one_by_one(clips)
        return [replace(_failed(clips[0], f"out of memory: {ADVICE[OUT_OF_MEMORY]}"), signatures=(OUT_OF_MEMORY,), **memory)]

    def _one_by_one(self, clips: Sequence[LoadedSample]) -> list[SampleRecord]:
        """Each alone, but for those that are done: nobody needs their company any more."""
        return [record for clip in clips if not clip.done for record in self._generate_safely([clip])]

    def _generate(self, clips: Sequence[LoadedSample]) -> list[SampleRecord]:
        inputs, failed = self._inputs(clips)
        if inputs is None:
            return failed
        names = [clip.sample.sample_id for clip in clips]
        done = {clip.sample.sample_id for clip in clips if clip.done}
        listener, forward = BatchEvents(), RelayObserver(self.guard, done)
        started = unix_ms()
        self.loaded.model.generate(
            **inputs.to(self.loaded.model.device),
            custom_generate=decode,
            vreason=self.config.method,
            observers=[listener, forward],
            sample_ids=names,
            row_seeds=[_seed(self.config.seed, name) for name in names],
            memory=self.meter.latest if self.meter is not None else None,
            **self.config.generation,
        )
        memory = self._memory()
        return [replace(self._record(clip, listener, started), **memory) for clip in clips if not clip.done]

    def _reset_memory(self) -> None:
        """A sample, or a batch of them, begins."""
        self._cuda.reset()
        if self.meter is not None:
            self.meter.reset_peak()

    def _memory(self) -> dict[str, Any]:
        """The memory of a record: peaks since the sample, or its batch, began."""
        used, source = (self.meter.peak() if self.meter is not None else None) or (None, None)
        peaks = {"peak_allocated_bytes": self._cuda.allocated(), "peak_reserved_bytes": self._cuda.reserved()}
        return {"peak_memory_bytes": used, "memory_source": source, **peaks}

    def _inputs(self, clips: Sequence[LoadedSample]) -> tuple[Any, list[SampleRecord]]:
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
                return None, self._one_by_one(clips)
            reason = f"{clips[0].sample.video}: the processor refuses its frames ({error}); check size and shape of the clip"
            return None, [_failed(clips[0], reason)]

    def _record(self, clip: LoadedSample, listener: BatchEvents, started: int) -> SampleRecord:
        sample, steps = clip.sample, listener.steps[clip.sample.sample_id]
        prefill = listener.prefills[sample.sample_id]
        assert clip.frames is not None
        token_ids = [step.token_id for step in steps]
        output = self.loaded.processor.decode(token_ids, skip_special_tokens=True)
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
            started_ms=started,
            time_to_first_token_ms=float(steps[0].timestamp_ms - started),
            generation_ms=float(steps[-1].timestamp_ms - started),
            control_ms=sum(step.control_ms for step in steps),
            frames=len(clip.frames.indices),
            video_seconds=clip.frames.duration,
            token_ends=token_ends(self.loaded.processor, token_ids, output),
        )

    def _ends(self) -> set[int]:
        """Token ids that end a reply."""
        ends = self.config.generation.get("eos_token_id", self.loaded.model.generation_config.eos_token_id)
        return set(ends) if isinstance(ends, list) else {ends}


def _failed(clip: LoadedSample, error: str | None) -> SampleRecord:
    """What is known of a sample before, or without, an answer."""
    sample = clip.sample
    return SampleRecord(
        sample_id=sample.sample_id,
        video=sample.video,
        question=sample.question,
        options=sample.options,
        problem_type=sample.problem_type,
        category=sample.category,
        benchmark=sample.benchmark,
        answer=sample.answer,
        error=error,
        started_ms=unix_ms(),
        decode_video_ms=clip.decode_ms,
    )


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return any(words in str(error).lower() for words in ("out of memory", "can't allocate memory", "not enough memory"))


def _refuse_doubles(samples: Sequence[Sample]) -> None:
    """A record is found by its sample's id, so two samples may not share one."""
    counts = Counter(sample.sample_id for sample in samples)
    if doubled := [f"{name!r} ({count} times)" for name, count in counts.items() if count > 1]:
        more = f" and {len(doubled) - _SHOWN} more" if len(doubled) > _SHOWN else ""
        raise DataError(f"sample ids must differ, but these are repeated: {', '.join(doubled[:_SHOWN])}{more}; give each sample its own")


def _seed(seed: int, sample_id: str) -> int:
    """Seed of one sample's draws, the same whatever is run before, beside or after it."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{sample_id}".encode()).digest()[:7], "big")
