"""The record of a sample: what is known before, or without, an answer, and all of it once it is answered."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vreason.clock import unix_ms
from vreason.evaluation.batch import LoadedSample
from vreason.evaluation.ema_peak import final_peak_token
from vreason.evaluation.failure_signatures import find_signatures
from vreason.evaluation.relay import BatchEvents
from vreason.evaluation.token_offsets import token_ends
from vreason.events import SampleRecord
from vreason.scoring import extract_answer, score_sample

if TYPE_CHECKING:
    from vreason.evaluation.evaluator import EvaluationConfig
    from vreason.models import LoadedModel


def failed_record(loaded: LoadedSample, error: str | None) -> SampleRecord:
    """What is known of a sample without an answer; `error` says why there is none."""
    sample = loaded.sample
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
        decode_video_ms=loaded.decode_ms,
    )


def answered_record(
    loaded: LoadedSample, events: BatchEvents, started_ms: int, model: LoadedModel, config: EvaluationConfig
) -> SampleRecord:
    """The record of an answered sample, without the memory and the machine's load.

    Args:
        loaded: the sample with its frames.
        events: prefill and steps, as they were told.
        started_ms: when `generate` was called, Unix time in milliseconds.
        model: decodes the reply.
        config: how it is scored, and what ends a reply.
    """
    assert loaded.frames is not None, "a sample without frames is not answered"
    sample, steps = loaded.sample, events.steps[loaded.sample.sample_id]
    prefill = events.prefills[sample.sample_id]
    token_ids = [step.token_id for step in steps]
    output: str = model.processor.decode(token_ids, skip_special_tokens=True)
    extracted = extract_answer(output)
    stopped = "eos" if steps[-1].token_id in _end_tokens(model, config) else "length"
    return replace(
        failed_record(loaded, None),
        output=output,
        prediction=extracted,
        score=score_sample(extracted or output, sample, config.scoring),
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
        frames=len(loaded.frames.indices),
        video_seconds=loaded.frames.duration,
        token_ends=token_ends(model.processor, token_ids, output),
    )


def _end_tokens(model: Any, config: Any) -> set[int]:
    """Token ids that end a reply."""
    ends = config.generation.get("eos_token_id", model.model.generation_config.eos_token_id)
    return set(ends) if isinstance(ends, list) else {ends}
