"""The record of a sample: what is known before, or without, an answer, and all of it once it is answered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vreason.benchmarks import Sample
from vreason.clock import unix_ms
from vreason.evaluation.batch import LoadedSample
from vreason.evaluation.ema_peak import final_peak_token
from vreason.evaluation.failure_signatures import find_signatures
from vreason.evaluation.token_offsets import token_ends
from vreason.events import PrefillRecord, SampleRecord, StepRecord
from vreason.generation import BatchEvents
from vreason.scoring import extract_answer, score_sample, scored_text

if TYPE_CHECKING:
    from vreason.evaluation.evaluator import EvaluationConfig
    from vreason.models import LoadedModel


def _question_record(sample: Sample) -> SampleRecord:
    """The question alone."""
    return SampleRecord(
        sample_id=sample.sample_id,
        video=sample.video,
        question=sample.question,
        options=sample.options,
        problem_type=sample.problem_type,
        category=sample.category,
        benchmark=sample.benchmark,
        answer=sample.answer,
        metadata=json.dumps(dict(sample.metadata), ensure_ascii=False, default=str) if sample.metadata else "",
    )


def failed_record(loaded: LoadedSample, error: str | None) -> SampleRecord:
    """What is known of a sample without an answer; `error` says why there is none."""
    return replace(_question_record(loaded.sample), error=error, started_ms=unix_ms(), decode_video_ms=loaded.decode_ms)


def answered_record(
    loaded: LoadedSample,
    events: BatchEvents,
    started_ms: int,
    model: LoadedModel,
    config: EvaluationConfig,
    *,
    scored: bool = True,
    output: str | None = None,
    stopped: str | None = None,
) -> SampleRecord:
    """The record of an answered sample, without the memory and the machine's load.

    Args:
        loaded: the sample with its frames.
        events: prefill and steps, as they were told.
        started_ms: when `generate` was called, Unix time in milliseconds.
        model: decodes the reply.
        config: how it is scored, and what ends a reply.
        scored: False for a question whose answer nobody knows.
        output: the reply, where it is shorter than its tokens; None decodes them.
        stopped: why it ended; None where that was its end token or its limit.
    """
    sample, steps = loaded.sample, events.steps[loaded.sample.sample_id]
    prefill = events.prefills[sample.sample_id]
    token_ids = [step.token_id for step in steps]
    if output is None:
        output = str(model.processor.decode(token_ids, skip_special_tokens=True))
    extracted = extract_answer(output, config.scoring)
    stopped = stopped or ("eos" if steps[-1].token_id in _end_tokens(model, config) else "length")
    return replace(
        failed_record(loaded, None),
        output=output,
        prediction=extracted,
        score=score_sample(scored_text(output, config.scoring), sample, config.scoring) if scored else None,
        prompt_tokens=prefill.prompt_tokens,
        video_tokens=prefill.video_tokens,
        kept_video_tokens=prefill.kept_video_tokens,
        output_tokens=len(steps),
        peak_token=final_peak_token(steps),
        stopped=stopped,
        signatures=find_signatures(steps, model.vocabulary, stopped=stopped, parsed=extracted is not None),
        started_ms=started_ms,
        time_to_first_token_ms=float(steps[0].timestamp_ms - started_ms),
        generation_ms=float(steps[-1].timestamp_ms - started_ms),
        control_ms=sum(step.control_ms for step in steps),
        **_frames(loaded),
        token_ends=token_ends(model.processor, token_ids, output),
    )


def _frames(loaded: LoadedSample) -> dict[str, Any]:
    """What is recorded of the frames; nothing of a question without a video."""
    frames = loaded.frames
    if frames is None:
        return {}
    told = {"video_seconds": frames.duration, "video_reader": frames.reader, "uneven_seconds": frames.uneven_seconds}
    return {"frames": len(frames.indices), **told}


def _end_tokens(model: Any, config: Any) -> set[int]:
    """Token ids that end a reply."""
    ends = config.generation.get("eos_token_id", model.model.generation_config.eos_token_id)
    return set(ends) if isinstance(ends, list) else {ends}


def record_of_steps(
    sample: Sample,
    steps: Sequence[StepRecord],
    prefill: PrefillRecord | None,
    *,
    output: str | None = None,
    processor: Any = None,
    scoring: str | None = None,
    score: float | None = None,
    error: str | None = None,
    memory: tuple[int | None, str | None] = (None, None),
) -> SampleRecord:
    """The record of a sample that a loop of somebody's own generated: times count from the beginning of the prefill.

    Args:
        sample: the question.
        steps: all of its steps, in order; none of a sample that failed.
        prefill: as it was told.
        output: the reply; None decodes it with `processor`, and is "" without one.
        processor: of the model.
        scoring: profile by which the reply is scored; None takes `score`.
        score: 0 to 1; None for a sample that nobody scores.
        error: why there is no answer.
        memory: greatest memory in use, bytes, and its source.
    """
    token_ids = [step.token_id for step in steps]
    if output is None:
        output = processor.decode(token_ids, skip_special_tokens=True) if processor is not None and token_ids else ""
    extracted = extract_answer(output, scoring or "robust")
    if scoring is not None and error is None:
        score = score_sample(scored_text(output, scoring), sample, scoring)
    started = steps[0].timestamp_ms - int(steps[0].step_ms) if steps else unix_ms()
    ends = token_ends(processor, token_ids, output) if processor is not None and token_ids else ()
    return replace(
        _question_record(sample),
        output=output,
        prediction=extracted,
        score=None if error is not None else score,
        error=error,
        prompt_tokens=prefill.prompt_tokens if prefill else 0,
        video_tokens=prefill.video_tokens if prefill else 0,
        kept_video_tokens=prefill.kept_video_tokens if prefill else 0,
        output_tokens=len(steps),
        peak_token=final_peak_token(steps),
        started_ms=started,
        time_to_first_token_ms=float(steps[0].timestamp_ms - started) if steps else None,
        generation_ms=float(steps[-1].timestamp_ms - started) if steps else None,
        control_ms=sum(step.control_ms for step in steps) if steps else None,
        peak_memory_bytes=memory[0],
        memory_source=memory[1],
        token_ends=ends,
    )
